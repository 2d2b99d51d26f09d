# Generated from the option table of aimax-ask; do not edit.

complete -c aimax-ask -f
complete -c aimax-ask -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-ask -s b -l backend -d 'The agent\'s backend' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-ask -s p -l prompt -d 'The prompt' -x
complete -c aimax-ask -s f -l prompt-file -d 'A file that holds the prompt; `-` is stdin' -r -F
complete -c aimax-ask -l strip-control -d 'Leave control characters out'
complete -c aimax-ask -l once -d 'Deliver once under this key' -x
complete -c aimax-ask -l attach -d 'An image that comes with the prompt' -r -F
complete -c aimax-ask -l cwd -d 'The folder to work in' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c aimax-ask -l flag-root -d 'The folder that holds the flags' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c aimax-ask -s m -l model -d 'The model' -x
complete -c aimax-ask -l use-proxy -d 'Whether to go through the proxy' -x -a 'true false'
complete -c aimax-ask -l keep -d 'Keep the session that is made for it'
complete -c aimax-ask -l timeout -d 'Give up after this long' -x
complete -c aimax-ask -l json -d 'Print one JSON document'
complete -c aimax-ask -l explain -d 'Say each step on stderr, with its time'
complete -c aimax-ask -s h -l help -d 'Show help; `--help` shows all of it'
complete -c aimax-ask -s V -l version -d 'Show the version'
