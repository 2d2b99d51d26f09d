//! What the flags say, and when: the text of the manual.

/// The description, with the table of the hard cases.
pub(super) const ABOUT: &str = "\
Every prompt puts `running.flag` into `ROOT/.imac/flags/NAME/`, where
ROOT is the session's folder. When the work has ended the file is
removed; when it failed, `failed.flag` is put there first, with the
reason. So any process that can read the folder knows how the job
stands.

The work has ended when the transcript shows the end of the turn that
took the last prompt, nothing is queued, and the agent is idle. The
program that sees that first sets the flags right: a hook in the agent
or in tmux, `wait`, `check`, or `aimax-ls`.

`wait` and `check` answer by their status; `check` is a `wait` that does
not wait. For several sessions the status is the highest of theirs: 124
(it runs) before 5 (it asks) before 1 (it failed) before 0. `wait`
prints a record for each session as it ends.";
