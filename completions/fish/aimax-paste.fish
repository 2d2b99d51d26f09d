# Generated from the option table of aimax-paste; do not edit.

complete -c aimax-paste -f
complete -c aimax-paste -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-paste -s b -l backend -d 'The agent\'s backend' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-paste -s p -l prompt -d 'The prompt' -x
complete -c aimax-paste -s f -l prompt-file -d 'A file that holds the prompt; `-` is stdin' -r -F
complete -c aimax-paste -l timeout -d 'Give up after this long' -x
complete -c aimax-paste -s h -l help -d 'Show help; `--help` shows all of it'
complete -c aimax-paste -s V -l version -d 'Show the version'
