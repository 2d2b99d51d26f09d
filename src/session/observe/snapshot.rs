//! One look at a session: its pane, the agent's status, and how its job stands.

use std::{thread, time::Duration};

use crate::session::{
    Job, JobState, Prompts, Session, Standing,
    anchor::Sight,
    attached_pane,
    panes::{self, Panes},
};
use crate::{
    agent::{Backend, Status},
    config::Config,
    error::{Error, Result},
    state::Entry,
    tmux::{Pane, Tmux},
};

/// How long to wait before looking again whether a list of the agent's own is closed: no event tells.
const CLOSED: Duration = Duration::from_secs(1);

/// One look at one session.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Its pane, if the window is there.
    pub pane: Option<Pane>,
    /// The agent's status, corrected by the transcript where that is ahead; `None` when the agent
    /// has ended.
    pub status: Option<Status>,
    /// Why the agent cannot be seen, though it may live; `status` then says what is known all the same.
    pub unseen: Option<Error>,
    /// How its job stands. It cannot be told, for example, when the folder of the flags is gone.
    pub job: Result<JobState>,
    /// Whether nothing is left of its prompts. The agent's status may not show it yet.
    pub rests: bool,
    /// Whether something that the idle agent has started runs on, as far as that is known without its
    /// screen.
    pub(crate) beside: Option<bool>,
    /// The id of the conversation that the agent says it holds, or the beginning of that.
    pub(crate) holds: Option<String>,
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
    /// The agent has ended.
    Dead,
    /// The agent may live, but it cannot be seen.
    Unknown,
}

impl State {
    /// All names.
    pub(crate) const NAMES: &[&str] =
        &["starting", "idle", "working", "waiting", "failed", "dead", "unknown"];

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
            State::Unknown => "unknown",
        }
    }
}

impl Snapshot {
    /// That the agent can be seen, or has ended.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) fn seen(&self) -> Result<&Snapshot> {
        self.unseen.as_ref().map_or(Ok(self), |why| Err(why.clone()))
    }

    /// Whether the agent waits for a prompt.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.status, Some(Status::Idle(_)))
    }

    /// What the session does.
    #[must_use]
    pub fn state(&self) -> State {
        match &self.status {
            _ if self.unseen.is_some() => State::Unknown,
            None => State::Dead,
            Some(Status::Starting) => State::Starting,
            Some(Status::Busy) => State::Working,
            Some(Status::Waiting(_)) => State::Waiting,
            Some(Status::Idle(_)) if matches!(self.job, Ok(JobState::Failed(_))) => State::Failed,
            Some(Status::Idle(_)) => State::Idle,
        }
    }

    /// What is to be seen of the session at this sight of its pane. Settles its job.
    pub(crate) fn of(config: &Config, session: &Session, sight: Sight) -> Result<Snapshot> {
        Snapshot::with(config, session, Job::of(config, session).as_mut(), sight)
    }

    /// Like [`Snapshot::of`], with a job that remembers how far it has read the transcript.
    pub(crate) fn with(
        config: &Config,
        session: &Session,
        job: Option<&mut Job>,
        sight: Sight,
    ) -> Result<Snapshot> {
        let (pane, unseen) = match sight {
            Sight::Seen(pane) => (pane, None),
            Sight::Unseen { why, pane: Some(pane) } => (Some(*pane), Some(why)),
            Sight::Unseen { why, pane: None } => {
                let job = job
                    .map_or(Ok(JobState::Done), |job| job.by_account().unwrap_or(Err(why.clone())));
                let (status, unseen) = (None, Some(why));
                let (pane, beside, holds, again, rests) = (None, None, None, None, false);
                return Ok(Snapshot { pane, status, unseen, job, rests, beside, holds, again });
            }
        };
        let live = pane.as_ref().filter(|pane| !pane.dead);
        let told = live.map(|pane| session.status_or_kept(config, pane)).transpose()?;
        let (told, untold) = told.unzip();
        let unseen = unseen.or(untold.flatten());
        let (status, beside, holds) = told
            .map_or((None, None, None), |told| (Some(told.status), told.beside, told.conversation));
        let Some(job) = job else {
            let (job, rests, again) = (Ok(JobState::Done), true, None);
            let seen = Snapshot { pane, status, unseen, job, rests, beside, holds, again };
            return seen.with_list(config, session);
        };
        let (state, prompts, again) = match job.settle_with(config, pane.as_ref(), status.clone()) {
            Ok(Standing { prompts, again, .. }) if !job.flags().has_root() => {
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
                if over
                    && session.agent().turn_is_open(&session.paths(config), pane)?
                        == Some(false) =>
            {
                Some(Status::Idle(None))
            }
            (status, _) => status,
        };
        let rests = prompts == Prompts::Rest;
        let snapshot = Snapshot { pane, status, unseen, job: state, rests, beside, holds, again };
        snapshot.with_list(config, session)
    }

    /// The same, with a list of the agent's own that its status does not tell of. The cursor is hidden
    /// for a moment when the agent draws, too, so the pane is looked at once more.
    fn with_list(self, config: &Config, session: &Session) -> Result<Snapshot> {
        let hides = |pane: &&Pane| session.agent().facts().list_hides_cursor && pane.cursor_hidden;
        let Some(pane) = self.pane.as_ref().filter(|_| self.is_idle()).filter(hides) else {
            return Ok(self);
        };
        let Some(look) = Tmux::new(config)?.of(pane).capture(&pane.id)? else { return Ok(self) };
        let asked = attached_pane::question(&session.profile(config)?, &look, &Status::Idle(None));
        let Some((name, _)) = asked.filter(|_| look.pane.cursor_hidden) else { return Ok(self) };
        let again = self.again.or(Some(CLOSED));
        Ok(Snapshot { status: Some(Status::Waiting(name)), again, ..self })
    }
}

/// So many sessions are worth a thread.
const SHARE: usize = 100;

/// Looks at many sessions: with one call of tmux for each server among them, then by as many threads as
/// there are processors, for what is left is in files.
pub fn snapshots(config: &Config, tmux: &Tmux, sessions: &[Session]) -> Result<Vec<Snapshot>> {
    let mut panes = Panes::of_many(sessions.len());
    let mut sights = panes.sights(config, tmux, sessions)?.into_iter();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = sessions.len().div_ceil(threads).max(SHARE);
    let look = |part: &[Session], sights: Vec<Sight>| -> Result<Vec<Snapshot>> {
        part.iter().zip(sights).map(|(one, sight)| Snapshot::of(config, one, sight)).collect()
    };
    thread::scope(|scope| {
        let mut parts = sessions.chunks(share).map(|part| {
            let sights: Vec<Sight> = sights.by_ref().take(share).collect();
            (part, sights)
        });
        let own = parts.next();
        let others: Vec<_> =
            parts.map(|(part, sights)| scope.spawn(move || look(part, sights))).collect();
        let mut seen = own.map_or(Ok(Vec::new()), |(part, sights)| look(part, sights))?;
        for other in others {
            seen.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(seen)
    })
}

/// A session and its snapshot.
pub(crate) type Observed = (Session, Snapshot);

/// What is to be seen of the sessions of some backends that have a pane, and of the windows that bear a
/// legal name in their hubs on the caller's server, though no state file knows them.
pub(crate) fn windows(
    config: &Config,
    tmux: &Tmux,
    backends: &[Backend],
) -> Result<Vec<(Backend, Vec<Observed>)>> {
    let named = panes::all(config, tmux, backends)?;
    let mut panes = Panes::default();
    let of = |&backend: &Backend| {
        let mut found: Vec<Observed> = Vec::new();
        for mut session in Session::all(config, Some(backend))? {
            let snapshot = Snapshot::of(config, &session, panes.sight(config, tmux, &session)?)?;
            drop(session.keep_up(config, snapshot.pane.as_ref()));
            if snapshot.pane.is_some() || snapshot.unseen.is_some() {
                found.push((session, snapshot));
            }
        }
        for (_, name, pane) in named.iter().filter(|(of, ..)| *of == backend) {
            let is_known = |(session, seen): &Observed| {
                session.name == *name || seen.pane.as_ref().is_some_and(|seen| seen.id == pane.id)
            };
            if !found.iter().any(is_known) {
                let session = Session { name: name.clone(), backend, entry: Entry::default() };
                let sight = Sight::Seen(Some(pane.clone()));
                let snapshot = Snapshot::of(config, &session, sight)?;
                found.push((session, snapshot));
            }
        }
        Ok((backend, found))
    };
    backends.iter().map(of).collect()
}
