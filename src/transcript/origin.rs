//! What began the turn that an event belongs to, where nobody typed its prompt.

use super::event::{Event, EventKind};

/// The origin of the turn that runs, for the events of one transcript.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin(Option<String>);

impl Origin {
    /// Gives the event the origin of its turn.
    pub(crate) fn mark(&mut self, event: &mut Event) {
        match event.kind {
            // Into a turn that somebody asked for.
            EventKind::Prompt if event.joins && event.origin.is_some() => {}
            EventKind::Prompt => self.0.clone_from(&event.origin),
            EventKind::Command | EventKind::TurnStart => self.0 = None,
            EventKind::Queued
            | EventKind::Taken
            | EventKind::TakenBack
            | EventKind::Resumed
            | EventKind::Other => {}
            _ => event.origin.clone_from(&self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_of_a_turn_have_its_origin() {
        let own = Some("peer".to_owned());
        let of = |kind, origin: &Option<String>, joins| Event {
            origin: origin.clone(),
            joins,
            ..Event::new(kind, None, "")
        };
        let mut origin = Origin::default();
        let mut told = |mut event: Event| {
            origin.mark(&mut event);
            event.origin
        };
        for (kind, prompt, joins, expected) in [
            (EventKind::Text, &None, false, None),
            (EventKind::Prompt, &None, false, None),
            (EventKind::Prompt, &own, true, own.clone()),
            (EventKind::TurnEnd, &None, false, None),
            (EventKind::Prompt, &own, false, own.clone()),
            (EventKind::Text, &None, false, own.clone()),
            (EventKind::Other, &None, false, None),
            (EventKind::TurnEnd, &None, false, own.clone()),
            (EventKind::Prompt, &None, false, None),
            (EventKind::Text, &None, false, None),
            (EventKind::Prompt, &own, false, own.clone()),
            (EventKind::TurnStart, &None, false, None),
            (EventKind::TurnEnd, &None, false, None),
        ] {
            assert_eq!(told(of(kind, prompt, joins)), expected, "{kind:?}");
        }
    }
}
