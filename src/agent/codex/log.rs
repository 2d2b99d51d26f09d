//! The lines of a Codex rollout. See codex/FACTS.md, "Rollout records".

use crate::{
    agent::{text_of, texts},
    time,
    transcript::{
        event::{Event, EventKind, USAGE_LIMIT},
        field::{Field, fields},
    },
};

fields! {
    /// The fields of a payload that matter, of any kind of record: it may be large, and is gone through
    /// once.
    struct Payload {
        kind: "type",
        turn: "turn_id",
        message: "message",
        item: "item",
        role: "role",
        content: "content",
        summary: "summary",
        name: "name",
        arguments: "arguments",
        input: "input",
        output: "output",
        error: "error",
        last_message: "last_agent_message",
        rate_limits: "rate_limits",
        images: "local_images",
    }
}

/// How the message begins with which Codex goes on with a goal, and the origin of such a turn. See
/// codex/FACTS.md, "Turns that nobody sent".
const GOES_ON: (&str, &str) = ("<codex_internal_context source=\"goal\">", "goal");

/// The event in a record.
pub(crate) fn parse_record(bytes: &[u8]) -> Event {
    let names = ["type", "timestamp", "payload"];
    let ([kind, timestamp, whole], payload) =
        Field::whole(bytes).fields_and(names, "payload", Payload::NAMES);
    let payload = Payload::of(payload);
    let time = timestamp.text().and_then(|text| time::parse_rfc3339(&text));
    let (kind, under) = (kind.text(), payload.kind.text());
    let is_known = matches!(kind.as_deref(), None | Some("event_msg" | "response_item"));
    let (event, said) = match under.as_deref() {
        Some("token_count") if is_known => (EventKind::Usage, whole.json()),
        Some(under) if is_known => payload.said(under),
        _ => (EventKind::Other, String::new()),
    };
    let turn = payload.turn.text().map(Into::into);
    let is_own = event == EventKind::Prompt && under.as_deref() == Some("message");
    let origin = is_own.then(|| GOES_ON.1.to_owned());
    let twice = !is_own && matches!(event, EventKind::Prompt | EventKind::Text);
    let (reason, resets_at) = payload.limit();
    let images = if event == EventKind::Prompt { payload.images() } else { 0 };
    Event { turn, twice, images, origin, reason, resets_at, ..Event::new(event, time, said) }
        .named(&[kind.as_deref(), under.as_deref()])
}

impl Payload<'_> {
    /// What a record says. No two kinds of record have a type of one name.
    fn said(&self, under: &str) -> (EventKind, String) {
        let text = |field: Field<'_>| field.text().unwrap_or_default().into_owned();
        let call = |given: Field<'_>| {
            let [name, given] = [self.name, given].map(|field| field.text().unwrap_or_default());
            (EventKind::ToolCall, format!("{name} {given}"))
        };
        match under {
            "task_started" => (EventKind::TurnStart, String::new()),
            "task_complete" => self.completed(),
            "turn_aborted" => (EventKind::Interrupted, String::new()),
            // The same text may stand in several records. See codex/FACTS.md, "Rollout records".
            "user_message" => (EventKind::Prompt, text(self.message)),
            "agent_message" => (EventKind::Text, text(self.message)),
            "item_completed" => {
                let [kind, content] = self.item.fields(["type", "content"]);
                match kind.text().as_deref() {
                    Some("UserMessage") => (EventKind::Prompt, text_of(content)),
                    Some("AgentMessage") => (EventKind::Text, text_of(content)),
                    _ => (EventKind::Other, String::new()),
                }
            }
            "message" if self.role.is("assistant") => (EventKind::Text, text_of(self.content)),
            "message" if self.role.is("user") => {
                // Most are large, and none of the user's words.
                let first = texts(self.content).find(|text| text.is_text());
                match first.unwrap_or(self.content).begins(GOES_ON.0) {
                    true => (EventKind::Prompt, text_of(self.content)),
                    false => (EventKind::Other, String::new()),
                }
            }
            "reasoning" => (EventKind::Thinking, text_of(self.summary)),
            "function_call" => call(self.arguments),
            "custom_tool_call" => call(self.input),
            "function_call_output" | "custom_tool_call_output" => {
                (EventKind::ToolResult, text_of(self.output))
            }
            _ => (EventKind::Other, String::new()),
        }
    }

    /// How many images came with a prompt. See codex/FACTS.md, "Images".
    fn images(&self) -> usize {
        let content = self.item.get("content");
        let items = content.items_and(["type"]);
        let items = items.filter(|(_, [kind])| kind.is("local_image")).count();
        items.max(self.images.items().count())
    }

    /// Whether the turn ended at a usage limit; and when a limit that was reached ends, which stands in
    /// another record. See codex/FACTS.md, "End of a turn".
    fn limit(&self) -> (Option<&'static str>, Option<u64>) {
        let info = self.error.get("codex_error_info");
        let reason = info.is("usage_limit_exceeded").then_some(USAGE_LIMIT);
        let windows = self.rate_limits.fields(["primary", "secondary"]).map(|window| {
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
    fn completed(&self) -> (EventKind, String) {
        if self.error.is_some() {
            let said = self.error.get("message").text().map(Into::into);
            return (EventKind::Error, said.unwrap_or_else(|| self.error.json()));
        }
        let is_answered = !self.last_message.is_null();
        let kind = if is_answered { EventKind::TurnEnd } else { EventKind::Unanswered };
        (kind, String::new())
    }
}
