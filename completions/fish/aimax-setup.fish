# Generated from the option table of aimax-setup; do not edit.

complete -c aimax-setup -f
complete -c aimax-setup -l json -d 'Print one JSON document'
complete -c aimax-setup -l prefix -d 'Put pages and completions below this folder' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c aimax-setup -l remove -d 'Remove what was installed'
complete -c aimax-setup -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-setup -s V -l version -d 'Show the version'
