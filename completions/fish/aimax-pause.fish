# Generated from the option table of aimax-pause; do not edit.

complete -c aimax-pause -f
complete -c aimax-pause -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-pause -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-pause -s p -l prompt -d 'The prompt' -x
complete -c aimax-pause -s f -l prompt-file -d 'Read the prompt from a file; `-` is stdin' -r -F
complete -c aimax-pause -l cwd -d 'The folder to work in' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c aimax-pause -l flag-root -d 'The folder for the flags' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c aimax-pause -l json -d 'Print one JSON document'
complete -c aimax-pause -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-pause -s V -l version -d 'Show the version'
complete -c aimax-pause -a '(aimax-ls --names 2>/dev/null)'
