//! The transcript: entries in Claude Code's shape, one write for each line.
//! See claude/FACTS.md, "Transcript records".

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::PathBuf,
    time::Duration,
};

use serde_json::{Map, Value, json};

use super::files::{Place, VERSION};
use crate::{
    agent::image,
    error::{At, Result},
    time,
    transcript::start::begins_line,
};

/// The source of the entry with which the agent goes on behind a usage limit.
/// See claude/FACTS.md, "End of a turn, and what outlives it".
pub(crate) const GOING_ON: &str = "system";
/// The marker of an interrupted turn. See claude/FACTS.md, "Interrupt in the transcript".
pub(crate) const INTERRUPTED: &str = "[Request interrupted by user]";
/// The marker of a turn interrupted in a tool, or of a refused tool.
/// See claude/FACTS.md, "Interrupt in the transcript".
pub(crate) const INTERRUPTED_TOOL: &str = "[Request interrupted by user for tool use]";
/// The result of a tool that was interrupted or refused.
/// See claude/FACTS.md, "Interrupt in the transcript".
pub(crate) const REFUSED: &str = "The user doesn't want to proceed with this tool use. \
    The tool use was rejected (eg. if it was a file edit, the new_string was NOT written to the \
    file). STOP what you are doing and wait for the user to tell you how to proceed.";

/// The transcript of one conversation. The file appears with the first entry.
#[derive(Debug)]
pub(crate) struct Log {
    /// The conversation.
    pub(crate) session: String,
    /// Where the file is, or will be.
    pub(crate) path: PathBuf,
    cwd: String,
    model: String,
    file: Option<File>,
    parent: Value,
    silent: bool,
    torn: bool,
    /// How many images were attached: a text may begin like one that has some.
    pub(crate) images: usize,
}

impl Log {
    /// The log of `session`: a new one, or the existing one, whose last entry is the parent of the
    /// next.
    pub(crate) fn new(place: &Place, session: &str, model: &str, silent: bool, torn: bool) -> Self {
        let path = place.transcript(session);
        let old = std::fs::read(&path).unwrap_or_default();
        let parent = old
            .rsplit(|&byte| byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
            .find_map(|entry| entry.get("uuid").cloned())
            .unwrap_or(Value::Null);
        Log {
            session: session.to_owned(),
            path,
            cwd: place.cwd.to_string_lossy().into_owned(),
            model: model.to_owned(),
            file: None,
            parent,
            silent,
            torn,
            images: 0,
        }
    }

    /// The log of another conversation in the same place.
    pub(crate) fn restart(&self, place: &Place, session: &str) -> Self {
        Log::new(place, session, &self.model, self.silent, self.torn)
    }

    /// A prompt, typed or from the queue. Returns the entry's id.
    pub(crate) fn prompt(&mut self, text: &str, source: &str) -> Result<String> {
        let mut content = json!(text);
        let count = image::count(text).min(self.images);
        if count > 0 {
            let mut blocks = vec![json!({"type": "text", "text": text})];
            blocks.resize(1 + count, json!({"type": "image"}));
            content = json!(blocks);
        }
        let mut entry = json!({
            "type": "user",
            "message": {"role": "user", "content": content},
            "promptSource": source,
        });
        if source == GOING_ON {
            entry["isMeta"] = json!(true);
            entry["origin"] = json!({"kind": "auto-continuation"});
        }
        self.chained(entry)
    }

    /// The model's text at the end of a turn.
    pub(crate) fn answer(&mut self, text: &str) -> Result<()> {
        self.assistant(&json!({"type": "text", "text": text}), "end_turn").map(drop)
    }

    /// The model wants `command` run. Returns the tool use's id.
    pub(crate) fn tool_use(&mut self, command: &str) -> Result<String> {
        let id = format!("toolu_{}", uuid::Uuid::new_v4().simple());
        let input = json!({"command": command});
        let block = json!({"type": "tool_use", "id": id, "name": "Bash", "input": input});
        self.assistant(&block, "tool_use")?;
        Ok(id)
    }

    /// The tool's output.
    pub(crate) fn tool_result(&mut self, id: &str, output: &str, is_error: bool) -> Result<()> {
        let block = json!({
            "tool_use_id": id, "type": "tool_result", "content": output, "is_error": is_error,
        });
        let message = json!({"role": "user", "content": [block]});
        self.chained(json!({"type": "user", "message": message})).map(drop)
    }

    /// The turn of the entry `prompt` was interrupted.
    pub(crate) fn interrupted(&mut self, marker: &str, prompt: Option<&str>) -> Result<()> {
        let message = json!({"role": "user", "content": [{"type": "text", "text": marker}]});
        let mut entry = json!({"type": "user", "message": message});
        if let Some(prompt) = prompt {
            entry["interruptedMessageId"] = json!(prompt);
        }
        self.chained(entry).map(drop)
    }

    /// The API failed for good, or until the end of a usage limit, in epoch seconds.
    pub(crate) fn api_error(
        &mut self,
        status: u16,
        error: &str,
        text: &str,
        limit: Option<f64>,
    ) -> Result<()> {
        let mut entry = json!({
            "type": "assistant",
            "message": {
                "role": "assistant",
                "model": "<synthetic>",
                "content": [{"type": "text", "text": text}],
                "stop_reason": "stop_sequence",
            },
            "error": error,
            "isApiErrorMessage": true,
            "apiErrorStatus": status,
        });
        if let Some(seconds) = limit {
            entry["quotaLimits"] = json!({"status": "rejected", "resetsAt": seconds});
        }
        self.chained(entry).map(drop)
    }

    /// A turn came to its normal end.
    pub(crate) fn turn_duration(&mut self, ms: u64) -> Result<()> {
        let entry = json!({"type": "system", "subtype": "turn_duration", "durationMs": ms});
        self.chained(entry).map(drop)
    }

    /// A hook refused a prompt. Returns what is said of it.
    pub(crate) fn refused(&mut self, words: &str, prompt: &str) -> Result<String> {
        let told = format!(
            "UserPromptSubmit operation blocked by hook:\n[hook]: {words}\n\n\nOriginal prompt: {prompt}"
        );
        let ending =
            json!({"ending": {"kind": "blocked_by_hook", "reason": words}, "promptKept": false});
        let entry = json!({
            "type": "system",
            "subtype": "informational",
            "content": told,
            "preventContinuation": true,
            "promptSubmitEnding": ending,
        });
        self.chained(entry)?;
        Ok(told)
    }

    /// A prompt that was queued during a tool call went to the model with the tool's result.
    pub(crate) fn absorbed(&mut self, text: &str) -> Result<()> {
        let mut entry = self.queue_entry("remove", Some(text));
        entry["reason"] = json!("absorbed_mid_turn");
        self.write(&entry)?;
        let attachment = json!({"type": "queued_command", "prompt": text});
        self.chained(json!({"type": "attachment", "attachment": attachment})).map(drop)
    }

    /// `enqueue` and `popAll` name their prompt, `dequeue` does not.
    pub(crate) fn queue(&mut self, operation: &str, content: Option<&str>) -> Result<()> {
        self.write(&self.queue_entry(operation, content))
    }

    fn queue_entry(&self, operation: &str, content: Option<&str>) -> Value {
        let mut entry = json!({
            "type": "queue-operation",
            "operation": operation,
            "timestamp": time::rfc3339(time::now_ms()),
            "sessionId": self.session,
        });
        if let Some(content) = content {
            entry["content"] = json!(content);
        }
        entry
    }

    fn assistant(&mut self, block: &Value, stop_reason: &str) -> Result<String> {
        self.chained(json!({
            "type": "assistant",
            "message": {
                "id": format!("msg_{}", uuid::Uuid::new_v4().simple()),
                "type": "message",
                "role": "assistant",
                "model": self.model,
                "content": [block],
                "stop_reason": stop_reason,
                "usage": {"input_tokens": 1, "output_tokens": 1},
            },
        }))
    }

    /// Writes `entry` with the fields that chain it to the one before. Returns its id.
    fn chained(&mut self, entry: Value) -> Result<String> {
        let id = uuid::Uuid::new_v4().to_string();
        let mut whole = Map::new();
        whole.insert("parentUuid".into(), std::mem::replace(&mut self.parent, json!(id)));
        whole.insert("isSidechain".into(), json!(false));
        if let Value::Object(fields) = entry {
            whole.extend(fields);
        }
        whole.insert("uuid".into(), json!(id));
        whole.insert("timestamp".into(), json!(time::rfc3339(time::now_ms())));
        whole.insert("userType".into(), json!("external"));
        whole.insert("cwd".into(), json!(self.cwd));
        whole.insert("sessionId".into(), json!(self.session));
        whole.insert("version".into(), json!(VERSION));
        self.write(&Value::Object(whole))?;
        Ok(id)
    }

    fn write(&mut self, entry: &Value) -> Result<()> {
        if self.silent {
            return Ok(());
        }
        let line = format!("{entry}\n");
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                if let Some(folder) = self.path.parent() {
                    std::fs::create_dir_all(folder).at(folder)?;
                }
                let file = OpenOptions::new().read(true).append(true).create(true).open(&self.path);
                let file = none.insert(file.at(&self.path)?);
                // A crash may have left half a line: ours must not become a part of it.
                let size = file.metadata().at(&self.path)?.len();
                if !begins_line(file, size).at(&self.path)? {
                    file.write_all(b"\n").at(&self.path)?;
                }
                file
            }
        };
        let mut rest = line.as_bytes();
        if self.torn {
            let (head, tail) = rest.split_at(rest.len() / 2);
            file.write_all(head).at(&self.path)?;
            std::thread::sleep(Duration::from_millis(20));
            rest = tail;
        }
        file.write_all(rest).at(&self.path)
    }
}
