# Generated from the option table of aimax; do not edit.

# Whether a program has completions. fish itself loads only those of programs on PATH.
function __aimax_known
    type -q $argv[1]; and return
    for folder in $fish_complete_path
        if test -f $folder/$argv[1].fish
            source $folder/$argv[1].fish
            return
        end
    end
    return 1
end

# Where the cursor is. bare: before the first operand. more: behind it. own: where options
# are this program's. rest: behind --, which is passed on. inner: behind a known program's verb.
function __aimax_at
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
                set verb $word
                break
        end
    end
    if test "$verb" = help
        set place bare
    else if test -n "$verb"; and __aimax_known aimax-$verb
        set place inner
    end
    switch $argv[1]
        case own
            test $place = bare
        case '*'
            test $place = $argv[1]
    end
end

# What the program behind the verb would complete.
function __aimax_inner
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case '-*'
            case '*'
                break
        end
        set -e words[1]
    end
    set -l line aimax-(string join ' ' -- (string escape -- $words))
    complete -C "$line "(commandline -ct)
end

complete -c aimax -f
complete -c aimax -n '__aimax_at own' -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax -n '__aimax_at own' -s V -l version -d 'Show the version'
complete -c aimax -n '__aimax_at bare' -a 'ask' -d 'Deliver a prompt and print the answer'
complete -c aimax -n '__aimax_at bare' -a 'create' -d 'Start a session with its first prompt'
complete -c aimax -n '__aimax_at bare' -a 'send' -d 'Send a prompt to a session'
complete -c aimax -n '__aimax_at bare' -a 'pause' -d 'Stop the current turn'
complete -c aimax -n '__aimax_at bare' -a 'stop' -d 'End a session'
complete -c aimax -n '__aimax_at bare' -a 'revive' -d 'Restart sessions after a reboot'
complete -c aimax -n '__aimax_at bare' -a 'adopt' -d 'Turn a running agent into a session'
complete -c aimax -n '__aimax_at bare' -a 'list' -d 'List the sessions that have a window'
complete -c aimax -n '__aimax_at bare' -a 'status' -d 'Show the state of a session'
complete -c aimax -n '__aimax_at bare' -a 'history' -d 'Print a conversation so far'
complete -c aimax -n '__aimax_at bare' -a 'stream' -d 'Print a conversation as it happens'
complete -c aimax -n '__aimax_at bare' -a 'usage' -d 'Count the tokens used by sessions'
complete -c aimax -n '__aimax_at bare' -a 'config' -d 'Show all settings'
complete -c aimax -n '__aimax_at bare' -a 'admin' -d 'Show and set the defaults of a backend'
complete -c aimax -n '__aimax_at bare' -a 'demo' -d 'Show a whole session on the practice agent'
complete -c aimax -n '__aimax_at bare' -a 'spawn' -d 'Start an agent'
complete -c aimax -n '__aimax_at bare' -a 'paste' -d 'Deliver a prompt'
complete -c aimax -n '__aimax_at bare' -a 'tail' -d 'Print transcript records'
complete -c aimax -n '__aimax_at bare' -a 'flag' -d 'Check whether a job is done, or wait for it'
complete -c aimax -n '__aimax_at bare' -a 'ls' -d 'List sessions'
complete -c aimax -n '__aimax_at bare' -a 'kill' -d 'End sessions'
complete -c aimax -n '__aimax_at bare' -a 'doctor' -d 'Look for problems'
complete -c aimax -n '__aimax_at bare' -a 'setup' -d 'Install manual pages and completions'
complete -c aimax -n '__aimax_at bare' -a 'stats' -d 'Count recent prompts'
complete -c aimax -n '__aimax_at bare' -a 'schema' -d 'Print the JSON Schema of the records'
complete -c aimax -n '__aimax_at bare' -a 'version' -d 'Print the version'
complete -c aimax -n '__aimax_at bare' -a 'help' -d 'Show this help, or that of a verb'
complete -c aimax -n '__aimax_at inner' -a '(__aimax_inner)'
