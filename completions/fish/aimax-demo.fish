# Generated from the option table of aimax-demo; do not edit.

complete -c aimax-demo -f
complete -c aimax-demo -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-demo -s V -l version -d 'Show the version'
