//! The state file that Claude Code keeps for each of its processes: `sessions/<pid>.json`.
//!
//! It is undocumented, and the best source there is: its `status` is the last sign of a start, and
//! it distinguishes a question from work. It stays behind after a SIGKILL, so it counts only
//! together with the process's start time. It is written in place, so a reader can meet a torn
//! file, and then reads again. See claude/FACTS.md, "State file".

use std::{
    ffi::OsStr,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use unicode_normalization::is_nfc;

use super::Claude;
use crate::{
    agent::{Agent, Conversation, Status, Told},
    error::{Error, Result},
    fs, proc, time,
    transcript::{
        event::EventKind,
        follow::{Follow, last_lines},
        lines::Line,
        start::Start,
    },
};

/// Where an agent keeps such files, and its transcripts.
pub(crate) struct StateFiles {
    /// The agent's own folder.
    pub(crate) home: PathBuf,
    /// The folder that holds a folder of transcripts for each working folder.
    pub(crate) projects: PathBuf,
    /// Whether the caller's environment names the folder there: see [`DIR_NAME`].
    pub(crate) named: bool,
}

/// The variable by which a user names the project folder.
/// See claude/FACTS.md, "Conversation and transcript file".
pub(crate) const DIR_NAME: &str = "CLAUDE_CODE_PROJECT_DIR_NAME";

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

/// Where the state file of a pane's process may be, or of the process that it launched: each with the
/// process that it would be of. In a PID namespace of its own, a process names the file after its
/// number there.
fn places(home: &Path, pid: u32) -> impl Iterator<Item = (PathBuf, u32)> {
    let of = |number: u32| home.join("sessions").join(format!("{number}.json"));
    let numbers = |pid: u32| {
        let inner = std::iter::once_with(move || proc::inner_ids(pid)).flatten();
        std::iter::once(pid).chain(inner).map(move |number| (number, pid))
    };
    proc::family(pid).flat_map(numbers).map(move |(number, pid)| (of(number), pid))
}

/// The state file of a pane's process, or of the process that it launched, and where it is.
fn find(home: &Path, pid: u32) -> Result<Option<(PathBuf, StateFile)>> {
    for (path, pid) in places(home, pid) {
        if let Some(file) = read(&path)?.filter(|file| file.is_of(pid)) {
            return Ok(Some((path, file)));
        }
    }
    Ok(None)
}

/// The state file at `path`; `None` where there is none, and where it stays torn.
fn read(path: &Path) -> Result<Option<StateFile>> {
    for _ in 0..TRIES {
        let Some(bytes) = fs::read_small(path)? else { return Ok(None) };
        if let Ok(file) = serde_json::from_slice(&bytes) {
            return Ok(Some(file));
        }
        std::thread::yield_now();
    }
    Ok(None)
}

impl StateFile {
    /// Whether it is of the process `pid`, and no older one with that number.
    fn is_of(&self, pid: u32) -> bool {
        let said = self.proc_start.as_ref().map(|start| match start {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let both = said.zip(proc::start_time(pid));
        both.is_none_or(|(said, real)| said == "null" || said == real)
    }
}

impl StateFiles {
    /// What the process says of itself.
    pub(crate) fn standing(&self, pid: u32) -> Result<Told> {
        let Some((_, file)) = find(&self.home, pid)? else {
            return Ok(Told::of(Status::Starting));
        };
        let beside = match file.status.as_deref() {
            Some("shell") => Some(true),
            Some("idle") => Some(false),
            _ => None,
        };
        let status = match file.status.as_deref() {
            // In `shell` a command runs in the background; the box takes prompts as when idle.
            Some("idle" | "shell") => Status::Idle(file.status_updated_at),
            Some("busy") => Status::Busy,
            // Its word for a dialog of whatever kind.
            Some("waiting") if file.waiting_for.as_deref() == Some("dialog open") => {
                Status::Waiting("unknown dialog".into())
            }
            Some("waiting") => Status::Waiting(file.waiting_for.unwrap_or_else(|| "input".into())),
            _ => Status::Starting,
        };
        Ok(Told { status, beside, conversation: Some(file.session_id) })
    }

    /// The agent itself: the pane's process, or one that it launched.
    pub(crate) fn process(&self, pid: u32) -> Option<u32> {
        let is_it = |(path, pid): &(PathBuf, u32)| {
            read(path).is_ok_and(|file| file.is_some_and(|file| file.is_of(*pid)))
        };
        places(&self.home, pid).find(is_it).map(|(_, pid)| pid)
    }

    /// The conversation that the process holds.
    pub(crate) fn conversation(&self, pid: u32) -> Result<Option<Conversation>> {
        let Some((_, file)) = find(&self.home, pid)? else { return Ok(None) };
        let transcript = self.transcript(&file.session_id, &file.cwd);
        let transcript = transcript.filter(|path| path.exists() || !names_folder(pid));
        Ok(Some(Conversation { id: Some(file.session_id), transcript }))
    }

    /// The transcript of conversation `id`: where it is, or else where it will be, if that is known. It
    /// is searched for, because its folder's name does not always follow from the working folder.
    pub(crate) fn transcript(&self, id: &str, cwd: &Path) -> Option<PathBuf> {
        let file = format!("{id}.jsonl");
        let dir = expected_dir(cwd).filter(|_| !self.named);
        let expected = dir.map(|dir| self.projects.join(dir).join(&file));
        if expected.as_ref().is_some_and(|path| path.exists()) {
            return expected;
        }
        self.found(id).or(expected)
    }

    /// The transcript of conversation `id`, if there is one.
    pub(crate) fn found(&self, id: &str) -> Option<PathBuf> {
        let file = format!("{id}.jsonl");
        self.folders().map(|folder| folder.join(&file)).find(|path| path.exists())
    }

    /// The conversation `kept`, which a process without a state file has held since `since`, in epoch
    /// milliseconds.
    ///
    /// # Errors
    /// [`crate::error::Kind::Missing`] when a conversation was cleared after that one's last record, in
    /// the same folder, and no other process holds the new one: then this process may.
    pub(crate) fn kept_or_cleared(&self, kept: &Conversation, since: u64) -> Result<Conversation> {
        let Some(transcript) = &kept.transcript else { return Ok(kept.clone()) };
        let since = since.max(last_time(transcript)?);
        let folder = transcript.parent().map(std::fs::read_dir);
        for entry in folder.into_iter().flatten().flatten().flatten() {
            let other = entry.path();
            let id = other.file_stem().and_then(OsStr::to_str).unwrap_or_default();
            if other != *transcript
                && other.extension() == transcript.extension()
                && cleared_at(&other, since)?.is_some_and(|at| at >= since)
                && holder(&self.home, id).is_none()
            {
                let cause = "its state file was removed, and a conversation was cleared in its \
                             folder since: which one it holds cannot be told";
                return Err(Error::missing("", cause).advise("look at the window"));
            }
        }
        Ok(kept.clone())
    }

    /// Where the transcript of this name may be: in any project's folder.
    pub(crate) fn places(&self, transcript: &Path) -> Vec<PathBuf> {
        let name = transcript.file_name().unwrap_or_default();
        self.folders().map(|folder| folder.join(name)).collect()
    }

    /// What changes when the process does something else: its state file; and while its transcript is
    /// not there, the places where it may come.
    pub(crate) fn watch_paths(&self, pid: u32) -> Vec<PathBuf> {
        let Ok(Some((path, file))) = find(&self.home, pid) else {
            return places(&self.home, pid).map(|(path, _)| path).collect();
        };
        let mut paths = vec![path];
        if self.conversation(pid).is_ok_and(|now| now.is_some_and(|now| now.transcript.is_none())) {
            // Its folder comes first, or is there already. However it is named, it begins alike: a name
            // is cut at its end, and only what is not ASCII can be composed.
            let real = real(&file.cwd).to_string_lossy().into_owned();
            let ascii: String = real.chars().take_while(char::is_ascii).take(NAME_MAX).collect();
            let named = self.named || names_folder(pid);
            let start = if named { String::new() } else { project_dir(Path::new(&ascii)) };
            let begins = |folder: &PathBuf| {
                folder
                    .file_name()
                    .and_then(OsStr::to_str)
                    .is_some_and(|name| name.starts_with(&start))
            };
            let transcript = format!("{}.jsonl", file.session_id);
            paths.push(self.projects.clone());
            paths.extend(self.folders().filter(begins).map(|folder| folder.join(&transcript)));
        }
        paths
    }

    fn folders(&self) -> impl Iterator<Item = PathBuf> {
        let folders = std::fs::read_dir(&self.projects).ok();
        folders.into_iter().flatten().flatten().map(|folder| folder.path())
    }
}

/// The time of the last record in a transcript that has one, in epoch milliseconds; 0 for none.
fn last_time(transcript: &Path) -> Result<u64> {
    let note = |last: &mut u64, line: Line<'_>| {
        let times = Claude.parse_line(line.bytes).into_iter().filter_map(|event| event.time);
        *last = times.fold(*last, u64::max);
    };
    last_lines(transcript, note, |last| *last > 0)
}

/// When the conversation in a transcript that was written since `since` was begun by `/clear`, if it
/// was. See claude/FACTS.md, "Conversation and transcript file".
fn cleared_at(transcript: &Path, since: u64) -> Result<Option<u64>> {
    let changed = transcript.metadata().and_then(|data| data.modified()).map(time::epoch_ms);
    if !changed.is_ok_and(|changed| changed >= since) {
        return Ok(None);
    }
    let (mut cleared, mut lines) = (None, 0);
    let _seen = Follow::open(transcript, Start::Offset(0))?.read_new(|line| {
        lines += 1;
        let events = Claude.parse_line(line.bytes);
        let clear =
            events.iter().find(|event| event.kind == EventKind::Command && event.text == "/clear");
        cleared = clear.and_then(|event| event.time);
        Ok(if cleared.is_some() || lines == BEGINNING {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })?;
    Ok(cleared)
}

/// How many lines a transcript may have before the command that began it.
const BEGINNING: usize = 16;

fn real(cwd: &Path) -> PathBuf {
    cwd.canonicalize().unwrap_or_else(|_| cwd.to_owned())
}

/// The longest folder name that is not cut, in UTF-16 units. A longer one is cut there, and gets a hash.
/// See claude/FACTS.md, "Conversation and transcript file".
pub(crate) const NAME_MAX: usize = 200;

/// The folder's name for a working folder, where it follows from that: decomposed characters may be
/// composed first.
fn expected_dir(cwd: &Path) -> Option<String> {
    let real = real(cwd);
    let name = Some(project_dir(&real)).filter(|name| name.len() <= NAME_MAX);
    name.filter(|_| is_nfc(&real.to_string_lossy()))
}

/// Whether the process takes its project folder's name from its environment.
fn names_folder(pid: u32) -> bool {
    let names = |pid| {
        let variables = proc::environment(pid).unwrap_or_default();
        variables.iter().any(|(name, value)| name == DIR_NAME && !value.is_empty())
    };
    proc::family(pid).any(names)
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
    files.flatten().map(|file| file.path()).find_map(|path| {
        let number = path.file_stem()?.to_str()?.parse().ok()?;
        let file = read(&path).ok()?.filter(|file| file.session_id == id)?;
        let is_it = |pid: &u32| proc::start_time(*pid).is_some() && file.is_of(*pid);
        // In a PID namespace of its own, the process has this number there.
        let inside = || proc::with_inner_id(number).find(is_it);
        Some(number).filter(is_it).or_else(inside)
    })
}
