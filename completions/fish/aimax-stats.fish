# Generated from the option table of aimax-stats; do not edit.

complete -c aimax-stats -f
complete -c aimax-stats -l hours -d 'The last so many hours' -x
complete -c aimax-stats -l json -d 'Print one JSON document'
complete -c aimax-stats -l file -d 'The file of deliveries' -r -F
complete -c aimax-stats -s h -l help -d 'Show help; `--help` shows all of it'
complete -c aimax-stats -s V -l version -d 'Show the version'
