//! Interrupting a turn with Escape, the only key that never ends an agent, and proving it.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::json;

use super::{checks::Obstacle, input_box};
use crate::session::{
    Job, JobState, Prompts, Session, attached_pane::AttachedPane, conversation::ConversationReader,
    job::INTERRUPTED,
};
use crate::{
    agent::{Status, profile::InputBox},
    config::Config,
    error::{self, Error, Result},
    state::Name,
    time::Deadline,
    tmux::{Look, Tmux},
    trace,
    transcript::event::EventKind,
    watch::Woke,
};

/// The result of an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Interruption {
    /// The turn was stopped, and the agent shows it.
    Interrupted,
    /// There was nothing to stop.
    Idle,
    /// The agent is still working, or does not show that the turn was stopped.
    Unproven,
}

impl Interruption {
    /// All names.
    pub(crate) const NAMES: &[&str] = &["interrupted", "idle", "unproven"];

    /// The error for an interrupt that is not proven.
    #[must_use]
    pub fn failure(self, name: &Name) -> Option<Error> {
        (self == Interruption::Unproven).then(|| {
            Error::new(error::Kind::Unproven, name, "there is no sign that the turn stopped")
                .advise("look at the window")
        })
    }
}

/// Stops the session's turn, with the session's lock held.
pub(crate) fn interrupt(
    config: &Config,
    tmux: &Tmux,
    session: &mut Session,
    lock_wait: Deadline,
    timeout: Duration,
) -> Result<Interruption> {
    let _held = session.run_dir(config).lock(&session.name, lock_wait)?;
    let pane = session.live_pane(config, tmux)?;
    let mut attached =
        AttachedPane::attach(config, tmux, session, &pane, None, Job::of(config, session))?;
    stop(&mut attached, session, Deadline::after(timeout))
}

/// An Escape without effect is repeated after this long. Sooner, the agent would read two Escapes
/// as another command.
// Measured: claude/FACTS.md, "Keys that interrupt"; codex/FACTS.md, "Interrupt"
const AGAIN: Duration = Duration::from_secs(1);

/// How long after its last sign of work an agent may take to record that it was interrupted.
// Measured: claude/FACTS.md, "Interrupt in the transcript"
const MARKER_WAIT: Duration = Duration::from_secs(3);

/// What the transcript has shown since the interrupt began.
struct TranscriptSince {
    reader: ConversationReader,
    stopped: bool,
    ended: bool,
}

impl TranscriptSince {
    fn begin(
        attached: &mut AttachedPane<'_>,
        session: &Session,
        look: &Look,
    ) -> Result<TranscriptSince> {
        let now = session.conversation_in(attached.config, Some(&look.pane))?;
        let places = session.places(attached.config);
        let reader = ConversationReader::from_end(places, now, &mut attached.watch)?;
        Ok(TranscriptSince { reader, stopped: false, ended: false })
    }

    fn read(&mut self, attached: &mut AttachedPane<'_>) -> Result<()> {
        let (agent, stopped, ended) = (attached.agent, &mut self.stopped, &mut self.ended);
        self.reader.read(Some(&mut attached.watch), |line| {
            for event in agent.parse_line(line.bytes) {
                *stopped |= event.kind == EventKind::Interrupted;
                *ended |= matches!(event.kind, EventKind::TurnEnd | EventKind::Error);
            }
            Ok(ControlFlow::Continue(()))
        })
    }
}

/// Stops the turn in an attached pane. The caller holds the session's lock.
///
/// Presses only Escape, and only while a turn is open; never C-c, which ends an idle agent. When a
/// turn stops, queued prompts start the next one, so this goes on until no turn is open.
// Measured: claude/FACTS.md, "Keys that interrupt"; codex/FACTS.md, "Interrupt"
pub(crate) fn stop(
    attached: &mut AttachedPane<'_>,
    session: &mut Session,
    deadline: Deadline,
) -> Result<Interruption> {
    let first = attached.look(session)?;
    let had_draft = attached.profile.input_box(&first) == InputBox::Text;
    let had_job = attached.settle(&first)? == Some(JobState::Running);
    let mut transcript = TranscriptSince::begin(attached, session, &first)?;
    let (mut pressed, mut idle_since): (Option<Instant>, Option<Instant>) = (None, None);
    let mut had_queue = false;
    loop {
        let look = attached.look(session)?;
        // Check the turn before reading the transcript: if it is over by then, the record of how it
        // ended has been written and is read too.
        let open = is_open(attached, &look)?;
        transcript.read(attached)?;
        if !open {
            if pressed.is_none() {
                let Some(nothing) = await_turn(attached, &look, deadline)? else { continue };
                return Ok(nothing);
            }
            // A turn stopped before its first token leaves no record: its prompt is in the box.
            let back = !had_draft && attached.profile.input_box(&look) == InputBox::Text;
            // Queued prompts start the next turn in a moment, which must be stopped too.
            let since = *idle_since.get_or_insert_with(Instant::now);
            let waits = had_queue && since.elapsed() < AGAIN;
            if (transcript.stopped || back) && !waits {
                let back = back || !had_draft && comes_back(attached, session, deadline)?;
                return finish(attached, session, back, deadline);
            }
            if transcript.ended && !transcript.stopped && !waits {
                return Ok(Interruption::Idle);
            }
            // The job may have ended before the interrupt began: its end is then in an earlier part
            // of the transcript, although the agent's status was still busy.
            let job = if had_job { attached.settle(&look)? } else { None };
            if let Some(ended) = job.and_then(of_job).filter(|_| !waits) {
                return Ok(ended);
            }
        } else {
            idle_since = None;
        }
        if let Some(job) = &mut attached.job {
            had_queue |= job.has_queued(attached.config, &look.pane)?;
        }
        if deadline.passed() {
            return Ok(Interruption::Unproven);
        }
        if let Some(obstacle) = Obstacle::of_pane(&look.pane).filter(|_| open && pressed.is_none())
        {
            return Err(obstacle.error(&session.name));
        }
        if open
            && pressed.is_none_or(|at| at.elapsed() >= AGAIN)
            && attached.view.key("Escape")?.is_ok()
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
            (false, _) => Deadline::after(MARKER_WAIT),
        };
        if attached.wait(deadline.min(soon))? == Woke::Deadline && !open && !transcript.stopped {
            return Ok(Interruption::Unproven);
        }
    }
}

/// The agent's status shows no turn. `None` when the transcript has one already, which the status is
/// about to show: after a wait for that.
fn await_turn(
    attached: &mut AttachedPane<'_>,
    look: &Look,
    deadline: Deadline,
) -> Result<Option<Interruption>> {
    let Some(job) = &mut attached.job else { return Ok(Some(Interruption::Idle)) };
    let standing = job.settle(attached.config, Some(&look.pane))?;
    if standing.prompts != Prompts::Ahead {
        return Ok(Some(Interruption::Idle));
    }
    let again = standing.again.map_or(Deadline::NEVER, Deadline::after);
    let _woke = attached.wait(deadline.min(again))?;
    Ok(deadline.passed().then_some(Interruption::Unproven))
}

/// The result for a turn whose job has ended.
fn of_job(state: JobState) -> Option<Interruption> {
    match state {
        JobState::Failed(why) if why.reason == INTERRUPTED => Some(Interruption::Interrupted),
        JobState::Done | JobState::Failed(_) => Some(Interruption::Idle),
        JobState::Running | JobState::Waiting(_) => None,
    }
}

/// Whether a turn is open: by the agent's status, and by its transcript where that shows the end
/// earlier. An Escape too many does harm.
fn is_open(attached: &AttachedPane<'_>, look: &Look) -> Result<bool> {
    Ok(!look.pane.dead
        && matches!(attached.status(look)?, Status::Busy | Status::Waiting(_))
        && attached.turn_is_open(look)?.unwrap_or(true))
}

/// Whether the stopped prompt still returns to the box. If the transcript decides when a turn has
/// ended, the screen is later.
fn comes_back(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    deadline: Deadline,
) -> Result<bool> {
    Ok(!attached.agent.facts().end_needs_idle
        && input_box::comes_back(attached, session, deadline)?)
}

/// Tidies up after a stopped turn: clears the prompt that returned to the box, and ends the job.
fn finish(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    back: bool,
    deadline: Deadline,
) -> Result<Interruption> {
    if back {
        input_box::clear(attached, session, deadline)?;
    }
    if let Some(job) = &attached.job {
        job.stopped()?;
    }
    Ok(Interruption::Interrupted)
}
