//! The settings that only concern Claude Code.

use std::path::Path;

use crate::{
    agent::AgentPaths,
    config::{Fallback::Below, Setting},
};

pub(super) const SETTINGS: &[Setting] = &[
    Setting::hub(4, "claude_hub", "imac_claude_code_agent_hub")
        .about("the tmux session of the Claude Code windows"),
    Setting::path(6, "claude_home", Below("home", ".claude"))
        .named(&["CLAUDE_CONFIG_DIR"])
        .for_hooks()
        .about("Claude Code's own folder"),
    Setting::path(7, "claude_config", Below("home", ".claude.json"))
        .about("Claude Code's own configuration, which is never edited"),
    Setting::path(8, "claude_settings", Below("claude_home", "settings.api.json"))
        .about("settings to merge into those given to Claude Code"),
    Setting::path(9, "claude_projects_dir", Below("claude_home", "projects"))
        .for_hooks()
        .about("where Claude Code writes transcripts"),
];

pub(super) const KEPT_PATHS: &[&str] = &["claude_home", "claude_settings", "claude_projects_dir"];

pub(super) fn home(paths: &AgentPaths) -> &Path {
    paths.get("claude_home")
}

pub(super) fn callers_settings(paths: &AgentPaths) -> &Path {
    paths.get("claude_settings")
}

pub(super) fn projects(paths: &AgentPaths) -> &Path {
    paths.get("claude_projects_dir")
}
