//! The practice agent as the rest of the package sees it: Claude Code with other files.

use std::{ffi::OsString, path::PathBuf};

use super::{
    Agent, Conversation, Launch, LaunchRequest, Status, Typing,
    claude::{self, log, state_file},
    own_program,
};
use crate::{
    config::Config,
    error::Result,
    fs,
    tmux::{Enter, Pane},
    transcript::event::{Event, EventKind},
};

/// The practice agent.
pub(crate) struct Practice;

impl Agent for Practice {
    fn program(&self) -> &'static str {
        "aimax"
    }

    fn profile(&self) -> (&'static str, &'static str) {
        ("practice.json", include_str!("profile.json"))
    }

    fn launch(&self, config: &Config, request: &LaunchRequest) -> Result<Launch> {
        let mut argv = own_program(config, "practice-agent")?;
        let path = request.run_dir.join("settings.json");
        let merged = claude::merged_settings(Vec::new(), &request.at_turn_end)?;
        fs::write_durable(&path, merged.to_string().as_bytes(), 0o600)?;
        argv.extend(["--settings".into(), path.into_os_string()]);
        argv.extend(["--home".into(), config.practice_home.clone().into_os_string()]);
        if let Some(model) = &request.model {
            argv.extend(["--model".into(), OsString::from(model)]);
        }
        let id = claude::conversation_id(&config.practice_home, request)?;
        argv.extend([claude::session_option(request), OsString::from(&id)]);
        argv.extend(request.rest.iter().cloned());
        let transcript = state_file::transcript(&projects(config), &id, &request.cwd);
        let conversation = Some(Conversation { id: Some(id), transcript: Some(transcript) });
        Ok(Launch { argv, conversation, ..Launch::default() })
    }

    fn status(&self, config: &Config, pane: &Pane) -> Result<Status> {
        state_file::status(&config.practice_home, pane.pid)
    }

    fn conversation(&self, config: &Config, pane: &Pane) -> Result<Option<Conversation>> {
        state_file::conversation(&config.practice_home, &projects(config), pane.pid)
    }

    fn watch_paths(&self, config: &Config, pane: &Pane) -> Vec<PathBuf> {
        vec![state_file::path(&config.practice_home, pane.pid)]
    }

    fn may_swallow_enter(&self) -> bool {
        true
    }

    fn objection(&self, prompt: &str) -> Option<String> {
        claude::objection(prompt).filter(|_| !prompt.starts_with('!'))
    }

    fn typing(&self, prompt: &str, command: bool) -> Typing {
        // What it is told to do wrong is done between the paste and Enter.
        Typing { enter: Enter::Later, ..claude::typing(prompt, command) }
    }

    fn clear_keys(&self) -> &'static [&'static str] {
        claude::CLEAR
    }

    fn ran_command(&self, command: &str, event: &Event) -> bool {
        event.kind == EventKind::Command && event.text == command
    }

    fn compare(
        &self,
        sent: &str,
        recorded: &str,
    ) -> std::result::Result<Vec<&'static str>, String> {
        log::compare(sent, recorded)
    }

    fn parse_line(&self, line: &[u8]) -> Vec<Event> {
        log::parse_line(line)
    }
}

fn projects(config: &Config) -> PathBuf {
    config.practice_home.join("projects")
}
