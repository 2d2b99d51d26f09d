@if front
# Whether a program has completions. fish itself loads only those of programs on PATH.
function __@FUNC@_known
    type -q $argv[1]; and return
    for folder in $fish_complete_path
        if test -f $folder/$argv[1].fish
            source $folder/$argv[1].fish
            return
        end
    end
    return 1
end

@end
# Where the cursor is. bare: before the first operand. more: behind it. own: where options
# are this program's. rest: behind --, which is passed on. inner: behind a known program's verb.
function __@FUNC@_at
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
                set place @AFTER@
                break
@SKIPS@
            case '-?*'
            case '*'
                set place more
@if front
                set verb $word
                break
@end
        end
    end
@if front
    if test "$verb" = help
        set place bare
    else if test -n "$verb"; and __@FUNC@_known @NAME@-$verb
        set place inner
    end
@end
    switch $argv[1]
        case own
            test $place = bare
        case '*'
            test $place = $argv[1]
    end
end

@if front
# What the program behind the verb would complete.
function __@FUNC@_inner
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
@DROPS@
            case '-*'
            case '*'
                break
        end
        set -e words[1]
    end
    set -l line @NAME@-(string join ' ' -- (string escape -- $words))
    complete -C "$line "(commandline -ct)
end

@end
