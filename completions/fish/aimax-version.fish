# Generated from the option table of aimax-version; do not edit.

complete -c aimax-version -f
complete -c aimax-version -l json -d 'Print one JSON document'
complete -c aimax-version -s h -l help -d 'Show help; `--help` shows all of it'
complete -c aimax-version -s V -l version -d 'Show the version'
