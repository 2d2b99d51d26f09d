//! One error type for the whole package, and the exit statuses that all programs share.
//!
//! An error is one line: subject, cause, and advice. Only `cli`, which prints it, puts the
//! program's name in front. Its [`Kind`] decides the exit status, so a caller that branches on the
//! status and a reader of the line always learn the same.

use std::{fmt, io, path::Path};

/// Exit statuses, the same in every program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or yes; and proven.
    Done = 0,
    /// No: the job failed, the session is not alive, nothing matched.
    No = 1,
    /// Wrong usage: a bad option or name, no prompt, no such directory.
    Usage = 2,
    /// Refused before anything was typed: trying again is safe.
    Refused = 3,
    /// Typed but not proven, or recorded altered: look before trying again.
    Unproven = 4,
    /// A person is needed: permission, login, or a choice that no profile answers.
    Person = 5,
    /// Something needed is missing: tmux, the agent's program, the session.
    Missing = 69,
    /// The system failed: I/O error, disk full, tmux error.
    System = 74,
    /// The deadline passed.
    Timeout = 124,
}

/// What went wrong, as the caller must treat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The answer is no.
    No,
    /// The command line or its input is wrong.
    Usage,
    /// Nothing was typed; the cause may pass.
    Refused,
    /// Something was typed, and its effect is not known.
    Unproven,
    /// The agent asks something that only a person answers.
    Person,
    /// A program, session or file that must exist does not.
    Missing,
    /// A system call or tmux failed.
    System,
    /// The deadline passed.
    Timeout,
    /// The reader of our output has gone: a quiet success.
    ReaderGone,
    /// A signal asked us to end; it is raised again after the cleanup.
    Signal(i32),
}

impl Kind {
    /// The exit status that this kind stands for.
    #[must_use]
    pub fn exit(self) -> Exit {
        match self {
            Kind::No => Exit::No,
            Kind::Usage => Exit::Usage,
            Kind::Refused => Exit::Refused,
            Kind::Unproven => Exit::Unproven,
            Kind::Person => Exit::Person,
            Kind::Missing => Exit::Missing,
            Kind::System | Kind::Signal(_) => Exit::System,
            Kind::Timeout => Exit::Timeout,
            Kind::ReaderGone => Exit::Done,
        }
    }
}

/// A failure: what it is about, what happened, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// How the caller must treat it.
    pub kind: Kind,
    /// The session, path or program concerned. Empty when there is nothing to name.
    pub subject: String,
    /// What happened.
    pub cause: String,
    /// What to do about it. Empty when the cause says it all.
    pub advice: String,
}

/// The result of nearly everything here.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of `kind` about `subject`.
    pub fn new(kind: Kind, subject: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Error {
            kind,
            subject: subject.to_string(),
            cause: cause.to_string(),
            advice: String::new(),
        }
    }

    /// [`Kind::Usage`].
    pub fn usage(subject: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self::new(Kind::Usage, subject, cause)
    }

    /// [`Kind::Missing`].
    pub fn missing(subject: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self::new(Kind::Missing, subject, cause)
    }

    /// [`Kind::System`].
    pub fn system(subject: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self::new(Kind::System, subject, cause)
    }

    /// [`Kind::Timeout`].
    pub fn timeout(subject: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self::new(Kind::Timeout, subject, cause)
    }

    /// The same error with what to do about it.
    #[must_use]
    pub fn advise(mut self, advice: impl fmt::Display) -> Self {
        self.advice = advice.to_string();
        self
    }

    /// An I/O error about `subject`, without Rust's `(os error N)` tail. A closed pipe becomes
    /// [`Kind::ReaderGone`] only where output is written, not here.
    pub fn io(subject: impl fmt::Display, error: &io::Error) -> Self {
        Self::system(subject, error.to_string().split(" (os error ").next().unwrap_or_default())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.subject.is_empty() {
            write!(f, "{}: ", self.subject)?;
        }
        write!(f, "{}", self.cause)?;
        if !self.advice.is_empty() {
            write!(f, ": {}", self.advice)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// Gives an I/O error its path.
pub(crate) trait At<T> {
    /// Turns the error, if any, into an [`Error`] about `path`.
    fn at(self, path: impl AsRef<Path>) -> Result<T>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: impl AsRef<Path>) -> Result<T> {
        self.map_err(|e| Error::io(path.as_ref().display(), &e))
    }
}
