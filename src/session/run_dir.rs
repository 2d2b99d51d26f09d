//! A session's private folder, and the only list of its files.

use std::path::{Path, PathBuf};

use crate::{
    agent::{Backend, SETTINGS_FILE, TITLE_FILE},
    config::Config,
    error::{Error, Result},
    fs::{self, Lock},
    state::Name,
    time::Deadline,
};

/// The private folder of one session. Its two lock files stay for ever: a lock whose file is
/// removed could be held twice. Everything else is removed with the session.
#[derive(Clone, Debug)]
pub(crate) struct RunDir(PathBuf);

/// The files that go with the session.
const MADE_FOR_IT: [&str; 8] =
    [SETTINGS_FILE, LAUNCH_SPEC, OUTPUT, TITLE_FILE, ANCHOR, ENDED, JOB, READY];

const LAUNCH_SPEC: &str = "orders";
const OUTPUT: &str = "output";
const ANCHOR: &str = "anchor.json";
const ENDED: &str = "ended.json";
const JOB: &str = "job.json";
const READY: &str = "ready";

impl RunDir {
    /// The folder of a session. It need not exist yet.
    #[must_use]
    pub(crate) fn of(config: &Config, backend: Backend, name: &Name) -> RunDir {
        RunDir(config.run_dir(backend.name(), name.as_str()))
    }

    /// The folder that holds `file`.
    #[must_use]
    pub(crate) fn holding(file: &Path) -> RunDir {
        RunDir(file.parent().unwrap_or(Path::new("")).to_owned())
    }

    /// The folders that there are, by path: also those of sessions that are no more.
    #[must_use]
    pub(crate) fn all(config: &Config) -> Vec<(Backend, Name, RunDir)> {
        let of = |backend: Backend| {
            let folders = std::fs::read_dir(config.run_dir(backend.name(), "")).into_iter();
            folders.flatten().flatten().filter_map(move |entry| {
                let name = entry.file_name().to_str()?.parse().ok()?;
                Some((backend, name, RunDir(entry.path())))
            })
        };
        let mut found: Vec<_> = Backend::ALL.into_iter().flat_map(of).collect();
        found.sort_by(|a, b| a.2.0.cmp(&b.2.0));
        found
    }

    /// The folder itself.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The launch spec, which the window reads to start the agent.
    #[must_use]
    pub(crate) fn launch_spec(&self) -> PathBuf {
        self.0.join(LAUNCH_SPEC)
    }

    /// Where the agent is: see [`Anchor`](super::anchor::Anchor).
    #[must_use]
    pub(crate) fn anchor(&self) -> PathBuf {
        self.0.join(ANCHOR)
    }

    /// The anchor of an agent that is known to have ended.
    #[must_use]
    pub(crate) fn ended(&self) -> PathBuf {
        self.0.join(ENDED)
    }

    /// The account of its last job: see [`Job`](super::Job).
    #[must_use]
    pub(crate) fn job(&self) -> PathBuf {
        self.0.join(JOB)
    }

    /// Notes that its agent is ready.
    pub(crate) fn set_ready(&self) -> Result<()> {
        fs::write_atomic(&self.0.join(READY), b"", 0o600)
    }

    /// Whether its agent has been ready.
    #[must_use]
    pub(crate) fn is_ready(&self) -> bool {
        self.0.join(READY).exists()
    }

    /// The FIFO into which the pane's output goes while somebody looks.
    #[must_use]
    pub(crate) fn output(&self) -> PathBuf {
        self.0.join(OUTPUT)
    }

    /// The file that tmux writes at each change of the pane's title.
    #[must_use]
    pub(crate) fn title(&self) -> PathBuf {
        self.0.join(TITLE_FILE)
    }

    /// The note of what was delivered under a key. It stays when the session is ended: a retry may
    /// come later.
    #[must_use]
    pub(crate) fn once(&self, key: &str) -> PathBuf {
        self.0.join("once").join(key)
    }

    /// The session's lock: only one process at a time types, interrupts or ends.
    #[must_use]
    pub(crate) fn lock_path(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// Takes the session's lock.
    pub(crate) fn lock(&self, name: &Name, wait: Deadline) -> Result<Lock> {
        fs::lock(&self.lock_path(), wait, name.as_str(), "another process is using this session")
    }

    /// Takes the lock for reading and then changing the flags. Whoever comes after all of a user's data has
    /// been removed, as a hook of tmux may, does not make the folders anew.
    pub(crate) fn lock_flags(&self, wait: Deadline) -> Result<Lock> {
        // DATA/run/BACKEND/NAME
        if let Some(data) = self.0.ancestors().nth(3).filter(|data| !data.is_dir()) {
            return Err(Error::missing(data.display(), "the folder is gone"));
        }
        fs::lock(&self.0.join("flags.lock"), wait, "flags", "another process has locked them")
    }

    /// Removes the folder, locks and all: only of a session whose name nobody uses again.
    pub(crate) fn remove(&self) -> Result<()> {
        fs::remove_dir(&self.0)
    }

    /// Whether any file of a session is there.
    #[must_use]
    pub(crate) fn has_files(&self) -> bool {
        !self.files().is_empty()
    }

    /// The files that were made for the session, and what a writer of them has left that was killed.
    fn files(&self) -> Vec<PathBuf> {
        let is_ours = |entry: &std::fs::DirEntry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let name = name.split_once(fs::ASIDE).map_or(&*name, |(name, _)| name);
            MADE_FOR_IT.contains(&name)
        };
        let entries = std::fs::read_dir(&self.0).into_iter().flatten().flatten();
        entries.filter(is_ours).map(|entry| entry.path()).collect()
    }

    /// Removes the files that were made for the session. If one cannot be removed, the others are
    /// removed all the same.
    pub(crate) fn clear(&self) -> Result<()> {
        let removed: Vec<Result<()>> =
            self.files().iter().map(|file| fs::remove(file).map(drop)).collect();
        removed.into_iter().collect()
    }
}
