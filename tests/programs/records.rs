//! The records, strictly: a field that is new, gone or of another type fails the test that reads it.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The machine's name, as each record of a session has it.
pub(crate) fn host() -> String {
    let name = std::process::Command::new("uname").arg("-n").output();
    String::from_utf8_lossy(&name.expect("uname").stdout).trim().to_owned()
}

/// Null is a value here, and a missing field is none.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(from)
}

/// `aimax-spawn` without a prompt.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Ready {
    pub(crate) session_id: String,
    pub(crate) backend: String,
    pub(crate) host: String,
    pub(crate) agent_session_id: String,
    pub(crate) jsonl_path: PathBuf,
    pub(crate) started_at: u64,
    pub(crate) pid: u32,
    pub(crate) window_id: String,
    pub(crate) pane_id: String,
}

/// `aimax-spawn` with a prompt. There is a reason only when the prompt is not proven.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Spawned {
    pub(crate) session_id: String,
    pub(crate) backend: String,
    pub(crate) host: String,
    pub(crate) agent_session_id: String,
    pub(crate) jsonl_path: PathBuf,
    pub(crate) started_at: u64,
    pub(crate) pid: u32,
    pub(crate) window_id: String,
    pub(crate) pane_id: String,
    pub(crate) verdict: String,
    pub(crate) offset: u64,
    pub(crate) queued: bool,
    pub(crate) normalized: Vec<String>,
    pub(crate) reason: Option<String>,
}

/// `aimax-paste`: proven.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Proven {
    pub(crate) session_id: String,
    pub(crate) backend: String,
    pub(crate) host: String,
    pub(crate) verdict: String,
    pub(crate) offset: u64,
    pub(crate) queued: bool,
    pub(crate) normalized: Vec<String>,
}

/// `aimax-paste`: not proven.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Unproven {
    pub(crate) session_id: String,
    pub(crate) backend: String,
    pub(crate) host: String,
    pub(crate) verdict: String,
    pub(crate) offset: u64,
    pub(crate) queued: bool,
    pub(crate) normalized: Vec<String>,
    pub(crate) reason: String,
}

/// A choice of a question.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Choice {
    pub(crate) key: String,
    pub(crate) label: String,
}

/// `aimax-ls`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Listed {
    pub(crate) session_id: String,
    pub(crate) backend: String,
    pub(crate) host: String,
    pub(crate) state: String,
    pub(crate) agent_session_id: String,
    #[serde(deserialize_with = "present")]
    pub(crate) pid: Option<u32>,
    pub(crate) cwd: PathBuf,
    pub(crate) jsonl_path: PathBuf,
    pub(crate) started_at: u64,
    #[serde(deserialize_with = "present")]
    pub(crate) window_id: Option<String>,
    #[serde(deserialize_with = "present")]
    pub(crate) display_name: Option<String>,
    pub(crate) waiting_for: Option<String>,
    pub(crate) question: Option<String>,
    pub(crate) choices: Option<Vec<Choice>>,
    pub(crate) reason: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) resets_at: Option<u64>,
    pub(crate) retrying: Option<bool>,
    pub(crate) shows: Option<String>,
    pub(crate) background: Option<usize>,
}

/// `aimax-flag wait`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Job {
    pub(crate) session_id: String,
    pub(crate) backend: String,
    pub(crate) host: String,
    pub(crate) state: String,
    pub(crate) waiting_for: Option<String>,
    pub(crate) question: Option<String>,
    pub(crate) choices: Option<Vec<Choice>>,
    pub(crate) reason: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) resets_at: Option<u64>,
    pub(crate) background: Option<usize>,
}

/// `aimax-flag path`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Paths {
    pub(crate) session_id: String,
    pub(crate) backend: String,
    pub(crate) host: String,
    pub(crate) running: PathBuf,
    pub(crate) failed: PathBuf,
}

/// `aimax-kill`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Killed {
    pub(crate) session_id: String,
    pub(crate) backend: String,
    pub(crate) host: String,
    pub(crate) killed: bool,
    pub(crate) was_working: bool,
}

/// `aimax-tail --offsets`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Wrapped {
    #[serde(deserialize_with = "present")]
    pub(crate) session_id: Option<String>,
    pub(crate) backend: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) offset: u64,
    pub(crate) next: u64,
    pub(crate) entry: Value,
}
