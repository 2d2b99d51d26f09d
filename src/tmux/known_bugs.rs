//! The known faults of tmux versions, as data.

/// A fault, and the way around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownFault {
    /// The versions that have it, as `tmux -V` names them.
    pub versions: &'static [&'static str],
    /// The fault.
    pub what: &'static str,
    /// How to avoid it.
    pub advice: &'static str,
}

/// The versions that the programs are tested with. See tmux/FACTS.md, "Versions".
pub(crate) const TESTED: &[&str] = &["3.2a", "3.3a", "3.4", "3.5a", "3.7c", "3.8"];

/// All known faults. See tmux/FACTS.md, "Faults that end the server".
/// A missed end: see tmux/FACTS.md, "Death of a pane".
pub(crate) const FAULTS: &[KnownFault] = &[
    KnownFault {
        versions: &["3.3a", "3.4"],
        what: "the end of a killed program can go unnoticed until another program ends",
        advice: "`aimax-flag check NAME` makes it look again",
    },
    KnownFault {
        versions: &["3.2a"],
        what: "the signal that ended a program is not told",
        advice: "a killed agent shows as ended, without a status",
    },
    KnownFault {
        versions: &["3.2a"],
        what: "the server ends when it is asked for `window_activity` of a pane that is gone",
        advice: "keep that format out of your own `display-message`",
    },
    KnownFault {
        versions: &["3.3a"],
        what: "the server can crash when a client in control mode comes or goes",
        advice: "do not use `tmux -C`, or programs built on it, with this server",
    },
    KnownFault {
        versions: &["3.2a", "3.3a"],
        what: "a paste into a pane whose program has ended kills the whole server",
        advice: "paste with `aimax-paste`, which checks first",
    },
];

/// The version in the output of `tmux -V`: `3.3a` of `tmux 3.3a`.
pub(crate) fn version(said: &str) -> &str {
    said.split_whitespace().last().unwrap_or_default()
}

/// The faults of a version.
pub(crate) fn of(version: &str) -> impl Iterator<Item = &'static KnownFault> {
    FAULTS.iter().filter(move |fault| fault.versions.contains(&version))
}
