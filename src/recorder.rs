//! The prompts that were given to sessions, with time and result, for statistics.
//!
//! The programs keep their deliveries in the SQLite file that `AIMAX_PROMPT_EVENTS` names; a user
//! of the library can receive each through a [`Recorder`]. Neither ever sees a prompt's text.
//!
//! The file has SQLite's rollback journal, not its write-ahead log: it stays one file, which may be
//! on a network drive and be copied at any time, and one delivery a second is no load. Writers wait
//! for each other.

use std::{
    collections::BTreeMap,
    fmt, fs,
    os::unix::fs::OpenOptionsExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    time::Duration,
};

use serde::Serialize;

use crate::{
    error::{At, Error, Result},
    sqlite, time,
};

/// A delivery: a prompt that was given to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PromptEvent {
    /// When the verdict was reached, in epoch milliseconds.
    pub at_ms: u64,
    /// The backend's name.
    pub backend: &'static str,
    /// The session's name.
    pub session: String,
    /// The length of the prompt, in characters.
    pub length: usize,
    /// The verdict, as in the records of the programs: `submitted`, `blocked`, …
    pub verdict: &'static str,
    /// How long the delivery took, in milliseconds.
    pub ms: u64,
}

/// A function that is called with each delivery.
#[derive(Clone)]
pub struct Recorder(Arc<dyn Fn(&PromptEvent) + Send + Sync>);

impl Recorder {
    /// Calls `function` with each delivery, in the thread that delivers, while the session's lock
    /// is held: it should be quick.
    pub fn new(function: impl Fn(&PromptEvent) + Send + Sync + 'static) -> Self {
        Recorder(Arc::new(function))
    }

    /// Calls the function. A panic in it becomes an error, which ends no delivery.
    pub(crate) fn call(&self, event: &PromptEvent) -> Result<()> {
        catch_unwind(AssertUnwindSafe(|| (self.0)(event)))
            .map_err(|_| Error::system("the prompt recorder", "it panicked"))
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}

/// How long one writer waits for others.
const BUSY: Duration = Duration::from_secs(5);

/// Adds `event` to the file at `path`, which is made, for the user alone, if it is missing.
pub(crate) fn keep(path: &Path, event: &PromptEvent) -> Result<()> {
    fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path).at(path)?;
    sqlite::insert(
        path,
        BUSY,
        TABLES,
        "insert into prompt_events values (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            signed(event.at_ms),
            event.backend,
            &event.session,
            signed(event.length as u64),
            event.verdict,
            signed(event.ms),
        ),
    )
}

const TABLES: &str = "create table if not exists prompt_events (
    at_ms integer not null,
    backend text not null,
    session text not null,
    length integer not null,
    verdict text not null,
    ms integer not null
);
create index if not exists prompt_events_at on prompt_events (at_ms);";

/// The window of the statistics when none is named, in hours.
pub(crate) const DEFAULT_HOURS: u32 = 5;
/// The longest window: a week.
pub(crate) const MOST_HOURS: u32 = 24 * 7;

/// How many prompts were typed in the last hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Stats {
    /// The window, in hours: the requested one, limited to 1 to [`MOST_HOURS`].
    pub window_hours: u32,
    /// The beginning of the window, as an RFC 3339 time.
    pub since: String,
    /// How many prompts.
    pub total: u64,
    /// How many for each backend.
    pub by_backend: BTreeMap<String, u64>,
}

/// Counts the prompts in the file at `path` that were typed in the last `hours`. A blocked delivery
/// typed nothing, so it is not counted.
///
/// # Errors
/// [`crate::error::Kind::Missing`] when there is no such file, [`crate::error::Kind::System`] when
/// it is none of ours.
pub(crate) fn stats_since(path: &Path, hours: u32) -> Result<Stats> {
    let (window_hours, since) = window(hours);
    let by_backend = counts(path, "backend", since)?;
    let total = by_backend.values().sum();
    Ok(Stats { window_hours, since: time::rfc3339(since), total, by_backend })
}

/// The same by session.
///
/// # Errors
/// Those of [`stats_since`].
pub(crate) fn counts_by_session_since(path: &Path, hours: u32) -> Result<BTreeMap<String, u64>> {
    counts(path, "session", window(hours).1)
}

/// The window, in hours, limited; and its beginning.
fn window(hours: u32) -> (u32, u64) {
    let hours = hours.clamp(1, MOST_HOURS);
    (hours, time::now_ms().saturating_sub(u64::from(hours) * 3_600_000))
}

fn counts(path: &Path, column: &str, since: u64) -> Result<BTreeMap<String, u64>> {
    if !path.exists() {
        return Err(Error::missing(path.display(), "no such file")
            .advise("the first delivery creates it, if AIMAX_PROMPT_EVENTS names it"));
    }
    let sql = format!(
        "select {column}, count(*) from prompt_events
        where at_ms >= ?1 and verdict <> 'blocked' group by {column}"
    );
    let pairs = sqlite::rows(path, BUSY, &sql, [signed(since)], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
    })?;
    Ok(pairs.into_iter().collect())
}

/// SQLite has only signed integers.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(session: &str, hours_ago: u64, verdict: &'static str) -> PromptEvent {
        PromptEvent {
            at_ms: time::now_ms() - hours_ago * 3_600_000,
            backend: if session == "x" { "tmux-codex" } else { "tmux-claude-code" },
            session: session.into(),
            length: 3,
            verdict,
            ms: 7,
        }
    }

    #[test]
    fn what_is_kept_is_counted_and_writers_wait_for_each_other() {
        let path = std::env::temp_dir().join(format!("aimax-events-{}", std::process::id()));
        drop(fs::remove_file(&path));
        let missing = stats_since(&path, 1).unwrap_err();
        assert_eq!(missing.kind, crate::error::Kind::Missing);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope
                    .spawn(|| (0..10).for_each(|_| keep(&path, &event("a", 0, "queued")).unwrap()));
            }
        });
        keep(&path, &event("x", 2, "unproven")).unwrap();
        keep(&path, &event("x", 0, "blocked")).unwrap();
        keep(&path, &event("a", 200, "submitted")).unwrap();
        let stats = stats_since(&path, 5).unwrap();
        assert_eq!((stats.window_hours, stats.total), (5, 41));
        let by: Vec<_> = stats.by_backend.into_iter().collect();
        assert_eq!(by, [("tmux-claude-code".into(), 40), ("tmux-codex".into(), 1)]);
        assert_eq!(stats_since(&path, 0).unwrap().window_hours, 1);
        assert_eq!(stats_since(&path, 1000).unwrap().window_hours, MOST_HOURS);
        let by = counts_by_session_since(&path, 1).unwrap();
        assert_eq!(by.into_iter().collect::<Vec<_>>(), [("a".into(), 40)]);

        fs::write(&path, "not a database").unwrap();
        assert!(keep(&path, &event("a", 0, "queued")).is_err());
        assert!(stats_since(&path, 5).is_err());
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_panic_is_an_error() {
        let recorder = Recorder::new(|_| panic!("oh"));
        assert!(recorder.call(&event("a", 0, "queued")).is_err());
    }
}
