//! The lines of a Claude Code transcript.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    time,
    transcript::record::{Event, Kind},
};

/// The fields that matter; a line may hold far larger ones, which are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
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

/// What the user entry that stops a turn begins with.
const STOPPED: &str = "[Request interrupted by user";

/// What a line says. A line of an unknown type, or one that is no JSON, is something else.
pub(super) fn read(line: &[u8]) -> Vec<Event> {
    let Ok(line) = serde_json::from_slice::<Line>(line) else {
        return vec![Event::new(Kind::Other, None, "")];
    };
    let under = line.subtype.as_deref().or(line.operation.as_deref());
    let under = under.or(line.attachment.as_ref().map(|attachment| attachment.kind.as_str()));
    let name = [Some(line.kind.as_str()), under];
    events(&line).into_iter().map(|event| event.named(&name)).collect()
}

fn events(line: &Line) -> Vec<Event> {
    let time = line.timestamp.as_deref().and_then(time::parse_rfc3339);
    let one = |kind, text: String| vec![Event::new(kind, time, text)];
    let content = || line.content.as_ref().map(words).unwrap_or_default();
    match (line.kind.as_str(), line.operation.as_deref()) {
        ("user", _) => user(line, time),
        ("assistant", _) => assistant(line, time),
        ("queue-operation", Some("enqueue")) => one(Kind::Queued, content()),
        ("queue-operation", Some("dequeue" | "remove")) => one(Kind::Taken, content()),
        ("queue-operation", Some("popAll")) => one(Kind::TakenBack, content()),
        ("attachment", _) => match &line.attachment {
            Some(Attachment { kind, prompt: Some(prompt) }) if kind == "queued_command" => {
                vec![Event { queued: true, ..Event::new(Kind::Prompt, time, words(prompt)) }]
            }
            _ => one(Kind::Other, String::new()),
        },
        _ => one(Kind::Other, String::new()),
    }
}

/// The text of a content: a string, or the text blocks of a list.
fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks
            .iter()
            .filter_map(|block| block.get("text")?.as_str())
            .collect::<Vec<_>>()
            .join("\n"),
        _ => String::new(),
    }
}

fn user(line: &Line, time: Option<u64>) -> Vec<Event> {
    let content = line.message.as_ref().and_then(|message| message.content.as_ref());
    let Some(content) = content else { return vec![Event::new(Kind::Other, time, "")] };
    let result = content
        .as_array()
        .into_iter()
        .flatten()
        .find(|block| block.get("type").and_then(Value::as_str) == Some("tool_result"));
    if let Some(result) = result {
        let said = result.get("content").map(words).unwrap_or_default();
        return vec![Event::new(Kind::ToolResult, time, said)];
    }
    let text = words(content);
    if let Some(command) = command(&text) {
        return vec![Event::new(Kind::Command, time, command)];
    }
    let printed = ["<local-command-", "<bash-stdout>", "<bash-stderr>"];
    let kind = if line.is_meta
        || line.is_compact_summary
        || printed.iter().any(|tag| text.starts_with(tag))
    {
        Kind::Other
    } else if text.starts_with(STOPPED) {
        Kind::Interrupted
    } else {
        Kind::Prompt
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

fn assistant(line: &Line, time: Option<u64>) -> Vec<Event> {
    let Some(message) = &line.message else { return vec![Event::new(Kind::Other, time, "")] };
    let blocks = match &message.content {
        Some(Value::Array(blocks)) => &blocks[..],
        _ => &[],
    };
    let mut events: Vec<Event> = blocks.iter().map(|block| said(block, time)).collect();
    if line.is_api_error_message {
        let text = message.content.as_ref().map(words).unwrap_or_default();
        events.push(Event::new(Kind::Error, time, text));
    } else if matches!(message.stop_reason.as_deref(), Some("end_turn" | "stop_sequence")) {
        events.push(Event::new(Kind::TurnEnd, time, ""));
    }
    // Each block of an answer is a line of its own and repeats the count; the last has the reason.
    if let (Some(usage), Some(_)) = (&message.usage, &message.stop_reason) {
        events.push(Event::new(Kind::Usage, time, usage.to_string()));
    }
    events
}

fn said(block: &Value, time: Option<u64>) -> Event {
    let text = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default();
    match text("type") {
        "text" => Event::new(Kind::Text, time, text("text")),
        "thinking" => Event::new(Kind::Thinking, time, text("thinking")),
        "tool_use" => {
            let input = block.get("input").map(Value::to_string).unwrap_or_default();
            Event::new(Kind::ToolCall, time, format!("{} {input}", text("name")))
        }
        _ => Event::new(Kind::Other, time, ""),
    }
}

/// The names of the changes that lead from the text that was pasted to the one in the transcript,
/// or `None` when it is another text.
pub(super) fn same(sent: &str, recorded: &str) -> Option<Vec<&'static str>> {
    use unicode_normalization::UnicodeNormalization;

    let mut changes = Vec::new();
    let inner = match unwrapped(recorded) {
        Some(inner) => {
            changes.push("pasted_content");
            inner
        }
        None => recorded,
    };
    let spaced = sent.replace('\t', "    ");
    if spaced != sent {
        changes.push("tabs");
    }
    let composed: String = spaced.nfc().collect();
    if composed != spaced {
        changes.push("nfc");
    }
    let trimmed = composed.trim_end();
    if trimmed != composed {
        changes.push("trailing_blanks");
    }
    (trimmed == inner.trim_end()).then_some(changes)
}

/// The text inside `<pasted_content id="…">`, when nothing but blanks stands around it. A closing
/// tag in the text itself is written `<\/pasted_content`.
fn unwrapped(recorded: &str) -> Option<&str> {
    let rest = recorded.trim_start().strip_prefix("<pasted_content id=\"")?;
    let (id, rest) = rest.split_once("\">\n")?;
    rest.trim_end().strip_suffix(&format!("</pasted_content id=\"{id}\">"))?.strip_suffix('\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_agent_does_to_every_prompt_is_named() {
        assert_eq!(same("a", "a"), Some(vec![]));
        assert_eq!(same("a\tb\n", "a    b"), Some(vec!["tabs", "trailing_blanks"]));
        assert_eq!(same("e\u{301}", "é"), Some(vec!["nfc"]));
        let wrapped = "\n\n<pasted_content id=\"e2\">\na\n\nb \n</pasted_content id=\"e2\">\n";
        assert_eq!(same("a\n\nb", wrapped), Some(vec!["pasted_content"]));
        assert_eq!(same("a", "b"), None);
        assert_eq!(same("a", "a and more"), None);
        assert_eq!(same(" a", "a"), None);
    }
}
