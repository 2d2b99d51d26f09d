//! One schema for the events in a transcript, whichever agent wrote it.
//!
//! An agent reads each of its lines into [`Event`]s. The rest of the package knows only these.

use serde::Serialize;

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A prompt was given to the model.
    Prompt,
    /// A command of the agent's own was run, such as `/compact` or `!ls`. Records call it `other`.
    #[serde(rename = "other")]
    Command,
    /// A prompt was queued for later.
    Queued,
    /// A queued prompt was taken up: a [`EventKind::Prompt`] follows, or a command runs. Only the
    /// ledger of open work needs this; records call it `other`.
    #[serde(rename = "other")]
    Taken,
    /// All queued prompts went back into the input box. Records call it `other`.
    #[serde(rename = "other")]
    TakenBack,
    /// The assistant said something.
    Text,
    /// The assistant thought.
    Thinking,
    /// The assistant called a tool.
    ToolCall,
    /// A tool answered.
    ToolResult,
    /// A turn began.
    TurnStart,
    /// The agent goes on by itself, now that a usage limit has ended. Records call it `turn_start`.
    #[serde(rename = "turn_start")]
    Resumed,
    /// A turn ended by itself.
    TurnEnd,
    /// A turn ended without an answer: right for a command, an error for a prompt. A single line
    /// does not show which, so records call it `turn_end`.
    #[serde(rename = "turn_end")]
    Unanswered,
    /// A turn was stopped by a key.
    Interrupted,
    /// A turn ended in an error.
    Error,
    /// Tokens were counted.
    Usage,
    /// Anything else.
    Other,
}

impl EventKind {
    /// All names in the records.
    pub(crate) const NAMES: &[&str] = &[
        "prompt",
        "queued",
        "text",
        "thinking",
        "tool_call",
        "tool_result",
        "turn_start",
        "turn_end",
        "interrupted",
        "error",
        "usage",
        "other",
    ];
}

/// An event in a transcript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Its kind.
    pub kind: EventKind,
    /// The agent's own name for the line: `system/turn_duration`, `event_msg/task_started`.
    #[serde(rename = "type")]
    pub name: String,
    /// Its time, in epoch milliseconds, if the line has one.
    pub time: Option<u64>,
    /// The text of a prompt, an answer, a tool or an error.
    pub text: String,
    /// Its turn, where the agent's turns have ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<String>,
    /// Whether a prompt was not typed now: it was queued before, or is the agent's own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub queued: bool,
    /// Whether it belongs to a sub-agent whose records stand in the session's own transcript. Its
    /// prompts and ends are [`EventKind::Other`].
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sidechain: bool,
    /// Why the turn ended, or why there was none, where that has a name: `usage_limit`, or `hook` of a
    /// prompt that a hook refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// When a usage limit that was reached ends, in epoch milliseconds.
    #[serde(rename = "resetsAt", skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<u64>,
    /// Of a turn's end, where the agent says so: whether sub-agents of it still work, whose reports
    /// begin another turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<bool>,
    /// What began the prompt's turn, where nobody typed it: the agent's own word for it (`peer` for
    /// another session, `task-notification` for work in the background, `goal`), or `schedule` for a
    /// timer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Whether a prompt was given to a turn that ran already.
    #[serde(skip)]
    pub joins: bool,
    /// The sub-agent that a tool's result launched, to work beside the turn, or the work in the
    /// background that a notice reports of.
    #[serde(skip)]
    pub task: Option<String>,
    /// How many images a prompt has; not those of one that was only queued.
    #[serde(skip)]
    pub images: usize,
    /// Whether the agent may record the same again, in a record of another name.
    #[serde(skip)]
    pub twice: bool,
}

/// The origin of a turn that a timer began, for which the agent has no word.
pub(crate) const SCHEDULE: &str = "schedule";

/// The reason of a prompt that a hook of the user's did not let through to the model.
pub(crate) const REFUSED: &str = "hook";

/// The reason of a turn that ended because what the account may use is used up.
pub(crate) const USAGE_LIMIT: &str = "usage_limit";

impl Event {
    /// An event without a turn.
    pub fn new(kind: EventKind, time: Option<u64>, text: impl Into<String>) -> Self {
        Event {
            kind,
            name: String::new(),
            time,
            text: text.into(),
            turn: None,
            queued: false,
            sidechain: false,
            reason: None,
            resets_at: None,
            pending: None,
            origin: None,
            joins: false,
            task: None,
            images: 0,
            twice: false,
        }
    }

    /// The same with the agent's own name for the line: the existing `parts`, joined by `/`.
    pub fn named(mut self, parts: &[Option<&str>]) -> Self {
        self.name.clear();
        for (n, part) in parts.iter().flatten().enumerate() {
            self.name.push_str(if n > 0 { "/" } else { "" });
            self.name.push_str(part);
        }
        self
    }
}
