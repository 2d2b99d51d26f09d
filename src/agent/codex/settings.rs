//! The settings that only concern Codex.

use std::path::{Path, PathBuf};

use crate::{
    agent::AgentPaths,
    config::{Fallback::Below, Setting},
};

pub(super) const SETTINGS: &[Setting] = &[
    Setting::path(3, "codex_home", Below("home", ".codex"))
        .named(&["AIMAX_CODEX_HOME", "TMUX_AGENTS_CODEX_HOME", "CODEX_HOME"])
        .for_hooks()
        .about("Codex's own folder"),
    Setting::hub(5, "codex_hub", "imac_codex_agent_hub")
        .about("the tmux session of the Codex windows"),
    Setting::path(10, "codex_config", Below("codex_home", "config.toml"))
        .about("Codex's own configuration, which is never edited"),
    Setting::path(11, "codex_state_db", Below("codex_home", "state_5.sqlite"))
        .about("Codex's index of its threads"),
    Setting::path(12, "codex_sessions_dir", Below("codex_home", "sessions"))
        .for_hooks()
        .about("where Codex writes transcripts"),
    Setting::text(13, "codex_default_model").about("the model for Codex if `-m` is not given"),
    Setting::path(14, "rightcode_env_file", Below("codex_home", "secrets/rightcode.env"))
        .about("variables for Codex, sourced before it starts"),
];

pub(super) const KEPT_PATHS: &[&str] =
    &["codex_home", "codex_state_db", "codex_sessions_dir", "rightcode_env_file"];

pub(super) fn home(paths: &AgentPaths) -> &Path {
    paths.get("codex_home")
}

pub(super) fn index(paths: &AgentPaths) -> &Path {
    paths.get("codex_state_db")
}

pub(super) fn sessions(paths: &AgentPaths) -> &Path {
    paths.get("codex_sessions_dir")
}

/// See codex/FACTS.md, "Thread and files".
pub(super) fn archive(paths: &AgentPaths) -> PathBuf {
    home(paths).join("archived_sessions")
}

pub(super) fn secrets(paths: &AgentPaths) -> &Path {
    paths.get("rightcode_env_file")
}

/// The folder of the locks that processes hold on their threads.
pub(super) fn locks(paths: &AgentPaths) -> PathBuf {
    home(paths).join("thread-writer-locks")
}
