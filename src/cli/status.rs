//! The exit statuses in words: one list for every help text and man page.

use crate::error::Exit;

/// What each status means in every program, one phrase of at most 72 columns each.
pub const STATUSES: [(Exit, &str); 9] = [
    (Exit::Done, "done, or yes; and proven"),
    (Exit::No, "no: the job failed, the session is not alive, nothing matched"),
    (Exit::Usage, "wrong usage: bad option, bad name, no prompt, no such directory"),
    (Exit::Refused, "refused: nothing was typed, so trying again is safe"),
    (Exit::Unproven, "typed but not proven, or altered: look before trying again"),
    (Exit::Person, "a person is needed: permission, login, or a choice of the agent"),
    (Exit::Missing, "something needed is missing: tmux, the agent, the session"),
    (Exit::System, "the system failed: I/O error, disk full, tmux error"),
    (Exit::Timeout, "the deadline passed"),
];

/// What happens at a signal, and when nobody reads the output: whole sentences.
pub(crate) const SIGNALS: &str = "\
A signal that ends it ends it as by default, after tidying up.
A reader that closes standard output early is no failure: status 0.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_there_in_order() {
        // A new status does not compile here until it is in the list.
        let place = |exit| match exit {
            Exit::Done => 0,
            Exit::No => 1,
            Exit::Usage => 2,
            Exit::Refused => 3,
            Exit::Unproven => 4,
            Exit::Person => 5,
            Exit::Missing => 6,
            Exit::System => 7,
            Exit::Timeout => 8,
        };
        for (i, (exit, text)) in STATUSES.into_iter().enumerate() {
            assert_eq!(place(exit), i);
            assert!(text.len() <= 72 && !text.ends_with('.'), "{text}");
        }
    }
}
