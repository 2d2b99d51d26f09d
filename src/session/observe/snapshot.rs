//! What is seen of a session in one look: its pane, what the agent says that it does, and how its
//! job stands.

use std::collections::HashMap;

use crate::session::{Job, JobState, Session};
use crate::{
    agent::{Backend, Status},
    config::Config,
    error::{Error, Result},
    state::{Entry, Name},
    tmux::{Pane, Tmux},
};

/// One look at one session.
#[derive(Debug)]
pub struct Snapshot {
    /// Its pane, if the window is there.
    pub pane: Option<Pane>,
    /// What the agent does, by its own word or, where that is ahead, by its transcript; `None` when it
    /// has ended.
    pub status: Option<Status>,
    /// How its job stands. It cannot be told, for example, when the folder of the flags is gone.
    pub job: Result<JobState>,
    /// Nothing is left of its prompts, though the agent may still have to say so.
    pub rests: bool,
}

/// What a session does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The agent is not ready yet.
    Starting,
    /// It waits for a prompt.
    Idle,
    /// A turn runs.
    Working,
    /// It asks something.
    Waiting,
    /// It waits for a prompt, and the last job failed.
    Failed,
    /// The agent has ended, or its window is gone.
    Dead,
}

impl State {
    /// As the records name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            State::Starting => "starting",
            State::Idle => "idle",
            State::Working => "working",
            State::Waiting => "waiting",
            State::Failed => "failed",
            State::Dead => "dead",
        }
    }
}

impl Snapshot {
    /// What the session does.
    #[must_use]
    pub fn state(&self) -> State {
        match &self.status {
            None => State::Dead,
            Some(Status::Starting) => State::Starting,
            Some(Status::Busy) => State::Working,
            Some(Status::Waiting(_)) => State::Waiting,
            Some(Status::Idle(_)) if matches!(self.job, Ok(JobState::Failed(_))) => State::Failed,
            Some(Status::Idle(_)) => State::Idle,
        }
    }

    /// A look at the session whose pane this is; sets its flags right when its job has ended.
    pub(crate) fn of(config: &Config, session: &Session, pane: Option<Pane>) -> Result<Snapshot> {
        Snapshot::with(config, session, Job::of(config, session).as_mut(), pane)
    }

    /// The same with a job that has been looked at before.
    pub(crate) fn with(
        config: &Config,
        session: &Session,
        job: Option<&mut Job>,
        pane: Option<Pane>,
    ) -> Result<Snapshot> {
        let live = pane.as_ref().filter(|pane| !pane.dead);
        let status = live.map(|pane| session.agent().status(config, pane)).transpose()?;
        let Some(job) = job else {
            return Ok(Snapshot { pane, status, job: Ok(JobState::Done), rests: true });
        };
        let state = match job.look_after(config, pane.as_ref(), status.clone()) {
            Ok(JobState::Done) if !job.flags().has_root() => {
                Err(Error::missing(&session.name, "the folder of its flags is gone"))
            }
            state => state,
        };
        let over = matches!(state, Ok(JobState::Done | JobState::Failed(_)));
        let status = match (status, live) {
            _ if job.works() => Some(Status::Busy),
            // The title follows the transcript by some milliseconds.
            (Some(Status::Busy), Some(pane))
                if over && session.agent().turn_is_open(config, pane)? == Some(false) =>
            {
                Some(Status::Idle(None))
            }
            (status, _) => status,
        };
        Ok(Snapshot { pane, status, job: state, rests: job.rests() })
    }
}

/// A look at many sessions, with one question to tmux for each backend among them.
pub fn snapshots(config: &Config, tmux: &Tmux, sessions: &[Session]) -> Result<Vec<Snapshot>> {
    let mut panes = Panes::default();
    let look = |session: &Session| {
        let pane = panes.of(config, tmux, session)?;
        Snapshot::of(config, session, pane)
    };
    sessions.iter().map(look).collect()
}

/// A session, and what was seen of it.
pub(crate) type Observed = (Session, Snapshot);

/// The windows of some backends that bear a session's name, with a look at each, by one question to
/// tmux: also those that no state file knows. Names that are not legal are left out, such as that of
/// a hub's own window.
pub(crate) fn windows(
    config: &Config,
    tmux: &Tmux,
    backends: &[Backend],
) -> Result<Vec<(Backend, Vec<Observed>)>> {
    let hubs: Vec<String> = backends.iter().map(|backend| backend.hub(config)).collect();
    let panes = tmux.panes_of(&hubs)?;
    let of = |&backend: &Backend| {
        let hub = backend.hub(config);
        let panes: Vec<&Pane> =
            panes.iter().filter(|(of, _)| *of == hub).map(|(_, pane)| pane).collect();
        let entries =
            if panes.is_empty() { Vec::new() } else { backend.store(config).sessions()? };
        let mut entries: HashMap<Name, Entry> = entries.into_iter().collect();
        let mut seen = Vec::new();
        for pane in panes {
            let Ok(name) = pane.window_name.parse::<Name>() else { continue };
            let entry = entries.remove(&name).unwrap_or_default();
            let session = Session { name, backend, entry };
            let snapshot = Snapshot::of(config, &session, Some(pane.clone()))?;
            seen.push((session, snapshot));
        }
        Ok((backend, seen))
    };
    backends.iter().map(of).collect()
}

/// The panes of all hubs, each asked for once, when it is needed.
#[derive(Default)]
pub(crate) struct Panes {
    hubs: Vec<(Backend, Vec<Pane>)>,
}

impl Panes {
    /// The session's pane.
    pub(crate) fn of(
        &mut self,
        config: &Config,
        tmux: &Tmux,
        session: &Session,
    ) -> Result<Option<Pane>> {
        let known = self.hubs.iter().position(|(backend, _)| *backend == session.backend);
        let hub = match known {
            Some(known) => known,
            None => {
                let mut panes = tmux.panes(&session.backend.hub(config))?;
                panes.sort_by(|a, b| a.window_name.cmp(&b.window_name));
                self.hubs.push((session.backend, panes));
                self.hubs.len() - 1
            }
        };
        let panes = &self.hubs[hub].1;
        let found = panes.partition_point(|pane| *pane.window_name < *session.name.as_str());
        Ok(panes.get(found).filter(|pane| pane.window_name == session.name.as_str()).cloned())
    }
}
