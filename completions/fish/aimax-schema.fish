# Generated from the option table of aimax-schema; do not edit.

complete -c aimax-schema -f
complete -c aimax-schema -l names -d 'Print names only, one a line'
complete -c aimax-schema -s h -l help -d 'Show help; `--help` shows all of it'
complete -c aimax-schema -s V -l version -d 'Show the version'
complete -c aimax-schema -a '(aimax schema --names 2>/dev/null)'
