//! The exit statuses in words: one list for every help text and man page.

use super::ToolDoc;
use crate::error::Exit;

/// What each status means in every program, one phrase of at most 72 columns each.
pub const STATUSES: [(Exit, &str); 9] = [
    (Exit::Done, "success: done and proven, or the answer is yes"),
    (Exit::No, "no: the job failed, the session is dead, or nothing matched"),
    (Exit::Usage, "usage error: bad option, bad name, no prompt, no such directory"),
    (Exit::Refused, "refused: nothing was typed, so it is safe to try again"),
    (Exit::Unproven, "typed but not proven, or altered: look before you try again"),
    (Exit::Person, "a person is needed: for permission, login, or a choice"),
    (Exit::Missing, "something is missing: tmux, the agent, or the session"),
    (Exit::System, "system error: I/O, disk full, tmux"),
    (Exit::Timeout, "timed out"),
];

/// What happens at a signal, and when nobody reads the output: whole sentences.
pub(crate) const SIGNALS: &str = "\
A signal ends the program as usual, once it has cleaned up.
If the reader of its output goes away, it stops quietly with status 0.";

/// Whether a program can end with that status.
pub(crate) fn can_end(tool: &ToolDoc, exit: Exit) -> bool {
    matches!(exit, Exit::Done | Exit::Usage | Exit::System) || tool.ends.contains(&exit)
}

/// The statuses that a program can end with, each with phrases that say when. Its own phrase stands
/// in the place of the shared one, unless it only adds to it: "also if …".
pub(crate) fn statuses(tool: &ToolDoc) -> impl Iterator<Item = (Exit, Vec<&'static str>)> {
    STATUSES.into_iter().filter(|(exit, _)| can_end(tool, *exit)).map(|(exit, shared)| {
        let own = tool.exits.iter().find(|own| own.0 == exit).map(|(_, words)| *words);
        let shared = Some(shared).filter(|_| own.is_none_or(|own| own.starts_with("also ")));
        (exit, shared.into_iter().chain(own).collect())
    })
}

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
