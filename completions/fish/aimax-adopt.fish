# Generated from the option table of aimax-adopt; do not edit.

complete -c aimax-adopt -f
complete -c aimax-adopt -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-adopt -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-adopt -s t -l pane -d 'The pane: `%N`' -x -a '(tmux list-panes -a -F \'#{pane_id}\' 2>/dev/null)'
complete -c aimax-adopt -l flag-root -d 'The folder for the flags' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c aimax-adopt -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-adopt -s V -l version -d 'Show the version'
complete -c aimax-adopt -a '(aimax-ls --names 2>/dev/null)'
