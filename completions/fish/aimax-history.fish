# Generated from the option table of aimax-history; do not edit.

complete -c aimax-history -f
complete -c aimax-history -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-history -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-history -l json -d 'Print one JSON document'
complete -c aimax-history -l tail -d 'Print only this many of the last records' -x
complete -c aimax-history -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-history -s V -l version -d 'Show the version'
complete -c aimax-history -a '(aimax-ls --names 2>/dev/null)'
