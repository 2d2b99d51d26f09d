//! The lines of a Codex rollout.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    time,
    transcript::event::{Event, EventKind},
};

#[derive(Deserialize)]
struct RolloutLine {
    timestamp: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    payload: Value,
}

/// What a line says. A line of an unknown type, or one that is no JSON, is something else.
pub(crate) fn parse_line(line: &[u8]) -> Vec<Event> {
    let Ok(line) = serde_json::from_slice::<RolloutLine>(line) else {
        return vec![Event::new(EventKind::Other, None, "")];
    };
    let time = line.timestamp.as_deref().and_then(time::parse_rfc3339);
    let payload = &line.payload;
    let text = |key: &str| payload.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, said) = match (line.kind.as_str(), text("type")) {
        ("event_msg", "task_started") => (EventKind::TurnStart, String::new()),
        ("event_msg", "task_complete") => completed(payload),
        ("event_msg", "turn_aborted") => (EventKind::Interrupted, String::new()),
        // Up to 0.142; later versions write an item instead.
        ("event_msg", "user_message") => (EventKind::Prompt, text("message").to_owned()),
        ("event_msg", "item_completed") => item(payload.get("item").unwrap_or(&Value::Null)),
        ("event_msg", "token_count") => (EventKind::Usage, payload.to_string()),
        ("response_item", "message") if text("role") == "assistant" => {
            (EventKind::Text, words(payload.get("content")))
        }
        ("response_item", "reasoning") => (EventKind::Thinking, words(payload.get("summary"))),
        ("response_item", "function_call") => {
            (EventKind::ToolCall, format!("{} {}", text("name"), text("arguments")))
        }
        ("response_item", "custom_tool_call") => {
            (EventKind::ToolCall, format!("{} {}", text("name"), text("input")))
        }
        ("response_item", "function_call_output" | "custom_tool_call_output") => {
            let output = payload.get("output").unwrap_or(&Value::Null);
            let said = output.as_str().map_or_else(|| words(Some(output)), str::to_owned);
            (EventKind::ToolResult, said)
        }
        _ => (EventKind::Other, String::new()),
    };
    let turn = payload.get("turn_id").and_then(Value::as_str).map(str::to_owned);
    let under = payload.get("type").and_then(Value::as_str);
    vec![Event { turn, ..Event::new(kind, time, said) }.named(&[Some(&line.kind), under])]
}

/// The end of a turn. Up to 0.142 the only sign of an error is that a prompt was not answered.
fn completed(payload: &Value) -> (EventKind, String) {
    if let Some(error) = payload.get("error").filter(|error| !error.is_null()) {
        let said = error.get("message").and_then(Value::as_str).map(str::to_owned);
        return (EventKind::Error, said.unwrap_or_else(|| error.to_string()));
    }
    match payload.get("last_agent_message") {
        Some(Value::Null) => (EventKind::Unanswered, String::new()),
        _ => (EventKind::TurnEnd, String::new()),
    }
}

fn item(item: &Value) -> (EventKind, String) {
    match item.get("type").and_then(Value::as_str) {
        Some("UserMessage") => (EventKind::Prompt, words(item.get("content"))),
        _ => (EventKind::Other, String::new()),
    }
}

/// The texts of a list of contents.
fn words(content: Option<&Value>) -> String {
    content
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|part| part.get("text")?.as_str())
        .collect::<Vec<_>>()
        .join("\n")
}
