//! The lines of a Codex rollout. See codex/FACTS.md, "Rollout records".

use crate::{
    agent::text_of,
    time,
    transcript::{
        event::{Event, EventKind, USAGE_LIMIT},
        field::Field,
    },
};

/// How the message begins with which Codex goes on with a goal, and the origin of such a turn. See
/// codex/FACTS.md, "Turns that nobody sent".
const GOES_ON: (&str, &str) = ("<codex_internal_context source=\"goal\">", "goal");

/// The event in a record.
pub(crate) fn parse_record(bytes: &[u8]) -> Event {
    let [kind, timestamp, payload] = Field::whole(bytes).fields(["type", "timestamp", "payload"]);
    let time = timestamp.text().and_then(|text| time::parse_rfc3339(&text));
    let [under, turn] = payload.fields(["type", "turn_id"]);
    let (kind, under) = (kind.text(), under.text());
    let is_known = matches!(kind.as_deref(), None | Some("event_msg" | "response_item"));
    let (event, said) = match under.as_deref() {
        Some(under) if is_known => said(under, payload),
        _ => (EventKind::Other, String::new()),
    };
    let turn = turn.text().map(Into::into);
    let is_own = event == EventKind::Prompt && under.as_deref() == Some("message");
    let origin = is_own.then(|| GOES_ON.1.to_owned());
    let twice = !is_own && matches!(event, EventKind::Prompt | EventKind::Text);
    let (reason, resets_at) = limit(payload);
    let images = if event == EventKind::Prompt { images(payload) } else { 0 };
    Event { turn, twice, images, origin, reason, resets_at, ..Event::new(event, time, said) }
        .named(&[kind.as_deref(), under.as_deref()])
}

/// What a record says. No two kinds of record have a type of one name.
fn said(under: &str, payload: Field<'_>) -> (EventKind, String) {
    let text = |key: &str| payload.get(key).text().unwrap_or_default().into_owned();
    match under {
        "task_started" => (EventKind::TurnStart, String::new()),
        "task_complete" => completed(payload),
        "turn_aborted" => (EventKind::Interrupted, String::new()),
        // The same text may stand in several records. See codex/FACTS.md, "Rollout records".
        "user_message" => (EventKind::Prompt, text("message")),
        "agent_message" => (EventKind::Text, text("message")),
        "item_completed" => {
            let [kind, content] = payload.get("item").fields(["type", "content"]);
            match kind.text().as_deref() {
                Some("UserMessage") => (EventKind::Prompt, text_of(content)),
                Some("AgentMessage") => (EventKind::Text, text_of(content)),
                _ => (EventKind::Other, String::new()),
            }
        }
        "message" if payload.get("role").is("assistant") => {
            (EventKind::Text, text_of(payload.get("content")))
        }
        "message" if payload.get("role").is("user") => {
            let text = text_of(payload.get("content"));
            let goes_on = text.starts_with(GOES_ON.0);
            if goes_on { (EventKind::Prompt, text) } else { (EventKind::Other, String::new()) }
        }
        "token_count" => (EventKind::Usage, payload.json()),
        "reasoning" => (EventKind::Thinking, text_of(payload.get("summary"))),
        "function_call" => (EventKind::ToolCall, format!("{} {}", text("name"), text("arguments"))),
        "custom_tool_call" => (EventKind::ToolCall, format!("{} {}", text("name"), text("input"))),
        "function_call_output" | "custom_tool_call_output" => {
            (EventKind::ToolResult, text_of(payload.get("output")))
        }
        _ => (EventKind::Other, String::new()),
    }
}

/// How many images came with a prompt. See codex/FACTS.md, "Images".
fn images(payload: Field<'_>) -> usize {
    let content = payload.get("item").get("content");
    let items = content.items().filter(|item| item.get("type").is("local_image")).count();
    items.max(payload.get("local_images").items().count())
}

/// Whether the turn ended at a usage limit; and when a limit that was reached ends, which stands in
/// another record. See codex/FACTS.md, "End of a turn".
fn limit(payload: Field<'_>) -> (Option<&'static str>, Option<u64>) {
    let [error, limits] = payload.fields(["error", "rate_limits"]);
    let reason = error.get("codex_error_info").is("usage_limit_exceeded").then_some(USAGE_LIMIT);
    let windows = limits.fields(["primary", "secondary"]).map(|window| {
        let [used, resets_at] = window.fields(["used_percent", "resets_at"]);
        resets_at.number().filter(|_| used.number().is_some_and(|percent| percent >= 100.0))
    });
    // The last one that ends is the one to wait for.
    let last = windows
        .into_iter()
        .flatten()
        .fold(None, |last: Option<f64>, at| Some(last.map_or(at, |last| last.max(at))));
    (reason, last.map(|seconds| (seconds * 1000.0) as u64))
}

/// The end of a turn. Up to 0.142 the only sign of an error is that a prompt was not answered.
fn completed(payload: Field<'_>) -> (EventKind, String) {
    let [error, last] = payload.fields(["error", "last_agent_message"]);
    if error.is_some() {
        let said = error.get("message").text().map(Into::into);
        return (EventKind::Error, said.unwrap_or_else(|| error.json()));
    }
    let kind = if last.is_null() { EventKind::Unanswered } else { EventKind::TurnEnd };
    (kind, String::new())
}
