# Generated from the option table of aimax-kill; do not edit.

complete -c aimax-kill -f
complete -c aimax-kill -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-kill -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-kill -l lock-wait -d 'How long to wait for other programs' -x
complete -c aimax-kill -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-kill -s V -l version -d 'Show the version'
complete -c aimax-kill -a '(aimax-ls --names 2>/dev/null)'
