# Generated from the option table of aimax-create; do not edit.

complete -c aimax-create -f
complete -c aimax-create -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-create -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-create -s p -l prompt -d 'The prompt' -x
complete -c aimax-create -s f -l prompt-file -d 'Read the prompt from a file; `-` is stdin' -r -F
complete -c aimax-create -s m -l model -d 'The model' -x
complete -c aimax-create -l agent-session-id -d 'The same as `--resume`' -x -a '(aimax-ls --all --ids 2>/dev/null)'
complete -c aimax-create -l attach -d 'Send this image with the prompt' -r -F
complete -c aimax-create -l cwd -d 'The folder to work in' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c aimax-create -l display-name -d 'A label for people' -x
complete -c aimax-create -l flag-root -d 'The folder for the flags' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c aimax-create -l json -d 'Print one JSON document'
complete -c aimax-create -l resume -d 'Resume this conversation' -x -a '(aimax-ls --all --ids 2>/dev/null)'
complete -c aimax-create -l use-proxy -d 'Whether to use the proxy' -x -a 'true false'
complete -c aimax-create -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-create -s V -l version -d 'Show the version'
complete -c aimax-create -a '(aimax-ls --names 2>/dev/null)'
