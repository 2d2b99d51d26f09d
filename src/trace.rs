//! The trace of steps and their reasons, for a person (`--explain`) and for a bug report
//! (`AIMAX_TRACE`).
//!
//! One trace per process: it follows a delivery through every layer, and no layer has to hand a log
//! to the next. It is off unless requested, and costs one line per step. It never holds a prompt's
//! text.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::OnceLock,
    time::Instant,
};

use serde_json::{Value, json};

use crate::{
    error::{At, Result},
    time,
};

/// Where each step goes.
struct Trace {
    began: Instant,
    file: Option<File>,
    person: Option<fn(f64, &str)>,
}

static TRACE: OnceLock<Trace> = OnceLock::new();

/// Begins the trace of this process: to `file`, appended as NDJSON, and to `person`, each step with
/// the milliseconds since now. Only the first call counts.
///
/// # Errors
/// When the file cannot be opened.
pub(crate) fn begin(file: Option<&Path>, person: Option<fn(f64, &str)>) -> Result<()> {
    if file.is_none() && person.is_none() {
        return Ok(());
    }
    let open =
        |path: &Path| OpenOptions::new().create(true).append(true).mode(0o600).open(path).at(path);
    let file = file.map(open).transpose()?;
    TRACE.get_or_init(|| Trace { began: Instant::now(), file, person });
    Ok(())
}

/// Notes a decision, in words; the facts it rests on go to the file only.
pub(crate) fn step(words: &str, facts: impl FnOnce() -> Value) {
    let Some(trace) = TRACE.get() else { return };
    if let Some(say) = trace.person {
        say(trace.ms(), words);
    }
    trace.write("step", words, facts);
}

/// Notes a call of tmux, for the file.
pub(crate) fn call(command: &str, facts: impl FnOnce() -> Value) {
    if let Some(trace) = TRACE.get() {
        trace.write("tmux", command, facts);
    }
}

impl Trace {
    /// The milliseconds since the beginning.
    fn ms(&self) -> f64 {
        self.began.elapsed().as_secs_f64() * 1000.0
    }

    fn write(&self, kind: &str, words: &str, facts: impl FnOnce() -> Value) {
        let Some(mut file) = self.file.as_ref() else { return };
        let record = json!({
            "at": time::rfc3339(time::now_ms()),
            "pid": std::process::id(),
            "ms": (self.ms() * 1000.0).round() / 1000.0,
            kind: words,
            "facts": facts(),
        });
        // A trace that cannot be written must not stop the work that it describes.
        drop(file.write_all(format!("{record}\n").as_bytes()));
    }
}
