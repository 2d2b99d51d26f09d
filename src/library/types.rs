//! What the operations take and return.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    agent::Backend,
    error::{Error, Result},
    session::{Session, Snapshot, StartOptions, State, Verdict},
    transcript::{event::Event, lines::Line},
};

/// A prompt for a session, and how to start the session if it does not run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// The session's name.
    pub session_id: String,
    /// The prompt.
    pub prompt: String,
    /// The folder to work in, which [`create`](super::AgentBackend::create) needs; by default that
    /// of the session's last start.
    pub cwd: Option<PathBuf>,
    /// The folder that holds the flags, if not `cwd`.
    pub flag_root: Option<PathBuf>,
    /// The model; the agent's own choice by default.
    pub model: Option<String>,
    /// A label for people.
    pub display_name: Option<String>,
    /// Whether to run behind the proxy; by default as the administrator has set.
    pub use_proxy: Option<bool>,
    /// The agent's own id of a conversation to go on with.
    pub agent_session_id: Option<String>,
}

impl Request {
    /// This prompt for the session of this name.
    pub fn new(session_id: impl Into<String>, prompt: impl Into<String>) -> Self {
        Request {
            session_id: session_id.into(),
            prompt: prompt.into(),
            cwd: None,
            flag_root: None,
            model: None,
            display_name: None,
            use_proxy: None,
            agent_session_id: None,
        }
    }

    /// The same with the folder to work in.
    #[must_use]
    pub fn in_folder(self, cwd: impl Into<PathBuf>) -> Self {
        Request { cwd: Some(cwd.into()), ..self }
    }

    /// What it says about a start.
    pub(crate) fn start_options(&self) -> StartOptions {
        StartOptions {
            cwd: self.cwd.clone(),
            flag_root: self.flag_root.clone(),
            model: self.model.clone(),
            display_name: self.display_name.clone(),
            use_proxy: self.use_proxy,
            resume: self.agent_session_id.clone(),
            ..StartOptions::default()
        }
    }
}

/// A session that has its first prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Created {
    /// The session's name.
    pub session_id: String,
    /// The agent's own id of the conversation.
    pub agent_session_id: Option<String>,
    /// The transcript.
    pub jsonl_path: Option<PathBuf>,
    /// When it was started, in epoch milliseconds.
    pub started_at: Option<u64>,
    /// The first prompt.
    pub sent: Sent,
}

/// A prompt that is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// The session's name.
    pub session_id: String,
    /// [`Verdict::Submitted`], or [`Verdict::Queued`] when the agent takes it up later.
    pub verdict: Verdict,
    /// Where the transcript stood before it.
    pub offset: u64,
    /// The changes that the agent makes to every prompt and made to this one.
    pub normalized: Vec<Cow<'static, str>>,
    /// Whether the session was started for it.
    pub started: bool,
    /// Why it was not recorded, if a recorder failed.
    pub unrecorded: Option<Error>,
}

/// A session, at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// The session's name.
    pub session_id: String,
    /// What it is doing.
    pub state: State,
    /// The agent's own id of the conversation.
    pub agent_session_id: Option<String>,
    /// The folder that it works in.
    pub cwd: Option<PathBuf>,
    /// The transcript.
    pub jsonl_path: Option<PathBuf>,
    /// When it was started, in epoch milliseconds.
    pub started_at: Option<u64>,
    /// A label for people.
    pub display_name: Option<String>,
    /// Whether it was started behind the proxy.
    pub use_proxy: Option<bool>,
    /// The agent's process, while it runs.
    pub pid: Option<u32>,
    /// The tmux window, `@N`, while it is there.
    pub window_id: Option<String>,
}

impl SessionInfo {
    pub(crate) fn of(session: &Session, snapshot: &Snapshot) -> Self {
        let entry = &session.entry;
        let live = snapshot.pane.as_ref().filter(|pane| !pane.dead);
        SessionInfo {
            session_id: session.name.to_string(),
            state: snapshot.state(),
            agent_session_id: entry.agent_session_id().map(str::to_owned),
            cwd: entry.cwd().map(Path::to_owned),
            jsonl_path: entry.jsonl_path().map(Path::to_owned),
            started_at: entry.started_at(),
            display_name: entry.fields().get("displayName").and_then(Value::as_str).map(Into::into),
            use_proxy: session.entry.use_proxy(),
            pid: live.map(|pane| pane.pid),
            window_id: snapshot.pane.as_ref().map(|pane| pane.window.clone()),
        }
    }
}

/// A line of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// Where it begins.
    pub offset: u64,
    /// Where the next one begins: the offset to go on from.
    pub next: u64,
    /// Its bytes, as the agent wrote them, without the newline.
    pub line: Vec<u8>,
    backend: Backend,
}

impl Record {
    pub(crate) fn of(backend: Backend, line: Line<'_>) -> Self {
        Record { offset: line.offset, next: line.next, line: line.bytes.to_vec(), backend }
    }

    /// Its JSON.
    ///
    /// # Errors
    /// [`crate::error::Kind::System`] when it is not JSON: a killed agent may leave half a line.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.line)
            .map_err(|e| Error::system(format!("the record at {}", self.offset), e))
    }

    /// What it says, in one schema for all agents.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.backend.agent().parse_line(&self.line)
    }
}

/// A transcript as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct History {
    /// Its records, or the last ones of them.
    pub entries: Vec<Record>,
    /// How many there are in all.
    pub total: usize,
    /// Whether there are more than those in `entries`.
    pub truncated: bool,
    /// The offset of its end: where a [`ThoughtStream`](super::ThoughtStream) goes on.
    pub sentinel: u64,
}
