# Generated from the option table of aimax-schema; do not edit.

complete -c aimax-schema -f
complete -c aimax-schema -l names -d 'Print only names, one per line'
complete -c aimax-schema -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-schema -s V -l version -d 'Show the version'
complete -c aimax-schema -a '(aimax schema --names 2>/dev/null)'
