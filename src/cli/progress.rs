//! Progress for a person at a terminal: one line on standard error, which the next step overwrites,
//! and which is erased at the end.

use std::{
    io::{self, IsTerminal, Write},
    sync::OnceLock,
};

use super::exit::visible;

/// What the line is about; set only if a terminal shows it.
static SUBJECT: OnceLock<String> = OnceLock::new();

/// The line on the terminal; dropping it erases the line.
pub(crate) struct Progress(());

impl Progress {
    /// Begins the progress of `subject`. `None` unless standard error is a terminal.
    pub(crate) fn begin(subject: &str) -> Option<Progress> {
        if !io::stderr().is_terminal() {
            return None;
        }
        SUBJECT.get_or_init(|| subject.to_owned());
        Some(Progress(()))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        write("\r\x1b[K");
    }
}

/// Shows a step, with its time since the beginning.
pub(crate) fn show(ms: f64, words: &str) {
    if let Some(subject) = SUBJECT.get() {
        write(&format!("\r\x1b[K{subject}: {} … {:.1} s", visible(words), ms / 1000.0));
    }
}

/// A failure is ignored: progress is dispensable.
fn write(text: &str) {
    drop(io::stderr().write_all(text.as_bytes()));
}
