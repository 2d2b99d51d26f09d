//! The proof of a delivery: the record of the prompt in the transcript.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::session::{
    Prompt, Session, Verdict, attached_pane::AttachedPane, conversation::ConversationReader,
};
use crate::{
    agent::{Agent, Conversation, image},
    error::Result,
    time::Deadline,
    tmux::Look,
    transcript::event::{Event, EventKind, REFUSED},
};

/// The transcript from its end before the prompt.
pub(crate) struct Proof {
    /// The end of the transcript's last whole line before the prompt.
    pub offset: u64,
    /// The end of the transcript before the prompt. It lies behind `offset` when a crash left a line
    /// without its newline: what the agent writes next stands on the same line.
    pub end: u64,
    /// The id of the conversation before the prompt, if it had one.
    id: Option<String>,
    reader: ConversationReader,
    /// Another text was recorded: where it differs from ours, and when we saw it.
    other: Option<(String, Instant)>,
    /// A turn has begun, and no prompt was given in it yet.
    is_empty_turn: bool,
}

/// How long to wait for our text after another text was recorded. The other text need not be our
/// prompt, altered: a person may have typed it, or the agent may have taken an earlier text late.
const FOREIGN_GRACE: Duration = Duration::from_secs(5);

/// What the transcript shows of a prompt.
#[derive(Debug)]
pub(crate) enum Evidence {
    /// It has the whole prompt, with these changes by the agent.
    Same(Verdict, Vec<&'static str>),
    /// It has another text, which differs from the prompt here.
    Other(String),
    /// A hook of the user's refused it, so the model did not get it: with the hook's words, if it has
    /// them.
    Refused(String),
}

impl Proof {
    /// Notes the present end of the transcript. Its path may be known only after the first prompt.
    pub(crate) fn begin(
        attached: &mut AttachedPane<'_>,
        session: &mut Session,
        look: &Look,
    ) -> Result<Proof> {
        let now = session.conversation_in(attached.config, Some(&look.pane))?;
        session.bind(attached.config, &now)?;
        let id = now.id.clone();
        let places = session.places(attached.config);
        let path = now.transcript.clone();
        let reader = ConversationReader::from_end(places, now, &mut attached.watch)?;
        let offset = reader.offset();
        let end = path.and_then(|path| path.metadata().ok()).map_or(offset, |data| data.len());
        Ok(Proof { offset, end, id, reader, other: None, is_empty_turn: false })
    }

    /// What the transcript shows of the prompt by now.
    pub(crate) fn look(
        &mut self,
        attached: &mut AttachedPane<'_>,
        session: &mut Session,
        look: &Look,
        prompt: &Prompt,
    ) -> Result<Option<Evidence>> {
        let is_placed = self.reader.is_placed();
        if prompt.is_command() || !is_placed {
            let now = attached.conversation(look)?;
            if prompt.is_command() && self.has_left(now.as_ref()) {
                return Ok(Some(Evidence::Same(Verdict::Submitted, Vec::new())));
            }
            if let Some(now) = now.filter(|_| !is_placed) {
                session.bind(attached.config, &now)?;
                self.reader.found(&now);
                self.reader.watch(&mut attached.watch)?;
            }
        }
        let agent = attached.agent;
        let (mut ours, other, is_empty) = (None, &mut self.other, &mut self.is_empty_turn);
        let (offset, end) = (self.offset, self.end);
        self.reader.read(Some(&mut attached.watch), |line| {
            for event in agent.parse_line(line.behind(offset, end)) {
                if event.kind == EventKind::Prompt && event.origin.is_some() {
                    // It went into the queue like one that was typed.
                    *other = None;
                }
                match refusal(prompt, &event, is_empty).or_else(|| judge(agent, prompt, &event)) {
                    Some(Evidence::Other(difference)) => {
                        *other = Some((difference, Instant::now()));
                    }
                    Some(same) => {
                        ours = Some(same);
                        return Ok(ControlFlow::Break(()));
                    }
                    None => {}
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let late = self.other.as_ref().filter(|(_, seen)| seen.elapsed() >= FOREIGN_GRACE);
        Ok(ours.or_else(|| late.map(|(difference, _)| Evidence::Other(difference.clone()))))
    }

    /// The transcript, once its path is known.
    pub(crate) fn transcript(&self) -> Option<PathBuf> {
        self.reader.paths().next().map(Path::to_owned)
    }

    /// Whether the path of the transcript is known.
    pub(crate) fn has_transcript(&self) -> bool {
        self.reader.is_placed()
    }

    /// When to look again even if nothing changes.
    pub(crate) fn next_look(&self) -> Deadline {
        match &self.other {
            Some((_, seen)) => Deadline::after(FOREIGN_GRACE.saturating_sub(seen.elapsed())),
            None => Deadline::NEVER,
        }
    }

    /// Whether the session has moved to another conversation, as after `/clear`. The new one may
    /// have no id before its first prompt.
    fn has_left(&self, now: Option<&Conversation>) -> bool {
        self.id.is_some() && now.is_some_and(|now| now.id != self.id)
    }
}

/// Whether a hook refused the prompt: the agent says so, or it ended a turn in which it had given no
/// prompt to the model.
// Measured: claude/FACTS.md, "Hooks"; codex/FACTS.md, "Rollout records"
fn refusal(prompt: &Prompt, event: &Event, is_empty: &mut bool) -> Option<Evidence> {
    let ended = matches!(event.kind, EventKind::TurnEnd | EventKind::Unanswered) && *is_empty;
    match event.kind {
        EventKind::TurnStart => *is_empty = true,
        EventKind::Prompt | EventKind::Interrupted | EventKind::TurnEnd => *is_empty = false,
        _ => {}
    }
    let said = event.kind == EventKind::Error && event.reason == Some(REFUSED);
    let text = if said { event.text.clone() } else { String::new() };
    ((said || ended) && !prompt.is_command()).then_some(Evidence::Refused(text))
}

/// What one event shows of the prompt. Prompts that were queued earlier are not ours.
pub(crate) fn judge(agent: &dyn Agent, prompt: &Prompt, event: &Event) -> Option<Evidence> {
    if prompt.is_command() {
        let ran = agent.ran_command(prompt.text(), event);
        let queued = event.kind == EventKind::Queued && event.text.trim() == prompt.text();
        return match (ran, queued) {
            (true, _) => Some(Evidence::Same(Verdict::Submitted, Vec::new())),
            (_, true) => Some(Evidence::Same(Verdict::Queued, Vec::new())),
            _ => None,
        };
    }
    // If ours had been queued, we would have seen the record of that first.
    if event.queued || event.origin.is_some() {
        return None;
    }
    let verdict = match event.kind {
        EventKind::Prompt => Verdict::Submitted,
        EventKind::Queued => Verdict::Queued,
        _ => return None,
    };
    let count = prompt.images().len();
    let behind = image::behind(&event.text, count);
    // What is only queued does not say how many there are.
    let behind = behind.filter(|_| verdict == Verdict::Queued || event.images >= count);
    let Some(text) = behind else {
        return Some(Evidence::Other("the agent recorded a prompt without the images".into()));
    };
    Some(match agent.compare(prompt.text(), text) {
        Ok(changes) if verdict == Verdict::Queued => {
            Evidence::Same(verdict, [&changes[..], agent.facts().queued_changes].concat())
        }
        Ok(changes) => Evidence::Same(verdict, changes),
        Err(difference) => Evidence::Other(difference),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{agent::Backend, session::Reading};

    fn judged(prompt: &str, command: bool, event: &Event) -> Option<Evidence> {
        let agent = Backend::Claude.agent();
        let reading = Reading { command, ..Reading::default() };
        let prompt = Prompt::new(prompt.into(), agent, reading).unwrap();
        judge(agent, &prompt, event)
    }

    #[test]
    fn another_prompt_that_was_queued_says_nothing_of_ours() {
        let event = |kind, queued| Event { queued, ..Event::new(kind, None, "x") };
        assert!(judged("ours", false, &event(EventKind::Prompt, true)).is_none());
        assert!(judged("x", false, &event(EventKind::Prompt, true)).is_none());
        assert!(judged("ours", false, &event(EventKind::Queued, true)).is_none());
        assert!(matches!(
            judged("ours", false, &event(EventKind::Queued, false)),
            Some(Evidence::Other(_))
        ));
        assert!(matches!(
            judged("ours", false, &event(EventKind::Prompt, false)),
            Some(Evidence::Other(_))
        ));
        assert!(matches!(
            judged("x", false, &event(EventKind::Queued, false)),
            Some(Evidence::Same(..))
        ));
    }

    #[test]
    fn a_command_is_proven_by_its_own_record() {
        let ran = Event::new(EventKind::Command, None, "/compact");
        assert!(matches!(
            judged("/compact", true, &ran),
            Some(Evidence::Same(Verdict::Submitted, _))
        ));
        assert!(judged("/context", true, &ran).is_none());
        assert!(
            judged("/compact", true, &Event::new(EventKind::Prompt, None, "/compact")).is_none()
        );
    }
}
