# Generated from the option table of aimax-ask; do not edit.

complete -c aimax-ask -f
complete -c aimax-ask -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-ask -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-ask -s p -l prompt -d 'The prompt' -x
complete -c aimax-ask -s f -l prompt-file -d 'Read the prompt from a file; `-` is stdin' -r -F
complete -c aimax-ask -s m -l model -d 'The model' -x
complete -c aimax-ask -l attach -d 'Send this image with the prompt' -r -F
complete -c aimax-ask -l cwd -d 'The folder to work in' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c aimax-ask -l explain -d 'Print each step to stderr with its time'
complete -c aimax-ask -l flag-root -d 'The folder for the flags' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c aimax-ask -l json -d 'Print one JSON document'
complete -c aimax-ask -l keep -d 'Keep the session made for the question'
complete -c aimax-ask -l once -d 'Deliver only once for this key' -x
complete -c aimax-ask -l strip-control -d 'Remove control characters'
complete -c aimax-ask -l timeout -d 'Give up after this long' -x
complete -c aimax-ask -l use-proxy -d 'Whether to use the proxy' -x -a 'true false'
complete -c aimax-ask -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-ask -s V -l version -d 'Show the version'
