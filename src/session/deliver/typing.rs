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
    agent::{Status, Typing, image, profile::InputBox, takes_prompt},
    error::Result,
    time::{self, Deadline},
    tmux::{Enter, Look},
    trace,
    watch::Woke,
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
    /// When Enter was first pressed, in epoch milliseconds.
    since: u64,
    /// A hook may be at the text by now.
    // Measured: claude/FACTS.md, "Hooks"
    at_hook: bool,
    /// The agent shows that a hook refused a prompt, and whether it did so before ours.
    is_refused: bool,
    was_refused: bool,
}

impl EnterRetry {
    /// The first Enter after a paste, if it has been pressed with it, or may be now.
    fn begin(
        attached: &mut AttachedPane<'_>,
        look: &Look,
        enter: Enter,
        prompt: &Prompt,
        options: &DeliveryOptions,
    ) -> Result<EnterRetry> {
        let just_started = options.just_started;
        let is_later = just_started || !prompt.images().is_empty();
        let status = attached.status(look)?;
        let mut enters = EnterRetry {
            count: 0,
            last: Instant::now(),
            may_repeat: attached.agent.facts().may_swallow_enter || just_started,
            from_idle: matches!(status, Status::Idle(_)),
            since: time::now_ms(),
            at_hook: false,
            is_refused: false,
            was_refused: attached.profile.shows_refusal(look),
        };
        match enter {
            Enter::AtOnce => enters.pressed(&status),
            Enter::Soon if enters.from_idle && !is_later => enters.press(attached, &status)?,
            Enter::Soon | Enter::Later => {}
        }
        Ok(enters)
    }

    /// Whether to press Enter now, given that our text is in the box.
    fn is_due(&self, status: &Status) -> bool {
        self.count == 0
            || (self.may_repeat
                && !self.is_taken(status)
                && !self.is_answered(status)
                && self.count < ENTERS
                && self.last.elapsed() > self.patience())
    }

    /// Whether the agent has begun to work on the text, whatever its box still shows.
    fn is_taken(&self, status: &Status) -> bool {
        self.at_hook || self.from_idle && *status == Status::Busy
    }

    /// Whether Enter was pressed so short a time ago that the agent may not have read it.
    fn may_be_read_yet(&self) -> bool {
        self.count > 0 && self.last.elapsed() < SWALLOWED
    }

    /// Whether it has been at the text and left it in the box again, as a hook has it do.
    fn is_answered(&self, status: &Status) -> bool {
        let has_worked = matches!(status, Status::Idle(Some(since)) if *since > self.since);
        self.is_refused || self.from_idle && has_worked
    }

    /// Looks at what has become of a text that still stands in the box.
    fn note(&mut self, attached: &AttachedPane<'_>, session: &Session, look: &Look, in_box: bool) {
        let is_left = in_box && self.count > 0;
        let paths = session.paths(attached.config);
        self.at_hook = is_left && attached.agent.may_be_at_hook(&paths, &look.pane, self.since);
        self.is_refused = is_left && attached.profile.shows_refusal(look);
    }

    fn patience(&self) -> Duration {
        SWALLOWED * 3_u32.pow(self.count.saturating_sub(1))
    }

    /// When Enter may be due again.
    fn next_look(&self) -> Deadline {
        match self.patience().checked_sub(self.last.elapsed()) {
            _ if self.at_hook => Deadline::after(SWALLOWED),
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
            self.since = time::now_ms();
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

/// How long an agent may take to show an image.
const IMAGE_SHOWN: Duration = Duration::from_secs(10);

/// Pastes the paths of the prompt's images, each alone, and waits until the box shows it. Returns a
/// delivery with the reason if that failed.
// Measured: claude/FACTS.md, "Images"; codex/FACTS.md, "Images"
fn attach(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    prompt: &Prompt,
    proof: &Proof,
    look: &Look,
    deadline: Deadline,
) -> Result<Option<Delivery>> {
    for (n, path) in prompt.images().iter().enumerate() {
        if attached.tmux.paste(&look.pane.id, &image::typed(path), Enter::Later)?.is_err() {
            return Ok(Some(Delivery::new(Verdict::Blocked, proof.offset, PANE_REFUSED)));
        }
        let shown_by = deadline.min(Deadline::after(IMAGE_SHOWN));
        attached.listen(true);
        loop {
            let look = attached.look(session)?;
            if attached.profile.images(&look) > n {
                break;
            }
            if attached.wait(shown_by)? == Woke::Deadline {
                let reason = format!("the agent does not take {path} for an image");
                let verdict = match attached.profile.input_box(&look) {
                    // It may come yet.
                    InputBox::Empty | InputBox::Missing => Verdict::Unproven,
                    InputBox::Text if input_box::clear(attached, session, Deadline::NEVER)? => {
                        Verdict::Blocked
                    }
                    InputBox::Text => Verdict::TypedNotSubmitted,
                };
                return Ok(Some(Delivery::new(verdict, proof.offset, reason)));
            }
        }
        trace::step("image attached", || json!(path));
    }
    Ok(None)
}

const PANE_REFUSED: &str = "the pane stopped taking input at that moment";

/// Pastes the images and the text of the prompt into the input box. Returns a delivery with the reason if that failed.
///
/// A lead must show in the box before the text follows: Codex stalls now and then otherwise.
// Measured: codex/FACTS.md, "Padding"
fn paste(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    prompt: &Prompt,
    typing: &Typing,
    proof: &Proof,
    look: &Look,
    deadline: Deadline,
) -> Result<Option<Delivery>> {
    if let Some(failed) = attach(attached, session, prompt, proof, look, deadline)? {
        return Ok(Some(failed));
    }
    let failed = |verdict, reason| Ok(Some(Delivery::new(verdict, proof.offset, reason)));
    if !typing.lead.is_empty() {
        if attached.tmux.paste(&look.pane.id, typing.lead, Enter::Later)?.is_err() {
            return failed(Verdict::Blocked, PANE_REFUSED);
        }
        input_box::await_text(attached, session, deadline)?;
        if deadline.passed() {
            return failed(Verdict::Unproven, "the typed text does not show up on the screen");
        }
    }
    if attached.tmux.paste(&look.pane.id, &typing.text, typing.enter)?.is_err() {
        return failed(Verdict::Blocked, PANE_REFUSED);
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
    if let Some(failed) = paste(attached, session, prompt, &typing, proof, &look, deadline)? {
        return Ok(failed);
    }
    trace::step("pasted", || json!({ "bytes": prompt.text().len() }));
    let mut enters = EnterRetry::begin(attached, &look, typing.enter, prompt, options)?;
    let mut nudges = attached.agent.facts().may_stop_reading.then(InputWakeup::begin);
    let mut opened = Still::default();
    loop {
        // Reading the transcript is faster than capturing the screen, so it comes first.
        let may_repeat = enters.may_repeat;
        if let Some(told) = told(attached, session, prompt, proof, &look, may_repeat, deadline)? {
            return Ok(told);
        }
        if look.pane.dead {
            let reason = "the agent ended before it recorded the prompt";
            return Ok(Delivery::new(Verdict::Unproven, proof.offset, reason));
        }
        look = attached.look(session)?;
        if look.pane.dead {
            continue;
        }
        let mut in_box = attached.profile.input_box(&look) == InputBox::Text;
        let status = attached.status(&look)?;
        enters.note(attached, session, &look, in_box);
        if enters.is_refused && !enters.was_refused {
            return refused(attached, session, proof.offset, "", deadline);
        }
        let is_whole = in_box && is_read(attached, &look, prompt);
        if is_whole && takes_prompt(&status) && enters.is_due(&status) {
            enters.press(attached, &status)?;
        }
        let is_open = prompt.is_command() && opens(attached, &look, &status).is_some();
        let stands = is_open && opened.since(look.screen.text()) >= OPEN;
        if deadline.passed() || stands {
            in_box &= !enters.is_taken(&status) && !enters.may_be_read_yet();
            return Ok(unproven(attached, &look, &status, proof.offset, in_box));
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

/// What the transcript tells of the prompt, if it tells anything yet.
fn told(
    attached: &mut AttachedPane<'_>,
    session: &mut Session,
    prompt: &Prompt,
    proof: &mut Proof,
    look: &Look,
    may_repeat: bool,
    deadline: Deadline,
) -> Result<Option<Delivery>> {
    let Some(evidence) = proof.look(attached, session, look, prompt)? else { return Ok(None) };
    let told = match evidence {
        Evidence::Same(verdict, changes) => {
            if may_repeat {
                input_box::clear_copy(attached, session, prompt)?;
            }
            let normalized = changes.into_iter().map(Cow::Borrowed).collect();
            Delivery { normalized, ..Delivery::new(verdict, proof.offset, "") }
        }
        Evidence::Other(reason) => Delivery::new(Verdict::Altered, proof.offset, reason),
        Evidence::Refused(words) => refused(attached, session, proof.offset, &words, deadline)?,
    };
    Ok(Some(told))
}

/// Whether the box shows the text too: what follows an image is read a little later.
// Measured: claude/FACTS.md, "Images"
fn is_read(attached: &AttachedPane<'_>, look: &Look, prompt: &Prompt) -> bool {
    prompt.images().is_empty() || attached.profile.holds_behind_images(look)
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
