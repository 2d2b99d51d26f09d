# Generated from the option table of aimax-history; do not edit.

complete -c aimax-history -f
complete -c aimax-history -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-history -s b -l backend -d 'The agent\'s backend' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-history -l tail -d 'Only the last so many records' -x
complete -c aimax-history -l json -d 'Print one JSON document'
complete -c aimax-history -s h -l help -d 'Show help; `--help` shows all of it'
complete -c aimax-history -s V -l version -d 'Show the version'
complete -c aimax-history -a '(aimax-ls --names 2>/dev/null)'
