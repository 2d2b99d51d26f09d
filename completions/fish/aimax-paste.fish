# Generated from the option table of aimax-paste; do not edit.

complete -c aimax-paste -f
complete -c aimax-paste -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-paste -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-paste -s p -l prompt -d 'The prompt' -x
complete -c aimax-paste -s f -l prompt-file -d 'Read the prompt from a file; `-` is stdin' -r -F
complete -c aimax-paste -l answer -d 'Answer the open dialog with this choice or key' -x
complete -c aimax-paste -l attach -d 'Send this image with the prompt' -r -F
complete -c aimax-paste -l command -d 'The prompt is a command of the agent'
complete -c aimax-paste -l done -d 'What ends the job: the `turn`, or the `agent`' -x -a 'turn agent'
complete -c aimax-paste -l expect -d 'The dialog that must be open for the answer' -x
complete -c aimax-paste -l explain -d 'Print each step to stderr with its time'
complete -c aimax-paste -l interrupt -d 'Stop the current turn first'
complete -c aimax-paste -l lock-wait -d 'How long to wait for other programs' -x
complete -c aimax-paste -l once -d 'Deliver only once for this key' -x
complete -c aimax-paste -l replace-draft -d 'Clear a draft from the input box first'
complete -c aimax-paste -l strip-control -d 'Remove control characters'
complete -c aimax-paste -l timeout -d 'Give up after this long' -x
complete -c aimax-paste -l wait-ready -d 'How long to wait for obstacles to go away' -x
complete -c aimax-paste -l when -d '`now`, when it is `idle`, or after a `reset`' -x -a 'now idle reset'
complete -c aimax-paste -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-paste -s V -l version -d 'Show the version'
complete -c aimax-paste -a '(aimax-ls --names 2>/dev/null)'
