//! Answering a question that the agent asks during a session, with a key that the caller chose.

use serde::Serialize;
use serde_json::json;

use crate::session::{
    Session,
    attached_pane::{self, AttachedPane},
};
use crate::{
    agent::Status,
    config::Config,
    error::{Error, Kind, Result},
    time::Deadline,
    tmux::Tmux,
    trace,
    watch::Woke,
};

/// A question: its name and its choices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Question {
    /// The dialog's name in the screen profile, or the agent's name for the question.
    pub name: String,
    /// The lines that can be chosen, as the screen shows them.
    pub choices: Vec<String>,
}

/// The question that the session's agent asks now, if it asks one.
pub(crate) fn question(
    config: &Config,
    tmux: &Tmux,
    session: &Session,
) -> Result<Option<Question>> {
    let pane = session.live_pane(config, tmux)?;
    let Some(look) = tmux.of(&pane).capture(&pane.id)? else { return Ok(None) };
    let profile = session.profile(config)?;
    let status = session.status(config, &look.pane)?;
    let asked = attached_pane::question(&profile, &look, &status);
    Ok(asked.map(|(name, _)| Question { name, choices: profile.choices(&look.screen) }))
}

/// Presses `key` if the dialog called `expected` is open, and waits until it is gone.
///
/// # Errors
/// [`Kind::Refused`] when no dialog or another one is open; no key was pressed then.
/// [`Kind::Unproven`] when the dialog stays.
pub(crate) fn answer(
    config: &Config,
    tmux: &Tmux,
    session: &Session,
    key: &str,
    expected: &str,
    lock_wait: Deadline,
    timeout: std::time::Duration,
) -> Result<()> {
    let _held = session.run_dir(config).lock(&session.name, lock_wait)?;
    let pane = session.live_pane(config, tmux)?;
    let mut attached = AttachedPane::attach(config, tmux, session, &pane, None)?;
    let open = |attached: &mut AttachedPane<'_>| -> Result<Option<String>> {
        let look = attached.look(session)?;
        let status = attached.status(&look)?;
        Ok(attached.question(&look, &status).map(|(name, _)| name))
    };
    match open(&mut attached)? {
        Some(name) if name == expected => {}
        Some(name) => {
            let cause = format!("the {name} dialog is open, not {expected}");
            return Err(Error::new(Kind::Refused, &session.name, cause));
        }
        None => {
            return Err(Error::new(Kind::Refused, &session.name, "no dialog is open"));
        }
    }
    if attached.view.key(key)?.is_err() {
        return Err(Error::new(Kind::Refused, &session.name, "the pane takes no input"));
    }
    trace::step("answered", || json!({ "dialog": expected, "key": key }));
    let deadline = Deadline::after(timeout);
    loop {
        // The agent's status may say "waiting" for a moment after the dialog has closed.
        let look = attached.look(session)?;
        let is_gone = match attached.profile.dialog(&look.screen) {
            Some(dialog) => dialog.name != expected,
            None => !matches!(attached.status(&look)?, Status::Waiting(_)),
        };
        if is_gone {
            return Ok(());
        }
        if attached.wait(deadline)? == Woke::Deadline {
            let cause = format!("the {expected} dialog is still open");
            return Err(Error::new(Kind::Unproven, &session.name, cause));
        }
    }
}
