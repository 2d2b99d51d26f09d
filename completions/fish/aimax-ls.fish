# Generated from the option table of aimax-ls; do not edit.

complete -c aimax-ls -f
complete -c aimax-ls -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-ls -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-ls -l all -d 'List ended sessions too'
complete -c aimax-ls -l ids -d 'Print the agents\' ids only, one a line'
complete -c aimax-ls -l names -d 'Print only names, one per line'
complete -c aimax-ls -l watch -d 'Keep running, and print each change'
complete -c aimax-ls -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-ls -s V -l version -d 'Show the version'
complete -c aimax-ls -a '(aimax-ls --names 2>/dev/null)'
