//! The Anthropic Messages API, as Claude Code uses it.

use std::io;

use serde_json::{Value, json};

use super::http::Connection;
use super::{Ask, Call, Speaker};

/// Blocks that Claude Code puts between the prompts, and that no user typed.
const NOT_TYPED: [&str; 9] = [
    "<system-reminder>",
    "[Request interrupted by user",
    "<command-name>",
    "<command-message>",
    "<local-command-",
    "<bash-",
    "<task-notification>",
    "This session is being continued from a previous conversation",
    "Continue from where you left off.",
];

/// What stands around a prompt that came in during a tool call.
const MID_TURN: [&str; 2] = [
    "The user sent a new message while you were working:\n",
    "The user sent the following message:\n",
];

/// What the versions put after such a prompt.
const AFTER_MID_TURN: [&str; 3] =
    ["\n\nIMPORTANT:", "\n\nThis is how Claude Code surfaces messages", "\n</system-reminder>"];

/// Requests that Claude Code makes for itself, by a text of their own.
const SIDE: [&str; 4] = [
    "Your task is to create a detailed summary",
    "[SUGGESTION MODE",
    "Warmup",
    "CRITICAL: Respond with TEXT ONLY",
];

/// Reads a request.
pub(super) fn parse(body: &Value) -> Ask {
    let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let prompts: Vec<String> = messages.iter().flat_map(texts).flat_map(typed).collect();
    let last = messages.iter().rposition(|message| message["role"] == "assistant");
    let tail = &messages[last.map_or(0, |at| at + 1)..];
    let texts: Vec<String> = tail.iter().flat_map(texts).collect();
    let result = tail
        .iter()
        .flat_map(|message| message["content"].as_array().into_iter().flatten())
        .find(|block| block["type"] == "tool_result")
        .map(|block| super::flat(&block["content"]));
    let tools = body["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    let has = |name: &str| tools.iter().any(|tool| tool["name"] == name);
    let side = !has("Bash")
        || body["max_tokens"] == 1
        || texts.last().is_some_and(|text| SIDE.iter().any(|side| text.starts_with(side)));
    let fresh = texts.iter().flat_map(|text| typed(text.clone())).next_back();
    Ask {
        api: "messages",
        side,
        conversation: conversation(body),
        fresh,
        texts,
        prompts,
        result,
        can_ask: has("AskUserQuestion"),
    }
}

/// The session id, which 2.1 hides as JSON in `metadata.user_id`.
fn conversation(body: &Value) -> String {
    let user = body["metadata"]["user_id"].as_str().unwrap_or_default();
    let inner: Value = serde_json::from_str(user).unwrap_or_default();
    inner["session_id"].as_str().unwrap_or(user).to_owned()
}

/// The texts of a user's message, and those of a system's that pass a user's words on, as 2.1.197
/// does with a prompt that comes in during a tool call.
fn texts(message: &Value) -> Vec<String> {
    let mut texts = match &message["content"] {
        Value::String(text) => vec![text.clone()],
        Value::Array(blocks) => {
            blocks.iter().filter_map(|block| block["text"].as_str()).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    match message["role"].as_str() {
        Some("user") => {}
        Some("system") => texts.retain(|text| MID_TURN.iter().any(|start| text.contains(start))),
        _ => texts.clear(),
    }
    texts
}

/// What a user typed, out of a text block; nothing when the agent itself wrote it. Prompts that came
/// in during one tool call may stand in one block.
fn typed(text: String) -> Vec<String> {
    for before in MID_TURN {
        if text.contains(before) {
            let bare = |part: &str| {
                let end = AFTER_MID_TURN.iter().filter_map(|after| part.find(after)).min();
                part[..end.unwrap_or(part.len())].to_owned()
            };
            return text.split(before).skip(1).map(bare).collect();
        }
    }
    let is_own = NOT_TYPED.iter().any(|start| text.trim_start().starts_with(start));
    if is_own { Vec::new() } else { vec![text] }
}

/// An error as the API words it.
pub(super) fn error(status: u16) -> Value {
    let kind = match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": format!("mock error {status}")}})
}

/// The usage limit of a subscription, which ends at `until`, in epoch seconds: headers and body.
pub(super) fn limit(until: u64) -> (Vec<(&'static str, String)>, Value) {
    let headers = [
        ("anthropic-ratelimit-unified-status", "rejected".to_owned()),
        ("anthropic-ratelimit-unified-reset", until.to_string()),
        ("anthropic-ratelimit-unified-representative-claim", "five_hour".to_owned()),
        ("anthropic-ratelimit-unified-5h-status", "rejected".to_owned()),
        ("anthropic-ratelimit-unified-5h-reset", until.to_string()),
    ];
    (headers.into(), error(429))
}

/// A whole answer without a stream.
pub(super) fn whole(body: &Value, text: &str) -> Value {
    let mut message = head(body);
    message["content"] = json!([{"type": "text", "text": text}]);
    message["stop_reason"] = json!("end_turn");
    message
}

fn head(body: &Value) -> Value {
    json!({
        "id": super::fresh_id("msg"), "type": "message", "role": "assistant",
        "model": body["model"], "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 10, "output_tokens": 1, "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0},
    })
}

/// Streams an answer.
pub(super) struct Voice<'a> {
    out: &'a mut Connection,
    body: &'a Value,
    index: usize,
    open: bool,
}

impl<'a> Voice<'a> {
    /// An answer to `body` on `out`; nothing is sent yet.
    pub(super) fn new(out: &'a mut Connection, body: &'a Value) -> Self {
        Voice { out, body, index: 0, open: false }
    }

    fn start(&mut self, block: &Value) -> io::Result<()> {
        self.open = true;
        let index = self.index;
        self.out
            .event(&json!({"type": "content_block_start", "index": index, "content_block": block}))
    }

    fn delta(&mut self, delta: &Value) -> io::Result<()> {
        let index = self.index;
        self.out.event(&json!({"type": "content_block_delta", "index": index, "delta": delta}))
    }

    fn close(&mut self) -> io::Result<()> {
        if !self.open {
            return Ok(());
        }
        self.open = false;
        self.index += 1;
        self.out.event(&json!({"type": "content_block_stop", "index": self.index - 1}))
    }
}

impl Speaker for Voice<'_> {
    fn begin(&mut self) -> io::Result<()> {
        self.out.begin_events()?;
        self.out.event(&json!({"type": "message_start", "message": head(self.body)}))
    }

    fn text(&mut self, delta: &str) -> io::Result<()> {
        if !self.open {
            self.start(&json!({"type": "text", "text": ""}))?;
        }
        self.delta(&json!({"type": "text_delta", "text": delta}))
    }

    fn call(&mut self, call: &Call) -> io::Result<()> {
        let (name, input) = match call {
            Call::Shell { command, .. } => {
                ("Bash", json!({"command": command, "description": "Runs the test's command"}))
            }
            Call::Background(command) => (
                "Bash",
                json!({"command": command, "description": "Runs on", "run_in_background": true}),
            ),
            Call::Agent(prompt) => (
                offered(self.body, &["Agent", "Task"]),
                json!({"description": "Does a part", "prompt": prompt,
                    "subagent_type": "general-purpose"}),
            ),
            Call::Question => ("AskUserQuestion", question()),
            Call::Own(tool, input) => (tool.as_str(), input.clone()),
        };
        self.close()?;
        let id = super::fresh_id("toolu");
        self.start(&json!({"type": "tool_use", "id": id, "name": name, "input": {}}))?;
        self.delta(&json!({"type": "input_json_delta", "partial_json": input.to_string()}))
    }

    fn end(&mut self, called: bool) -> io::Result<()> {
        Speaker::stop(self, Some(if called { "tool_use" } else { "end_turn" }))
    }

    fn cut(&mut self) -> io::Result<()> {
        self.out.cut()
    }

    fn stop(&mut self, reason: Option<&str>) -> io::Result<()> {
        self.close()?;
        self.out.event(&json!({
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": null},
            "usage": {"output_tokens": 20},
        }))?;
        self.out.event(&json!({"type": "message_stop"}))?;
        self.out.end_events()
    }
}

/// The first of `names` that is the name of a tool on offer.
fn offered<'a>(body: &Value, names: &[&'a str]) -> &'a str {
    let tools = body["tools"].as_array().map_or(&[][..], Vec::as_slice);
    let is_there = |name: &&&str| tools.iter().any(|tool| tool["name"] == ***name);
    names.iter().find(is_there).copied().unwrap_or("no such tool")
}

fn question() -> Value {
    json!({"questions": [{
        "question": "Which one shall it be?", "header": "Choice", "multiSelect": false,
        "options": [
            {"label": "Alpha", "description": "The first"},
            {"label": "Beta", "description": "The second"},
        ],
    }]})
}
