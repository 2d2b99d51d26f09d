# Generated from the option table of aimax-stats; do not edit.

complete -c aimax-stats -f
complete -c aimax-stats -l file -d 'The delivery log' -r -F
complete -c aimax-stats -l hours -d 'How many hours back to count' -x
complete -c aimax-stats -l json -d 'Print one JSON document'
complete -c aimax-stats -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-stats -s V -l version -d 'Show the version'
