//! Many sessions under one watch: any event that may change the state of one of them ends the wait, and
//! only those are looked at that it may concern.

use std::{
    collections::{BTreeSet, HashSet},
    ops::ControlFlow,
    path::Path,
    time::Duration,
};

use super::snapshot::Snapshot;
use crate::session::{Job, JobState, Session, anchor::Sight, panes::Panes};
use crate::{
    agent::Backend,
    cli::output,
    config::Config,
    error::Result,
    flag::Failure,
    state::Name,
    sys,
    time::Deadline,
    tmux::Tmux,
    watch::{Watch, WatchId, Woke},
};

/// Sessions, and the watch on them.
pub(crate) struct SessionWatcher<'a> {
    config: &'a Config,
    tmux: &'a Tmux,
    watch: Watch,
    watched: Vec<Watched>,
    follows_on: bool,
    /// The watched paths that have changed since the last look; `None` when anything may have.
    changed: Option<BTreeSet<WatchId>>,
}

/// How long to wait before looking again at an agent that says by its screen alone whether something
/// runs in the background.
const SCREEN: Duration = Duration::from_secs(1);

struct Watched {
    session: Session,
    job: Option<Job>,
    /// How long to wait before looking again even if no event comes.
    again: Option<Duration>,
    /// The agent's process, whose end is watched.
    pid: Option<u32>,
    /// The watched paths whose change concerns it.
    spots: BTreeSet<WatchId>,
}

impl Watched {
    fn is_due(&self, changed: Option<&BTreeSet<WatchId>>) -> bool {
        self.again.is_some() || changed.is_none_or(|changed| !changed.is_disjoint(&self.spots))
    }
}

/// The sessions that the state files hold: they are read as a whole once, and not for a single session.
struct Known {
    is_single: bool,
    names: Vec<(Backend, HashSet<Name>)>,
}

impl Known {
    fn holds(&mut self, config: &Config, session: &Session) -> Result<bool> {
        let (backend, store) = (session.backend, session.backend.store(config));
        if self.is_single {
            return Ok(store.get(&session.name)?.is_some());
        }
        if self.names.iter().all(|(known, _)| *known != backend) {
            self.names.push((backend, store.names()?.into_iter().collect()));
        }
        let holds = |(of, names): &(Backend, HashSet<Name>)| {
            *of == backend && names.contains(&session.name)
        };
        Ok(self.names.iter().any(holds))
    }
}

impl<'a> SessionWatcher<'a> {
    /// A watcher without sessions. Its waits fail once nobody reads our standard output any more.
    pub(crate) fn new(config: &'a Config, tmux: &'a Tmux) -> Result<SessionWatcher<'a>> {
        let mut watch = Watch::new()?;
        watch.reader_of(&output::stdout());
        // One for the process of each session. A limit that stays low is a failure only once there are
        // too many.
        drop(sys::raise_open_files());
        let (watched, follows_on, changed) = (Vec::new(), false, None);
        Ok(SessionWatcher { config, tmux, watch, watched, follows_on, changed })
    }

    /// Looks from now on at what begins behind the end of a job, too, and at what runs on beside it.
    pub(crate) fn follow_on(&mut self) {
        self.follows_on = true;
    }

    /// Watches this session too.
    pub(crate) fn add(&mut self, session: Session) -> Result<()> {
        let job = Job::of(self.config, &session).map(Job::watched);
        let job = if self.follows_on { job.map(Job::following_on) } else { job };
        let mut spots = BTreeSet::new();
        for path in job.iter().flat_map(Job::watch_paths) {
            spots.insert(self.watch.path(&path)?);
        }
        spots.insert(self.watch.path(session.backend.store(self.config).runtime())?);
        // Nobody has looked at it yet, so it is due whatever changes.
        let again = Some(Duration::ZERO);
        self.watched.push(Watched { session, job, again, pid: None, spots });
        Ok(())
    }

    /// Watches exactly these sessions from now on: new ones are added, and a session whose entry
    /// has changed is watched anew.
    pub(crate) fn keep(&mut self, sessions: Vec<Session>) -> Result<()> {
        let mut before = std::mem::take(&mut self.watched);
        self.watched.reserve_exact(sessions.len());
        for session in sessions {
            let same = |one: &Watched| {
                one.session.name == session.name && one.session.backend == session.backend
            };
            match before.iter().position(same) {
                Some(at) if before[at].session.entry == session.entry => {
                    self.watched.push(before.swap_remove(at));
                }
                _ => self.add(session)?,
            }
        }
        Ok(())
    }

    /// Watches `path` too.
    pub(crate) fn path(&mut self, path: &Path) -> Result<WatchId> {
        self.watch.path(path)
    }

    /// Whether this path may have changed since the last look.
    pub(crate) fn is_changed(&self, path: WatchId) -> bool {
        self.changed.as_ref().is_none_or(|changed| changed.contains(&path))
    }

    /// Has the next look be one at all sessions.
    pub(crate) fn look_at_all(&mut self) {
        self.changed = None;
    }

    /// Looks in turn at each session that a change may concern, and passes its snapshot to `tell`: the
    /// first time at all of them. A session for which `tell` breaks off is no longer watched. Returns
    /// whether any session is left.
    pub(crate) fn observe(
        &mut self,
        mut tell: impl FnMut(&Session, &Snapshot) -> Result<ControlFlow<()>>,
    ) -> Result<bool> {
        let changed = self.changed.replace(BTreeSet::new());
        let is_due = |one: &Watched| one.is_due(changed.as_ref());
        let due = self.watched.iter().filter(|one| is_due(one)).count();
        let mut panes = Panes::of_many(due);
        let mut known = Known { is_single: due == 1, names: Vec::new() };
        // Those that stay move up in their place: a second list of them would take as much memory again.
        let mut stay = 0;
        for at in 0..self.watched.len() {
            if is_due(&self.watched[at]) {
                let snapshot = self.look(at, &mut panes, &mut known)?;
                if tell(&self.watched[at].session, &snapshot)?.is_break() {
                    continue;
                }
            }
            self.watched.swap(stay, at);
            stay += 1;
        }
        self.watched.truncate(stay);
        Ok(!self.watched.is_empty())
    }

    fn look(&mut self, at: usize, panes: &mut Panes, known: &mut Known) -> Result<Snapshot> {
        let one = &mut self.watched[at];
        let sight = panes.sight(self.config, self.tmux, &one.session)?;
        let pane = sight.known_pane();
        let live = pane.filter(|pane| !pane.dead);
        // A lost socket may come back.
        if let (Sight::Unseen { .. }, Some(pane)) = (&sight, live) {
            one.spots.insert(self.watch.path(&pane.socket)?);
        }
        if let Some(pane) = live.filter(|pane| one.pid != Some(pane.pid)) {
            one.pid = Some(pane.pid);
            self.watch.process(pane.pid)?;
            for path in one.session.watch_paths(self.config, pane) {
                one.spots.insert(self.watch.path(&path)?);
            }
        }
        let now = one.session.keep_up(self.config, pane)?;
        if let Some(job) = &mut one.job {
            job.keep(&one.session);
        }
        match now.transcript {
            Some(path) => drop(one.spots.insert(self.watch.path(&path)?)),
            // The places where it may come change.
            None => {
                for path in live.into_iter().flat_map(|p| one.session.watch_paths(self.config, p)) {
                    one.spots.insert(self.watch.path(&path)?);
                }
            }
        }
        let mut snapshot = Snapshot::with(self.config, &one.session, one.job.as_mut(), sight)?;
        let is_untold = self.follows_on && snapshot.is_idle() && snapshot.beside.is_none();
        one.again = snapshot.again.or(is_untold.then_some(SCREEN));
        // When a session is ended, its flags are removed too. That must not look like a job
        // that is done.
        let done = matches!(snapshot.job, Ok(JobState::Done));
        if done && !known.holds(self.config, &one.session)? {
            snapshot.job = Ok(JobState::Failed(Failure::new("the session was ended")));
        }
        Ok(snapshot)
    }

    /// Sleeps until something may have changed, or `deadline`.
    pub(crate) fn wait(&mut self, deadline: Deadline) -> Result<Woke> {
        let soon = self.watched.iter().filter_map(|one| one.again).min();
        let patience = soon.map_or(Deadline::NEVER, Deadline::after);
        let woke = self.watch.wait(deadline.min(patience))?;
        self.changed = match (self.changed.take(), self.watch.only_changed()) {
            (Some(mut changed), Some(more)) => {
                changed.extend(more);
                Some(changed)
            }
            _ => None,
        };
        match woke {
            // The next look is due; the caller's deadline has not passed.
            Woke::Deadline if !deadline.passed() => Ok(Woke::Event),
            woke => Ok(woke),
        }
    }
}
