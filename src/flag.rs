//! Flag files: `<root>/.imac/flags/<session>/running.flag` and `failed.flag`.
//!
//! They are the interface for everyone else: any process that can read the folder knows the job's
//! state without our programs. `running.flag` exists while a job runs; once it is gone, the job is
//! over, and `failed.flag` exists if it failed. Both hold `key=value` lines; a newline in a value
//! is written `\n`, and values are cut after 2,000 characters.
//!
//! The files appear by rename, so a reader never sees half a file. The folder is inside a tree that an agent controls: a link in the place of one of our
//! folders or files is refused, not followed, and only plain files are read.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{
    cli::{Member, Type},
    error::{At, Error, Result},
    fs,
    state::Name,
    time,
};

/// The longest value that is written, in characters.
const LONGEST: usize = 2000;

/// How much of a flag file is read, in bytes: far more than we ever write.
const MOST: u64 = 64 * 1024;

/// What makes git ignore the whole folder, this file included.
const GIT_IGNORE: &[u8] = b"*\n";

/// The two flags of one session.
#[derive(Clone, Debug)]
pub struct Flags {
    root: PathBuf,
    session: Name,
}

/// The fields of a flag file, by key.
pub(crate) type Fields = BTreeMap<String, String>;

/// The fields of the flags that are there. What is in the place of `failed.flag` need not be readable
/// while a job runs.
#[derive(Debug)]
pub(crate) struct Raised {
    pub(crate) running: Option<Fields>,
    pub(crate) failed: Result<Option<Fields>>,
}

impl Raised {
    /// Whether `running.flag` is there, and `failed.flag`.
    pub(crate) fn are_there(&self) -> (bool, bool) {
        (self.running.is_some(), !matches!(self.failed, Ok(None)))
    }
}

/// Why a job failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// In a few words: a name of ours where programs may want to tell it, else the agent's words.
    pub reason: String,
    /// The agent's words, where `reason` is a name.
    pub message: Option<String>,
    /// When the usage limit ends that was reached, in epoch milliseconds, if that is known.
    pub resets_at: Option<u64>,
}

impl Failure {
    /// What [`Failure::add_to`] adds.
    pub(crate) const MEMBERS: &[Member] = &[
        Member::new("reason", Type::Text, "Why").optional(),
        Member::new("message", Type::Text, "The agent's words, of a reason with a name").optional(),
        Member::new("resetsAt", Type::Millis, "When the usage limit ends").optional(),
    ];

    /// A failure for this reason.
    pub fn new(reason: impl Into<String>) -> Failure {
        Failure { reason: reason.into(), ..Failure::default() }
    }

    /// The failure that `failed.flag` tells.
    pub(crate) fn of(fields: &Fields) -> Failure {
        Failure {
            reason: fields.get("reason").cloned().unwrap_or_default(),
            message: fields.get("message").cloned(),
            resets_at: fields.get("resetsAt").and_then(|at| at.parse().ok()),
        }
    }

    /// The reason, and the agent's words, for people.
    pub(crate) fn words(&self) -> String {
        match &self.message {
            Some(message) => format!("{}: {message}", self.reason),
            None => self.reason.clone(),
        }
    }

    /// Adds what is known to a record of ours.
    pub(crate) fn add_to(&self, record: &mut serde_json::Value) {
        record["reason"] = self.reason.as_str().into();
        if let Some(message) = &self.message {
            record["message"] = message.as_str().into();
        }
        if let Some(at) = self.resets_at {
            record["resetsAt"] = at.into();
        }
    }
}

impl Flags {
    /// The flags of `session` below `root`.
    pub fn new(root: &Path, session: &Name) -> Self {
        Flags { root: root.to_owned(), session: session.clone() }
    }

    /// The folder that holds them.
    pub fn dir(&self) -> PathBuf {
        self.root.join(".imac/flags").join(self.session.as_str())
    }

    /// Whether the root folder exists. Without it, a missing flag says nothing about the job.
    pub fn has_root(&self) -> bool {
        self.root.is_dir()
    }

    /// Whether the folder that holds them exists.
    pub fn has_dir(&self) -> Result<bool> {
        self.check_path()
    }

    /// The path of `running.flag`.
    pub fn running(&self) -> PathBuf {
        self.dir().join("running.flag")
    }

    /// The path of `failed.flag`.
    pub fn failed(&self) -> PathBuf {
        self.dir().join("failed.flag")
    }

    /// Marks a job as running since `at`, in epoch milliseconds: writes `running.flag` and removes an
    /// older `failed.flag`.
    pub fn set(&self, at: u64, fields: &[(&str, String)]) -> Result<()> {
        let ours = [("pid", std::process::id().to_string()), ("startedAt", time::rfc3339(at))];
        self.write(&self.running(), &[&ours, fields].concat())?;
        fs::remove(&self.failed()).map(|_| ())
    }

    /// Says that no job runs, and that none has failed: removes both files.
    pub fn remove_files(&self) -> Result<()> {
        self.check_path()?;
        fs::remove(&self.failed())?;
        fs::remove(&self.running()).map(|_| ())
    }

    /// Marks the job as failed at `at`, in epoch milliseconds: writes `failed.flag`, then removes
    /// `running.flag`, so that a reader never takes a failed job for a done one.
    pub fn fail(&self, at: u64, why: &Failure) -> Result<()> {
        let fields = [
            ("failedAt", time::rfc3339(at)),
            ("reason", why.reason.clone()),
            ("message", why.message.clone().unwrap_or_default()),
            ("resetsAt", why.resets_at.map(|at| at.to_string()).unwrap_or_default()),
        ];
        self.write(&self.failed(), &fields)?;
        fs::remove(&self.running()).map(|_| ())
    }

    fn write(&self, flag: &Path, fields: &[(&str, String)]) -> Result<()> {
        self.make_dir()?;
        let session = [("session", self.session.to_string())];
        // The account is on the disk: after a crash the next look writes the flag anew.
        fs::write_atomic(flag, encode(&[&session, fields].concat()).as_bytes(), 0o644)
    }

    /// Both flags. `running.flag` is read first: a job that fails meanwhile is not taken for a done one.
    pub(crate) fn read(&self) -> Result<Raised> {
        if !self.check_path()? {
            return Ok(Raised { running: None, failed: Ok(None) });
        }
        Ok(Raised { running: fields(&self.running())?, failed: fields(&self.failed()) })
    }

    /// The fields of `running.flag`, if it is there.
    pub fn read_running(&self) -> Result<Option<Fields>> {
        if self.check_path()? { fields(&self.running()) } else { Ok(None) }
    }

    /// When `running.flag` was written, in epoch milliseconds: its `startedAt`, or the file's time
    /// if another program wrote it without that field. `None` when it is not there.
    pub fn began_at(&self) -> Result<Option<u64>> {
        let Some(fields) = self.read_running()? else { return Ok(None) };
        if let Some(at) = fields.get("startedAt").and_then(|text| time::parse_rfc3339(text)) {
            return Ok(Some(at));
        }
        let written = self.running().metadata().and_then(|data| data.modified()).ok();
        Ok(written.map(time::epoch_ms))
    }

    /// The fields of `failed.flag`, if it is there.
    pub fn read_failed(&self) -> Result<Option<Fields>> {
        if self.check_path()? { fields(&self.failed()) } else { Ok(None) }
    }

    /// Removes the session's folder, and the folders above it that are ours and now empty.
    pub fn remove(&self) -> Result<()> {
        self.check_path()?;
        fs::remove_dir(&self.dir())?;
        // What is not empty, or already gone, is not ours to remove.
        let ours = self.root.join(".imac");
        if std::fs::remove_dir(ours.join("flags")).is_ok() && self.is_last() {
            fs::remove(&self.git_ignore())?;
            drop(std::fs::remove_dir(ours));
        }
        Ok(())
    }

    /// Keeps the flags out of the user's repository, whose agent may commit all that it finds.
    fn git_ignore(&self) -> PathBuf {
        self.root.join(".imac/.gitignore")
    }

    /// Whether nothing but our own file is left in `.imac`.
    fn is_last(&self) -> bool {
        let left = std::fs::read_dir(self.root.join(".imac")).into_iter().flatten().flatten();
        left.into_iter().all(|entry| entry.file_name() == ".gitignore")
            && fs::read_plain(&self.git_ignore(), MOST)
                .is_ok_and(|text| text.is_none_or(|text| text == GIT_IGNORE))
    }

    fn make_dir(&self) -> Result<()> {
        if !self.root.is_dir() {
            let cause = "the flag root is not a folder";
            return Err(Error::usage(self.root.display(), cause).advise("make it first"));
        }
        self.check_path()?;
        // Other users may read the flags, whatever our umask is; an existing folder keeps its mode.
        let dir = self.dir();
        let new = dir.ancestors().take(3).take_while(|path| !path.exists()).map(Path::to_owned);
        let new: Vec<PathBuf> = new.collect();
        fs::make_dir(&dir, 0o755)
            .map_err(|e| e.advise("a start takes a folder that you can write in by --flag-root"))?;
        new.iter().try_for_each(|path| fs::set_mode(path, 0o755))?;
        match self.git_ignore().symlink_metadata() {
            Ok(_) => Ok(()),
            Err(_) => fs::write_atomic(&self.git_ignore(), GIT_IGNORE, 0o644),
        }
    }

    /// Whether the folder that holds them is there. Refuses a link in the place of one of our folders.
    fn check_path(&self) -> Result<bool> {
        let mut path = self.root.clone();
        for part in [".imac", "flags", self.session.as_str()] {
            path.push(part);
            match fs::absent(path.symlink_metadata()).at(&path)? {
                None => return Ok(false),
                Some(found) if found.is_dir() => {}
                Some(_) => {
                    let cause = "not a folder";
                    return Err(Error::system(path.display(), cause));
                }
            }
        }
        Ok(true)
    }
}

/// The fields of the flag at `path`, if it is there.
fn fields(path: &Path) -> Result<Option<Fields>> {
    let Some(bytes) = fs::read_plain(path, MOST)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let field = |line: &str| {
        let (key, value) = line.split_once('=')?;
        Some((key.to_owned(), value.replace("\\n", "\n")))
    };
    Ok(Some(text.lines().filter_map(field).collect()))
}

fn encode(lines: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (key, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        let value = value.replace("\r\n", "\\n").replace(['\n', '\r'], "\\n");
        text.push_str(key);
        text.push('=');
        text.extend(value.chars().take(LONGEST));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(name: &str) -> Flags {
        let root = std::env::temp_dir().join(format!("aimax-flag-{name}-{}", std::process::id()));
        fs::make_dir(&root, 0o700).unwrap();
        Flags::new(&root, &"s".parse().unwrap())
    }

    #[test]
    fn a_job_runs_fails_and_leaves_nothing() {
        let flags = flags("life");
        flags.set(1, &[("offset", "12".into())]).unwrap();
        let running = flags.read_running().unwrap().unwrap();
        assert_eq!((running["session"].as_str(), running["offset"].as_str()), ("s", "12"));
        flags.fail(2, &Failure::new("one\ntwo")).unwrap();
        assert_eq!(flags.read_running().unwrap(), None);
        assert!(std::fs::read_to_string(flags.failed()).unwrap().contains("reason=one\\ntwo\n"));
        assert_eq!(flags.read_failed().unwrap().unwrap()["reason"], "one\ntwo");
        flags.set(1, &[]).unwrap();
        assert_eq!(flags.read_failed().unwrap(), None);
        assert_eq!(flags.read().unwrap().are_there(), (true, false));
        flags.remove_files().unwrap();
        flags.remove_files().unwrap();
        assert_eq!(flags.read().unwrap().are_there(), (false, false));
        flags.remove().unwrap();
        assert_eq!(std::fs::read_dir(&flags.root).unwrap().count(), 0);
        fs::remove_dir(&flags.root).unwrap();
    }

    #[test]
    fn a_users_own_file_stays() {
        let flags = flags("ignore");
        flags.set(1, &[]).unwrap();
        assert_eq!(std::fs::read(flags.git_ignore()).unwrap(), GIT_IGNORE);
        std::fs::write(flags.git_ignore(), "!*").unwrap();
        flags.set(1, &[]).unwrap();
        flags.remove().unwrap();
        assert_eq!(std::fs::read(flags.git_ignore()).unwrap(), b"!*");
        fs::remove_dir(&flags.root).unwrap();
    }

    #[test]
    fn long_values_are_cut() {
        let text = encode(&[("reason", "é".repeat(3000))]);
        assert_eq!(text.chars().count(), "reason=\n".len() + LONGEST);
    }

    #[test]
    fn a_link_is_not_followed() {
        let flags = flags("link");
        let outside = flags.root.join("outside");
        fs::make_dir(&outside, 0o700).unwrap();
        fs::make_dir(&flags.root.join(".imac"), 0o755).unwrap();
        std::os::unix::fs::symlink(&outside, flags.root.join(".imac/flags")).unwrap();
        std::fs::write(outside.join("running.flag"), "").unwrap();
        assert!(flags.set(1, &[]).is_err() && flags.read_running().is_err());
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
        fs::remove_dir(&flags.root).unwrap();
    }

    #[test]
    fn what_is_no_plain_file_is_not_read() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let flags = flags("plain");
        flags.set(1, &[]).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&flags.dir()), mode(&flags.running())), (0o755, 0o644));
        flags.remove_files().unwrap();
        symlink("/etc/passwd", flags.running()).unwrap();
        assert!(flags.read_running().is_err());
        flags.remove_files().unwrap();
        // Nobody will ever write into it: to open it must not wait.
        crate::sys::make_fifo(&flags.running()).unwrap();
        assert!(flags.read_running().is_err());
        flags.set(1, &[]).unwrap();
        assert!(flags.read_running().unwrap().is_some());
        fs::remove_dir(&flags.root).unwrap();
    }
}
