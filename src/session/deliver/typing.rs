//! Typing a prompt: one paste, Enter, and the wait for the proof.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    checks::words_of,
    evidence::{Evidence, Proof},
    input_box,
};
use crate::session::{
    Delivery, DeliveryOptions, Prompt, Session, Verdict,
    attached_pane::{AttachedPane, UNKNOWN},
    still::Still,
};
use crate::{
    agent::{Status, Typing, profile::InputBox, takes_prompt},
    error::Result,
    time::Deadline,
    tmux::{Enter, Look},
    trace,
};

/// How long a text may stay in the box after Enter before Enter is pressed again. Each further time
/// it is three times as long, in case the agent is only slow.
// Measured: claude/FACTS.md, "Enter"
const SWALLOWED: Duration = Duration::from_secs(1);

/// How long what a command has opened must look the same before it is told: while the agent draws, its
/// box may be missing for a moment.
const OPEN: Duration = Duration::from_secs(1);

/// How often Enter is pressed at most.
// Measured: claude/FACTS.md, "Enter"
const ENTERS: u32 = 4;

/// Enter after a paste, and its repetitions.
struct EnterRetry {
    count: u32,
    last: Instant,
    /// Some agents may swallow Enter. One that has only just started may ignore it or take it for
    /// part of the paste.
    // Measured: codex/FACTS.md, "Readiness"; claude/FACTS.md, "Readiness"
    may_repeat: bool,
    /// The agent was idle at the first Enter. If it is busy now, it has submitted the text.
    from_idle: bool,
}

impl EnterRetry {
    /// The first Enter after a paste, if it has been pressed with it, or may be now.
    fn begin(
        attached: &mut AttachedPane<'_>,
        look: &Look,
        enter: Enter,
        just_started: bool,
    ) -> Result<EnterRetry> {
        let status = attached.status(look)?;
        let mut enters = EnterRetry {
            count: 0,
            last: Instant::now(),
            may_repeat: attached.agent.facts().may_swallow_enter || just_started,
            from_idle: matches!(status, Status::Idle(_)),
        };
        match enter {
            Enter::AtOnce => enters.pressed(&status),
            Enter::Soon if enters.from_idle && !just_started => enters.press(attached, &status)?,
            Enter::Soon | Enter::Later => {}
        }
        Ok(enters)
    }

    /// Whether to press Enter now, given that our text is in the box.
    fn is_due(&self, status: &Status) -> bool {
        self.count == 0
            || (self.may_repeat
                && !(self.from_idle && *status == Status::Busy)
                && self.count < ENTERS
                && self.last.elapsed() > self.patience())
    }

    fn patience(&self) -> Duration {
        SWALLOWED * 3_u32.pow(self.count.saturating_sub(1))
    }

    /// When Enter may be due again.
    fn next_look(&self) -> Deadline {
        match self.patience().checked_sub(self.last.elapsed()) {
            Some(left) if self.count > 0 && self.may_repeat && self.count < ENTERS => {
                Deadline::after(left + Duration::from_millis(1))
            }
            _ => Deadline::NEVER,
        }
    }

    fn press(&mut self, attached: &mut AttachedPane<'_>, status: &Status) -> Result<()> {
        if attached.view.key("Enter")?.is_ok() {
            self.pressed(status);
        }
        Ok(())
    }

    fn pressed(&mut self, status: &Status) {
        if self.count == 0 {
            self.from_idle = matches!(status, Status::Idle(_));
        }
        self.count += 1;
        self.last = Instant::now();
        trace::step("Enter", || json!({ "count": self.count }));
    }
}

/// Wakes the input of an agent that has left Enter unread. The gap doubles each time: an agent that
/// is woken for input that it has already read may hang.
// Measured: codex/FACTS.md, "Input in blocks of 1,024 bytes"
struct InputWakeup {
    next: Deadline,
    gap: Duration,
}

impl InputWakeup {
    fn begin() -> InputWakeup {
        InputWakeup { next: Deadline::after(SWALLOWED), gap: SWALLOWED }
    }

    fn give(&mut self, attached: &mut AttachedPane<'_>, in_box: bool) -> Result<()> {
        if self.next.passed() {
            self.gap *= 2;
            self.next = Deadline::after(self.gap);
            if in_box {
                trace::step("Enter may be unread: waking the agent's input", || json!(null));
                // If the pane takes no input now, the next time tries again.
                let _taken = attached.view.nudge()?;
            }
        }
        Ok(())
    }
}

/// Pastes the prompt into the input box. Returns a delivery with the reason if that failed.
///
/// A lead must show in the box before the text follows: Codex stalls now and then otherwise.
// Measured: codex/FACTS.md, "Padding"
fn paste(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    typing: &Typing,
    proof: &Proof,
    look: &Look,
    deadline: Deadline,
) -> Result<Option<Delivery>> {
    let failed = |verdict, reason| Ok(Some(Delivery::new(verdict, proof.offset, reason)));
    let refused = "the pane stopped taking input at that moment";
    if !typing.lead.is_empty() {
        if attached.tmux.paste(&look.pane.id, typing.lead, Enter::Later)?.is_err() {
            return failed(Verdict::Blocked, refused);
        }
        input_box::await_text(attached, session, deadline)?;
        if deadline.passed() {
            return failed(Verdict::Unproven, "the typed text does not show up on the screen");
        }
    }
    if attached.tmux.paste(&look.pane.id, &typing.text, typing.enter)?.is_err() {
        return failed(Verdict::Blocked, refused);
    }
    Ok(None)
}

/// Pastes, presses Enter, and waits for the proof.
pub(crate) fn submit(
    attached: &mut AttachedPane<'_>,
    session: &mut Session,
    prompt: &Prompt,
    proof: &mut Proof,
    mut look: Look,
    options: &DeliveryOptions,
) -> Result<Delivery> {
    let deadline = Deadline::after(options.timeout);
    let typing = attached.agent.typing(prompt.text(), prompt.is_command());
    if let Some(failed) = paste(attached, session, &typing, proof, &look, deadline)? {
        return Ok(failed);
    }
    trace::step("pasted", || json!({ "bytes": prompt.text().len() }));
    let mut enters = EnterRetry::begin(attached, &look, typing.enter, options.just_started)?;
    let mut nudges = attached.agent.facts().may_stop_reading.then(InputWakeup::begin);
    let mut opened = Still::default();
    loop {
        // Reading the transcript is faster than capturing the screen, so it comes first.
        match proof.look(attached, session, &look, prompt)? {
            Some(Evidence::Same(verdict, changes)) => {
                if enters.may_repeat {
                    input_box::clear_copy(attached, session, prompt)?;
                }
                let normalized = changes.into_iter().map(Cow::Borrowed).collect();
                return Ok(Delivery { normalized, ..Delivery::new(verdict, proof.offset, "") });
            }
            Some(Evidence::Other(reason)) => {
                return Ok(Delivery::new(Verdict::Altered, proof.offset, reason));
            }
            Some(Evidence::Refused(words)) => {
                return refused(attached, session, proof.offset, &words, deadline);
            }
            None => {}
        }
        if look.pane.dead {
            let reason = "the agent ended before it recorded the prompt";
            return Ok(Delivery::new(Verdict::Unproven, proof.offset, reason));
        }
        look = attached.look(session)?;
        if look.pane.dead {
            continue;
        }
        let in_box = attached.profile.input_box(&look) == InputBox::Text;
        let status = attached.status(&look)?;
        if in_box && takes_prompt(&status) && enters.is_due(&status) {
            enters.press(attached, &status)?;
        }
        let is_open = prompt.is_command() && opens(attached, &look, &status).is_some();
        let stands = is_open && opened.since(look.screen.text()) >= OPEN;
        if deadline.passed() || stands {
            // An agent that has begun to work has taken the text, whatever its screen still shows.
            let is_left = in_box && !(enters.from_idle && status == Status::Busy);
            return Ok(unproven(attached, &look, &status, proof.offset, is_left));
        }
        if let Some(nudges) = &mut nudges {
            nudges.give(attached, in_box)?;
        }
        // Output matters only while Enter may be due, or may show which transcript it is.
        attached.listen(enters.is_due(&status) || !proof.has_transcript());
        let next_nudge = nudges.as_ref().map_or(Deadline::NEVER, |nudges| nudges.next);
        let mut next_look = enters.next_look().min(proof.next_look()).min(next_nudge);
        if is_open {
            next_look = next_look.min(opened.will_be(OPEN));
        }
        let _woke = attached.wait(deadline.min(next_look))?;
    }
}

/// The delivery of a prompt that a hook refused. Some agents put it back into the box, where the next
/// sender would take it for somebody's draft.
// Measured: claude/FACTS.md, "Hooks"
fn refused(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    offset: u64,
    words: &str,
    deadline: Deadline,
) -> Result<Delivery> {
    if input_box::comes_back(attached, session, deadline)? {
        input_box::clear(attached, session, deadline)?;
    }
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let reason = match &*words {
        "" => "a UserPromptSubmit hook refused the prompt".to_owned(),
        words => format!("a UserPromptSubmit hook refused the prompt: {words}"),
    };
    let advice = "change the prompt, or the hook".to_owned();
    Ok(Delivery { advice, ..Delivery::new(Verdict::Blocked, offset, reason) })
}

/// What is in place of the input box, and the advice for a person: a dialog by its name, else
/// `unknown-dialog`.
fn opens(attached: &AttachedPane<'_>, look: &Look, status: &Status) -> Option<(String, String)> {
    let is_missing = attached.profile.input_box(look) == InputBox::Missing;
    if takes_prompt(status) && !is_missing {
        return None;
    }
    let unknown = || (UNKNOWN.to_owned(), "attach to the window and answer".to_owned());
    let is_drawn = !look.screen.text().trim().is_empty();
    attached.question(look, status).or_else(|| (is_missing && is_drawn).then(unknown))
}

/// The delivery after the deadline has passed, or once something else stands open, judged by the screen.
fn unproven(
    attached: &AttachedPane<'_>,
    look: &Look,
    status: &Status,
    offset: u64,
    in_box: bool,
) -> Delivery {
    let mut delivery = match opens(attached, look, status) {
        Some((name, advice)) => {
            let came = "came up after the text was typed";
            let reason = match name.as_str() {
                UNKNOWN => format!("an {UNKNOWN} {came}: {}", words_of(&attached.profile, look)),
                name => format!("the {name} dialog {came}"),
            };
            Delivery { advice, ..Delivery::new(Verdict::Unproven, offset, reason) }
        }
        _ if in_box => {
            Delivery::new(Verdict::TypedNotSubmitted, offset, "the text is still in the input box")
        }
        _ => Delivery::new(Verdict::Unproven, offset, "the transcript does not show it"),
    };
    if delivery.advice.is_empty() {
        delivery.advice = "look at the window before you try again".into();
    }
    delivery
}
