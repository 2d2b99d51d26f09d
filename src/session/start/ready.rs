//! Readiness: waiting until a new agent takes prompts, and answering its dialogs meanwhile.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::session::{Session, anchor::with_status, attached_pane::AttachedPane};
use crate::{
    agent::{self, Conversation, profile::DialogStep},
    error::{Error, Kind, Result},
    time::Deadline,
    tmux::Look,
    trace,
};

/// Waits until the agent is ready. Answers the dialogs that have a conservative answer.
pub(crate) fn ready(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    deadline: Deadline,
) -> Result<(Look, Conversation)> {
    let mut answer = Answer::default();
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
        let mut soon = Deadline::NEVER;
        if let Some(dialog) = attached.profile.dialog(&look.screen) {
            if dialog.choose.is_empty() {
                return Err(Error::new(
                    Kind::Person,
                    &session.name,
                    format!("the {} dialog is open", dialog.name),
                )
                .advise(&dialog.advice));
            }
            if let Some(key) =
                answer.next(&dialog.name, attached.profile.step(dialog, &look.screen))
            {
                trace::step(
                    &format!("the {} dialog is open", dialog.name),
                    || json!({ "key": key }),
                );
                // If the pane takes no input now, the next look tries again.
                let _taken = attached.view.key(key)?;
            }
            soon = answer.again();
        }
        if deadline.passed() {
            let words = look.screen.last_words();
            return Err(Error::timeout(
                &session.name,
                format!("the agent was not ready in time; its screen ends: {words}"),
            ));
        }
        let _woke = attached.wait(deadline.min(soon))?;
    }
}

/// Answers a dialog one key at a time, with a look after each. A key is repeated only after three
/// seconds without effect: an agent that has just drawn a dialog may not read keys yet. After a
/// repetition both keys may still take effect, so Enter waits until the pointer has come to rest.
// Measured: claude/FACTS.md, "Start dialogs"; codex/FACTS.md, "Start dialogs"
#[derive(Default)]
struct Answer {
    last: Option<(String, DialogStep, Instant)>,
    repeated: bool,
}

impl Answer {
    const PATIENCE: Duration = Duration::from_secs(3);
    const REST: Duration = Duration::from_millis(1500);

    /// The key to press now, if any.
    fn next(&mut self, dialog: &str, step: DialogStep) -> Option<&'static str> {
        let DialogStep::Press { key, .. } = step else { return None };
        if let Some((name, last, at)) = &self.last {
            let same = name == dialog && *last == step;
            let moving = self.repeated && key == "Enter" && at.elapsed() < Self::REST;
            if (same && at.elapsed() < Self::PATIENCE) || moving {
                return None;
            }
            self.repeated |= same;
        }
        self.last = Some((dialog.to_owned(), step, Instant::now()));
        Some(key)
    }

    /// When to look again if nothing happens.
    fn again(&self) -> Deadline {
        let patience = if self.repeated { Self::REST } else { Self::PATIENCE };
        self.last.as_ref().map_or(Deadline::NEVER, |(_, _, at)| {
            let left = patience.saturating_sub(at.elapsed());
            Deadline::after(left.max(Duration::from_millis(100)))
        })
    }
}

/// The error for an agent that ended while it started.
fn died(attached: &mut AttachedPane<'_>, session: &Session, mut look: Look) -> Result<Error> {
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
        format!("{} ended at its start{}", attached.agent.facts().program, with_status(&pane)),
    )
    .advise(if words.is_empty() { "it said nothing" } else { words }))
}
