# Generated from the option table of aimax-spawn; do not edit.

# Where the cursor is. bare: before the first operand. more: behind it. own: where options
# are this program's. rest: behind --, which is passed on. inner: behind a known program's verb.
function __aimax_spawn_at
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
                set place rest
                break
            case -s --session -b --backend -p --prompt -f --prompt-file -m --model --attach --cwd --display-name --done --flag-root --inbox --once --permissions --resume --timeout --use-proxy
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

complete -c aimax-spawn -f
complete -c aimax-spawn -s s -l session -d 'The session\'s name' -x -a '(aimax-ls --names 2>/dev/null)'
complete -c aimax-spawn -s b -l backend -d '`claude`, `codex` or `practice`' -x -a 'tmux-claude-code tmux-codex tmux-practice'
complete -c aimax-spawn -s p -l prompt -d 'The prompt' -x
complete -c aimax-spawn -s f -l prompt-file -d 'Read the prompt from a file; `-` is stdin' -r -F
complete -c aimax-spawn -s m -l model -d 'The model' -x
complete -c aimax-spawn -l attach -d 'Send this image with the prompt' -r -F
complete -c aimax-spawn -l cwd -d 'The folder to work in' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c aimax-spawn -l display-name -d 'A label for people' -x
complete -c aimax-spawn -l done -d 'What ends the job: the `turn`, or the `agent`' -x -a 'turn agent'
complete -c aimax-spawn -l explain -d 'Print each step to stderr with its time'
complete -c aimax-spawn -l flag-root -d 'The folder for the flags' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c aimax-spawn -l inbox -d 'Messages from other sessions' -x -a 'refuse hold accept'
complete -c aimax-spawn -l once -d 'Deliver only once for this key' -x
complete -c aimax-spawn -l permissions -d '`bypass` permission prompts, or `ask`' -x -a 'bypass ask'
complete -c aimax-spawn -l resume -d 'Resume this conversation' -x -a '(aimax-ls --all --ids 2>/dev/null)'
complete -c aimax-spawn -l strip-control -d 'Remove control characters'
complete -c aimax-spawn -l timeout -d 'Give up after this long' -x
complete -c aimax-spawn -l use-proxy -d 'Whether to use the proxy' -x -a 'true false'
complete -c aimax-spawn -s h -l help -d 'Show this help; `--help` shows more'
complete -c aimax-spawn -s V -l version -d 'Show the version'
complete -c aimax-spawn -n 'not __aimax_spawn_at rest' -a '(aimax-ls --names 2>/dev/null)'
