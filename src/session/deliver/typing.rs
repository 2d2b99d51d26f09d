//! Typing a prompt: one paste, Enter, and the wait for the proof.

use std::{borrow::Cow, time::Duration};

use serde_json::json;

use super::{
    checks::words_of,
    enter::{EnterRetry, InputWakeup},
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
    proc::Identity,
    time::Deadline,
    tmux::{Enter, Look, ReadyPaste},
    trace,
    watch::Woke,
};

/// How long what a command has opened must look the same before it is told: while the agent draws, its
/// box may be missing for a moment.
const OPEN: Duration = Duration::from_secs(1);

/// The screen is looked at this long after a paste, even if the agent has drawn nothing.
const SHOWN: Duration = Duration::from_millis(50);

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

/// A prompt that only has to be let go: the client of tmux that pastes its text has been started.
pub(super) struct Loaded<'a> {
    prompt: &'a Prompt,
    lead: &'static str,
    paste: ReadyPaste,
    enter: Enter,
}

impl<'a> Loaded<'a> {
    pub(super) fn of(
        attached: &AttachedPane<'_>,
        prompt: &'a Prompt,
        look: &Look,
    ) -> Result<Loaded<'a>> {
        let typing = attached.agent.typing(prompt.text(), prompt.is_command());
        let Typing { lead, text, enter } = typing;
        let paste = attached.tmux.ready_paste(&look.pane.id, text, enter)?;
        Ok(Loaded { prompt, lead, paste, enter })
    }
}

/// Pastes the images and the text of the prompt into the input box. Returns a delivery with the reason if that failed.
///
/// A lead must show in the box before the text follows: Codex stalls now and then otherwise.
// Measured: codex/FACTS.md, "Padding"
fn paste(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    loaded: Loaded<'_>,
    proof: &Proof,
    look: &Look,
    deadline: Deadline,
) -> Result<Option<Delivery>> {
    if let Some(failed) = attach(attached, session, loaded.prompt, proof, look, deadline)? {
        return Ok(Some(failed));
    }
    let failed = |verdict, reason| Ok(Some(Delivery::new(verdict, proof.offset, reason)));
    if !loaded.lead.is_empty() {
        if attached.tmux.paste(&look.pane.id, loaded.lead, Enter::Later)?.is_err() {
            return failed(Verdict::Blocked, PANE_REFUSED);
        }
        input_box::await_text(attached, session, deadline)?;
        if deadline.passed() {
            return failed(Verdict::Unproven, "the typed text does not show up on the screen");
        }
    }
    if loaded.paste.go()?.is_err() {
        return failed(Verdict::Blocked, PANE_REFUSED);
    }
    Ok(None)
}

/// Pastes, presses Enter, and waits for the proof.
pub(crate) fn submit(
    attached: &mut AttachedPane<'_>,
    session: &mut Session,
    loaded: Loaded<'_>,
    proof: &mut Proof,
    mut look: Look,
    options: &DeliveryOptions,
) -> Result<Delivery> {
    let deadline = Deadline::after(options.timeout);
    let (prompt, enter) = (loaded.prompt, loaded.enter);
    if let Some(failed) = paste(attached, session, loaded, proof, &look, deadline)? {
        return Ok(failed);
    }
    trace::step("pasted", || json!({ "bytes": prompt.text().len() }));
    let mut enters = EnterRetry::begin(attached, &look, enter, prompt, options)?;
    let mut nudges = attached.agent.facts().may_stop_reading.then(InputWakeup::begin);
    let mut opened = Still::default();
    let looks_last = input_box::may_keep_copy(attached, options);
    if enters.awaits_text() && !attached.view.must_look() {
        // The text shows some time after the paste.
        let _woke = attached.wait(deadline.min(Deadline::after(SHOWN)))?;
    }
    loop {
        // Reading the transcript is faster than capturing the screen, so it comes first.
        if let Some(told) = told(attached, session, prompt, proof, &look, deadline)? {
            return Ok(told);
        }
        if look.pane.dead {
            let reason = "the agent ended before it recorded the prompt";
            return Ok(Delivery::new(Verdict::Unproven, proof.offset, reason));
        }
        let soon = enters.recorded_by().min(deadline);
        if await_record(attached, prompt, proof, &look, looks_last, soon)? {
            continue;
        }
        look = attached.look(session)?;
        if look.pane.dead {
            continue;
        }
        let mut in_box = attached.profile.input_box(&look) == InputBox::Text;
        let status = attached.status(&look)?;
        enters.note_rest(&status);
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

/// Sleeps until something changes that may have brought the record, but not beyond `soon`: the screen
/// need not be looked at before that. Returns false at once where it must be: for what no transcript
/// tells, and for an agent that has ended. The client of the last look is started meanwhile, if the
/// delivery will end with one.
fn await_record(
    attached: &mut AttachedPane<'_>,
    prompt: &Prompt,
    proof: &Proof,
    look: &Look,
    looks_last: bool,
    soon: Deadline,
) -> Result<bool> {
    let has_ended = || Identity::lives(look.pane.pid, None) == Some(false);
    if soon.passed() || prompt.is_command() || !proof.has_transcript() || has_ended() {
        return Ok(false);
    }
    attached.listen(false);
    if looks_last {
        // It is tried again when it is needed.
        drop(attached.view.ready_last());
    }
    Ok(attached.wait(soon)? == Woke::Event)
}

/// What the transcript tells of the prompt, if it tells anything yet.
fn told(
    attached: &mut AttachedPane<'_>,
    session: &mut Session,
    prompt: &Prompt,
    proof: &mut Proof,
    look: &Look,
    deadline: Deadline,
) -> Result<Option<Delivery>> {
    let Some(evidence) = proof.look(attached, session, look, prompt)? else { return Ok(None) };
    let told = match evidence {
        Evidence::Same(verdict, changes) => {
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
    let unknown = || (UNKNOWN.to_owned(), "attach to the window and answer".to_owned());
    let is_drawn = !look.screen.text().trim().is_empty();
    // A form's field looks like the box.
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
