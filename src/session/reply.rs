//! The reply to a prompt: what the assistant said last in the turn that took it.
//!
//! A turn is over when the transcript shows its end and the agent rests, or has begun another turn:
//! an end alone may be followed by more, as when a hook of the user's sends the agent back to work.

use std::{fmt::Display, ops::ControlFlow};

use super::{
    JobState, Question, Session, SessionWatcher, Snapshot, State, conversation::ConversationReader,
    end_of,
};
use crate::{
    agent::{Agent, image},
    config::Config,
    error::{Error, Kind, Result},
    time::Deadline,
    tmux::Tmux,
    transcript::{
        event::{Event, EventKind},
        ledger::{End, NO_ANSWER},
        once::Once,
    },
};

/// Which prompt's reply is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    /// The first one that is read.
    First,
    /// The last one.
    Last,
    /// The first one with this text.
    Text(String),
}

/// The events of a conversation, as far as they concern the turn that took one prompt.
pub(crate) struct Reply {
    agent: &'static dyn Agent,
    asked: Asked,
    once: Once,
    /// Prompts that wait in the agent's queue.
    queued: Vec<String>,
    /// The number of the turn that runs, where the agent numbers them.
    open: Option<String>,
    turn: Option<Turn>,
    /// The last text and the last end, whose lines may come before that of their prompt.
    // Measured: claude/FACTS.md, "Transcript records"
    last: (Option<Event>, Option<(Event, End)>),
}

/// The turn that took the prompt.
struct Turn {
    id: Option<String>,
    begun: Option<u64>,
    said: Option<(Option<u64>, String)>,
    end: Option<End>,
    /// Whether another turn has begun since.
    closed: bool,
}

/// How the wait for a reply ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The turn is over.
    Over(End),
    /// The agent asks something that only a person answers.
    Asks(Question),
    /// The deadline has passed.
    Late,
}

impl Reply {
    /// Nothing read yet.
    pub(crate) fn to(asked: Asked, agent: &'static dyn Agent) -> Reply {
        let once = Once::default();
        let last = (None, None);
        Reply { agent, asked, once, queued: Vec::new(), open: None, turn: None, last }
    }

    /// What was said last; `None` when nothing was.
    pub(crate) fn said(&self) -> Option<&str> {
        let (_, text) = self.turn.as_ref()?.said.as_ref()?;
        Some(text.as_str())
    }

    /// Whether the transcript shows the prompt.
    pub(crate) fn has_turn(&self) -> bool {
        self.turn.is_some()
    }

    /// How the turn ended, as far as the transcript shows.
    pub(crate) fn end(&self) -> Option<&End> {
        self.turn.as_ref()?.end.as_ref()
    }

    /// Takes in what `reader` finds new.
    pub(crate) fn read(&mut self, reader: &mut ConversationReader) -> Result<()> {
        let agent = self.agent;
        reader.read(None, |line| {
            agent.parse_line(line.bytes).iter().for_each(|event| self.note(event));
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Takes one event in.
    pub(crate) fn note(&mut self, event: &Event) {
        // A sub-agent speaks to the agent.
        if event.sidechain || self.once.repeats(event) {
            return;
        }
        match event.kind {
            EventKind::Queued if !event.queued => self.queued.push(event.text.clone()),
            EventKind::TakenBack => self.queued.clear(),
            EventKind::TurnStart => {
                self.open.clone_from(&event.turn);
                self.another();
            }
            EventKind::Prompt => self.prompt(event),
            EventKind::Text => self.text(event),
            EventKind::TurnEnd => self.finish(event, End::Done),
            EventKind::Interrupted => self.finish(event, End::Interrupted),
            EventKind::Error => self.finish(event, End::Failed(event.text.clone())),
            EventKind::Unanswered => {
                self.finish(event, End::Failed(NO_ANSWER.into()));
            }
            _ => {}
        }
    }

    fn prompt(&mut self, event: &Event) {
        let waits = self.queued.iter().position(|text| self.is_same(text, event));
        if let Some(at) = waits.filter(|_| event.queued) {
            self.queued.remove(at);
        } else if event.queued {
            return self.another();
        }
        // The agent's own, such as the notice that a command in the background has ended.
        if event.origin.is_some() {
            return self.another();
        }
        let is_asked = match &self.asked {
            Asked::Last => true,
            Asked::First => self.turn.is_none(),
            Asked::Text(text) => self.turn.is_none() && self.is_same(text, event),
        };
        if is_asked {
            let id = event.turn.clone().or_else(|| self.open.clone());
            self.turn = Some(Turn { id, begun: event.time, said: None, end: None, closed: false });
            self.take_early(event);
        } else {
            self.another();
        }
    }

    /// Takes in what stands before the prompt in the file, and is later by its time.
    fn take_early(&mut self, prompt: &Event) {
        let is_early =
            |event: &Event| event.time.zip(prompt.time).is_some_and(|(at, begun)| at >= begun);
        let (text, end) = std::mem::take(&mut self.last);
        if let Some(text) = text.filter(is_early) {
            self.text(&text);
        }
        if let Some((event, end)) = end.filter(|(event, _)| is_early(event)) {
            self.finish(&event, end);
        }
    }

    fn is_same(&self, sent: &str, event: &Event) -> bool {
        let is_same = |recorded: &str| self.agent.compare(sent, recorded).is_ok();
        let behind = image::behind(&event.text, event.images);
        is_same(&event.text) || behind.is_some_and(is_same)
    }

    /// Another turn has begun, if ours has ended.
    fn another(&mut self) {
        if let Some(turn) = &mut self.turn {
            turn.closed |= turn.end.is_some();
        }
    }

    fn text(&mut self, event: &Event) {
        self.last.0 = Some(event.clone());
        let Some(turn) = self.turn.as_mut().filter(|turn| !turn.closed) else { return };
        // Claude Code writes some lines before those that they follow.
        if turn.said.as_ref().is_none_or(|(time, _)| *time <= event.time) {
            turn.said = Some((event.time, event.text.clone()));
        }
    }

    fn finish(&mut self, event: &Event, end: End) {
        self.last.1 = Some((event.clone(), end.clone()));
        let Some(turn) = self.turn.as_mut().filter(|turn| !turn.closed) else { return };
        let is_older = turn.begun.zip(event.time).is_some_and(|(begun, ended)| ended < begun);
        let is_other = turn.id.as_ref().zip(event.turn.as_ref()).is_some_and(|(a, b)| a != b);
        if is_older || is_other {
            return;
        }
        // The text of an error of the model is a line of the assistant's too.
        if turn.said.as_ref().is_some_and(|(_, text)| end == End::Failed(text.clone())) {
            turn.said = None;
        }
        turn.end = Some(end);
    }

    /// How the turn ended, if it is over at this look at the session.
    fn ending(&self, snapshot: &Snapshot) -> Option<Ending> {
        let is_closed = self.turn.as_ref().is_some_and(|turn| turn.closed);
        if let Some(end) = self.end().filter(|_| is_closed || snapshot.rests) {
            return Some(Ending::Over(end.clone()));
        }
        match (snapshot.state(), &snapshot.job) {
            (State::Dead | State::Failed, Ok(JobState::Failed(why))) => {
                Some(Ending::Over(end_of(why.clone())))
            }
            (State::Dead, _) => Some(Ending::Over(End::Failed("the agent ended".into()))),
            _ => None,
        }
    }
}

/// Waits until the turn that took the prompt is over, the agent asks something, or `deadline`.
///
/// # Errors
/// [`Kind::Missing`] when the session is unknown.
pub(crate) fn await_reply(
    config: &Config,
    tmux: &Tmux,
    session: &Session,
    reply: &mut Reply,
    reader: &mut ConversationReader,
    deadline: Deadline,
) -> Result<Ending> {
    let mut watcher = SessionWatcher::new(config, tmux)?;
    watcher.add(session.clone())?;
    loop {
        let mut ending = None;
        watcher.observe(|session, snapshot| {
            let live = snapshot.pane.as_ref().filter(|pane| !pane.dead);
            reader.found(&session.conversation_in(config, live)?);
            // Read after the look: what had ended then stands in the transcript now.
            reply.read(reader)?;
            ending = reply.ending(snapshot);
            if ending.is_none() && snapshot.state() == State::Waiting {
                ending = super::question(config, tmux, session)?.map(Ending::Asks);
            }
            if let (Err(error), None, None) = (&snapshot.job, &snapshot.unseen, &ending) {
                return Err(error.clone());
            }
            Ok(ControlFlow::Continue(()))
        })?;
        match ending {
            Some(ending) => return Ok(ending),
            None if deadline.passed() => return Ok(Ending::Late),
            None => {}
        }
        let _woke = watcher.wait(deadline)?;
    }
}

impl Ending {
    /// The error for an ending that is no success.
    pub(crate) fn failure(&self, name: &dyn Display) -> Option<Error> {
        let (kind, cause) = match self {
            Ending::Over(End::Done) => return None,
            Ending::Over(End::Interrupted) => (Kind::No, "the turn was interrupted".into()),
            Ending::Over(end) => {
                (Kind::No, format!("the turn failed: {}", super::failure(end).words()))
            }
            Ending::Asks(what) => (Kind::Person, format!("the agent asks: {what}")),
            Ending::Late => (Kind::Timeout, "the turn has not ended in time".into()),
        };
        Some(Error::new(kind, name, cause))
    }

    /// All names.
    pub(crate) const NAMES: &[&str] = &["done", "failed", "waiting", "working"];

    /// Its name in the records: that of the session's state.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Ending::Over(End::Done) => "done",
            Ending::Over(_) => "failed",
            Ending::Asks(_) => "waiting",
            Ending::Late => "working",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Backend;

    #[test]
    fn lines_that_stand_before_their_prompt_count_by_their_times() {
        let event =
            |kind, time, text: &str| Event { time: Some(time), ..Event::new(kind, None, text) };
        let mut reply = Reply::to(Asked::First, Backend::Claude.agent());
        for event in [
            event(EventKind::Text, 1, "of the turn before"),
            event(EventKind::TurnEnd, 2, ""),
            event(EventKind::Text, 8, "the answer"),
            event(EventKind::TurnEnd, 9, ""),
            event(EventKind::Prompt, 7, "the question"),
        ] {
            reply.note(&event);
        }
        assert_eq!((reply.said(), reply.end()), (Some("the answer"), Some(&End::Done)));
        let mut reply = Reply::to(Asked::First, Backend::Claude.agent());
        reply.note(&event(EventKind::TurnEnd, 2, ""));
        reply.note(&event(EventKind::Prompt, 7, "the question"));
        assert_eq!((reply.said(), reply.end()), (None, None));
    }
}
