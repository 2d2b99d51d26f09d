//! Before anything is typed: what forbids it, by name.

use std::time::Duration;

use serde_json::json;

use super::Verdict;
use crate::session::{Delivery, Prompt, Session, attached_pane::AttachedPane};
use crate::{
    agent::{Status, profile::InputBox, takes_prompt},
    error::{Error, Result},
    time::Deadline,
    tmux::Look,
    trace,
    watch::Woke,
};

/// What stands in the way of typing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Obstacle {
    /// What it is, for the caller.
    pub reason: String,
    /// What to do about it.
    pub advice: String,
    /// Only a person can take it away.
    pub person: bool,
    /// It is somebody's text in the input box.
    pub draft: bool,
}

impl Obstacle {
    fn new(reason: impl Into<String>, advice: impl Into<String>) -> Self {
        Obstacle { reason: reason.into(), advice: advice.into(), person: false, draft: false }
    }

    /// The delivery that it stopped.
    pub(crate) fn delivery(self) -> Delivery {
        Delivery {
            advice: self.advice,
            person: self.person,
            ..Delivery::new(Verdict::Blocked, 0, self.reason)
        }
    }
}

/// Programs that read a line and run it: what is pasted there is not a prompt.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "zsh", "fish", "ksh", "tcsh"];

/// What forbids typing now, if anything does. A mode that a person left the pane in is left first.
fn obstacle(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    prompt: &Prompt,
) -> Result<(Look, Option<Obstacle>)> {
    let mut look = attached.look(session)?;
    if look.pane.dead {
        return Err(Error::missing(&session.name, "the agent has ended"));
    }
    if look.pane.in_mode {
        trace::step("the pane is in a mode: left", || look.pane.id.clone().into());
        attached.tmux.leave_mode(&look.pane.id)?;
        look = attached.look(session)?;
    }
    let found = of_look(attached, &look, prompt)?;
    Ok((look, found))
}

fn of_look(attached: &AttachedPane<'_>, look: &Look, prompt: &Prompt) -> Result<Option<Obstacle>> {
    let some = |reason: &str, advice: &str| Ok(Some(Obstacle::new(reason, advice)));
    let pane = &look.pane;
    if pane.input_off {
        return some("the pane takes no input", "`tmux select-pane -e` allows it");
    }
    if pane.synchronized {
        return some("the pane is synchronised with others", "turn synchronize-panes off");
    }
    let status = attached.status(look)?;
    // An agent that was started by a script has a shell's name, and says what it does all the same.
    if status == Status::Starting && SHELLS.contains(&pane.command.as_str()) {
        return some("a shell is in the foreground", "look at the window");
    }
    let asks = || {
        let (name, advice) = attached.question(look, &status)?;
        let reason = format!("the {name} dialog is open");
        Some(Obstacle { person: true, ..Obstacle::new(reason, advice) })
    };
    if !takes_prompt(&status) {
        return Ok(asks().or_else(|| Some(starting(&status))));
    }
    if prompt.is_command() && status == Status::Busy && attached.agent.command_needs_idle() {
        return some("the agent takes no command while it works", "wait with --when idle");
    }
    match attached.profile.input_box(look) {
        InputBox::Empty => Ok(None),
        // The pointer of a list can look like the box.
        InputBox::Text => {
            if let Some(asked) = asks() {
                return Ok(Some(asked));
            }
            let mut draft = Obstacle::new(
                "somebody's draft is in the input box",
                "submit it, or clear it with --replace-draft",
            );
            draft.draft = true;
            Ok(Some(draft))
        }
        InputBox::Missing => Ok(asks()
            .or_else(|| Some(Obstacle::new("no input box is to be seen", "look at the window")))),
    }
}

fn starting(status: &Status) -> Obstacle {
    match status {
        Status::Starting => Obstacle::new("the agent is still starting", "try again"),
        _ => Obstacle::new("the agent takes no prompt now", "try again"),
    }
}

/// Waits until nothing forbids typing, at the longest until `wait`. `Err` holds what still does.
pub(crate) fn clear(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    prompt: &Prompt,
    replace_draft: bool,
    wait: Deadline,
) -> Result<std::result::Result<Look, Obstacle>> {
    let mut cleared = false;
    loop {
        let (look, found) = obstacle(attached, session, prompt)?;
        let Some(found) = found else { return Ok(Ok(look)) };
        trace::step(&found.reason, || json!({ "title": look.pane.title }));
        if found.draft && replace_draft && !cleared {
            cleared = true;
            // It has its own patience: the caller asked for it.
            clear_box(attached, session, Deadline::NEVER)?;
            continue;
        }
        if wait.passed() {
            return Ok(Err(found));
        }
        let _woke = attached.wait(wait)?;
    }
}

/// Waits until a text shows in the input box, at the longest until `deadline`.
pub(crate) fn await_draft(
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
        trace::step("the box is not empty yet", || json!(null));
        if taken_by.passed() {
            if attached.profile.holds(&shown, prompt.text()) {
                trace::step("a copy of the prompt stays in the box", || json!(null));
                clear_box(attached, session, Deadline::NEVER)?;
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
pub(crate) fn clear_box(
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
            for key in first.as_deref().iter().chain(attached.agent.clear_keys()) {
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
