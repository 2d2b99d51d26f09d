//! What the flags say, and when: the text of the manual.

/// The description, with the table of the hard cases.
pub(crate) const ABOUT: &str = "\
Every prompt puts `running.flag` into `ROOT/.imac/flags/NAME/`, where
ROOT is the session's folder. When the work has ended the file is
removed; when it failed, `failed.flag` is put there first, with the
reason. So any process that can read the folder knows how the job
stands.

The work has ended when the transcript shows the end of the turn that
took the last prompt, nothing is queued, and the agent is idle. The
program that sees that first sets the flags right: a process of ours
that lives as long as the job, a hook of tmux, `wait`, `check`, or
`aimax-ls`. So the flags follow where no hook of the agent's runs, or
one of your own takes long.

The flags show what our programs keep of the job in a folder of their
own. A flag that the agent removes in its work (`git clean`) is put back
by whoever looks next; one that another session left says nothing. A
flag that another program writes counts when it is newer.

`wait` and `check` answer by their status; `check` is a `wait` that does
not wait. For several sessions the status is the highest of theirs: 124
(it runs) before 5 (it asks) before 1 (it failed) before 0. `wait`
prints a record for each session as it ends.

The hard cases: how the job stands then. The flags say so within a
moment where nobody waits; for what is marked it takes a look, which is
the next `check`, `wait` or `aimax-ls`.

    Escape in the window     failed, \"interrupted\" (Codex: look)
    Escape before any word   the same, half a second after it
    aimax-paste --interrupt  failed, \"interrupted\"
    prompts are queued       running until the last has ended
    a tool runs for long     running: see `--older-than`
    a background command     done, `background: 1`: see `--until quiet`
    a turn that nobody sent  as before: it is no job
    auto-compact             running: the turn goes on
    /compact, /clear         as the turn before it ended
    an API error             running while it is retried, then failed
    no network               the same; new Codex retries for ever
    a question               waiting (5); `running.flag` stays
    the agent dies           failed, \"the agent ended\"
    the window is closed     failed, \"the agent ended\" (Codex: look)
    tmux is killed           failed, \"the agent ended\" (Codex: look)
    reboot                   failed, \"the agent ended\": look
    aimax-kill               the files go: missing (69)
    the folder is removed    nobody can say: missing (69)

A `wait` that runs says all of it at once.";
