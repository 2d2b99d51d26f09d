//! One session as a whole: started, prompted, observed, ended.
//!
//! A [`Session`] is a name, a backend, and its entry in the state file. Whether its agent is alive
//! is never stored: tmux is asked.

use std::{collections::HashSet, path::Path, time::Duration};

use serde_json::{Value, json};

use crate::{
    agent::{Agent, AgentPaths, Backend, profile::Profile},
    cli::{Member, Type},
    config::Config,
    error::{At, Error, Kind, Result},
    flag::Flags,
    shell,
    state::{Entry, Name, Store},
    sys,
};

mod adopt;
pub(crate) mod anchor;
mod attached_pane;
pub(crate) mod conversation;
mod deliver;
mod end;
mod hooks;
mod job;
mod observe;
pub(crate) mod panes;
mod reply;
mod run_dir;
mod send;
mod start;
mod still;

pub(crate) use adopt::{Adoption, adopt};
pub(crate) use deliver::{
    Delivery, DeliveryOptions, Once, OnceKey, Prompt, Question, Reading, Stage, When, answer,
    deliver, interrupt, question,
};
pub use deliver::{Interruption, Verdict};
pub use end::Ended;
pub(crate) use end::end;
pub use job::JobState;
pub(crate) use job::{ARRIVES, DoneBy, Job, Prompts, Standing, end_of, failure};
pub(crate) use observe::{Limit, Observed, SessionWatcher, Shown, Snapshot, keep, shown, windows};
pub use observe::{State, snapshots};
pub(crate) use reply::{Asked, Ending, Reply, await_reply};
pub(crate) use run_dir::RunDir;
pub(crate) use send::{Recipient, SentPrompt, StartOptions, start_once};
pub(crate) use start::{Proxy, Spawn, enter_window, spawn};

/// A session that the state files know.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its name.
    pub name: Name,
    /// Its backend.
    pub backend: Backend,
    /// Its entry in the state file.
    pub entry: Entry,
}

impl Session {
    /// The screen profile of its agent.
    pub(crate) fn profile(&self, config: &Config) -> Result<Profile> {
        let (name, built_in) = self.agent().facts().profile;
        Profile::load(config, name, built_in)
    }

    /// The session of that name that was not ended. `backend` may be omitted when only one backend
    /// has a session of that name.
    ///
    /// # Errors
    /// [`crate::error::Kind::Missing`] when no state file knows it, and
    /// [`crate::error::Kind::Usage`] when several do.
    pub fn find(config: &Config, name: &Name, backend: Option<Backend>) -> Result<Session> {
        let found = one_of(name, kept(config, backend, |store| named(name, store.get(name)?))?);
        found.map_err(|error| match Session::ended(config, name, backend) {
            Some(past) if error.kind == Kind::Missing => past.goes_on(),
            _ => error,
        })
    }

    /// The session of that name that was ended, if there is one.
    fn ended(config: &Config, name: &Name, backend: Option<Backend>) -> Option<Session> {
        one_of(name, kept(config, backend, |store| named(name, store.find(name)?)).ok()?).ok()
    }

    /// That it was ended, and the command that goes on with it.
    fn goes_on(&self) -> Error {
        let error = Error::missing(&self.name, "no such session: it was ended");
        let (Some(id), Some(cwd)) = (self.entry.agent_session_id(), self.entry.cwd()) else {
            return error.advise("`aimax-ls --all` lists it");
        };
        let (backend, cwd) = (self.backend.name(), cwd.to_string_lossy());
        error.advise(format!(
            "`aimax-spawn -b {backend} -s {} --cwd {} --resume {id}` goes on with it",
            self.name,
            shell::word(&cwd),
        ))
    }

    /// Like [`Session::find`], but falls back to a session that was ended.
    pub fn find_any(config: &Config, name: &Name, backend: Option<Backend>) -> Result<Session> {
        match Session::find(config, name, backend) {
            Err(error) if error.kind == Kind::Missing => {
                one_of(name, kept(config, backend, |store| named(name, store.find(name)?))?)
            }
            found => found,
        }
    }

    /// The sessions of one backend, or of all, that were not ended.
    pub fn all(config: &Config, backend: Option<Backend>) -> Result<Vec<Session>> {
        kept(config, backend, |store| Ok(store.sessions()?.into_iter().collect()))
    }

    /// Those of one backend among `names` that were not ended.
    pub(crate) fn some(config: &Config, backend: Backend, names: &[Name]) -> Result<Vec<Session>> {
        kept(config, Some(backend), |store| store.some(names))
    }

    /// The sessions of one backend, or of all, that were ended.
    pub fn past(config: &Config, backend: Option<Backend>) -> Result<Vec<Session>> {
        kept(config, backend, |store| {
            let live: HashSet<Name> = store.sessions()?.into_iter().map(|(name, _)| name).collect();
            let past = store.archived()?.into_iter().filter(|(name, _)| !live.contains(name));
            Ok(past.collect())
        })
    }

    /// What [`Session::record`] holds.
    pub(crate) const MEMBERS: &[Member] = &[
        Member::new("sessionId", Type::Text, "The session's name"),
        Member::new("backend", Type::OneOf(Backend::NAMES), "The agent's backend"),
        Member::new("host", Type::Text, "The machine's name"),
    ];

    /// The beginning of each record of it: its name, its backend, and the machine.
    pub(crate) fn record(&self) -> Value {
        let backend = self.backend.name();
        json!({ "sessionId": self.name, "backend": backend, "host": sys::host() })
    }

    /// The command that starts it again.
    pub(crate) fn revival(&self) -> String {
        format!("`aimax revive -b {} {}` restarts it", self.backend.name(), self.name)
    }

    /// The adapter of its agent.
    #[must_use]
    pub fn agent(&self) -> &'static dyn Agent {
        self.backend.agent()
    }

    /// Its agent's own files and folders.
    #[must_use]
    pub(crate) fn paths(&self, config: &Config) -> AgentPaths {
        AgentPaths::kept(config, self.agent().facts(), &self.entry)
    }

    /// Its flags, if it has a folder for them.
    #[must_use]
    pub fn flags(&self) -> Option<Flags> {
        Some(Flags::new(self.entry.flag_root()?, &self.name))
    }

    /// Checks that the session works in the folder `asked`, if a folder is given. `else_end` ends
    /// the advice "choose another name, or …".
    ///
    /// # Errors
    /// [`Kind::Refused`] when it works in another folder.
    pub(crate) fn same_folder(&self, asked: Option<&Path>, else_end: &str) -> Result<()> {
        let (Some(runs_in), Some(asked)) = (self.entry.cwd(), asked) else { return Ok(()) };
        let asked = std::path::absolute(asked).at(asked)?;
        if asked == runs_in || asked.canonicalize().ok() == runs_in.canonicalize().ok() {
            return Ok(());
        }
        let cause = format!("a session of this name runs in {}", runs_in.display());
        Err(Error::new(Kind::Refused, &self.name, cause)
            .advise(format!("choose another name, or {else_end}")))
    }
}

/// The sessions that `take` finds in the state files of one backend, or of all.
fn kept(
    config: &Config,
    backend: Option<Backend>,
    take: impl Fn(&Store) -> Result<Vec<(Name, Entry)>>,
) -> Result<Vec<Session>> {
    let mut found = Vec::new();
    for backend in backend.map_or(Backend::ALL.to_vec(), |one| vec![one]) {
        let sessions = take(&backend.store(config))?.into_iter();
        found.extend(sessions.map(|(name, entry)| Session { name, backend, entry }));
    }
    Ok(found)
}

fn named(name: &Name, entry: Option<Entry>) -> Result<Vec<(Name, Entry)>> {
    Ok(entry.map(|entry| (name.clone(), entry)).into_iter().collect())
}

fn one_of(name: &Name, mut found: Vec<Session>) -> Result<Session> {
    match (found.pop(), found.pop()) {
        (Some(session), None) => Ok(session),
        (None, _) => Err(Error::missing(name, "no such session").advise("`aimax-ls` lists them")),
        (Some(a), Some(b)) => Err(Error::usage(
            name,
            format!(
                "both {} and {} have a session of this name",
                a.backend.name(),
                b.backend.name()
            ),
        )
        .advise("choose one with -b")),
    }
}

/// How long to wait for an obstacle to typing to go away: the screen may not be drawn yet.
pub(crate) const DRAW_WAIT: Duration = Duration::from_millis(500);

/// How long a proof may take by default.
pub(crate) const PROOF_WAIT: Duration = Duration::from_secs(30);

/// How long a start may take by default.
pub(crate) const START_WAIT: Duration = Duration::from_secs(60);

/// How long to wait for a session's lock by default.
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(60);
