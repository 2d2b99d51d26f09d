# Generated from the option table of aimax-version; do not edit.

complete -c aimax-version -f
complete -c aimax-version -l json -d 'Print one JSON document'
complete -c aimax-version -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-version -s V -l version -d 'Show the version'
