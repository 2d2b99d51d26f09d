//! Whether the work is over: the events since a prompt, added up.
//!
//! Each sign alone has been seen wrong. A final answer is no end while prompts are queued; an empty
//! queue is no end before the turn that took the last prompt has ended; and one agent writes some
//! lines before their parents, so lines are compared by their times, not by their order, where they
//! have times. See claude/FACTS.md, "Transcript records".

use std::collections::BTreeSet;

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
    open_turn: Option<String>,
    /// A prompt was given in the current turn.
    asked: bool,
    seen: u64,
    last_prompt: Option<Moment>,
    last_input: Option<Moment>,
    end: Option<(Moment, End)>,
    /// Sub-agents of the last turn still work, or their reports have begun no turn yet.
    pending: bool,
    /// Those that were launched, and of which no report is queued yet.
    launched: BTreeSet<String>,
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
        if self.once.repeats(event) {
            return;
        }
        let now = Moment { time: event.time, line: self.seen };
        self.resets_at = event.resets_at.or(self.resets_at);
        self.note_task(event);
        match event.kind {
            EventKind::Prompt => {
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
                self.accepted += 1;
                self.queued += 1;
            }
            EventKind::Taken => {
                self.queued = self.queued.saturating_sub(1);
                self.input(now);
            }
            EventKind::TakenBack => self.queued = 0,
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
            EventKind::Command
            | EventKind::Text
            | EventKind::Thinking
            | EventKind::ToolCall
            | EventKind::ToolResult
            | EventKind::Usage
            | EventKind::Other => {}
        }
    }

    fn note_task(&mut self, event: &Event) {
        match (&event.task, event.kind) {
            (Some(task), EventKind::ToolResult) => drop(self.launched.insert(task.clone())),
            (Some(task), _) => drop(self.launched.remove(task)),
            (None, _) => {}
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

    /// Whether the agent has gone on by itself since it last stopped at a usage limit.
    pub fn has_resumed(&self) -> bool {
        self.resumed
    }

    /// Whether a prompt is queued.
    pub fn has_queued(&self) -> bool {
        self.queued > 0
    }

    /// Whether sub-agents still work, or their reports have begun no turn yet.
    pub fn is_pending(&self) -> bool {
        self.pending || !self.launched.is_empty()
    }

    /// Whether no prompt was seen at all.
    pub fn is_empty(&self) -> bool {
        self.accepted == 0 && self.last_input.is_none()
    }

    /// Whether `prompts` prompts were accepted, all were taken up, and no end has come since.
    pub fn unanswered(&self, prompts: usize) -> bool {
        let Some(input) = self.last_input else { return false };
        self.accepted >= prompts
            && self.queued == 0
            && self.end.as_ref().is_none_or(|(at, _)| at.before(input))
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
            && self.queued == 0
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
