//! The files of the practice agent: its state file, the trusted folders, the transcript's place.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::{
    agent::{NAME_MAX, holder, project_dir},
    error::Result,
    fs, proc, time,
};

/// The version in its files.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The folder name under `projects/` for a working directory. A hash keeps a name that is cut distinct.
fn folder_name(cwd: &Path) -> String {
    let mut name = project_dir(cwd);
    if name.len() > NAME_MAX {
        // FNV-1a. Claude Code's hash is not known, but nothing depends on its value.
        let cwd = cwd.to_string_lossy();
        let hash =
            cwd.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(16_777_619));
        name.truncate(NAME_MAX);
        name.push_str(&format!("-{:06x}", hash & 0xff_ffff));
    }
    name
}

/// The folder of the agent's files, and the folder that it works in.
#[derive(Debug)]
pub(crate) struct Place {
    /// `--home`.
    pub(crate) home: PathBuf,
    /// The working directory, resolved.
    pub(crate) cwd: PathBuf,
}

impl Place {
    /// The transcript of `session`.
    pub(crate) fn transcript(&self, session: &str) -> PathBuf {
        let folder = folder_name(&self.cwd);
        self.home.join("projects").join(folder).join(format!("{session}.jsonl"))
    }

    /// Whether `session` has a transcript here, or is open in a living process.
    pub(crate) fn in_use(&self, session: &str) -> bool {
        self.transcript(session).exists() || holder(&self.home, session).is_some()
    }

    /// Whether the working directory or a folder above it is trusted.
    pub(crate) fn is_trusted(&self) -> bool {
        let trusted = read_object(&self.home.join("trusted.json")).unwrap_or_default();
        let is_true = |path: &Path| trusted.get(&*path.to_string_lossy()) == Some(&json!(true));
        self.cwd.ancestors().any(is_true)
    }

    /// Trusts the working directory from now on.
    pub(crate) fn trust(&self) -> Result<()> {
        let path = self.home.join("trusted.json");
        let mut trusted = read_object(&path).unwrap_or_default();
        trusted.insert(self.cwd.to_string_lossy().into_owned(), json!(true));
        write(&path, trusted)
    }
}

fn read_object(path: &Path) -> Option<Map<String, Value>> {
    serde_json::from_slice(&fs::read(path).ok()??).ok()
}

/// Writes `value` so that a reader sees the old file or the new one.
fn write(path: &Path, value: Map<String, Value>) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::make_dir(folder, 0o755)?;
    }
    fs::write_atomic(path, Value::Object(value).to_string().as_bytes(), 0o644)
}

/// What the agent does, for the state file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    /// It is not ready yet, or in a dialog before the start: the file has no status.
    Starting,
    /// The box takes a prompt, and nothing runs.
    Idle,
    /// A turn runs.
    Busy,
    /// A dialog is open.
    Waiting(&'static str),
}

/// The state file of this process, `sessions/<pid>.json`; removed when this is dropped.
#[derive(Debug)]
pub(crate) struct StateWriter {
    path: PathBuf,
    fields: Map<String, Value>,
}

impl StateWriter {
    /// Creates the file, without a status.
    pub(crate) fn create(place: &Place, session: &str) -> Result<Self> {
        let pid = std::process::id();
        let fields = json!({
            "pid": pid,
            "sessionId": session,
            "cwd": place.cwd.to_string_lossy(),
            "startedAt": time::now_ms(),
            "procStart": proc::start_time(pid),
            "version": VERSION,
            "kind": "interactive",
        });
        let Value::Object(fields) = fields else { unreachable!("written as an object above") };
        let path = place.home.join("sessions").join(format!("{pid}.json"));
        let mut file = StateWriter { path, fields };
        file.set(Activity::Starting)?;
        Ok(file)
    }

    /// Names another conversation of the same process.
    pub(crate) fn rename(&mut self, session: &str) {
        self.fields.insert("sessionId".into(), json!(session));
    }

    /// Writes what the agent does now.
    pub(crate) fn set(&mut self, status: Activity) -> Result<()> {
        self.fields.shift_remove("status");
        self.fields.shift_remove("waitingFor");
        let fields: &[(&str, &str)] = match status {
            Activity::Starting => &[],
            Activity::Idle => &[("status", "idle")],
            Activity::Busy => &[("status", "busy")],
            Activity::Waiting(what) => &[("status", "waiting"), ("waitingFor", what)],
        };
        self.fields.extend(fields.iter().map(|(field, word)| ((*field).to_owned(), json!(word))));
        self.fields.insert("statusUpdatedAt".into(), json!(time::now_ms()));
        write(&self.path, self.fields.clone())
    }
}

impl Drop for StateWriter {
    fn drop(&mut self) {
        // The process ends: nobody is left to report a failure to.
        let _ = fs::remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_names_are_claudes() {
        let name = |cwd: &str| folder_name(Path::new(cwd));
        assert_eq!(name("/tmp/my.project_1"), "-tmp-my-project-1");
        assert_eq!(name("/a/é"), "-a--");
        assert_eq!(name("/\u{1f600}b"), "---b", "two UTF-16 units");
        let long = name(&format!("/{}", "x".repeat(300)));
        assert_eq!(long.len(), 207);
        assert_ne!(long, name(&format!("/{}", "x".repeat(301))));
    }
}
