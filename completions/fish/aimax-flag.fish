# Generated from the option table of aimax-flag; do not edit.

# Where the cursor is. bare: before the first operand. more: behind it. own: where options
# are this program's. rest: behind --, which is passed on. inner: behind a known program's verb.
function __aimax_flag_at
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
            case -s --session -b --backend --older-than --reason --root --timeout --until
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

complete -c aimax-flag -f
complete -c aimax-flag -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-flag -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-flag -l all -d 'All sessions'
complete -c aimax-flag -l any -d 'Return when the first job ends'
complete -c aimax-flag -l older-than -d 'Tell whether the job has run longer than this' -x
complete -c aimax-flag -l reason -d 'Why the job failed' -x
complete -c aimax-flag -l root -d 'Use only the flag files below this folder' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c aimax-flag -l timeout -d 'Give up after this long' -x
complete -c aimax-flag -l until -d '`done`, `idle`, `quiet`, `waiting` or `reset`' -x -a 'done idle waiting quiet reset'
complete -c aimax-flag -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-flag -s V -l version -d 'Show the version'
complete -c aimax-flag -n '__aimax_flag_at bare' -a 'check' -d 'Tell whether the job is done, without waiting'
complete -c aimax-flag -n '__aimax_flag_at bare' -a 'wait' -d 'Wait until the job ends'
complete -c aimax-flag -n '__aimax_flag_at bare' -a 'path' -d 'Print where the flag files are'
complete -c aimax-flag -n '__aimax_flag_at bare' -a 'set' -d 'Record that a job is running'
complete -c aimax-flag -n '__aimax_flag_at bare' -a 'clear' -d 'Record that no job is running or has failed'
complete -c aimax-flag -n '__aimax_flag_at bare' -a 'fail' -d 'Record that the job failed'
complete -c aimax-flag -n '__aimax_flag_at more' -a '(aimax-ls --names 2>/dev/null)'
