# Generated from the option table of aimax-admin; do not edit.

# Where the cursor is. bare: before the first operand. more: behind it. own: where options
# are this program's. rest: behind --, which is passed on. inner: behind a known program's verb.
function __aimax_admin_at
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
            case -b --backend --value
                set skip 1
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

complete -c aimax-admin -f
complete -c aimax-admin -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-admin -l json -d 'Print one JSON document'
complete -c aimax-admin -l value -d '`true` or `false`' -x -a 'true false'
complete -c aimax-admin -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-admin -s V -l version -d 'Show the version'
complete -c aimax-admin -n '__aimax_admin_at bare' -a 'show' -d 'Show the defaults'
complete -c aimax-admin -n '__aimax_admin_at bare' -a 'set-proxy' -d 'Set whether to use the proxy'
