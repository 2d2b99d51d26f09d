//! The agent's input box: waiting for a text in it, and emptying it.

use std::time::Duration;

use serde_json::json;

use super::{DeliveryOptions, Prompt};
use crate::{
    agent::{Status, profile::InputBox, takes_prompt},
    error::Result,
    session::{Session, attached_pane::AttachedPane},
    time::Deadline,
    trace,
    watch::Woke,
};

/// Waits until the input box shows a text, or until `deadline`.
pub(crate) fn await_text(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    deadline: Deadline,
) -> Result<()> {
    loop {
        let look = attached.look(session)?;
        if attached.profile.input_box(&look) == InputBox::Text
            || attached.wait(deadline)? == Woke::Deadline
        {
            return Ok(());
        }
    }
}

/// An agent that outputs nothing for this long has finished drawing.
// Measured: codex/FACTS.md, "Interrupt"
const SCREEN_QUIET: Duration = Duration::from_millis(300);

/// How long an agent may draw.
const DRAWN: Duration = Duration::from_secs(1);

/// Whether a prompt that did not become a turn returns to the box. The agent's own record of it may be
/// earlier than its screen: the prompt is in the box only once the agent has finished drawing.
// Measured: codex/FACTS.md, "Interrupt"; claude/FACTS.md, "Hooks"
pub(crate) fn comes_back(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    deadline: Deadline,
) -> Result<bool> {
    let drawn_by = deadline.min(Deadline::after(DRAWN));
    attached.listen(true);
    loop {
        let look = attached.look(session)?;
        if attached.profile.input_box(&look) == InputBox::Text {
            return Ok(true);
        }
        let quiet = attached.wait(drawn_by.min(Deadline::after(SCREEN_QUIET)))? == Woke::Deadline;
        if quiet && !matches!(attached.status(&look)?, Status::Busy) || drawn_by.passed() {
            return Ok(false);
        }
    }
}

/// How long the box may take to empty after a prompt was submitted.
// Measured: claude/FACTS.md, "Clearing the box"
const TAKEN: Duration = Duration::from_millis(500);

/// Whether a copy of a prompt may stay in the box after it was submitted.
// Measured: claude/FACTS.md, "Clearing the box"; codex/FACTS.md, "Readiness"
pub(crate) fn may_keep_copy(attached: &AttachedPane<'_>, options: &DeliveryOptions) -> bool {
    attached.agent.facts().may_swallow_enter || options.just_started
}

/// Clears our own text from the box when a copy stays there after the prompt was submitted. Claude
/// Code 2.1.197 now and then leaves one, and the next sender would take it for somebody's draft.
// Measured: claude/FACTS.md, "Clearing the box"
pub(crate) fn clear_copy(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    prompt: &Prompt,
) -> Result<()> {
    let taken_by = Deadline::after(TAKEN);
    // The box is nearly always empty, so this is usually the last look.
    let mut look = attached.view.last_capture()?;
    while let Some(shown) = look
        && attached.profile.input_box(&shown) == InputBox::Text
    {
        trace::step("input box not empty yet", || json!(null));
        if taken_by.passed() {
            if attached.profile.holds(&shown, prompt.text()) {
                trace::step("a copy of the prompt stays in the input box", || json!(null));
                clear(attached, session, Deadline::NEVER)?;
            }
            break;
        }
        let _woke = attached.wait(taken_by)?;
        look = attached.view.capture()?;
    }
    Ok(())
}

/// Empties the input box with the keys that are measured not to end the agent. Presses them once,
/// and again each time the text has changed without being gone.
// Measured: claude/FACTS.md, "Clearing the box"; codex/FACTS.md, "Clearing the box"
pub(crate) fn clear(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    wait: Deadline,
) -> Result<bool> {
    let patience = wait.min(Deadline::after(Duration::from_secs(3)));
    let mut shown = None;
    loop {
        let look = attached.look(session)?;
        let status = attached.status(&look)?;
        match attached.profile.input_box(&look) {
            InputBox::Empty => return Ok(true),
            InputBox::Missing => return Ok(false),
            InputBox::Text if !takes_prompt(&status) => return Ok(false),
            InputBox::Text => {}
        }
        let text = look.screen.text();
        if shown.as_ref() != Some(&text) {
            trace::step("clearing the input box", || json!(null));
            let first = attached.profile.edit_key(&look.screen).map(str::to_owned);
            for key in first.as_deref().iter().chain(attached.agent.facts().clear_keys) {
                if attached.view.key(key)?.is_err() {
                    return Ok(false);
                }
            }
            shown = Some(text);
        }
        if attached.wait(patience)? == Woke::Deadline {
            return Ok(false);
        }
    }
}
