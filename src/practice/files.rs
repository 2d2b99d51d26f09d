//! The files of the practice agent: state file, trusted folders, where the transcript is.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use crate::{
    error::{At, Result},
    sys, time,
};

/// The version that its files name.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Folder names longer than this are cut, and made different again by a hash.
const NAME_MAX: usize = 200;

/// The folder name under `projects/` for a working directory: every UTF-16 unit that is no ASCII
/// letter or digit becomes `-`.
pub(crate) fn folder_name(cwd: &str) -> String {
    let dash = |unit: u16| match u8::try_from(unit) {
        Ok(byte) if byte.is_ascii_alphanumeric() => char::from(byte),
        _ => '-',
    };
    let mut name: String = cwd.encode_utf16().map(dash).collect();
    if name.len() > NAME_MAX {
        // FNV-1a; the real program's hash is not known, and finds nothing by it either.
        let hash =
            cwd.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(16_777_619));
        name.truncate(NAME_MAX);
        name.push_str(&format!("-{:06x}", hash & 0xff_ffff));
    }
    name
}

/// The folder of all files, and the folder that the agent works in.
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
        let folder = folder_name(&self.cwd.to_string_lossy());
        self.home.join("projects").join(folder).join(format!("{session}.jsonl"))
    }

    /// Whether `session` has a transcript here, or is open in a living process.
    pub(crate) fn in_use(&self, session: &str) -> bool {
        self.transcript(session).exists() || self.is_open(session)
    }

    fn is_open(&self, session: &str) -> bool {
        let entries = fs::read_dir(self.home.join("sessions")).into_iter().flatten().flatten();
        entries.filter_map(|entry| read_object(&entry.path())).any(|state| {
            let pid = state.get("pid").and_then(Value::as_u64).and_then(|p| u32::try_from(p).ok());
            state.get("sessionId").and_then(Value::as_str) == Some(session)
                && pid.is_some_and(|pid| {
                    let recorded = state.get("procStart").unwrap_or(&Value::Null);
                    sys::is_alive(pid) && *recorded == proc_start(pid)
                })
        })
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
        replace(&path, &Value::Object(trusted)).at(&path)
    }
}

fn read_object(path: &Path) -> Option<Map<String, Value>> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

/// Writes `value` so that a reader sees the old file or the new one.
fn replace(path: &Path, value: &Value) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&temporary, value.to_string())?;
    fs::rename(&temporary, path)
}

/// Field 22 of `/proc/PID/stat`: with the pid it names one process for ever. Null without `/proc`.
fn proc_start(pid: u32) -> Value {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| Some(stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.to_owned()))
        .map_or(Value::Null, Value::String)
}

/// What the state file says that the agent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Not ready yet, or a dialog before the start: the file has no status.
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
pub(crate) struct StateFile {
    path: PathBuf,
    fields: Map<String, Value>,
}

impl StateFile {
    /// Creates the file, without a status.
    pub(crate) fn create(place: &Place, session: &str) -> Result<Self> {
        let pid = std::process::id();
        let fields = json!({
            "pid": pid,
            "sessionId": session,
            "cwd": place.cwd.to_string_lossy(),
            "startedAt": time::now_ms(),
            "procStart": proc_start(pid),
            "version": VERSION,
            "kind": "interactive",
        });
        let Value::Object(fields) = fields else { unreachable!("written as an object above") };
        let path = place.home.join("sessions").join(format!("{pid}.json"));
        let mut file = StateFile { path, fields };
        file.set(Status::Starting)?;
        Ok(file)
    }

    /// Another conversation in the same process.
    pub(crate) fn rename(&mut self, session: &str) {
        self.fields.insert("sessionId".into(), json!(session));
    }

    /// Says what the agent does now.
    pub(crate) fn set(&mut self, status: Status) -> Result<()> {
        self.fields.shift_remove("status");
        self.fields.shift_remove("waitingFor");
        let (word, waiting) = match status {
            Status::Starting => (None, None),
            Status::Idle => (Some("idle"), None),
            Status::Busy => (Some("busy"), None),
            Status::Waiting(what) => (Some("waiting"), Some(what)),
        };
        for (field, value) in [("status", word), ("waitingFor", waiting)] {
            if let Some(value) = value {
                self.fields.insert(field.into(), json!(value));
            }
        }
        self.fields.insert("statusUpdatedAt".into(), json!(time::now_ms()));
        replace(&self.path, &Value::Object(self.fields.clone())).at(&self.path)
    }
}

impl Drop for StateFile {
    fn drop(&mut self) {
        // The process ends: there is nobody left to tell.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_names_are_claudes() {
        assert_eq!(folder_name("/tmp/my.project_1"), "-tmp-my-project-1");
        assert_eq!(folder_name("/a/é"), "-a--");
        assert_eq!(folder_name("/\u{1f600}b"), "---b", "two UTF-16 units");
        let long = folder_name(&format!("/{}", "x".repeat(300)));
        assert_eq!(long.len(), 207);
        assert_ne!(long, folder_name(&format!("/{}", "x".repeat(301))));
    }

    #[test]
    fn this_process_has_a_start() {
        if Path::new("/proc/self/stat").exists() {
            let start = proc_start(std::process::id());
            assert!(start.as_str().unwrap().parse::<u64>().unwrap() > 0);
        }
        assert_eq!(proc_start(0), Value::Null);
    }
}
