//! The session files, `hub-runtime.json` and the like, shared with the original program.
//!
//! Each is one JSON object keyed by session name, written as Python's `json.dump(…, indent=2)`
//! writes it. Every change takes the lock beside the file, reads, changes and replaces it whole;
//! fields that we do not know stay. A file that is not JSON is set aside under a dated name and
//! reported, so it is neither lost nor taken for "no sessions".

use std::{
    ffi::OsString,
    fmt,
    fs::File,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    error::{At, Error, Result},
    fs,
    time::{self, Deadline},
    watch::Watch,
};

pub(crate) mod admin;
mod document;
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
            return Err(Error::usage(format!("session name {text:?}"), "not a valid name")
                .advise("use a letter or digit, then letters, digits, `.`, `_` or `-`"));
        }
        Ok(Name(text.to_owned()))
    }
}

/// What is kept of one session. Field names are those on disk. Copies share their memory: whoever watches
/// a thousand sessions holds several of each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry(Arc<Map<String, Value>>);

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
        Arc::make_mut(&mut self.0).insert(key.to_owned(), value.into());
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
        all(&self.runtime)
    }

    /// The names of the live sessions.
    pub fn names(&self) -> Result<Vec<Name>> {
        let names = load(&self.runtime, document::names)?.into_iter();
        Ok(names.filter_map(|name| name.parse().ok()).collect())
    }

    /// Those of `names` that are live.
    pub fn some(&self, names: &[Name]) -> Result<Vec<(Name, Entry)>> {
        let of = |name: &Name| Some(self.get(name).transpose()?.map(|kept| (name.clone(), kept)));
        names.iter().filter_map(of).collect()
    }

    /// One live session, of a file that can be read as a whole.
    pub fn checked(&self, name: &Name) -> Result<Option<Entry>> {
        load(&self.runtime, |bytes| kept(bytes, name))
    }

    /// All sessions that ever were, in the file's order.
    pub fn archived(&self) -> Result<Vec<(Name, Entry)>> {
        all(&self.archive)
    }

    /// One live session.
    pub fn get(&self, name: &Name) -> Result<Option<Entry>> {
        get(&self.runtime, name)
    }

    /// One session, live or past.
    pub fn find(&self, name: &Name) -> Result<Option<Entry>> {
        if let Some(live) = self.get(name)? {
            return Ok(Some(live));
        }
        get(&self.archive, name)
    }

    /// Merges the fields of `entry` into the session, in both files: the archive first, because the
    /// original, on finding a live session that the archive lacks, writes the archive anew.
    pub fn put(&self, name: &Name, entry: &Entry) -> Result<()> {
        for path in [&self.archive, &self.runtime] {
            change(path, name.as_str(), |kept| {
                let mut kept = kept.and_then(self::entry).unwrap_or_default();
                let fields = Arc::make_mut(&mut kept.0);
                fields.extend(entry.0.iter().map(|(key, value)| (key.clone(), value.clone())));
                Some(Value::Object(std::mem::take(fields)))
            })?;
        }
        Ok(())
    }

    /// Takes the session out of the live ones; the archive keeps it.
    pub fn forget(&self, name: &Name) -> Result<()> {
        change(&self.runtime, name.as_str(), |_| None)
    }
}

fn entry(value: Value) -> Option<Entry> {
    if let Value::Object(fields) = value { Some(Entry(Arc::new(fields))) } else { None }
}

fn get(path: &Path, name: &Name) -> Result<Option<Entry>> {
    let file = fs::absent(File::open(path)).at(path)?;
    let seen = file.map(|file| document::glance(file, name.as_str())).transpose().at(path)?;
    match seen.flatten() {
        Some(value) => Ok(entry(value)),
        None => load(path, |bytes| kept(bytes, name)),
    }
}

fn kept(bytes: &[u8], name: &Name) -> serde_json::Result<Option<Entry>> {
    Ok(document::get(bytes, name.as_str())?.and_then(entry))
}

fn all(path: &Path) -> Result<Vec<(Name, Entry)>> {
    let legal = |(name, value): (String, Value)| name.parse().ok().zip(entry(value));
    load(path, |bytes| Ok(document::all(bytes)?.into_iter().filter_map(legal).collect()))
}

/// What `take` finds in one file; a missing or empty one holds no sessions.
///
/// The original writes in place, so a reader can meet half a file: it is read again when it
/// changes, within a short deadline, before it is called broken.
fn load<T>(path: &Path, take: impl Fn(&[u8]) -> serde_json::Result<T>) -> Result<T> {
    let deadline = Deadline::after(Duration::from_millis(300));
    let mut watch: Option<Watch> = None;
    loop {
        // `null` stands for a missing file.
        let bytes = fs::read(path)?.unwrap_or_else(|| b"null".to_vec());
        let fault = match take(&bytes) {
            Ok(found) => return Ok(found),
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
            .advise(format!("set aside as {}; fix it and put it back", kept.display())),
        Err(e) => Error::io(path.display(), &e),
    }
}

/// The lock of a state file, beside it.
pub(crate) fn lock_path(path: &Path) -> PathBuf {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    lock.into()
}

fn change(path: &Path, name: &str, edit: impl Fn(Option<Value>) -> Option<Value>) -> Result<()> {
    let deadline = Deadline::after(Duration::from_secs(30));
    let subject = path.display().to_string();
    let _held = fs::lock(&lock_path(path), deadline, &subject, "locked for 30 s")?;
    let changed = load(path, |bytes| document::edited(bytes, name, &edit))?;
    changed.map_or(Ok(()), |bytes| fs::write_durable(path, &bytes, 0o600))
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
    fn one_session_is_found_in_any_layout() {
        let (folder, store) = scratch("layout");
        let of = |text: &str| {
            std::fs::write(store.runtime(), text).unwrap();
            let entry = store.get(&name("a")).unwrap();
            entry.map(|entry| entry.cwd().map(|cwd| cwd.to_str().unwrap().to_owned()))
        };
        let there = |cwd: &str| Some(Some(cwd.to_owned()));
        assert_eq!(of("{\n  \"a\": {\n    \"cwd\": \"/x\"\n  },\n  \"b\": {}\n}"), there("/x"));
        assert_eq!(of("{\n  \"a\": {},\n  \"b\": {\n    \"cwd\": \"/x\"\n  }\n}"), Some(None));
        assert_eq!(of("{\n  \"b\": {\n    \"a\": {\n      \"cwd\": \"/x\"\n    }\n  }\n}"), None);
        assert_eq!(of("{\n  \"a\": {\n    \"cwd\": {\n  }\n  },\n  \"b\": 1\n}"), Some(None));
        assert_eq!(of("{\"a\": {\"cwd\": \"/x\"}}\n"), there("/x"));
        assert_eq!(
            of("{\n  \"a\": {\n    \"cwd\": \"/x\"\n  },\n  \"a\": {\n    \"cwd\": \"/y\"\n  }\n}"),
            there("/y")
        );
        assert_eq!(of("null"), None);
        fs::remove_dir(&folder).unwrap();
    }

    #[test]
    fn a_change_leaves_the_others_as_they_are() {
        let (folder, store) = scratch("change");
        let written = || std::fs::read_to_string(store.runtime()).unwrap();
        let of = |names: &[&str]| {
            let one = |name: &&str| format!("\n  \"{name}\": {{\n    \"cwd\": \"/{name}\"\n  }}");
            format!("{{{}\n}}", names.iter().map(one).collect::<Vec<_>>().join(","))
        };
        for (n, text) in ["a", "b", "c"].into_iter().enumerate() {
            store.put(&name(text), &Entry::default().with("cwd", format!("/{text}"))).unwrap();
            assert_eq!(written(), of(&["a", "b", "c"][..=n]));
        }
        for (gone, left) in [("b", &["a", "c"][..]), ("c", &["a"]), ("x", &["a"])] {
            store.forget(&name(gone)).unwrap();
            assert_eq!(written(), of(left));
        }
        store.put(&name("a"), &Entry::default().with("cwd", "/b")).unwrap();
        assert_eq!(written(), of(&["a"]).replace("/a", "/b"));
        store.forget(&name("a")).unwrap();
        assert_eq!(written(), "{}");
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
