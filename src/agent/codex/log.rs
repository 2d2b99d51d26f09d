//! The lines of a Codex rollout. See codex/FACTS.md, "Rollout records".

use serde::Deserialize;
use serde_json::Value;

use crate::{
    agent::text_of,
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

/// The events in a line. A line of an unknown type, or without JSON, is [`EventKind::Other`].
pub(crate) fn parse_line(line: &[u8]) -> Vec<Event> {
    let Ok(line) = serde_json::from_slice::<RolloutLine>(line) else {
        return vec![Event::new(EventKind::Other, None, "")];
    };
    let time = line.timestamp.as_deref().and_then(time::parse_rfc3339);
    let payload = &line.payload;
    let text = |key: &str| payload[key].as_str().unwrap_or_default();
    let (kind, said) = match (line.kind.as_str(), text("type")) {
        ("event_msg", "task_started") => (EventKind::TurnStart, String::new()),
        ("event_msg", "task_complete") => completed(payload),
        ("event_msg", "turn_aborted") => (EventKind::Interrupted, String::new()),
        // Up to 0.142; later versions write an item instead.
        ("event_msg", "user_message") => (EventKind::Prompt, text("message").to_owned()),
        ("event_msg", "item_completed") if payload["item"]["type"] == "UserMessage" => {
            (EventKind::Prompt, text_of(&payload["item"]["content"]))
        }
        ("event_msg", "token_count") => (EventKind::Usage, payload.to_string()),
        ("response_item", "message") if text("role") == "assistant" => {
            (EventKind::Text, text_of(&payload["content"]))
        }
        ("response_item", "reasoning") => (EventKind::Thinking, text_of(&payload["summary"])),
        ("response_item", "function_call") => {
            (EventKind::ToolCall, format!("{} {}", text("name"), text("arguments")))
        }
        ("response_item", "custom_tool_call") => {
            (EventKind::ToolCall, format!("{} {}", text("name"), text("input")))
        }
        ("response_item", "function_call_output" | "custom_tool_call_output") => {
            (EventKind::ToolResult, text_of(&payload["output"]))
        }
        _ => (EventKind::Other, String::new()),
    };
    let turn = payload["turn_id"].as_str().map(str::to_owned);
    let under = payload["type"].as_str();
    vec![Event { turn, ..Event::new(kind, time, said) }.named(&[Some(&line.kind), under])]
}

/// The end of a turn. Up to 0.142 the only sign of an error is that a prompt was not answered.
fn completed(payload: &Value) -> (EventKind, String) {
    let error = &payload["error"];
    if !error.is_null() {
        let said = error["message"].as_str().map(str::to_owned);
        return (EventKind::Error, said.unwrap_or_else(|| error.to_string()));
    }
    match payload.get("last_agent_message") {
        Some(Value::Null) => (EventKind::Unanswered, String::new()),
        _ => (EventKind::TurnEnd, String::new()),
    }
}
