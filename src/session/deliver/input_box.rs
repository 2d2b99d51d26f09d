//! The agent's input box: waiting for a text in it, and emptying it.

use std::time::Duration;

use serde_json::json;

use super::Prompt;
use crate::{
    agent::{profile::InputBox, takes_prompt},
    error::Result,
    session::{Session, attached_pane::AttachedPane},
    time::Deadline,
    trace,
    watch::Woke,
};

/// Waits until a text shows in the input box, at the longest until `deadline`.
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

/// How long the box may take to show that a prompt was taken.
const TAKEN: Duration = Duration::from_millis(500);

/// Takes our own text out of the box when it stays there although it was taken: Claude Code 2.1.197
/// leaves a copy now and then, which would be somebody's draft to the next sender.
pub(crate) fn clear_copy(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    prompt: &Prompt,
) -> Result<()> {
    let taken_by = Deadline::after(TAKEN);
    // Nearly always the box is empty, and this is the last look.
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

/// Empties the input box with the keys that the agent is measured to survive: a round of them, and
/// another one only while the box still shows a text that has changed.
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
