# Generated from the option table of aimax-tail; do not edit.

complete -c aimax-tail -f
complete -c aimax-tail -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-tail -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-tail -s n -l lines -d 'Start this many records before the end' -x
complete -c aimax-tail -s f -l follow -d 'Wait for more'
complete -c aimax-tail -l all -d 'All live sessions'
complete -c aimax-tail -l answer -d 'Print only the answer to a prompt'
complete -c aimax-tail -l cursor -d 'Keep the position in this file' -r -F
complete -c aimax-tail -l each -d 'Run a command for each record' -x
complete -c aimax-tail -l events -d 'Print one schema for all agents'
complete -c aimax-tail -l from -d 'Start at this offset' -x
complete -c aimax-tail -l max -d 'Stop after this many records' -x
complete -c aimax-tail -l max-line -d 'The longest line to accept' -x
complete -c aimax-tail -l offsets -d 'Wrap each record with its offsets'
complete -c aimax-tail -l raw -d 'Print lines unchecked'
complete -c aimax-tail -l text -d 'Print the conversation for people'
complete -c aimax-tail -l timeout -d 'Give up after this long' -x
complete -c aimax-tail -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-tail -s V -l version -d 'Show the version'
complete -c aimax-tail -F
