//! The OpenAI Responses API, as Codex uses it.

use std::io;

use serde_json::{Value, json};

use super::http::Connection;
use super::{Ask, Call, Speaker};

/// Texts with the role `user` that no user typed.
const NOT_TYPED: [&str; 9] = [
    "<environment_context>",
    "<user_instructions>",
    "# AGENTS.md instructions",
    "<turn_aborted>",
    "<user_shell_command>",
    "<permissions instructions>",
    "<INSTRUCTIONS>",
    "<skill",
    "Another language model started to solve this problem",
];

/// Requests that Codex makes for itself, by a text in their last message.
const SIDE: [&str; 3] = [
    "Generate a concise, single-line task title",
    "You are performing a CONTEXT CHECKPOINT COMPACTION",
    "Generate a concise UI title",
];

/// Reads a request.
pub(super) fn parse(body: &Value) -> Ask {
    let input = body["input"].as_array().map(Vec::as_slice).unwrap_or_default();
    let prompts: Vec<String> = input.iter().flat_map(texts).filter_map(typed).collect();
    let last = input.iter().rposition(|item| {
        item["role"] == "assistant"
            || matches!(item["type"].as_str(), Some("function_call" | "custom_tool_call"))
    });
    let tail = &input[last.map_or(0, |at| at + 1)..];
    let texts: Vec<String> = tail.iter().flat_map(texts).collect();
    let result = tail
        .iter()
        .find(|item| item["type"].as_str().is_some_and(|kind| kind.ends_with("_call_output")))
        .map(|item| super::flat(&item["output"]));
    let instructions = body["instructions"].as_str().unwrap_or_default();
    let side = SIDE.iter().any(|side| {
        instructions.contains(side) || texts.last().is_some_and(|text| text.contains(side))
    });
    let fresh = texts.iter().filter_map(|text| typed(text.clone())).next_back();
    Ask {
        api: "responses",
        side,
        conversation: body["prompt_cache_key"].as_str().unwrap_or_default().to_owned(),
        fresh,
        texts,
        prompts,
        result,
        can_ask: false,
    }
}

fn texts(item: &Value) -> Vec<String> {
    if item["role"] != "user" {
        return Vec::new();
    }
    match &item["content"] {
        Value::String(text) => vec![text.clone()],
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part["text"].as_str()).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

fn typed(text: String) -> Option<String> {
    (!NOT_TYPED.iter().any(|start| text.trim_start().starts_with(start))).then_some(text)
}

/// An error as the API words it.
pub(super) fn error(status: u16) -> Value {
    json!({"error": {
        "message": format!("mock error {status}"), "type": "mock_error", "code": null,
        "param": null,
    }})
}

/// The usage limit of an account, which ends at `until`, in epoch seconds: headers and body.
pub(super) fn limit(until: u64) -> (Vec<(&'static str, String)>, Value) {
    let headers = [
        ("x-codex-primary-used-percent", "100".to_owned()),
        ("x-codex-primary-window-minutes", "300".to_owned()),
        ("x-codex-primary-reset-at", until.to_string()),
    ];
    let body = json!({"error": {
        "type": "usage_limit_reached", "message": "mock limit", "plan_type": "plus",
        "resets_at": until,
    }});
    (headers.into(), body)
}

/// The tool call that this request's tools allow for a shell command.
fn tool_call(body: &Value, call: &Call) -> Option<Value> {
    let (Call::Shell { command, .. } | Call::Background(command)) = call else { return None };
    let mut arguments = json!({"cmd": command});
    if matches!(call, Call::Background(_)) {
        // The least time, in milliseconds, that it waits for a command that runs on.
        arguments["yield_time_ms"] = json!(250);
    }
    if matches!(call, Call::Shell { escalate: true, .. }) {
        arguments["sandbox_permissions"] = json!("require_escalated");
        arguments["justification"] = json!("The test asks for it");
    }
    let call = super::fresh_id("call");
    let named = |name: &str| {
        let tools = body["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
        tools.iter().any(|tool| tool["name"] == name && tool["type"] == "function")
    };
    let name = ["exec_command", "shell_command", "shell"].into_iter().find(|name| named(name));
    let Some(name) = name else {
        // Code mode: the one tool is a program in JavaScript.
        let input = format!("const r = await tools.exec_command({arguments});\ntext(r.output);");
        return Some(json!({
            "type": "custom_tool_call", "id": super::fresh_id("ctc"), "call_id": call,
            "name": "exec", "input": input, "status": "completed",
        }));
    };
    if name != "exec_command" {
        if let Some(fields) = arguments.as_object_mut() {
            fields.remove("cmd");
        }
        arguments["command"] =
            if name == "shell" { json!(["bash", "-lc", command]) } else { json!(command) };
    }
    Some(json!({
        "type": "function_call", "id": super::fresh_id("fc"), "call_id": call, "name": name,
        "arguments": arguments.to_string(), "status": "completed",
    }))
}

/// Streams an answer.
pub(super) struct Voice<'a> {
    out: &'a mut Connection,
    body: &'a Value,
    response: String,
    message: String,
    said: String,
    items: Vec<Value>,
    open: bool,
}

impl<'a> Voice<'a> {
    /// An answer to `body` on `out`; nothing is sent yet.
    pub(super) fn new(out: &'a mut Connection, body: &'a Value) -> Self {
        Voice {
            out,
            body,
            response: super::fresh_id("resp"),
            message: super::fresh_id("msg"),
            said: String::new(),
            items: Vec::new(),
            open: false,
        }
    }

    fn response(&self, status: &str) -> Value {
        json!({
            "id": self.response, "object": "response", "status": status,
            "model": self.body["model"], "output": self.items,
        })
    }

    fn message(&self, status: &str) -> Value {
        let content = match status {
            "completed" => json!([{"type": "output_text", "text": self.said, "annotations": []}]),
            _ => json!([]),
        };
        json!({
            "type": "message", "id": self.message, "role": "assistant", "status": status,
            "content": content,
        })
    }

    fn done(&mut self, item: Value) -> io::Result<()> {
        let index = self.items.len();
        self.out.event(
            &json!({"type": "response.output_item.done", "output_index": index, "item": item}),
        )?;
        self.items.push(item);
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        if !self.open {
            return Ok(());
        }
        self.open = false;
        self.done(self.message("completed"))
    }
}

impl Speaker for Voice<'_> {
    fn begin(&mut self) -> io::Result<()> {
        self.out.begin_events()?;
        let response = self.response("in_progress");
        self.out.event(&json!({"type": "response.created", "response": response}))
    }

    fn text(&mut self, delta: &str) -> io::Result<()> {
        let index = self.items.len();
        if !self.open {
            self.open = true;
            let item = self.message("in_progress");
            self.out.event(&json!({
                "type": "response.output_item.added", "output_index": index, "item": item,
            }))?;
        }
        self.said.push_str(delta);
        self.out.event(&json!({
            "type": "response.output_text.delta", "item_id": self.message, "output_index": index,
            "content_index": 0, "delta": delta,
        }))
    }

    fn call(&mut self, call: &Call) -> io::Result<()> {
        self.close()?;
        let Some(item) = tool_call(self.body, call) else { return Ok(()) };
        let index = self.items.len();
        self.out.event(
            &json!({"type": "response.output_item.added", "output_index": index, "item": item}),
        )?;
        self.done(item)
    }

    fn end(&mut self, _called: bool) -> io::Result<()> {
        self.finish("completed", None)
    }

    fn cut(&mut self) -> io::Result<()> {
        self.out.cut()
    }

    fn stop(&mut self, reason: Option<&str>) -> io::Result<()> {
        self.finish("incomplete", reason)
    }
}

impl Voice<'_> {
    fn finish(&mut self, status: &str, reason: Option<&str>) -> io::Result<()> {
        self.close()?;
        let mut response = self.response(status);
        response["incomplete_details"] = json!({"reason": reason});
        response["usage"] = json!({
            "input_tokens": 10, "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 20, "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 30,
        });
        self.out.event(&json!({"type": format!("response.{status}"), "response": response}))?;
        self.out.end_events()
    }
}
