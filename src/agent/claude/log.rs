//! The lines of a Claude Code transcript. See claude/FACTS.md, "Transcript records".

use std::{ops::ControlFlow, path::Path};

use serde::Deserialize;
use serde_json::Value;

use crate::{
    agent::{Comparison, difference, text_of},
    error::Result,
    time,
    transcript::{
        event::{Event, EventKind},
        follow::Follow,
        ledger::Ledger,
        start::Start,
    },
};

/// The fields that matter. A line may hold far larger ones, which are skipped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogLine {
    #[serde(rename = "type")]
    kind: String,
    timestamp: Option<String>,
    message: Option<Message>,
    prompt_source: Option<String>,
    #[serde(default)]
    is_meta: bool,
    #[serde(default)]
    is_compact_summary: bool,
    #[serde(default)]
    is_api_error_message: bool,
    subtype: Option<String>,
    operation: Option<String>,
    content: Option<Value>,
    attachment: Option<Attachment>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Value>,
    stop_reason: Option<String>,
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Attachment {
    #[serde(rename = "type")]
    kind: String,
    prompt: Option<Value>,
}

/// The beginning of the user entry that stops a turn.
/// See claude/FACTS.md, "Interrupt in the transcript".
const STOPPED: &str = "[Request interrupted by user";

/// The beginning of a notice that the agent queues for itself.
/// See claude/FACTS.md, "End of a turn, and what outlives it".
const NOTICE: &str = "<task-notification>";

/// The events in a line. A line of an unknown type, or without JSON, is [`EventKind::Other`].
pub(crate) fn parse_line(line: &[u8]) -> Vec<Event> {
    let Ok(line) = serde_json::from_slice::<LogLine>(line) else {
        return vec![Event::new(EventKind::Other, None, "")];
    };
    let under = line.subtype.as_deref().or(line.operation.as_deref());
    let under = under.or(line.attachment.as_ref().map(|attachment| attachment.kind.as_str()));
    let name = [Some(line.kind.as_str()), under];
    events(&line).into_iter().map(|event| event.named(&name)).collect()
}

/// See claude/FACTS.md, "Prompts during a turn".
fn events(line: &LogLine) -> Vec<Event> {
    let time = line.timestamp.as_deref().and_then(time::parse_rfc3339);
    let one = |kind, text: String| vec![Event::new(kind, time, text)];
    let content = || line.content.as_ref().map(text_of).unwrap_or_default();
    match (line.kind.as_str(), line.operation.as_deref()) {
        ("user", _) => user(line, time),
        ("assistant", _) => assistant(line, time),
        ("queue-operation", Some("enqueue")) => {
            let text = content();
            let queued = text.starts_with(NOTICE);
            vec![Event { queued, ..Event::new(EventKind::Queued, time, text) }]
        }
        ("queue-operation", Some("dequeue" | "remove")) => one(EventKind::Taken, content()),
        ("queue-operation", Some("popAll")) => one(EventKind::TakenBack, content()),
        ("attachment", _) => match &line.attachment {
            Some(Attachment { kind, prompt: Some(prompt) }) if kind == "queued_command" => {
                vec![Event { queued: true, ..Event::new(EventKind::Prompt, time, text_of(prompt)) }]
            }
            _ => one(EventKind::Other, String::new()),
        },
        _ => one(EventKind::Other, String::new()),
    }
}

fn user(line: &LogLine, time: Option<u64>) -> Vec<Event> {
    let content = line.message.as_ref().and_then(|message| message.content.as_ref());
    let Some(content) = content else { return vec![Event::new(EventKind::Other, time, "")] };
    let mut blocks = content.as_array().into_iter().flatten();
    if let Some(result) = blocks.find(|block| block["type"] == "tool_result") {
        return vec![Event::new(EventKind::ToolResult, time, text_of(&result["content"]))];
    }
    let text = text_of(content);
    if let Some(command) = command(&text) {
        return vec![Event::new(EventKind::Command, time, command)];
    }
    let printed = ["<local-command-", "<bash-stdout>", "<bash-stderr>"];
    let kind = if line.is_meta
        || line.is_compact_summary
        || printed.iter().any(|tag| text.starts_with(tag))
    {
        EventKind::Other
    } else if text.starts_with(STOPPED) {
        EventKind::Interrupted
    } else {
        EventKind::Prompt
    };
    let queued = matches!(line.prompt_source.as_deref(), Some("queued" | "system"));
    vec![Event { queued, ..Event::new(kind, time, text) }]
}

/// The command that an entry records, as it was typed: `/name args`, or `!command`.
fn command(text: &str) -> Option<String> {
    let inside = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        rest.split_once(&format!("</{tag}>")).map(|(inside, _)| inside)
    };
    if text.starts_with("<bash-input>") {
        return Some(format!("!{}", inside("bash-input")?));
    }
    if !text.starts_with("<command-name>") && !text.starts_with("<command-message>") {
        return None;
    }
    let name = inside("command-name")?;
    let args = inside("command-args").unwrap_or_default();
    Some(format!("{name} {args}").trim_end().to_owned())
}

/// See claude/FACTS.md, "End of a turn, and what outlives it".
fn assistant(line: &LogLine, time: Option<u64>) -> Vec<Event> {
    let Some(message) = &line.message else { return vec![Event::new(EventKind::Other, time, "")] };
    let blocks = message.content.iter().filter_map(Value::as_array).flatten();
    let mut events: Vec<Event> = blocks.map(|block| said(block, time)).collect();
    if line.is_api_error_message {
        let text = message.content.as_ref().map(text_of).unwrap_or_default();
        events.push(Event::new(EventKind::Error, time, text));
    } else if matches!(message.stop_reason.as_deref(), Some("end_turn" | "stop_sequence")) {
        events.push(Event::new(EventKind::TurnEnd, time, ""));
    }
    // Each block of an answer is a line of its own and repeats the count; only the last one has the
    // reason.
    if let (Some(usage), Some(_)) = (&message.usage, &message.stop_reason) {
        events.push(Event::new(EventKind::Usage, time, usage.to_string()));
    }
    events
}

fn said(block: &Value, time: Option<u64>) -> Event {
    let text = |key: &str| block[key].as_str().unwrap_or_default();
    match text("type") {
        "text" => Event::new(EventKind::Text, time, text("text")),
        "thinking" => Event::new(EventKind::Thinking, time, text("thinking")),
        "tool_use" => {
            let input = block.get("input").map(Value::to_string).unwrap_or_default();
            Event::new(EventKind::ToolCall, time, format!("{} {input}", text("name")))
        }
        _ => Event::new(EventKind::Other, time, ""),
    }
}

/// Compares the text that was pasted with the text in the transcript.
/// See claude/FACTS.md, "What becomes of the text".
pub(crate) fn compare(sent: &str, recorded: &str) -> Comparison {
    use unicode_normalization::{UnicodeNormalization, is_nfc};

    let (inner, wrapped) = match unwrapped(recorded) {
        Some(inner) => (inner, true),
        None => (recorded, false),
    };
    let spaced = sent.replace('\t', "    ");
    // The wrapper's end tag is escaped even in a text without a wrapper.
    let is_escaped = spaced.contains(END_TAG) && inner.contains(ESCAPED_TAG);
    let tagged = if is_escaped { spaced.replace(END_TAG, ESCAPED_TAG) } else { spaced.clone() };
    // Not every version composes the characters of a long paste.
    let is_composed = !is_nfc(&tagged) && is_nfc(inner);
    let composed = if is_composed { tagged.nfc().collect() } else { tagged };
    let mut expected = visible(&composed, inner);
    let is_stripped = expected != composed;
    let is_split = !fits(&expected, inner) && expected.contains(LINE_ENDS);
    if is_split {
        expected = expected.replace(LINE_ENDS, "\n");
    }
    if !fits(&expected, inner) {
        return Err(difference(&expected, inner));
    }
    let ((lead, _, tail), (lead_now, _, tail_now)) = (parts(&expected), parts(inner));
    let changes = [
        ("pasted_content", wrapped || is_escaped),
        ("tabs", spaced != sent),
        ("nfc", is_composed),
        ("invisible", is_stripped),
        ("line_separators", is_split),
        ("leading_blanks", lead != lead_now),
        ("trailing_blanks", tail != tail_now),
    ];
    Ok(changes.into_iter().filter_map(|(name, happened)| happened.then_some(name)).collect())
}

/// Whether the texts are the same but for blanks at their ends. A queued prompt loses those at its
/// start; none are ever added there.
fn fits(expected: &str, inner: &str) -> bool {
    let ((lead, body, _), (lead_now, body_now, _)) = (parts(expected), parts(inner));
    body == body_now && (lead_now.is_empty() || lead_now == lead)
}

/// The characters besides the newline that end a line. Some versions turn them into newlines.
const LINE_ENDS: [char; 2] = ['\u{2028}', '\u{2029}'];

/// The text without the invisible characters that `inner` lacks. Some versions keep an invisible
/// character only if it belongs to the character before it.
fn visible(text: &str, inner: &str) -> String {
    let mut left = inner.trim_start().chars().peekable();
    text.chars().filter(|c| left.next_if_eq(c).is_some() || !is_invisible(*c)).collect()
}

/// Whether a character is invisible, so that some versions leave it out.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(u32::from(c),
        0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f
        | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0x13430..=0x1343f | 0x16fe4 | 0x1bca0..=0x1bca3
        | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

/// The blanks before a text, the text, and the blanks after it.
fn parts(text: &str) -> (&str, &str, &str) {
    let rest = text.trim_start();
    let body = rest.trim_end();
    (&text[..text.len() - rest.len()], body, &rest[body.len()..])
}

/// The end tag of the wrapper around a long paste. See claude/FACTS.md, "Folding".
const END_TAG: &str = "</pasted_content";
/// The same in the text itself.
const ESCAPED_TAG: &str = "<\\/pasted_content";

/// The text inside `<pasted_content id="…">`, if there is nothing but blanks around it.
fn unwrapped(recorded: &str) -> Option<&str> {
    let rest = recorded.trim_start().strip_prefix("<pasted_content id=\"")?;
    let (id, rest) = rest.split_once("\">\n")?;
    rest.trim_end().strip_suffix(&format!("</pasted_content id=\"{id}\">"))?.strip_suffix('\n')
}

/// Whether the last turn in a transcript has begun and not ended.
pub(crate) fn turn_is_open(transcript: &Path) -> Result<bool> {
    let mut count = 64;
    loop {
        let (mut ledger, mut lines) = (Ledger::default(), 0);
        let _seen = Follow::open(transcript, Start::Last(count))?.read_new(|line| {
            lines += 1;
            parse_line(line.bytes).iter().for_each(|event| ledger.note(event));
            Ok(ControlFlow::Continue(()))
        })?;
        let ended = ledger.last_end().is_some();
        // The turn has more lines when neither is there: begin further back.
        if ended || !ledger.is_empty() || lines < count {
            return Ok(!ledger.is_empty() && (ledger.has_queued() || !ended));
        }
        count *= 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_agent_does_to_every_prompt_is_named() {
        let named = |sent, recorded| compare(sent, recorded).unwrap();
        assert_eq!(named("a", "a"), [""; 0]);
        assert_eq!(named(" a\n", " a\n"), [""; 0]);
        assert_eq!(named("a\tb\n", "a    b"), ["tabs", "trailing_blanks"]);
        assert_eq!(named("e\u{301}", "é"), ["nfc"]);
        assert_eq!(named("e\u{301}", "e\u{301}"), [""; 0]);
        assert_eq!(named("\n a", "a"), ["leading_blanks"]);
        let wrapped = "\n\n<pasted_content id=\"e2\">\na\n\nb \n</pasted_content id=\"e2\">\n";
        assert_eq!(named("a\n\nb ", wrapped), ["pasted_content"]);
        assert_eq!(named("a\n\nb", wrapped), ["pasted_content", "trailing_blanks"]);
        assert_eq!(named("a </pasted_content b", "a <\\/pasted_content b"), ["pasted_content"]);
        assert_eq!(named("a <\\/pasted_content", "a <\\/pasted_content"), [""; 0]);
        assert_eq!(named("a\u{200b}b\u{feff}", "a\u{200b}b\u{feff}"), [""; 0]);
        assert_eq!(named("\u{feff} a\u{200b}b👩\u{200d}👧", " ab👩\u{200d}👧"), ["invisible"]);
        assert_eq!(named("e\u{301}\u{200b}", "é\u{200b}"), ["nfc"]);
        assert_eq!(named("a\u{2028}b\u{2029}", "a\u{2028}b"), ["trailing_blanks"]);
        assert_eq!(named("\u{2028}a", "\na"), ["line_separators"]);
        for (sent, recorded) in
            [("a", "b"), ("a", "a and more"), ("a", " a"), ("  a", " a"), ("a", "a\u{200b}")]
        {
            assert!(compare(sent, recorded).is_err(), "{sent:?} {recorded:?}");
        }
    }

    #[test]
    fn where_two_texts_part_is_told_after_the_changes_that_are_known() {
        let wrapped = "\n\n<pasted_content id=\"e2\">\na    b!\n</pasted_content id=\"e2\">\n";
        let told = compare("a\tb?", wrapped).unwrap_err();
        assert!(told.contains("6 of 7 characters") && told.contains("\"!\""), "{told}");
    }
}
