# Generated from the option table of aimax-revive; do not edit.

complete -c aimax-revive -f
complete -c aimax-revive -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-revive -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-revive -l all -d 'All that ended with their tmux server'
complete -c aimax-revive -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-revive -s V -l version -d 'Show the version'
complete -c aimax-revive -a '(aimax-ls --names 2>/dev/null)'
