# Generated from the option table of aimax-send; do not edit.

complete -c aimax-send -f
complete -c aimax-send -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-send -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-send -s p -l prompt -d 'The prompt' -x
complete -c aimax-send -s f -l prompt-file -d 'Read the prompt from a file; `-` is stdin' -r -F
complete -c aimax-send -s m -l model -d 'The model' -x
complete -c aimax-send -l agent-session-id -d 'The same as `--resume`' -x -a '(aimax-ls --all --ids 2>/dev/null)'
complete -c aimax-send -l attach -d 'Send this image with the prompt' -r -F
complete -c aimax-send -l cwd -d 'The folder to work in' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c aimax-send -l display-name -d 'A label for people' -x
complete -c aimax-send -l flag-root -d 'The folder for the flags' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c aimax-send -l json -d 'Print one JSON document'
complete -c aimax-send -l resume -d 'Resume this conversation' -x -a '(aimax-ls --all --ids 2>/dev/null)'
complete -c aimax-send -l use-proxy -d 'Whether to use the proxy' -x -a 'true false'
complete -c aimax-send -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-send -s V -l version -d 'Show the version'
complete -c aimax-send -a '(aimax-ls --names 2>/dev/null)'
