//! One look at a session: its pane, the agent's status, and how its job stands.

use std::{collections::HashMap, time::Duration};

use crate::session::{
    Job, JobState, Prompts, Session, Standing,
    anchor::{self, Panes},
};
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
    /// The agent's status, corrected by the transcript where that is ahead; `None` when the agent
    /// has ended.
    pub status: Option<Status>,
    /// How its job stands. An error, for example, when the folder of the flags is gone.
    pub job: Result<JobState>,
    /// Whether nothing is left of its prompts. The agent's status may not show it yet.
    pub rests: bool,
    /// How long to wait before looking again even if no event comes.
    pub(crate) again: Option<Duration>,
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
    /// It asks a question.
    Waiting,
    /// It waits for a prompt, and the last job failed.
    Failed,
    /// The agent has ended, or its window is gone.
    Dead,
}

impl State {
    /// Its name in the records.
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

    /// Looks at the session in `pane` and settles its job.
    pub(crate) fn of(config: &Config, session: &Session, pane: Option<Pane>) -> Result<Snapshot> {
        Snapshot::with(config, session, Job::of(config, session).as_mut(), pane)
    }

    /// Like [`Snapshot::of`], with a job that remembers how far it has read the transcript.
    pub(crate) fn with(
        config: &Config,
        session: &Session,
        job: Option<&mut Job>,
        pane: Option<Pane>,
    ) -> Result<Snapshot> {
        let live = pane.as_ref().filter(|pane| !pane.dead);
        let status = live.map(|pane| session.agent().status(config, pane)).transpose()?;
        let Some(job) = job else {
            let job = Ok(JobState::Done);
            return Ok(Snapshot { pane, status, job, rests: true, again: None });
        };
        let (state, prompts, again) = match job.settle_with(config, pane.as_ref(), status.clone()) {
            Ok(Standing { state: JobState::Done, prompts, again }) if !job.flags().has_root() => {
                let gone = Error::missing(&session.name, "the folder of its flags is gone");
                (Err(gone), prompts, again)
            }
            Ok(Standing { state, prompts, again }) => (Ok(state), prompts, again),
            Err(error) => (Err(error), Prompts::Rest, None),
        };
        let over = matches!(state, Ok(JobState::Done | JobState::Failed(_)));
        let status = match (status, live) {
            _ if prompts == Prompts::Ahead => Some(Status::Busy),
            // The title follows the transcript by some milliseconds.
            (Some(Status::Busy), Some(pane))
                if over && session.agent().turn_is_open(config, pane)? == Some(false) =>
            {
                Some(Status::Idle(None))
            }
            (status, _) => status,
        };
        Ok(Snapshot { pane, status, job: state, rests: prompts == Prompts::Rest, again })
    }
}

/// Looks at many sessions, with one call of tmux for each backend among them.
pub fn snapshots(config: &Config, tmux: &Tmux, sessions: &[Session]) -> Result<Vec<Snapshot>> {
    let mut panes = Panes::default();
    let look = |session: &Session| {
        let pane = panes.of(config, tmux, session)?;
        Snapshot::of(config, session, pane)
    };
    sessions.iter().map(look).collect()
}

/// A session and its snapshot.
pub(crate) type Observed = (Session, Snapshot);

/// Looks at all windows of `backends` that have the name of a session, with one call of tmux. These
/// include windows that no state file knows.
pub(crate) fn windows(
    config: &Config,
    tmux: &Tmux,
    backends: &[Backend],
) -> Result<Vec<(Backend, Vec<Observed>)>> {
    let panes = anchor::all(config, tmux, backends)?;
    let of = |&backend: &Backend| {
        let mut panes = panes.iter().filter(|(of, ..)| *of == backend).peekable();
        let entries =
            if panes.peek().is_none() { Vec::new() } else { backend.store(config).sessions()? };
        let mut entries: HashMap<Name, Entry> = entries.into_iter().collect();
        let observe = |(_, name, pane): &(Backend, Name, Pane)| {
            let entry = entries.remove(name).unwrap_or_default();
            let session = Session { name: name.clone(), backend, entry };
            let snapshot = Snapshot::of(config, &session, Some(pane.clone()))?;
            Ok((session, snapshot))
        };
        Ok((backend, panes.map(observe).collect::<Result<_>>()?))
    };
    backends.iter().map(of).collect()
}
