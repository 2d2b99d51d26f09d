//! What was done and why, for a person (`--explain`) and for a bug report (`AIMAX_TRACE`).
//!
//! One trace per process: a delivery is followed through every layer, and no layer should have to
//! hand a log to the next. It is off unless asked for, and then costs one line per step. The texts
//! of prompts are never in it.

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

/// Begins the trace of this process: to `file` as NDJSON, appended, and to `person`, each step with
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
    let ms = trace.began.elapsed().as_secs_f64() * 1000.0;
    if let Some(say) = trace.person {
        say(ms, words);
    }
    trace.write(ms, "step", words, &facts());
}

/// Notes a call of tmux, for the file.
pub(crate) fn call(command: &str, facts: impl FnOnce() -> Value) {
    let Some(trace) = TRACE.get() else { return };
    if trace.file.is_some() {
        trace.write(trace.began.elapsed().as_secs_f64() * 1000.0, "tmux", command, &facts());
    }
}

impl Trace {
    fn write(&self, ms: f64, kind: &str, words: &str, facts: &Value) {
        let Some(mut file) = self.file.as_ref() else { return };
        let ms = (ms * 1000.0).round() / 1000.0;
        let record = json!({
            "at": time::rfc3339(time::now_ms()),
            "pid": std::process::id(),
            "ms": ms,
            kind: words,
            "facts": facts,
        });
        // A trace that cannot be written must not stop the work that it describes.
        drop(file.write_all(format!("{record}\n").as_bytes()));
    }
}
