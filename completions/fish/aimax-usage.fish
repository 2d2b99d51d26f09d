# Generated from the option table of aimax-usage; do not edit.

complete -c aimax-usage -f
complete -c aimax-usage -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-usage -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-usage -l all -d 'Include ended sessions'
complete -c aimax-usage -l json -d 'Print records'
complete -c aimax-usage -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-usage -s V -l version -d 'Show the version'
complete -c aimax-usage -a '(aimax-ls --names 2>/dev/null)'
