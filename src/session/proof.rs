//! The proof of a delivery: what the transcript says of the prompt.

use std::{fs::File, io::ErrorKind, ops::ControlFlow};

use super::{Prompt, Session, Verdict, live::Live};
use crate::{
    agent::{Agent, Thread},
    error::{At, Error, Result},
    tmux::Look,
    transcript::{
        follow::{Follow, Start},
        lines,
        record::{Event, Kind},
    },
};

/// The transcript from where it stood before the prompt.
pub(super) struct Proof {
    /// Where it stood.
    pub offset: u64,
    thread: Option<Thread>,
    follow: Option<Follow>,
}

/// What the transcript said of a prompt.
#[derive(Debug)]
pub(super) enum Word {
    /// It holds the whole prompt; the agent made these changes.
    Same(Verdict, Vec<&'static str>),
    /// It holds another text.
    Other(String),
}

impl Proof {
    /// Remembers where the transcript stands. Where it is may be known only after a first prompt.
    pub(super) fn begin(live: &mut Live<'_>, session: &mut Session, look: &Look) -> Result<Proof> {
        let thread = live.agent.thread(live.config, &look.pane)?;
        let mut proof = Proof { offset: 0, thread, follow: None };
        proof.find(live, session, look)?;
        Ok(proof)
    }

    fn find(&mut self, live: &mut Live<'_>, session: &mut Session, look: &Look) -> Result<()> {
        let Some(thread) = live.agent.thread(live.config, &look.pane)? else { return Ok(()) };
        session.bind(live.config, &thread)?;
        let Some(path) = &thread.transcript else { return Ok(()) };
        live.watch.path(path)?;
        // A transcript that was not there before the prompt begins with it.
        if self.thread.as_ref().is_some_and(|before| before.transcript.as_ref() == Some(path)) {
            self.offset = match File::open(path) {
                Ok(file) => {
                    let size = file.metadata().at(path)?.len();
                    lines::boundary_before(&file, size).at(path)?
                }
                Err(e) if e.kind() == ErrorKind::NotFound => 0,
                Err(e) => return Err(Error::io(path.display(), &e)),
            };
        }
        self.follow = Some(Follow::open(path, Start::Offset(self.offset))?);
        Ok(())
    }

    /// What the transcript says of the prompt by now.
    pub(super) fn look(
        &mut self,
        live: &mut Live<'_>,
        session: &mut Session,
        look: &Look,
        prompt: &Prompt,
    ) -> Result<Option<Word>> {
        if prompt.is_command() && self.thread_changed(live, look)? {
            return Ok(Some(Word::Same(Verdict::Submitted, Vec::new())));
        }
        if self.follow.is_none() {
            self.find(live, session, look)?;
        }
        let Some(follow) = &mut self.follow else { return Ok(None) };
        let agent = live.agent;
        let mut word = None;
        let _seen = follow.read(|line| {
            for event in agent.read(line.bytes) {
                word = of_event(agent, prompt, &event);
                if word.is_some() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(word)
    }

    /// A command such as `/clear` leaves for another conversation.
    fn thread_changed(&self, live: &Live<'_>, look: &Look) -> Result<bool> {
        let now = live.agent.thread(live.config, &look.pane)?.and_then(|thread| thread.id);
        let before = self.thread.as_ref().and_then(|thread| thread.id.as_ref());
        Ok(now.is_some() && before.is_some() && now.as_ref() != before)
    }
}

/// What one event says of the prompt. Prompts that had been queued before ours are not ours.
fn of_event(agent: &dyn Agent, prompt: &Prompt, event: &Event) -> Option<Word> {
    if prompt.is_command() {
        let ran = agent.ran_command(prompt.text(), event);
        let queued = event.kind == Kind::Queued && event.text.trim() == prompt.text();
        return match (ran, queued) {
            (true, _) => Some(Word::Same(Verdict::Submitted, Vec::new())),
            (_, true) => Some(Word::Same(Verdict::Queued, Vec::new())),
            _ => None,
        };
    }
    match (event.kind, agent.same(prompt.text(), &event.text)) {
        (Kind::Prompt, Some(changes)) => Some(Word::Same(Verdict::Submitted, changes)),
        (Kind::Queued, Some(changes)) => Some(Word::Same(Verdict::Queued, changes)),
        (Kind::Prompt, None) if !event.queued => Some(Word::Other(event.text.clone())),
        _ => None,
    }
}

/// Where two texts part, for a person.
pub(super) fn difference(sent: &str, recorded: &str) -> String {
    let same = sent.chars().zip(recorded.chars()).take_while(|(a, b)| a == b).count();
    format!(
        "the agent recorded another text: {} of {} characters are the same, then it holds {:?}",
        same,
        sent.chars().count(),
        recorded.chars().skip(same).take(20).collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{agent::Backend, session::Reading};

    fn word(prompt: &str, command: bool, event: &Event) -> Option<Word> {
        let agent = Backend::Claude.agent();
        let reading = Reading { command, ..Reading::default() };
        let prompt = Prompt::new(prompt.into(), agent, reading).unwrap();
        of_event(agent, &prompt, event)
    }

    #[test]
    fn the_first_difference_is_named() {
        let told = difference("one two", "one too many");
        assert!(told.contains("5 of 7 characters") && told.contains("\"oo many\""), "{told}");
    }

    #[test]
    fn another_prompt_that_was_queued_says_nothing_of_ours() {
        let event = |kind, queued| Event { queued, ..Event::new(kind, None, "x") };
        assert!(word("ours", false, &event(Kind::Prompt, true)).is_none());
        assert!(word("ours", false, &event(Kind::Queued, false)).is_none());
        assert!(matches!(word("ours", false, &event(Kind::Prompt, false)), Some(Word::Other(_))));
        assert!(matches!(word("x", false, &event(Kind::Queued, false)), Some(Word::Same(..))));
    }

    #[test]
    fn a_command_is_proven_by_its_own_record() {
        let ran = Event::new(Kind::Command, None, "/compact");
        assert!(matches!(word("/compact", true, &ran), Some(Word::Same(Verdict::Submitted, _))));
        assert!(word("/context", true, &ran).is_none());
        assert!(word("/compact", true, &Event::new(Kind::Prompt, None, "/compact")).is_none());
    }
}
