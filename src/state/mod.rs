//! The session files, `hub-runtime.json` and the like, shared with the original program.
//!
//! Each is one JSON object keyed by session name, written as Python's `json.dump(…, indent=2)`
//! writes it. Every change takes the lock beside the file, reads, changes and replaces it whole;
//! fields that we do not know stay. A file that is not JSON is set aside under a dated name and
//! reported, so it is neither lost nor taken for "no sessions".

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    error::{Error, Result},
    fs,
    time::{self, Deadline},
    watch::Watch,
};

pub(crate) mod admin;
mod python;

/// A session's name: `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`, so that it can be a tmux window, a
/// folder and a word in a shell without quoting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Name(String);

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if text.is_empty() {
            return Err(Error::usage("session name", "it is empty"));
        }
        if text.len() > 128 {
            return Err(Error::usage("session name", "it is longer than 128 characters"));
        }
        if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) || !text.chars().all(legal) {
            return Err(Error::usage(format!("session name {text:?}"), "not a legal name")
                .advise("a letter or digit, then letters, digits, `.`, `_` or `-`"));
        }
        Ok(Name(text.to_owned()))
    }
}

/// What is kept of one session. Field names are those on disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry(Map<String, Value>);

impl Entry {
    /// A text field, unless it is absent, null or empty.
    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// The agent's own id of the conversation.
    pub fn agent_session_id(&self) -> Option<&str> {
        self.text("agentSessionId")
    }

    /// Where the agent works.
    pub fn cwd(&self) -> Option<&Path> {
        self.text("cwd").map(Path::new)
    }

    /// The folder whose `.imac/flags` holds the flags: `flagRoot`, else `cwd`.
    pub fn flag_root(&self) -> Option<&Path> {
        self.text("flagRoot").map(Path::new).or_else(|| self.cwd())
    }

    /// Whether it was started behind the proxy, if that is known.
    pub fn use_proxy(&self) -> Option<bool> {
        self.fields().get("useProxy")?.as_bool()
    }

    /// Whether its agent asks for permissions, if that is known.
    pub fn asks_permission(&self) -> Option<bool> {
        self.text("permissions").map(|how| how == "ask")
    }

    /// The arguments of the caller's that were passed to its agent.
    pub fn agent_args(&self) -> Vec<OsString> {
        let args = self.0.get("agentArgs").and_then(Value::as_array).into_iter().flatten();
        args.filter_map(|arg| arg.as_str().map(OsString::from)).collect()
    }

    /// The transcript, once it is known.
    pub fn jsonl_path(&self) -> Option<&Path> {
        self.text("jsonlPath").map(Path::new)
    }

    /// Epoch milliseconds of the start.
    pub fn started_at(&self) -> Option<u64> {
        self.0.get("startedAt")?.as_u64()
    }

    /// Sets a field.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    /// The same entry with a field set.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.set(key, value);
        self
    }

    /// Every field, ours or not.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// One state file, as it is read: sessions in the file's order.
type Sessions = Map<String, Value>;

/// The two files of one backend: the live sessions and all that ever were.
#[derive(Clone, Debug)]
pub struct Store {
    runtime: PathBuf,
    archive: PathBuf,
}

impl Store {
    /// The files in `data_dir` whose names begin with `prefix`: empty for Claude Code.
    pub fn new(data_dir: &Path, prefix: &str) -> Self {
        Store {
            runtime: data_dir.join(format!("{prefix}hub-runtime.json")),
            archive: data_dir.join(format!("{prefix}hub-archive.json")),
        }
    }

    /// The file of the live sessions, to be watched.
    pub fn runtime(&self) -> &Path {
        &self.runtime
    }

    /// The file of all sessions that ever were.
    pub fn archive(&self) -> &Path {
        &self.archive
    }

    /// The live sessions by name, in the file's order. Names that are not legal are left out: they
    /// are not sessions of ours.
    pub fn sessions(&self) -> Result<Vec<(Name, Entry)>> {
        Ok(entries(load(&self.runtime)?))
    }

    /// All sessions that ever were, in the file's order.
    pub fn archived(&self) -> Result<Vec<(Name, Entry)>> {
        Ok(entries(load(&self.archive)?))
    }

    /// One live session.
    pub fn get(&self, name: &Name) -> Result<Option<Entry>> {
        Ok(load(&self.runtime)?.remove(name.as_str()).and_then(entry))
    }

    /// One session, live or past.
    pub fn find(&self, name: &Name) -> Result<Option<Entry>> {
        if let Some(live) = self.get(name)? {
            return Ok(Some(live));
        }
        Ok(load(&self.archive)?.remove(name.as_str()).and_then(entry))
    }

    /// Merges the fields of `entry` into the session, in both files: the archive first, because the
    /// original, on finding a live session that the archive lacks, writes the archive anew.
    pub fn put(&self, name: &Name, entry: &Entry) -> Result<()> {
        for path in [&self.archive, &self.runtime] {
            change(path, |sessions| {
                let kept = sessions.entry(name.as_str()).or_insert(Value::Null);
                object(kept).extend(entry.0.clone());
            })?;
        }
        Ok(())
    }

    /// Takes the session out of the live ones; the archive keeps it.
    pub fn forget(&self, name: &Name) -> Result<()> {
        change(&self.runtime, |sessions| {
            sessions.shift_remove(name.as_str());
        })
    }
}

fn entry(value: Value) -> Option<Entry> {
    if let Value::Object(fields) = value { Some(Entry(fields)) } else { None }
}

/// The object in `value`; anything else is replaced by an empty object.
fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Map::new().into();
    }
    value.as_object_mut().expect("it is an object now")
}

fn entries(sessions: Sessions) -> Vec<(Name, Entry)> {
    sessions
        .into_iter()
        .filter_map(|(name, value)| Some((name.parse().ok()?, entry(value)?)))
        .collect()
}

/// Reads one file; a missing or empty one holds no sessions.
///
/// The original writes in place, so a reader can meet half a file: it is read again when it
/// changes, within a short deadline, before it is called broken.
fn load(path: &Path) -> Result<Sessions> {
    let deadline = Deadline::after(Duration::from_millis(300));
    let mut watch: Option<Watch> = None;
    loop {
        let Some(bytes) = fs::read(path)? else { return Ok(Sessions::new()) };
        let fault = match serde_json::from_slice(&bytes) {
            Ok(Value::Object(sessions)) => return Ok(sessions),
            Ok(Value::Null) => return Ok(Sessions::new()),
            Ok(_) => "it is not a JSON object".to_owned(),
            Err(e) => e.to_string(),
        };
        if deadline.passed() {
            return Err(set_aside(path, &fault));
        }
        match &mut watch {
            Some(watch) => drop(watch.wait(deadline)?),
            // The file is read once more after the subscription, so no change is missed.
            None => {
                let mut new = Watch::new()?;
                new.path(path)?;
                watch = Some(new);
            }
        }
    }
}

/// Moves a broken file out of the way and says so.
fn set_aside(path: &Path, fault: &str) -> Error {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".broken-{}", time::rfc3339(time::now_ms()).replace(':', "")));
    let kept = path.with_file_name(name);
    match std::fs::rename(path, &kept) {
        Ok(()) => Error::system(path.display(), format!("not readable as JSON ({fault})"))
            .advise(format!("set aside as {}; mend it and put it back", kept.display())),
        Err(e) => Error::io(path.display(), &e),
    }
}

/// The lock of a state file, beside it.
pub(crate) fn lock_path(path: &Path) -> PathBuf {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    lock.into()
}

fn change(path: &Path, edit: impl FnOnce(&mut Sessions)) -> Result<()> {
    let deadline = Deadline::after(Duration::from_secs(30));
    let subject = path.display().to_string();
    let _held = fs::lock(&lock_path(path), deadline, &subject, "locked for 30 s")?;
    let mut sessions = load(path)?;
    let before = sessions.clone();
    edit(&mut sessions);
    if sessions == before {
        return Ok(());
    }
    fs::write_durable(path, &python::encode(&sessions), 0o600)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> (PathBuf, Store) {
        let folder =
            std::env::temp_dir().join(format!("aimax-state-{name}-{}", std::process::id()));
        fs::make_dir(&folder, 0o700).unwrap();
        (folder.clone(), Store::new(&folder, ""))
    }

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn names_that_could_climb_or_run_are_refused() {
        for good in ["a", "A.b_c-1", "0", &"x".repeat(128)] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        for bad in
            ["", "_root", ".", "..", "-a", "a b", "a/b", "a:b", "#(x)", "é", &"x".repeat(129)]
        {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }

    #[test]
    fn unknown_fields_stay_and_the_archive_remembers() {
        let (folder, store) = scratch("put");
        std::fs::write(store.runtime(), r#"{"a": {"later": 1, "cwd": "/x"}, "_root": {}}"#)
            .unwrap();
        store.put(&name("a"), &Entry::default().with("cwd", "/y")).unwrap();
        store.put(&name("b"), &Entry::default().with("cwd", "/é😀")).unwrap();
        let text = std::fs::read_to_string(store.runtime()).unwrap();
        assert_eq!(
            text,
            "{\n  \"a\": {\n    \"later\": 1,\n    \"cwd\": \"/y\"\n  },\n  \"_root\": {},\n  \
             \"b\": {\n    \"cwd\": \"/\\u00e9\\ud83d\\ude00\"\n  }\n}"
        );
        let names: Vec<_> = store.sessions().unwrap().into_iter().map(|(n, _)| n.0).collect();
        assert_eq!(names, ["a", "b"]);
        store.forget(&name("a")).unwrap();
        assert_eq!(store.get(&name("a")).unwrap(), None);
        assert_eq!(store.find(&name("a")).unwrap().unwrap().cwd(), Some(Path::new("/y")));
        fs::remove_dir(&folder).unwrap();
    }

    #[test]
    fn a_broken_file_is_set_aside_not_overwritten() {
        let (folder, store) = scratch("broken");
        std::fs::write(store.runtime(), "{\"a\": {").unwrap();
        let error = store.put(&name("b"), &Entry::default()).unwrap_err();
        assert!(error.advice.contains("set aside as"), "{error}");
        let kept = std::fs::read_dir(&folder)
            .unwrap()
            .map(|e| e.unwrap().path())
            .find(|p| p.to_string_lossy().contains(".broken-"))
            .unwrap();
        assert_eq!(std::fs::read_to_string(kept).unwrap(), "{\"a\": {");
        store.put(&name("b"), &Entry::default()).unwrap();
        fs::remove_dir(&folder).unwrap();
    }

    #[test]
    fn twenty_writers_lose_nothing() {
        let (folder, store) = scratch("many");
        std::thread::scope(|scope| {
            for writer in 0..20 {
                let store = &store;
                scope.spawn(move || {
                    for n in 0..10 {
                        store.put(&name(&format!("s{writer}-{n}")), &Entry::default()).unwrap();
                    }
                });
            }
        });
        assert_eq!(store.sessions().unwrap().len(), 200);
        assert_eq!(store.archived().unwrap().len(), 200);
        fs::remove_dir(&folder).unwrap();
    }
}
