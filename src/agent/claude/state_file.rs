//! The state file that Claude Code keeps for each of its processes: `sessions/<pid>.json`.
//!
//! It is undocumented, and the best witness that there is: its `status` is the last sign of a
//! start, and it tells a question apart from work. It stays behind after a SIGKILL, so it counts
//! only together with the process's start time. It is written in place: a reader can meet a torn
//! file and reads again.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{
    agent::{Conversation, Status},
    proc,
};
use crate::{error::Result, fs};

/// The file's fields that matter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    session_id: String,
    #[serde(default)]
    cwd: PathBuf,
    proc_start: Option<serde_json::Value>,
    status: Option<String>,
    waiting_for: Option<String>,
    status_updated_at: Option<u64>,
}

/// Torn reads last microseconds; this many in a row do not happen by chance.
const TRIES: usize = 100;

/// The state file of a pane's process, or of the one that it launched.
#[must_use]
pub(crate) fn path(home: &Path, pid: u32) -> PathBuf {
    let of = |pid: u32| home.join("sessions").join(format!("{pid}.json"));
    proc::family(pid).map(of).find(|path| path.exists()).unwrap_or_else(|| of(pid))
}

fn read(home: &Path, pid: u32) -> Result<Option<Record>> {
    let path = path(home, pid);
    let pid = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok()).unwrap_or(pid);
    for _ in 0..TRIES {
        let Some(bytes) = fs::read(&path)? else { return Ok(None) };
        let Ok(record) = serde_json::from_slice::<Record>(&bytes) else {
            std::thread::yield_now();
            continue;
        };
        let said = record.proc_start.as_ref().map(|start| match start {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let stale = match (said, proc::start_time(pid)) {
            (Some(said), Some(real)) => said != "null" && said != real,
            _ => false,
        };
        return Ok((!stale).then_some(record));
    }
    Ok(None)
}

/// What the process is doing.
pub(crate) fn status(home: &Path, pid: u32) -> Result<Status> {
    let Some(record) = read(home, pid)? else { return Ok(Status::Starting) };
    Ok(match record.status.as_deref() {
        // In `shell` a command runs in the background; the box takes prompts as when idle.
        Some("idle" | "shell") => Status::Idle(record.status_updated_at),
        Some("busy") => Status::Busy,
        Some("waiting") => Status::Waiting(record.waiting_for.unwrap_or_else(|| "input".into())),
        _ => Status::Starting,
    })
}

/// The conversation that the process holds. Its transcript is looked for where it is, for the
/// folder's name does not always follow from the working folder.
pub(crate) fn conversation(home: &Path, projects: &Path, pid: u32) -> Result<Option<Conversation>> {
    let Some(record) = read(home, pid)? else { return Ok(None) };
    let transcript = transcript(projects, &record.session_id, &record.cwd);
    Ok(Some(Conversation { id: Some(record.session_id), transcript: Some(transcript) }))
}

/// The transcript of conversation `id`: where it is, or else where it is going to be.
pub(crate) fn transcript(projects: &Path, id: &str, cwd: &Path) -> PathBuf {
    let file = format!("{id}.jsonl");
    let real = cwd.canonicalize().unwrap_or_else(|_| cwd.to_owned());
    let expected = projects.join(crate::agent::project_dir(&real)).join(&file);
    if expected.exists() {
        return expected;
    }
    let elsewhere = std::fs::read_dir(projects).ok().and_then(|folders| {
        folders.flatten().map(|folder| folder.path().join(&file)).find(|path| path.exists())
    });
    elsewhere.unwrap_or(expected)
}

/// The process, other than `but`, that holds conversation `id` now.
pub(crate) fn holder(home: &Path, id: &str) -> Option<u32> {
    let files = std::fs::read_dir(home.join("sessions")).ok()?;
    files
        .flatten()
        .filter_map(|file| file.path().file_stem()?.to_str()?.parse().ok())
        .filter(|&pid| proc::start_time(pid).is_some())
        .find(|&pid| read(home, pid).is_ok_and(|r| r.is_some_and(|r| r.session_id == id)))
}
