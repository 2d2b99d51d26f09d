# Generated from the option table of aimax-status; do not edit.

complete -c aimax-status -f
complete -c aimax-status -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-status -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-status -l json -d 'Print one JSON document'
complete -c aimax-status -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-status -s V -l version -d 'Show the version'
complete -c aimax-status -a '(aimax-ls --names 2>/dev/null)'
