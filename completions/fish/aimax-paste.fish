# Generated from the option table of aimax-paste; do not edit.

complete -c aimax-paste -f
complete -c aimax-paste -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-paste -s b -l backend -d 'The agent\'s backend' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-paste -s p -l prompt -d 'The prompt' -x
complete -c aimax-paste -s f -l prompt-file -d 'A file that holds the prompt; `-` is stdin' -r -F
complete -c aimax-paste -l strip-control -d 'Leave control characters out'
complete -c aimax-paste -l done -d 'What ends the job: the `turn`, or the `agent`' -x -a 'turn agent'
complete -c aimax-paste -l once -d 'Deliver once under this key' -x
complete -c aimax-paste -l attach -d 'An image that comes with the prompt' -r -F
complete -c aimax-paste -l command -d 'The prompt is the agent\'s own command'
complete -c aimax-paste -l when -d '`now`, when it is `idle`, or after a `reset`' -x -a 'now idle reset'
complete -c aimax-paste -l interrupt -d 'Stop the present turn first'
complete -c aimax-paste -l replace-draft -d 'Clear somebody\'s draft first'
complete -c aimax-paste -l wait-ready -d 'Wait this long for what forbids typing' -x
complete -c aimax-paste -l answer -d 'Press this key in the open dialog' -x
complete -c aimax-paste -l expect -d 'The dialog that must be open' -x
complete -c aimax-paste -l lock-wait -d 'Wait this long for other programs' -x
complete -c aimax-paste -l timeout -d 'Give up after this long' -x
complete -c aimax-paste -l explain -d 'Say each step on stderr, with its time'
complete -c aimax-paste -s h -l help -d 'Show help; `--help` shows all of it'
complete -c aimax-paste -s V -l version -d 'Show the version'
complete -c aimax-paste -a '(aimax-ls --names 2>/dev/null)'
