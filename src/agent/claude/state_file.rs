//! The state file that Claude Code keeps for each of its processes: `sessions/<pid>.json`.
//!
//! It is undocumented, and the best source there is: its `status` is the last sign of a start, and
//! it distinguishes a question from work. It stays behind after a SIGKILL, so it counts only
//! together with the process's start time. It is written in place, so a reader can meet a torn
//! file, and then reads again. See claude/FACTS.md, "State file".

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{
    agent::{Conversation, Status},
    error::Result,
    fs, proc,
};

/// Where an agent keeps such files, and its transcripts.
pub(crate) struct StateFiles {
    /// The agent's own folder.
    pub(crate) home: PathBuf,
    /// The folder that holds a folder of transcripts for each working folder.
    pub(crate) projects: PathBuf,
}

/// The file's fields that matter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StateFile {
    session_id: String,
    #[serde(default)]
    cwd: PathBuf,
    proc_start: Option<serde_json::Value>,
    status: Option<String>,
    waiting_for: Option<String>,
    status_updated_at: Option<u64>,
}

/// A file is torn for microseconds: this many torn reads in a row do not happen by chance.
const TRIES: usize = 100;

/// The state file of a pane's process, or of the process that it launched.
pub(crate) fn path(home: &Path, pid: u32) -> PathBuf {
    let of = |pid: u32| home.join("sessions").join(format!("{pid}.json"));
    proc::family(pid).map(of).find(|path| path.exists()).unwrap_or_else(|| of(pid))
}

fn read(home: &Path, pid: u32) -> Result<Option<StateFile>> {
    let path = path(home, pid);
    let pid = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok()).unwrap_or(pid);
    for _ in 0..TRIES {
        let Some(bytes) = fs::read(&path)? else { return Ok(None) };
        let Ok(file) = serde_json::from_slice::<StateFile>(&bytes) else {
            std::thread::yield_now();
            continue;
        };
        let said = file.proc_start.as_ref().map(|start| match start {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let both = said.zip(proc::start_time(pid));
        let is_stale = both.is_some_and(|(said, real)| said != "null" && said != real);
        return Ok((!is_stale).then_some(file));
    }
    Ok(None)
}

impl StateFiles {
    /// What the process is doing.
    pub(crate) fn status(&self, pid: u32) -> Result<Status> {
        let Some(file) = read(&self.home, pid)? else { return Ok(Status::Starting) };
        Ok(match file.status.as_deref() {
            // In `shell` a command runs in the background; the box takes prompts as when idle.
            Some("idle" | "shell") => Status::Idle(file.status_updated_at),
            Some("busy") => Status::Busy,
            Some("waiting") => Status::Waiting(file.waiting_for.unwrap_or_else(|| "input".into())),
            _ => Status::Starting,
        })
    }

    /// The conversation that the process holds.
    pub(crate) fn conversation(&self, pid: u32) -> Result<Option<Conversation>> {
        let Some(file) = read(&self.home, pid)? else { return Ok(None) };
        let transcript = Some(self.transcript(&file.session_id, &file.cwd));
        Ok(Some(Conversation { id: Some(file.session_id), transcript }))
    }

    /// The transcript of conversation `id`: where it is, or else where it will be. It is searched
    /// for, because its folder's name does not always follow from the working folder.
    pub(crate) fn transcript(&self, id: &str, cwd: &Path) -> PathBuf {
        let file = format!("{id}.jsonl");
        let real = cwd.canonicalize().unwrap_or_else(|_| cwd.to_owned());
        let expected = self.projects.join(project_dir(&real)).join(&file);
        if expected.exists() {
            return expected;
        }
        let elsewhere = std::fs::read_dir(&self.projects).ok().and_then(|folders| {
            folders.flatten().map(|folder| folder.path().join(&file)).find(|path| path.exists())
        });
        elsewhere.unwrap_or(expected)
    }
}

/// The folder name for a working folder: every UTF-16 unit that is not a letter or digit of ASCII
/// becomes `-`. See claude/FACTS.md, "Conversation and transcript file".
pub(crate) fn project_dir(cwd: &Path) -> String {
    let unit = |unit: u16| match u8::try_from(unit) {
        Ok(byte) if byte.is_ascii_alphanumeric() => char::from(byte),
        _ => '-',
    };
    cwd.to_string_lossy().encode_utf16().map(unit).collect()
}

/// The process that holds conversation `id` now.
pub(crate) fn holder(home: &Path, id: &str) -> Option<u32> {
    let files = std::fs::read_dir(home.join("sessions")).ok()?;
    files
        .flatten()
        .filter_map(|file| file.path().file_stem()?.to_str()?.parse().ok())
        .filter(|&pid| proc::start_time(pid).is_some())
        .find(|&pid| {
            read(home, pid).is_ok_and(|file| file.is_some_and(|file| file.session_id == id))
        })
}
