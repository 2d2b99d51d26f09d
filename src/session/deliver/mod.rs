//! Delivering a prompt: looked at, pasted once, entered, and proven from the transcript.

use std::time::{Duration, Instant};

use serde_json::json;

use self::{evidence::Proof, interrupt::stop};
use super::{
    DRAWN, DoneBy, Job, JobState, LOCK_WAIT, PROOF_WAIT, Session, attached_pane::AttachedPane,
};
use crate::{
    agent::Status,
    config::Config,
    error::{Error, Exit, Kind, Result},
    recorder::{self, PromptEvent},
    state::Name,
    time::{self, Deadline},
    tmux::{Pane, Tmux},
    trace,
    watch::Watch,
};

mod answer;
mod checks;
mod evidence;
mod interrupt;
mod prompt;
mod typing;

pub(crate) use answer::{Question, answer, question};
pub use interrupt::Interruption;
pub(crate) use interrupt::interrupt;
pub(crate) use prompt::{Prompt, Reading};

/// What became of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The transcript holds the whole prompt, given to the model.
    Submitted,
    /// The agent recorded the whole prompt for later.
    Queued,
    /// The agent recorded another text.
    Altered,
    /// Nothing was typed: the reason says why.
    Blocked,
    /// The text is in the input box, and was not taken.
    TypedNotSubmitted,
    /// Nothing was seen before the deadline.
    Unproven,
}

impl Verdict {
    /// As the records name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Submitted => "submitted",
            Verdict::Queued => "queued",
            Verdict::Altered => "altered",
            Verdict::Blocked => "blocked",
            Verdict::TypedNotSubmitted => "typed_not_submitted",
            Verdict::Unproven => "unproven",
        }
    }
}

/// A delivery and its proof, or what stood in its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// What became of the prompt.
    pub verdict: Verdict,
    /// Where the transcript stood before it.
    pub offset: u64,
    /// The changes that the agent makes to every prompt and made to this one.
    pub normalized: Vec<&'static str>,
    /// Why it is not proven; empty when it is.
    pub reason: String,
    /// What to do about it.
    pub advice: String,
    /// Only a person can answer what stands in the way.
    pub person: bool,
    /// Why the recorder did not note it, where there is one and it failed. The prompt is no worse.
    pub unrecorded: Option<Error>,
}

impl Delivery {
    pub(crate) fn new(verdict: Verdict, offset: u64, reason: impl Into<String>) -> Self {
        Delivery {
            verdict,
            offset,
            normalized: Vec::new(),
            reason: reason.into(),
            advice: String::new(),
            person: false,
            unrecorded: None,
        }
    }

    /// Why it is not proven, if it is not.
    #[must_use]
    pub(crate) fn failure(&self, name: &Name) -> Option<Error> {
        let kind = match self.exit() {
            Exit::Done => return None,
            Exit::Person => Kind::Person,
            Exit::Refused => Kind::Refused,
            _ => Kind::Unproven,
        };
        Some(Error::new(kind, name, &self.reason).advise(&self.advice))
    }

    /// The exit status that it stands for.
    #[must_use]
    pub(crate) fn exit(&self) -> Exit {
        match self.verdict {
            Verdict::Submitted | Verdict::Queued => Exit::Done,
            Verdict::Blocked if self.person => Exit::Person,
            Verdict::Blocked => Exit::Refused,
            Verdict::Altered | Verdict::TypedNotSubmitted | Verdict::Unproven => Exit::Unproven,
        }
    }
}

/// How a prompt is to be delivered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeliveryOptions {
    /// Clear somebody's draft out of the input box first.
    pub replace_draft: bool,
    /// How long to wait for what forbids typing to go away.
    pub wait_ready: Duration,
    /// Wait for the end of the present work first.
    pub when_idle: bool,
    /// Stop the present turn first.
    pub interrupt: bool,
    /// The agent has only just become ready: it may not read keys as fast as it will.
    pub just_started: bool,
    /// How long to wait for another program that is busy with the session.
    pub lock_wait: Duration,
    /// How long to wait for the proof.
    pub timeout: Duration,
    /// Whose word ends the job.
    pub done_by: DoneBy,
}

impl Default for DeliveryOptions {
    fn default() -> Self {
        DeliveryOptions {
            replace_draft: false,
            wait_ready: DRAWN,
            when_idle: false,
            interrupt: false,
            just_started: false,
            lock_wait: LOCK_WAIT,
            timeout: PROOF_WAIT,
            done_by: DoneBy::Turn,
        }
    }
}

/// Delivers a prompt to a live session, alone: waits for the session's lock first.
pub(crate) fn deliver(
    config: &Config,
    tmux: &Tmux,
    session: &mut Session,
    prompt: &Prompt,
    options: &DeliveryOptions,
) -> Result<Delivery> {
    let idle_by = Deadline::after(options.timeout);
    loop {
        if options.when_idle && !wait_idle(config, tmux, session, idle_by)? {
            let reason = "the present work had not ended in time";
            return Ok(Delivery::new(Verdict::Blocked, 0, reason));
        }
        let lock_wait = Deadline::after(options.lock_wait);
        let _held = Session::lock(config, session.backend, &session.name, lock_wait)?;
        trace::step("the session is ours alone", || json!(null));
        let pane = session.live_pane(config, tmux)?;
        // Another sender may have been first while we waited for the lock.
        if options.when_idle && !is_idle(config, session, &pane, &mut Job::of(config, session))? {
            continue;
        }
        let mut attached = AttachedPane::attach(config, tmux, session, &pane)?;
        let deadline = Deadline::after(options.timeout);
        if options.interrupt && stop(&mut attached, session, deadline)? == Interruption::Unproven {
            let reason = "the present turn could not be stopped";
            return Ok(Delivery::new(Verdict::Blocked, 0, reason));
        }
        return type_prompt(&mut attached, session, prompt, options);
    }
}

fn is_idle(config: &Config, session: &Session, pane: &Pane, job: &mut Option<Job>) -> Result<bool> {
    if let Some(job) = job
        && job.look(config, Some(pane))? == JobState::Running
    {
        return Ok(false);
    }
    Ok(matches!(session.agent().status(config, pane)?, Status::Idle(_)))
}

/// Waits, without the lock, until no job runs and the agent is idle.
fn wait_idle(config: &Config, tmux: &Tmux, session: &Session, deadline: Deadline) -> Result<bool> {
    let mut pane = session.live_pane(config, tmux)?;
    let mut watch = Watch::new()?;
    watch.process(pane.pid)?;
    for path in session.agent().watch_paths(config, &pane) {
        watch.path(&path)?;
    }
    let mut job = Job::of(config, session);
    if let Some(job) = &job {
        watch.path(&job.flags().running())?;
        if let Some(path) = job.transcript(config, Some(&pane))? {
            watch.path(&path)?;
        }
    }
    loop {
        if is_idle(config, session, &pane, &mut job)? {
            return Ok(true);
        }
        if deadline.passed() {
            return Ok(false);
        }
        let soon = job.as_ref().and_then(Job::soon).map_or(Deadline::NEVER, Deadline::after);
        let _woke = watch.wait(deadline.min(soon))?;
        pane = session.live_pane(config, tmux)?;
    }
}

/// Delivers to a pane that is under our eyes, with the lock held, and has it recorded.
pub(crate) fn type_prompt(
    attached: &mut AttachedPane<'_>,
    session: &mut Session,
    prompt: &Prompt,
    options: &DeliveryOptions,
) -> Result<Delivery> {
    let begun = Instant::now();
    let delivery = type_unrecorded(attached, session, prompt, options)?;
    let event = PromptEvent {
        at_ms: time::now_ms(),
        backend: session.backend.name(),
        session: session.name.to_string(),
        length: prompt.text().chars().count(),
        verdict: delivery.verdict.name(),
        ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    let Config { prompt_events, recorder, .. } = attached.config;
    let kept = prompt_events.as_ref().map(|path| recorder::keep(path, &event));
    let told = recorder.as_ref().map(|recorder| recorder.call(&event));
    let unrecorded = [kept, told].into_iter().flatten().find_map(Result::err);
    Ok(Delivery { unrecorded, ..delivery })
}

fn type_unrecorded(
    attached: &mut AttachedPane<'_>,
    session: &mut Session,
    prompt: &Prompt,
    options: &DeliveryOptions,
) -> Result<Delivery> {
    if let Some(left) =
        Job::of(attached.config, session).map(|job| job.left_behind()).transpose()?.flatten()
    {
        trace::step("a sender was killed here: its text may still come", || json!(null));
        checks::await_draft(attached, session, Deadline::after(left))?;
    }
    let ready_by = Deadline::after(options.wait_ready);
    let look = match checks::clear(attached, session, prompt, options.replace_draft, ready_by)? {
        Ok(look) => look,
        Err(obstacle) => return Ok(obstacle.delivery()),
    };
    let mut proof = Proof::begin(attached, session, &look)?;
    let offset = proof.offset;
    trace::step("the transcript stands", || json!({ "offset": offset }));
    // A command is no job: nothing says when it ends.
    let mut job = if prompt.is_command() { None } else { Job::of(attached.config, session) };
    if let Some(job) = &mut job {
        job.sending(attached.config, &look.pane, proof.offset, options.done_by)?;
    }
    let delivery = typing::paste(attached, session, prompt, &mut proof, look, options)?;
    trace::step("verdict", || json!({ "verdict": delivery.verdict.name() }));
    if let Some(job) = &mut job {
        match delivery.verdict {
            Verdict::Blocked | Verdict::TypedNotSubmitted => job.not_sent()?,
            Verdict::Submitted | Verdict::Queued | Verdict::Altered => job.sent()?,
            Verdict::Unproven => {}
        }
    }
    Ok(delivery)
}
