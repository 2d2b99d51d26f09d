//! Stopping a turn, with the one key that every agent survives, and proving it.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::json;

use super::checks;
use crate::session::{Job, JobState, Session, attached_pane::Live, job::INTERRUPTED};
use crate::{
    agent::{Status, profile::Draft},
    config::Config,
    error::{self, Error, Result},
    state::Name,
    time::Deadline,
    tmux::{Look, Tmux},
    trace,
    transcript::{event::Kind, follow::Follow, start::Start},
    watch::Woke,
};

/// What became of an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Interruption {
    /// The turn was stopped: the agent says so itself.
    Interrupted,
    /// There was nothing to stop.
    Idle,
    /// The agent still works, or does not say.
    Unproven,
}

impl Interruption {
    /// Why it is not proven, if it is not.
    #[must_use]
    pub fn failure(self, name: &Name) -> Option<Error> {
        (self == Interruption::Unproven).then(|| {
            Error::new(error::Kind::Unproven, name, "the turn does not show as stopped")
                .advise("look at the window")
        })
    }
}

/// Stops the session's turn, alone: waits for the session's lock first.
pub fn interrupt(
    config: &Config,
    tmux: &Tmux,
    session: &mut Session,
    lock_wait: Deadline,
    timeout: Duration,
) -> Result<Interruption> {
    let _held = Session::lock(config, session.backend, &session.name, lock_wait)?;
    let pane = session.live_pane(config, tmux)?;
    let mut live = Live::attach(config, tmux, session, &pane)?;
    stop(&mut live, session, Deadline::after(timeout))
}

/// An Escape that had no effect is repeated after this long; sooner, two would be another key.
const AGAIN: Duration = Duration::from_secs(1);

/// An agent that writes nothing for this long has drawn what there is to see.
const DRAWN: Duration = Duration::from_millis(300);

/// How long after its last sign of work an agent may take to write down that it was stopped.
const WRITTEN: Duration = Duration::from_secs(3);

/// What the transcript has said since the interrupt began.
struct Said {
    follow: Option<Follow>,
    stopped: bool,
    ended: bool,
}

impl Said {
    fn begin(live: &mut Live<'_>, look: &Look) -> Result<Said> {
        let thread = live.agent.thread(live.config, &look.pane)?;
        let follow = match thread.and_then(|thread| thread.transcript) {
            Some(path) => {
                live.watch.path(&path)?;
                Some(Follow::open(&path, Start::Last(0))?)
            }
            None => None,
        };
        Ok(Said { follow, stopped: false, ended: false })
    }

    fn read(&mut self, live: &Live<'_>) -> Result<()> {
        let Some(follow) = &mut self.follow else { return Ok(()) };
        let (stopped, ended) = (&mut self.stopped, &mut self.ended);
        let _seen = follow.read(|line| {
            for event in live.agent.read(line.bytes) {
                *stopped |= event.kind == Kind::Interrupted;
                *ended |= matches!(event.kind, Kind::TurnEnd | Kind::Error);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(())
    }
}

/// Stops the turn of a pane that is under our eyes, with the lock held.
///
/// One Escape, and only while a turn is open; never C-c, which ends an idle agent. Prompts that
/// were queued start a turn of their own when the first one stops, so it goes on until none is open.
pub(crate) fn stop(
    live: &mut Live<'_>,
    session: &mut Session,
    deadline: Deadline,
) -> Result<Interruption> {
    let mut job = Job::of(live.config, session);
    let first = live.look(session)?;
    let had_draft = live.profile.draft(&first) == Draft::Some;
    let had_job = match &mut job {
        Some(job) => job.look(live.config, Some(&first.pane))? == JobState::Running,
        None => false,
    };
    let mut said = Said::begin(live, &first)?;
    let mut pressed: Option<Instant> = None;
    let mut rest: Option<Instant> = None;
    let mut had_queue = false;
    loop {
        let look = live.look(session)?;
        // In this order: of a turn that is over by the transcript, what ended it is read.
        let open = is_open(live, &look)?;
        said.read(live)?;
        if !open {
            if pressed.is_none() {
                return Ok(Interruption::Idle);
            }
            // A prompt that had no answer yet leaves no mark: it goes back into the input box.
            let back = !had_draft && live.profile.draft(&look) == Draft::Some;
            // What was queued starts a turn of its own in a moment; that is to be stopped too.
            let resting = *rest.get_or_insert_with(Instant::now);
            let waits = had_queue && resting.elapsed() < AGAIN;
            if (said.stopped || back) && !waits {
                let back = back || !had_draft && comes_back(live, session, deadline)?;
                return settle(live, session, job.as_mut(), back, deadline);
            }
            if said.ended && !said.stopped && !waits {
                return Ok(Interruption::Idle);
            }
            if let Some(ended) = of_job(live, &look, job.as_mut().filter(|_| had_job))?
                && !waits
            {
                return Ok(ended);
            }
        } else {
            rest = None;
        }
        if let Some(job) = &mut job {
            had_queue |= job.has_queued(live.config, &look.pane)?;
        }
        if deadline.passed() {
            return Ok(Interruption::Unproven);
        }
        if open
            && pressed.is_none_or(|at| at.elapsed() >= AGAIN)
            && live.view.key("Escape")?.is_ok()
        {
            trace::step("Escape", || json!({ "title": look.pane.title }));
            pressed = Some(Instant::now());
        }
        let soon = match (open, pressed) {
            (true, Some(at)) => {
                Deadline::after(AGAIN.saturating_sub(at.elapsed()) + Duration::from_millis(5))
            }
            (true, None) => Deadline::NEVER,
            (false, _) if had_queue => Deadline::after(AGAIN + Duration::from_millis(5)),
            (false, _) => Deadline::after(WRITTEN),
        };
        if live.wait(deadline.min(soon))? == Woke::Deadline && !open && !said.stopped {
            return Ok(Interruption::Unproven);
        }
    }
}

/// How the job that ran has ended, by its own account. Its end may stand in the transcript from
/// before the interrupt, while the agent still said that it was busy.
fn of_job(live: &Live<'_>, look: &Look, job: Option<&mut Job>) -> Result<Option<Interruption>> {
    let Some(job) = job else { return Ok(None) };
    Ok(match job.look(live.config, Some(&look.pane))? {
        JobState::Failed(reason) if reason == INTERRUPTED => Some(Interruption::Interrupted),
        JobState::Done | JobState::Failed(_) => Some(Interruption::Idle),
        JobState::Running | JobState::Waiting(_) => None,
    })
}

/// Whether there is something to stop: by the agent's own word, and by its transcript where that
/// comes first. An Escape too many does harm.
fn is_open(live: &Live<'_>, look: &Look) -> Result<bool> {
    Ok(!look.pane.dead
        && matches!(live.status(look)?, Status::Busy | Status::Waiting(_))
        && live.agent.turn_is_open(live.config, &look.pane)?.unwrap_or(true))
}

/// Whether a prompt shows in the box after all. Where the end of a turn is told by the transcript,
/// the screen follows it: what the agent puts back is there once it draws no more.
fn comes_back(live: &mut Live<'_>, session: &Session, deadline: Deadline) -> Result<bool> {
    if live.agent.end_needs_idle() {
        return Ok(false);
    }
    let drawn_by = deadline.min(Deadline::after(AGAIN));
    loop {
        let look = live.look(session)?;
        if live.profile.draft(&look) == Draft::Some {
            return Ok(true);
        }
        let quiet = live.wait(drawn_by.min(Deadline::after(DRAWN)))? == Woke::Deadline;
        if quiet && !matches!(live.status(&look)?, Status::Busy) || drawn_by.passed() {
            return Ok(false);
        }
    }
}

/// The turn was stopped: takes the prompt that has come back out of the box, and the flag.
fn settle(
    live: &mut Live<'_>,
    session: &Session,
    job: Option<&mut Job>,
    back: bool,
    deadline: Deadline,
) -> Result<Interruption> {
    if back {
        checks::clear_box(live, session, deadline)?;
    }
    if let Some(job) = job {
        job.stopped()?;
    }
    Ok(Interruption::Interrupted)
}
