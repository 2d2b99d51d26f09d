//! What an agent records twice is told once.
//!
//! Some versions record a prompt or an answer as an event *and* as a part of the conversation, others
//! only as one of them; and a turn's end may be recorded beside the last answer. The first record tells,
//! and the second one is [`EventKind::Other`]: so a fault in one of them loses nothing.

use std::collections::VecDeque;

use super::event::{Event, EventKind};

/// How many texts are remembered. The second record follows the first one closely.
const NEAR: usize = 8;

/// The memory of what was told, for the events of one transcript.
#[derive(Clone, Debug, Default)]
pub struct Once {
    told: VecDeque<Told>,
    /// The name of the record that told the end, and its time, while nothing of another turn has come
    /// since.
    end: Option<(String, Option<u64>)>,
}

#[derive(Clone, Debug)]
struct Told {
    kind: EventKind,
    text: String,
    /// The names of the records that have said so.
    names: Vec<String>,
}

impl Once {
    /// Whether the event was told before. If not, it is told by now.
    pub fn repeats(&mut self, event: &Event) -> bool {
        let repeats = match event.kind {
            _ if event.twice => self.was_told(event),
            EventKind::TurnEnd => self.end.as_ref().is_some_and(|(name, _)| *name != event.name),
            _ => false,
        };
        match event.kind {
            _ if repeats => {}
            EventKind::TurnEnd
            | EventKind::Unanswered
            | EventKind::Interrupted
            | EventKind::Error => {
                self.end = Some((event.name.clone(), event.time));
                self.told.clear();
            }
            EventKind::Other | EventKind::Usage | EventKind::Queued => {}
            _ if self.led_to_end(event) => {}
            _ => self.end = None,
        }
        repeats
    }

    /// Whether the event came before the end that was told: an agent may write it behind that.
    fn led_to_end(&self, event: &Event) -> bool {
        let end = self.end.as_ref().and_then(|(_, time)| *time);
        event.time.zip(end).is_some_and(|(at, end)| at < end)
    }

    fn was_told(&mut self, event: &Event) -> bool {
        let same = |told: &&mut Told| {
            told.kind == event.kind
                && told.text == event.text.trim()
                && !told.names.contains(&event.name)
        };
        if let Some(told) = self.told.iter_mut().find(same) {
            told.names.push(event.name.clone());
            return true;
        }
        if self.told.len() == NEAR {
            self.told.pop_front();
        }
        let (kind, text) = (event.kind, event.text.trim().to_owned());
        self.told.push_back(Told { kind, text, names: vec![event.name.clone()] });
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(events: &[(EventKind, &str, &str)]) -> Vec<EventKind> {
        let mut once = Once::default();
        let tell = |&(kind, name, text): &(EventKind, &str, &str)| {
            let twice = matches!(kind, EventKind::Text | EventKind::Prompt);
            let event = Event { twice, ..Event::new(kind, None, text) }.named(&[Some(name)]);
            if once.repeats(&event) { EventKind::Other } else { kind }
        };
        events.iter().map(tell).collect()
    }

    #[test]
    fn a_text_in_two_records_is_one_and_said_twice_is_two() {
        use EventKind::{Other, Prompt, Text, TurnEnd};
        let said = [
            (Prompt, "event", "ok"),
            (Prompt, "item", "ok "),
            (Text, "event", "ok"),
            (Text, "item", "ok"),
            (Text, "event", "ok"),
            (Text, "third", "ok"),
            (Text, "item", "ok"),
            (Text, "item", "alone"),
            (TurnEnd, "event", ""),
            (Text, "item", "ok"),
        ];
        let told = [Prompt, Other, Text, Other, Text, Other, Other, Text, TurnEnd, Text];
        assert_eq!(kinds(&said), told);
    }

    #[test]
    fn an_end_that_is_recorded_before_its_turn_is_one_end() {
        use EventKind::{Prompt, Text, TurnEnd};
        let turn = [
            (TurnEnd, "c", 3),
            (Prompt, "a", 1),
            (Text, "b", 2),
            (TurnEnd, "b", 2),
            (Prompt, "a", 4),
            (TurnEnd, "b", 5),
        ];
        let mut once = Once::default();
        let events =
            turn.map(|(kind, name, time)| Event::new(kind, Some(time), "").named(&[Some(name)]));
        assert_eq!(
            events.map(|event| once.repeats(&event)),
            [false, false, false, true, false, false]
        );
    }

    #[test]
    fn an_end_that_is_recorded_again_is_one_end() {
        use EventKind::{Error, Other, Prompt, Text, TurnEnd};
        for (end, again) in [(TurnEnd, Other), (Error, Other), (Other, TurnEnd)] {
            let turn = [(Text, "a", ""), (end, "a", ""), (Other, "b", ""), (TurnEnd, "c", "")];
            assert_eq!(kinds(&turn)[3], again);
        }
        let turns = [(Error, "a", ""), (Prompt, "b", ""), (TurnEnd, "c", "")];
        assert_eq!(kinds(&turns)[2], TurnEnd, "of the next turn");
    }
}
