//! Delivering a prompt: look at the screen, paste once, press Enter, and prove it by the
//! transcript.

use std::time::{Duration, Instant};

use serde_json::json;

use self::{evidence::Proof, interrupt::stop, typing::Loaded};
use super::{
    Job, JobState, Limit, Session, attached_pane::AttachedPane, hooks, observe::await_reset,
};
use crate::{
    agent::Status,
    config::Config,
    error::{Error, Kind, Result},
    recorder::{self, PromptEvent},
    time::{self, Deadline},
    tmux::{Pane, Tmux},
    trace,
    watch::Watch,
};

mod answer;
mod checks;
mod delivery;
mod enter;
mod evidence;
mod input_box;
mod interrupt;
mod once;
mod prompt;
mod typing;

pub(crate) use answer::{Question, answer, question};
pub use delivery::Verdict;
pub(crate) use delivery::{Delivery, DeliveryOptions, When};
pub use interrupt::Interruption;
pub(crate) use interrupt::interrupt;
pub(crate) use once::{Once, Stage};
pub(crate) use prompt::{OnceKey, Prompt, Reading};

/// Delivers a prompt to a live session, with the session's lock held.
pub(crate) fn deliver(
    config: &Config,
    tmux: &Tmux,
    session: &mut Session,
    prompt: &Prompt,
    options: &DeliveryOptions,
) -> Result<Delivery> {
    let blocked = |reason: &str| Delivery::new(Verdict::Blocked, 0, reason);
    let idle_by = Deadline::after(options.timeout);
    let mut job = Job::of(config, session).map(Job::watched);
    loop {
        if let Some(known) = once::known(config, session, prompt)? {
            return Ok(known);
        }
        if options.when == When::Reset
            && let Some(held) = held_by_limit(config, tmux, session, options)?
        {
            return Ok(held);
        }
        if options.when == When::Idle && !wait_idle(config, tmux, session, &mut job, idle_by)? {
            let late = Delivery { late: true, ..blocked("the current job did not end in time") };
            return Ok(late);
        }
        let lock_wait = Deadline::after(options.lock_wait);
        let _held = session.run_dir(config).lock(&session.name, lock_wait)?;
        trace::step("session lock acquired", || json!(null));
        let (pane, look) = session.live_look(config, tmux)?;
        // Another sender may have come first while we waited for the lock.
        if options.when == When::Idle && !idle(config, session, &pane, &mut job)?.0 {
            continue;
        }
        let mut attached = AttachedPane::attach(config, tmux, session, &pane, look, job)?;
        let deadline = Deadline::after(options.timeout);
        // A turn that took the prompt already is not to be stopped for it.
        if options.interrupt
            && let Some(found) = once::search(&mut attached, session, prompt, deadline)?
        {
            return Ok(found);
        }
        if options.interrupt && stop(&mut attached, session, deadline)? == Interruption::Unproven {
            return Ok(blocked("the current turn could not be stopped"));
        }
        return type_prompt(&mut attached, session, prompt, options);
    }
}

/// Waits for the end of the usage limit, without holding the lock. Returns a delivery with the reason if
/// it has not ended.
fn held_by_limit(
    config: &Config,
    tmux: &Tmux,
    session: &Session,
    options: &DeliveryOptions,
) -> Result<Option<Delivery>> {
    let deadline = options.reset_wait.map_or(Deadline::NEVER, Deadline::after);
    let limit = await_reset(config, tmux, session, deadline).map_err(|error| match error.kind {
        Kind::ReaderGone => Error::new(Kind::Refused, "stdout", "nobody reads the record any more"),
        _ => error,
    })?;
    let blocked = |reason: &str| Delivery::new(Verdict::Blocked, 0, reason);
    Ok(match limit {
        Limit::Over => {
            answer::close_limit(config, tmux, session, options)?;
            None
        }
        Limit::Holds(_) => {
            Some(Delivery { late: true, ..blocked("the usage limit had not ended in time") })
        }
        Limit::Unknown => Some(blocked("the agent does not say when its usage limit ends")),
    })
}

/// Whether no job runs and the agent is idle. If only waiting can decide, also how long to wait
/// before looking again.
fn idle(
    config: &Config,
    session: &Session,
    pane: &Pane,
    job: &mut Option<Job>,
) -> Result<(bool, Option<Duration>)> {
    if let Some(job) = job {
        let standing = job.settle(config, Some(pane))?;
        if standing.state == JobState::Running {
            return Ok((false, standing.again));
        }
    }
    Ok((matches!(session.status(config, pane)?, Status::Idle(_)), None))
}

/// Waits until no job runs and the agent is idle, without holding the lock.
fn wait_idle(
    config: &Config,
    tmux: &Tmux,
    session: &Session,
    job: &mut Option<Job>,
    deadline: Deadline,
) -> Result<bool> {
    let mut pane = session.live_pane(config, tmux)?;
    let mut watch = Watch::new()?;
    watch.process(pane.pid)?;
    for path in session.watch_paths(config, &pane) {
        watch.path(&path)?;
    }
    if let Some(job) = job {
        for path in job.watch_paths() {
            watch.path(&path)?;
        }
    }
    loop {
        if let Some(job) = job
            && let Some(path) = job.transcript(config, Some(&pane))?
        {
            watch.path(&path)?;
        }
        let (is_idle, again) = idle(config, session, &pane, job)?;
        if is_idle {
            return Ok(true);
        }
        if deadline.passed() {
            return Ok(false);
        }
        let _woke = watch.wait(deadline.min(again.map_or(Deadline::NEVER, Deadline::after)))?;
        pane = session.live_pane(config, tmux)?;
    }
}

/// Delivers to an attached pane and records the delivery. The caller holds the session's lock.
pub(crate) fn type_prompt(
    attached: &mut AttachedPane<'_>,
    session: &mut Session,
    prompt: &Prompt,
    options: &DeliveryOptions,
) -> Result<Delivery> {
    let begun = Instant::now();
    let delivery = type_once(attached, session, prompt, options)?;
    if delivery.repeated.is_some() {
        return Ok(delivery);
    }
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
    let called = recorder.as_ref().map(|recorder| recorder.call(&event));
    let unrecorded = [kept, called].into_iter().flatten().find_map(Result::err);
    Ok(Delivery { unrecorded, ..delivery })
}

/// Delivers unless that was done under the prompt's key before, and notes what is done under it.
fn type_once(
    attached: &mut AttachedPane<'_>,
    session: &mut Session,
    prompt: &Prompt,
    options: &DeliveryOptions,
) -> Result<Delivery> {
    let Some(key) = prompt.key() else {
        return type_unrecorded(attached, session, prompt, options, None);
    };
    let deadline = Deadline::after(options.timeout);
    if let Some(found) = once::search(attached, session, prompt, deadline)? {
        return Ok(found);
    }
    let mut once = Once::open(&session.run_dir(attached.config), key)?;
    type_unrecorded(attached, session, prompt, options, Some(&mut once))
}

fn type_unrecorded(
    attached: &mut AttachedPane<'_>,
    session: &mut Session,
    prompt: &Prompt,
    options: &DeliveryOptions,
    mut once: Option<&mut Once>,
) -> Result<Delivery> {
    if let Some(left) = attached.job.as_ref().map(Job::left_behind).transpose()?.flatten() {
        trace::step("a sender was killed here: waiting for its text", || json!(null));
        input_box::await_text(attached, session, Deadline::after(left))?;
    }
    let ready_by = Deadline::after(options.wait_ready);
    let look =
        match checks::await_clear(attached, session, prompt, options.replace_draft, ready_by)? {
            Ok(look) => look,
            Err(obstacle) => return Ok(obstacle.delivery()),
        };
    if let Some(once) = once.as_deref_mut().filter(|once| once.is_unsettled())
        && let Some(found) = once.probe(attached, session, &look)?
    {
        return Ok(found);
    }
    // Its client starts while the delivery is noted.
    let loaded = Loaded::of(attached, prompt, &look)?;
    let mut proof = Proof::begin(attached, session, &look)?;
    let offset = proof.offset;
    trace::step("transcript offset noted", || json!({ "offset": offset }));
    if let Some(once) = once.as_deref_mut() {
        once.typing(prompt, &proof)?;
    }
    // A command is no job: nothing shows when it ends.
    let mut job = attached.job.take().filter(|_| !prompt.is_command());
    let mut is_new = false;
    if let Some(job) = &mut job {
        job.keep(session);
        is_new = job.sending(attached.config, &look.pane, proof.offset, options.done_by)?;
    }
    attached.view.set_beside_last(is_new.then(|| keeper(attached, session)).flatten());
    let delivery = typing::submit(attached, session, loaded, &mut proof, look, options)?;
    if let Some(once) = once {
        once.done(&delivery, proof.transcript())?;
    }
    trace::step("verdict", || json!({ "verdict": delivery.verdict.name() }));
    if let Some(job) = &mut job {
        match delivery.verdict {
            Verdict::Blocked | Verdict::TypedNotSubmitted => job.not_sent()?,
            Verdict::Submitted | Verdict::Queued | Verdict::Altered => job.sent()?,
            Verdict::Unproven => {}
        }
    }
    leave(attached, session, prompt, &delivery, options)?;
    Ok(delivery)
}

/// The shell command that starts the keeper of a new job, where tmux itself does not tell of its end.
/// Without a keeper the flags follow by the agent's hooks, and at the next look.
fn keeper(attached: &AttachedPane<'_>, session: &Session) -> Option<String> {
    let is_told_by_tmux = attached.agent.facts().idle_title.is_some();
    let keeper = (!is_told_by_tmux).then(|| hooks::keeper(attached.config, session))?;
    keeper.map_err(|error| untold(&error)).ok()
}

/// Leaves the pane after a delivery: with an empty box if the prompt was taken out of it, and with the
/// keeper of a new job. Both take one command of tmux.
fn leave(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    prompt: &Prompt,
    delivery: &Delivery,
    options: &DeliveryOptions,
) -> Result<()> {
    let is_taken = matches!(delivery.verdict, Verdict::Submitted | Verdict::Queued);
    if is_taken && input_box::may_keep_copy(attached, options) {
        return input_box::clear_copy(attached, session, prompt);
    }
    let may_run = !matches!(delivery.verdict, Verdict::Blocked | Verdict::TypedNotSubmitted);
    if may_run && let Err(error) = attached.view.run_beside_last() {
        untold(&error);
    }
    Ok(())
}

fn untold(error: &Error) {
    trace::step("no keeper", || json!({ "error": error.to_string() }));
}
