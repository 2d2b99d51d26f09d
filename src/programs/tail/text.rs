//! Events as a person reads them.

use crate::{
    cli::{Paint, exit::visible},
    transcript::event::{Event, EventKind},
};

/// How many lines of a tool's output are shown; a person who wants all of it reads the record.
const RESULT: usize = 12;

/// The longest line of a call or a result that is shown, in characters.
const WIDE: usize = 200;

/// Writes events as text for people. Remembers whose were shown last.
pub(crate) struct Transcription {
    paint: Paint,
    /// Whether several sessions share it: then each is named when another one was shown last.
    shared: bool,
    last: Option<String>,
}

/// How a kind of event looks: its mark, its colour, and whether only a part of it is shown.
struct Style {
    mark: &'static str,
    colour: &'static str,
    part: bool,
}

fn style(kind: EventKind) -> Option<Style> {
    let style = |mark, colour, part| Some(Style { mark, colour, part });
    match kind {
        EventKind::Prompt => style("> ", "1;36", false),
        EventKind::Command => style("> ", "36", false),
        EventKind::Queued => style(">> ", "36", false),
        EventKind::Text => style("", "", false),
        EventKind::ToolCall => style("* ", "33", true),
        EventKind::ToolResult => style("  | ", "2", true),
        EventKind::Interrupted => style("! ", "35", false),
        EventKind::Error => style("! ", "1;31", false),
        EventKind::Thinking
        | EventKind::TurnStart
        | EventKind::Resumed
        | EventKind::TurnEnd
        | EventKind::Unanswered
        | EventKind::Usage
        | EventKind::Taken
        | EventKind::TakenBack
        | EventKind::Other => None,
    }
}

impl Transcription {
    pub(crate) fn new(paint: Paint, shared: bool) -> Self {
        Transcription { paint, shared, last: None }
    }

    /// The text of some events, each line with its newline; `None` when there is nothing to show.
    pub(crate) fn show(&mut self, session: Option<&str>, events: &[Event]) -> Option<String> {
        let mut text = String::new();
        for event in events {
            let Some(style) = style(event.kind) else { continue };
            let said = match event.kind {
                EventKind::Interrupted if event.text.is_empty() => "interrupted",
                _ => event.text.trim_end(),
            };
            if !said.is_empty() {
                self.event(&style, said, &mut text);
            }
        }
        if text.is_empty() {
            return None;
        }
        if self.last.as_deref() != session
            && let Some(head) = self.head(session)
        {
            self.last = session.map(str::to_owned);
            text.insert_str(0, &format!("{head}\n"));
        }
        Some(text)
    }

    /// The heading of what is said in a session, if several are shown.
    pub(crate) fn head(&self, session: Option<&str>) -> Option<String> {
        let head = format!("==> {} <==", session.unwrap_or_default());
        self.shared.then(|| self.paint.paint("1", &head))
    }

    fn event(&self, style: &Style, said: &str, text: &mut String) {
        let count = said.lines().count();
        let shown = if style.part { RESULT } else { usize::MAX };
        for line in said.lines().take(shown) {
            let mut line = line.replace('\t', "    ");
            if style.part && line.chars().count() > WIDE {
                line = line.chars().take(WIDE).collect::<String>() + "…";
            }
            // An escape sequence of an agent or a tool must not reach the terminal.
            let line = format!("{}{}", style.mark, visible(&line));
            text.push_str(&self.paint.paint(style.colour, line.trim_end()));
            text.push('\n');
        }
        if count > shown {
            let more = format!("{}… {} more lines", style.mark, count - shown);
            text.push_str(&self.paint.paint(style.colour, &more));
            text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_it() {
        let events = [
            Event::new(EventKind::Prompt, None, "do\nit"),
            Event::new(EventKind::Thinking, None, "hm"),
            Event::new(EventKind::ToolCall, None, "Bash {}"),
            Event::new(EventKind::ToolResult, None, "a\x1b[31m\n".to_owned() + &"x\n".repeat(20)),
            Event::new(EventKind::Text, None, "done\n"),
            Event::new(EventKind::Interrupted, None, ""),
        ];
        let shown = Transcription::new(Paint::NONE, false).show(None, &events).unwrap();
        let results = "  | x\n".repeat(11);
        assert_eq!(
            shown,
            format!(
                "> do\n> it\n* Bash {{}}\n  | a\\u{{1b}}[31m\n{results}  | … 9 more lines\ndone\n! interrupted\n"
            )
        );
        assert_eq!(Transcription::new(Paint::NONE, false).show(None, &events[1..2]), None);
        let mut shared = Transcription::new(Paint::ALWAYS, true);
        let shown = shared.show(Some("a"), &events[2..3]).unwrap();
        assert_eq!(shown, "\x1b[1m==> a <==\x1b[0m\n\x1b[33m* Bash {}\x1b[0m\n");
        assert!(!shared.show(Some("a"), &events[2..3]).unwrap().contains("==>"));
        assert!(shared.show(Some("b"), &events[2..3]).unwrap().contains("==> b"));
    }
}
