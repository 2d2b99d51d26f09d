//! Readiness: waiting until a new agent takes prompts, and answering its dialogs meanwhile.

use std::time::Duration;

use serde_json::json;

use super::dialogs::Dialogs;
use crate::session::{Session, anchor::with_status, attached_pane::AttachedPane};
use crate::{
    agent::{self, Conversation, Status, version::Source},
    error::{Error, Kind, Result},
    time::Deadline,
    tmux::Look,
    trace,
    watch::Woke,
};

/// An agent that is not ready after this time is asked for its version: it may be too old.
const LATE: Duration = Duration::from_secs(4);

/// So long after a look at an agent that says that it is not ready, its output does not lead to another
/// look: each takes computing time from it. What makes it ready shows in a file or its title, which do.
const PACE: Duration = Duration::from_millis(50);

/// Waits until the agent is ready. Answers the dialogs that have a conservative answer.
pub(crate) fn ready(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    deadline: Deadline,
) -> Result<(Look, Conversation)> {
    let mut dialogs = Dialogs::new();
    let mut late = Deadline::after(LATE);
    loop {
        let look = attached.look(session)?;
        if look.pane.dead {
            return Err(died(attached, session, look)?);
        }
        let paths = session.paths(attached.config);
        if let Some(conversation) = agent::ready(attached.agent, &paths, &attached.profile, &look)?
        {
            trace::step("agent ready", || json!({ "conversation": conversation.id }));
            return Ok((look, conversation));
        }
        let again = match dialogs.look(attached, session, &look) {
            Err(error) => return Err(too_old(attached).unwrap_or(error)),
            Ok(again) => again,
        };
        if late.passed() {
            late = Deadline::NEVER;
            if let Some(error) = too_old(attached) {
                return Err(error);
            }
        }
        if deadline.passed() {
            let words = look.screen.last_words();
            return Err(Error::timeout(
                &session.name,
                format!("the agent was not ready in time; its screen ends: {words}"),
            ));
        }
        await_change(attached, &look, deadline.min(again).min(late))?;
    }
}

/// Sleeps until the agent may be ready, or a dialog open, but not beyond `until`.
fn await_change(attached: &mut AttachedPane<'_>, look: &Look, until: Deadline) -> Result<()> {
    if !matches!(attached.status(look)?, Status::Idle(_)) {
        attached.listen(false);
        let woke = attached.wait(until.min(Deadline::after(PACE)))?;
        attached.listen(true);
        if woke == Woke::Event {
            return Ok(());
        }
    }
    attached.wait(until).map(drop)
}

/// The error for a program that says that its version is too old.
fn too_old(attached: &AttachedPane<'_>) -> Option<Error> {
    attached.agent.facts().too_old(attached.config, &attached.profile, Source::Answer)
}

/// The error for an agent that ended while it started.
fn died(attached: &mut AttachedPane<'_>, session: &Session, mut look: Look) -> Result<Error> {
    if let Some(error) = too_old(attached) {
        return Ok(error);
    }
    let pane = session.pane(attached.config, &attached.tmux)?.unwrap_or(look.pane);
    // tmux scrolls when a program ends, so its last words may be above the screen.
    if let Some(whole) = attached.view.history()? {
        look.screen = whole;
    }
    // tmux adds a line of its own below the program's output.
    let words = look.screen.last_words();
    let words = words.split(" / Pane is dead").next().unwrap_or_default();
    Ok(Error::new(
        Kind::Missing,
        &session.name,
        format!("{} ended during startup{}", attached.agent.facts().program, with_status(&pane)),
    )
    .advise(if words.is_empty() { "it printed nothing" } else { words }))
}
