//! What is seen of a session in one look: its pane, what the agent says that it does, and how its
//! job stands.

use super::{Job, JobState, Session};
use crate::{
    agent::{Backend, Status},
    config::Config,
    error::{Error, Result},
    tmux::{Pane, Tmux},
};

/// One look at one session.
#[derive(Debug)]
pub struct Sight {
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

impl Sight {
    /// A look at the session whose pane this is; sets its flags right when its job has ended.
    pub(super) fn of(config: &Config, session: &Session, pane: Option<Pane>) -> Result<Sight> {
        Sight::with(config, session, Job::of(config, session).as_mut(), pane)
    }

    /// The same with a job that has been looked at before.
    pub(super) fn with(
        config: &Config,
        session: &Session,
        job: Option<&mut Job>,
        pane: Option<Pane>,
    ) -> Result<Sight> {
        let live = pane.as_ref().filter(|pane| !pane.dead);
        let status = live.map(|pane| session.agent().status(config, pane)).transpose()?;
        let Some(job) = job else {
            return Ok(Sight { pane, status, job: Ok(JobState::Done), rests: true });
        };
        let state = match job.look_after(config, pane.as_ref(), status.clone()) {
            Ok(JobState::Done) if !job.flags().has_root() => {
                Err(Error::missing(&session.name, "the folder of its flags is gone"))
            }
            state => state,
        };
        let status = if job.works() { Some(Status::Busy) } else { status };
        Ok(Sight { pane, status, job: state, rests: job.rests() })
    }
}

/// What a session does, in one word.
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
    /// The word.
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

impl Sight {
    /// What the session does.
    #[must_use]
    pub fn state(&self) -> State {
        match (&self.status, &self.job) {
            (None, _) => State::Dead,
            (Some(Status::Starting), _) => State::Starting,
            (Some(Status::Busy), _) => State::Working,
            (Some(Status::Waiting(_)), _) => State::Waiting,
            (Some(Status::Idle(_)), Ok(JobState::Failed(_))) => State::Failed,
            (Some(Status::Idle(_)), _) => State::Idle,
        }
    }
}

/// A look at many sessions, with one question to tmux for each backend among them.
pub fn sights(config: &Config, tmux: &Tmux, sessions: &[Session]) -> Result<Vec<Sight>> {
    let mut panes = Panes::default();
    let look = |session: &Session| {
        let pane = panes.of(config, tmux, session)?;
        Sight::of(config, session, pane)
    };
    sessions.iter().map(look).collect()
}

/// The panes of all hubs, each asked for once, when it is needed.
#[derive(Default)]
pub(super) struct Panes {
    hubs: Vec<(Backend, Vec<Pane>)>,
}

impl Panes {
    /// The session's pane.
    pub(super) fn of(
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
