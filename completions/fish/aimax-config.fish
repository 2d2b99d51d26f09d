# Generated from the option table of aimax-config; do not edit.

# Where the cursor is. bare: before the first operand. more: behind it. own: where options
# are this program's. rest: behind --, which is passed on. inner: behind a known program's verb.
function __aimax_config_at
    set -l words (commandline -opc)
    set -e words[1]
    set -l verb
    set -l skip 0
    set -l place bare
    for word in $words
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case --
                set place more
                break
            case '-?*'
            case '*'
                set place more
        end
    end
    switch $argv[1]
        case own
            test $place = bare
        case '*'
            test $place = $argv[1]
    end
end

complete -c aimax-config -f
complete -c aimax-config -l json -d 'Print one JSON document'
complete -c aimax-config -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-config -s V -l version -d 'Show the version'
complete -c aimax-config -n '__aimax_config_at bare' -a 'show' -d 'Show all settings'
