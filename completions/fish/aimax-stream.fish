# Generated from the option table of aimax-stream; do not edit.

complete -c aimax-stream -f
complete -c aimax-stream -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-stream -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-stream -l from-sentinel -d 'Start where a history ended' -x
complete -c aimax-stream -l json -d 'Print records, and their number at the end'
complete -c aimax-stream -l max -d 'Stop after this many records' -x
complete -c aimax-stream -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-stream -s V -l version -d 'Show the version'
complete -c aimax-stream -a '(aimax-ls --names 2>/dev/null)'
