# Generated from the option table of aimax-list; do not edit.

complete -c aimax-list -f
complete -c aimax-list -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-list -l json -d 'Print one JSON document'
complete -c aimax-list -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-list -s V -l version -d 'Show the version'
