//! Whether the work is over: the events since a prompt, added up.
//!
//! Each sign alone has been seen wrong. A final answer is no end while prompts are queued; an empty
//! queue is no end before the turn that took the last prompt has ended; and one agent writes some
//! lines before their parents, so lines are compared by their times, not by their order, where they
//! have times. See claude/FACTS.md, "Transcript records".

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    event::{Event, EventKind, USAGE_LIMIT},
    once::Once,
};

/// How a turn ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// By itself.
    Done,
    /// By a key that interrupted it.
    Interrupted,
    /// In an error, with its text.
    Failed(String),
    /// At a usage limit.
    Limited {
        /// The agent's words.
        message: String,
        /// When the limit ends, in epoch milliseconds, if the transcript says so.
        resets_at: Option<u64>,
    },
}

/// The events so far, added up.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    once: Once,
    /// Prompts that the agent has recorded, given or queued.
    accepted: usize,
    queued: usize,
    /// How many of those in the queue nobody has sent.
    own_queued: usize,
    open_turn: Option<String>,
    /// A prompt was given in the current turn.
    asked: bool,
    seen: u64,
    last_prompt: Option<Moment>,
    last_input: Option<Moment>,
    /// The input before the one that was taken from the queue, while it is not known whose that is.
    input_before: Option<Option<Moment>>,
    /// When the turn began that runs though nobody has sent its prompt.
    own_turn: Option<Moment>,
    end: Option<(Moment, End)>,
    /// The last end of any turn.
    rested: Option<Moment>,
    /// When the agent last said of a turn how long it took, which it does behind all of it.
    closed: Option<Moment>,
    /// Sub-agents of the last turn still work, or their reports have begun no turn yet.
    pending: bool,
    /// Those that were launched, and whether no report of them is queued yet.
    launched: BTreeMap<String, bool>,
    /// When the usage limit ends that was reached in the current turn.
    resets_at: Option<u64>,
    /// The agent has gone on since it last stopped at a limit.
    resumed: bool,
}

/// What is told of a prompt that was not answered, when the agent gives no reason.
pub(crate) const NO_ANSWER: &str = "the turn ended without an answer";

/// A place in time: the line's own time, and its number where times are missing.
#[derive(Clone, Copy, Debug)]
struct Moment {
    time: Option<u64>,
    line: u64,
}

impl Moment {
    fn before(self, other: Moment) -> bool {
        match (self.time, other.time) {
            // In the same millisecond an end counts as later than its prompt: the order of lines
            // does not show.
            (Some(a), Some(b)) => a < b,
            _ => self.line < other.line,
        }
    }
}

impl Ledger {
    /// Takes one event in.
    pub fn note(&mut self, event: &Event) {
        self.seen += 1;
        let now = Moment { time: event.time, line: self.seen };
        if event.pending.is_some() {
            self.closed = Some(now);
        }
        if self.once.repeats(event) {
            return;
        }
        self.resets_at = event.resets_at.or(self.resets_at);
        self.note_task(event);
        match event.kind {
            EventKind::Prompt if self.is_agents_own(event) => self.own_prompt(now, event),
            EventKind::Prompt => {
                (self.input_before, self.own_turn) = (None, None);
                if !event.queued {
                    self.accepted += 1;
                }
                self.asked = true;
                if self.last_prompt.is_none_or(|last| last.before(now)) {
                    self.last_prompt = Some(now);
                }
                self.input(now);
            }
            EventKind::Queued => {
                self.accepted += usize::from(!event.queued);
                self.queued += 1;
                self.own_queued += usize::from(self.is_agents_own(event));
            }
            EventKind::Taken => {
                self.queued = self.queued.saturating_sub(1);
                self.input_before.get_or_insert(self.last_input);
                self.input(now);
            }
            EventKind::TakenBack => (self.queued, self.own_queued) = (0, 0),
            EventKind::TurnStart => {
                self.open_turn.clone_from(&event.turn);
                self.asked = false;
                self.resets_at = None;
            }
            EventKind::Resumed => {
                self.resumed = true;
                self.input(now);
            }
            // An older agent does not say why; but that a limit was reached it says.
            EventKind::Unanswered if self.asked && self.resets_at.is_some() => {
                self.limited(now, event, NO_ANSWER);
            }
            EventKind::Unanswered if self.asked => {
                self.finish(now, event, End::Failed(NO_ANSWER.into()));
            }
            EventKind::TurnEnd | EventKind::Unanswered => {
                self.pending = event.pending.unwrap_or(self.pending);
                self.finish(now, event, End::Done);
            }
            EventKind::Interrupted => self.finish(now, event, End::Interrupted),
            EventKind::Error if event.reason == Some(USAGE_LIMIT) => {
                self.limited(now, event, &event.text);
            }
            EventKind::Error => self.finish(now, event, End::Failed(event.text.clone())),
            // What was taken from the queue was a command.
            EventKind::Command => self.input_before = None,
            EventKind::Text
            | EventKind::Thinking
            | EventKind::ToolCall
            | EventKind::ToolResult
            | EventKind::Usage
            | EventKind::Other => {}
        }
    }

    fn note_task(&mut self, event: &Event) {
        match (&event.task, event.kind) {
            (Some(task), EventKind::ToolResult) => drop(self.launched.insert(task.clone(), true)),
            (Some(task), _) => {
                if let Some(is_open) = self.launched.get_mut(task) {
                    *is_open = false;
                }
            }
            (None, _) => {}
        }
    }

    /// Whether nobody has sent the prompt, and it is no report of a sub-agent that works for one.
    fn is_agents_own(&self, event: &Event) -> bool {
        let is_report = event.task.as_ref().is_some_and(|task| self.launched.contains_key(task));
        event.origin.is_some() && !is_report
    }

    /// Takes in a prompt that nobody has sent: it begins a turn, unless it joins one that runs.
    fn own_prompt(&mut self, now: Moment, event: &Event) {
        if let Some(before) = self.input_before.take() {
            self.last_input = before;
        }
        if event.queued && self.own_queued > 0 {
            self.own_queued -= 1;
        } else if event.queued {
            // It went into the queue like any other.
            self.accepted = self.accepted.saturating_sub(1);
        }
        if !event.joins && !self.is_unanswered() {
            self.own_turn = Some(now);
            self.open_turn = None;
        }
    }

    fn input(&mut self, now: Moment) {
        if self.last_input.is_none_or(|last| last.before(now)) {
            self.last_input = Some(now);
        }
    }

    fn limited(&mut self, now: Moment, event: &Event, message: &str) {
        let (message, resets_at) = (message.to_owned(), self.resets_at.take());
        self.resumed = false;
        self.finish(now, event, End::Limited { message, resets_at });
    }

    fn finish(&mut self, now: Moment, event: &Event, end: End) {
        if self.rested.is_none_or(|last| last.before(now)) {
            self.rested = Some(now);
        }
        if self.own_turn.take_if(|begun| !now.before(*begun)).is_some() {
            return;
        }
        if end != End::Done {
            self.pending = false;
            self.launched.clear();
        }
        if event.turn.is_none() || self.open_turn == event.turn {
            self.open_turn = None;
        }
        if self.end.as_ref().is_none_or(|(last, _)| !now.before(*last)) {
            self.end = Some((now, end));
        }
    }

    /// When the last prompt was taken up, in epoch milliseconds.
    pub fn last_input(&self) -> Option<u64> {
        self.last_input.and_then(|moment| moment.time)
    }

    /// When any turn last ended, in epoch milliseconds.
    pub fn last_rest(&self) -> Option<u64> {
        self.rested.and_then(|moment| moment.time)
    }

    /// Whether no turn runs, whoever began it, and none is about to.
    pub fn is_at_rest(&self) -> bool {
        let is_open = self.open_turn.is_some() || self.own_turn.is_some() || self.is_unanswered();
        !is_open && self.queued == 0 && !self.is_pending()
    }

    /// Whether the agent has gone on by itself since it last stopped at a usage limit.
    pub fn has_resumed(&self) -> bool {
        self.resumed
    }

    fn has_prompts_queued(&self) -> bool {
        self.queued > self.own_queued
    }

    /// Whether a prompt is queued, be it the agent's own.
    pub fn has_queued(&self) -> bool {
        self.queued > 0
    }

    /// Whether sub-agents still work, or their reports have begun no turn yet.
    pub fn is_pending(&self) -> bool {
        self.pending || self.launched.values().any(|is_open| *is_open)
    }

    /// Whether what was taken from the queue has left no record of its own yet: the turn that it begins
    /// is about to begin, whatever has come late of the turn before.
    pub fn is_between_turns(&self) -> bool {
        self.input_before.is_some() && self.is_unanswered()
    }

    /// Whether a turn runs that nobody has sent a prompt for.
    pub fn is_in_own_turn(&self) -> bool {
        self.own_turn.is_some()
    }

    /// Whether the agent has said that the turn of the last input is over as a whole.
    pub fn is_closed(&self) -> bool {
        let since = |closed: Moment| self.last_input.is_none_or(|input| !closed.before(input));
        self.closed.is_some_and(since)
    }

    /// Whether no prompt was seen at all.
    pub fn is_empty(&self) -> bool {
        self.accepted == 0 && self.last_input.is_none()
    }

    /// Whether `prompts` prompts were accepted, all were taken up, and no end has come since.
    pub fn unanswered(&self, prompts: usize) -> bool {
        self.accepted >= prompts && !self.has_prompts_queued() && self.is_unanswered()
    }

    /// Whether no end has come since the last input.
    fn is_unanswered(&self) -> bool {
        let since = |input| self.end.as_ref().is_none_or(|(at, _)| at.before(input));
        self.last_input.is_some_and(since)
    }

    /// How the last turn ended, for a caller who knows that nothing more will come: then a queued
    /// item taken up since was a command, which has no end. `None` when a prompt came after the
    /// last end.
    pub fn last_end(&self) -> Option<&End> {
        let (at, end) = self.end.as_ref()?;
        self.last_prompt.is_none_or(|prompt| !at.before(prompt)).then_some(end)
    }

    /// How the work ended, once `prompts` prompts were accepted, all were taken up, and an end
    /// came after the last of them.
    pub fn ended(&self, prompts: usize) -> Option<&End> {
        let (at, end) = self.end.as_ref()?;
        let over = self.accepted >= prompts
            && !self.has_prompts_queued()
            && self.open_turn.is_none()
            && self.last_input.is_none_or(|input| !at.before(input));
        over.then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(events: &[(EventKind, u64)]) -> Ledger {
        let mut ledger = Ledger::default();
        for &(kind, time) in events {
            ledger.note(&Event::new(kind, Some(time), ""));
        }
        ledger
    }

    #[test]
    fn an_answer_ends_the_work_unless_a_prompt_waits() {
        assert_eq!(
            ledger(&[(EventKind::Prompt, 1), (EventKind::TurnEnd, 2)]).ended(1),
            Some(&End::Done)
        );
        assert_eq!(ledger(&[(EventKind::Prompt, 1)]).ended(1), None);
        assert_eq!(ledger(&[(EventKind::Prompt, 1), (EventKind::TurnEnd, 2)]).ended(2), None);
        let queued = [(EventKind::Prompt, 1), (EventKind::Queued, 2), (EventKind::TurnEnd, 3)];
        assert_eq!(ledger(&queued).ended(1), None);
        assert!(!ledger(&queued).unanswered(2) && !ledger(&[]).unanswered(0));
        assert!(ledger(&[(EventKind::TurnEnd, 1), (EventKind::Prompt, 2)]).unanswered(1));
        let taken = [&queued[..], &[(EventKind::Taken, 4)]].concat();
        assert_eq!(ledger(&taken).ended(2), None, "the turn that took it has not ended");
        let done = [&taken[..], &[(EventKind::TurnEnd, 5)]].concat();
        assert_eq!(ledger(&done).ended(2), Some(&End::Done));
        let back = [&queued[..], &[(EventKind::TakenBack, 4)]].concat();
        assert_eq!(ledger(&back).ended(2), Some(&End::Done));
    }

    #[test]
    fn between_two_turns_is_what_was_taken_from_the_queue_until_it_is_recorded() {
        let queued = [(EventKind::Prompt, 1), (EventKind::Queued, 2), (EventKind::TurnEnd, 3)];
        assert!(!ledger(&queued).is_between_turns());
        let mut taken = ledger(&[&queued[..], &[(EventKind::Taken, 4)]].concat());
        assert!(taken.is_between_turns());
        for record in [EventKind::Prompt, EventKind::Command, EventKind::TurnEnd] {
            let mut ledger = taken.clone();
            ledger.note(&Event::new(record, Some(5), "queued"));
            assert!(!ledger.is_between_turns(), "{record:?}");
        }
        // What comes late of the turn before it.
        taken.note(&Event::new(EventKind::TurnEnd, Some(3), ""));
        assert!(taken.is_between_turns());
    }

    #[test]
    fn the_time_counts_not_the_order_of_lines() {
        assert_eq!(
            ledger(&[(EventKind::TurnEnd, 2), (EventKind::Prompt, 1)]).ended(1),
            Some(&End::Done)
        );
        assert_eq!(
            ledger(&[(EventKind::TurnEnd, 2), (EventKind::Prompt, 2)]).ended(1),
            Some(&End::Done)
        );
        assert_eq!(ledger(&[(EventKind::TurnEnd, 1), (EventKind::Prompt, 2)]).ended(1), None);
    }

    #[test]
    fn no_answer_is_an_error_only_to_a_prompt() {
        let of = |asked: bool| {
            let mut ledger = Ledger::default();
            ledger.note(&Event::new(EventKind::TurnStart, None, ""));
            if asked {
                ledger.note(&Event::new(EventKind::Prompt, None, ""));
            }
            ledger.note(&Event::new(EventKind::Unanswered, None, ""));
            ledger.ended(0).cloned()
        };
        assert_eq!(of(false), Some(End::Done));
        assert!(matches!(of(true), Some(End::Failed(_))));
    }

    #[test]
    fn a_usage_limit_is_told_with_its_end_and_the_agent_goes_on_behind_it() {
        let limit = |resets_at| Event {
            reason: Some(USAGE_LIMIT),
            resets_at,
            ..Event::new(EventKind::Error, Some(2), "limit")
        };
        let end = |resets_at| Some(End::Limited { message: "limit".into(), resets_at });
        let mut ledger = ledger(&[(EventKind::Prompt, 1)]);
        ledger.note(&limit(Some(7)));
        assert_eq!((ledger.ended(1).cloned(), ledger.has_resumed()), (end(Some(7)), false));
        ledger.note(&Event::new(EventKind::Resumed, Some(8), ""));
        assert_eq!((ledger.ended(1), ledger.has_resumed()), (None, true));
        ledger.note(&Event::new(EventKind::TurnEnd, Some(9), ""));
        assert_eq!((ledger.ended(1), ledger.has_resumed()), (Some(&End::Done), true));
        // One agent says when the limit ends in a record of its own.
        for last in [EventKind::Error, EventKind::Unanswered] {
            let mut ledger = Ledger::default();
            let usage = Event { resets_at: Some(9), ..Event::new(EventKind::Usage, None, "") };
            let prompt = Event::new(EventKind::Prompt, None, "");
            let reason = (last == EventKind::Error).then_some(USAGE_LIMIT);
            let end = Event { reason, ..Event::new(last, None, "") };
            [prompt, usage, end].iter().for_each(|event| ledger.note(event));
            assert!(matches!(ledger.ended(1), Some(End::Limited { resets_at: Some(9), .. })));
        }
    }

    #[test]
    fn a_sub_agent_is_open_until_its_report_is_queued() {
        let of = |kind, task: &str| Event { task: Some(task.into()), ..Event::new(kind, None, "") };
        let mut ledger = Ledger::default();
        ledger.note(&Event::new(EventKind::Prompt, None, ""));
        ledger.note(&of(EventKind::ToolResult, "a"));
        ledger.note(&Event { pending: Some(false), ..Event::new(EventKind::TurnEnd, None, "") });
        assert!(ledger.is_pending(), "it ended with the turn, and has not reported");
        ledger.note(&of(EventKind::Queued, "another"));
        assert!(ledger.is_pending());
        ledger.note(&of(EventKind::Queued, "a"));
        assert!(!ledger.is_pending());
        ledger.note(&Event { pending: Some(true), ..Event::new(EventKind::TurnEnd, None, "") });
        assert!(ledger.is_pending());
        ledger.note(&Event::new(EventKind::Interrupted, None, ""));
        assert!(!ledger.is_pending(), "nothing more is to come");
    }

    #[test]
    fn a_turn_that_nobody_sent_neither_ends_nor_fails_a_job() {
        let own = |kind, time, id: Option<&str>| Event {
            origin: Some("x".into()),
            queued: true,
            task: id.map(Into::into),
            ..Event::new(kind, Some(time), "")
        };
        let of = |events: &[Event]| {
            let mut ledger = Ledger::default();
            events.iter().for_each(|event| ledger.note(event));
            ledger
        };
        let event = |kind, time| Event::new(kind, Some(time), "");
        let done = [event(EventKind::Prompt, 1), event(EventKind::TurnEnd, 2)];
        let notice = [own(EventKind::Queued, 3, Some("b")), event(EventKind::Taken, 4)];
        let begun = own(EventKind::Prompt, 5, Some("b"));
        // Behind our turn: the job has ended as that did, however this one ends.
        for end in [EventKind::TurnEnd, EventKind::Error, EventKind::Interrupted] {
            let mut ledger = of(&[&done[..], &notice, std::slice::from_ref(&begun)].concat());
            assert!(ledger.is_in_own_turn());
            assert_eq!(ledger.ended(1), Some(&End::Done));
            ledger.note(&event(end, 6));
            assert!(!ledger.is_in_own_turn());
            assert_eq!(ledger.ended(1), Some(&End::Done), "{end:?}");
            assert_eq!(ledger.ended(2), None, "it is none of our prompts");
        }
        // Before our turn: nothing has ended.
        let mut ledger = of(&[&notice[..], &[begun.clone(), event(EventKind::Queued, 6)]].concat());
        ledger.note(&event(EventKind::Error, 7));
        assert_eq!(ledger.ended(1), None);
        for (kind, end) in [
            (EventKind::Taken, None),
            (EventKind::Prompt, None),
            (EventKind::TurnEnd, Some(&End::Done)),
        ] {
            let queued = kind == EventKind::Prompt;
            ledger.note(&Event { queued, ..event(kind, 8) });
            assert_eq!(ledger.ended(1), end, "{kind:?}");
        }
        // Within our turn: it is a part of that.
        let joins = Event { joins: true, ..begun };
        let mut ledger = of(&[&done[..1], &notice, &[joins]].concat());
        assert!(!ledger.is_in_own_turn());
        ledger.note(&event(EventKind::Error, 6));
        assert!(matches!(ledger.ended(1), Some(End::Failed(_))));
        // A timer's prompt goes into the queue like one that was sent.
        let timer = [event(EventKind::Queued, 3), event(EventKind::Taken, 4)];
        let mut ledger = of(&[&timer[..], &[own(EventKind::Prompt, 5, None)]].concat());
        assert!(ledger.is_empty() && ledger.is_in_own_turn());
        ledger.note(&event(EventKind::TurnEnd, 6));
        assert_eq!((ledger.ended(1), ledger.ended(0)), (None, None));
    }

    #[test]
    fn a_numbered_turn_that_nobody_sent_holds_up_no_end() {
        let turn = |kind, id: &str| Event { turn: Some(id.into()), ..Event::new(kind, None, "") };
        let goal = Event { origin: Some("goal".into()), ..Event::new(EventKind::Prompt, None, "") };
        let ours = [EventKind::TurnStart, EventKind::Prompt, EventKind::TurnEnd];
        let mut events = ours.map(|kind| turn(kind, "a")).to_vec();
        events.extend([turn(EventKind::TurnStart, "b"), goal]);
        let mut ledger = Ledger::default();
        events.iter().for_each(|event| ledger.note(event));
        assert_eq!((ledger.ended(1), ledger.is_at_rest()), (Some(&End::Done), false));
        // A prompt that is given to that turn is ours, and so is its end.
        let mut joined = ledger.clone();
        joined.note(&turn(EventKind::Prompt, "b"));
        assert_eq!(joined.ended(2), None);
        joined.note(&turn(EventKind::TurnEnd, "b"));
        assert_eq!(joined.ended(2), Some(&End::Done));
        ledger.note(&turn(EventKind::Error, "b"));
        assert_eq!((ledger.ended(1), ledger.is_at_rest()), (Some(&End::Done), true));
    }

    #[test]
    fn a_numbered_turn_is_open_until_its_own_end() {
        let turn = |kind, id: &str| Event { turn: Some(id.into()), ..Event::new(kind, None, "") };
        let mut ledger = Ledger::default();
        for event in [turn(EventKind::TurnStart, "a"), turn(EventKind::Prompt, "a")] {
            ledger.note(&event);
        }
        assert_eq!((ledger.open_turn.as_deref(), ledger.ended(1)), (Some("a"), None));
        ledger.note(&turn(EventKind::Interrupted, "a"));
        assert_eq!(ledger.ended(1), Some(&End::Interrupted));
        ledger.note(&turn(EventKind::TurnStart, "b"));
        assert_eq!(ledger.ended(1), None);
    }
}
