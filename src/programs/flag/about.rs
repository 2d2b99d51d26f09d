//! What the flags say, and when: the text of the manual.

/// The description, with the table of the hard cases.
pub(crate) const ABOUT: &str = "\
Every prompt creates `running.flag` in `ROOT/.imac/flags/NAME/`, where
ROOT is the session's folder. When the job is done, the file is removed.
If the job fails, `failed.flag` is created first, with the reason. So
any process that can read the folder knows the state of the job.

The job is done when the transcript shows the end of the turn that took
the last prompt, nothing is queued, and the agent is idle. The first
program that sees this updates the flags: the small process that runs
for as long as the job does, a tmux hook, `wait`, `check`, or
`aimax-ls`. So the flags are right even if the agent's hooks are off, or
if one of your own hooks is slow.

The flags reflect a record of the job in a folder of our own. If the
agent deletes a flag, as `git clean` does, the next program that looks
restores it. A flag left by another session is ignored. A flag written
by another program counts if it is newer.

`wait` and `check` answer by their exit status; `check` does not wait.
For several sessions the status is the most urgent one: 124 (running)
before 5 (asking) before 1 (failed) before 0. `wait` prints a record for
each session as it ends.

This is the state of the job in the hard cases. The flags change within
a moment even if nobody waits; in the cases marked \"look\", at the next
`check`, `wait` or `aimax-ls`.

    Escape in the window     failed, \"interrupted\" (Codex: look)
    Escape before any word   the same, half a second later
    aimax-paste --interrupt  failed, \"interrupted\"
    prompts are queued       running until the last one is done
    a tool runs for long     running; see `--older-than`
    a background command     done, `background: 1`; see `--until quiet`
    a turn that nobody sent  no change: it is not a job
    auto-compact             running: the turn continues
    /compact, /clear         unchanged from the turn before
    an API error             running during retries, then failed
    no network               the same; recent Codex retries forever
    a question               waiting (5); `running.flag` stays
    the agent dies           failed, \"the agent ended\"
    the window is closed     failed, \"the agent ended\" (Codex: look)
    tmux is killed           failed, \"the agent ended\" (Codex: look)
    reboot                   failed, \"the agent ended\": look
    aimax-kill               missing (69): the files are removed
    the folder is removed    missing (69)

A running `wait` reports all of these at once.";
