# Generated from the option table of aimax-doctor; do not edit.

complete -c aimax-doctor -f
complete -c aimax-doctor -l json -d 'Print one JSON document'
complete -c aimax-doctor -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-doctor -s V -l version -d 'Show the version'
