# Generated from the option table of aimax-stop; do not edit.

complete -c aimax-stop -f
complete -c aimax-stop -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-stop -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-stop -l json -d 'Print one JSON document'
complete -c aimax-stop -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-stop -s V -l version -d 'Show the version'
complete -c aimax-stop -a '(aimax-ls --names 2>/dev/null)'
