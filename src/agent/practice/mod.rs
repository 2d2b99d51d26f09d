//! The adapter of the practice agent: Claude Code's, with other files.

use std::path::{Path, PathBuf};

use super::{
    Agent, Comparison, Conversation, Facts, Launch, LaunchRequest, Status, Typing,
    claude::{self, Claude, log, state_file::StateFiles},
};
use crate::{
    config::{Config, Fallback::Below, OURS, Setting},
    error::Result,
    tmux::{Enter, Pane},
    transcript::event::Event,
};

/// The practice agent.
pub(crate) struct Practice;

pub(crate) const FACTS: Facts = Facts {
    backend: "tmux-practice",
    state_prefix: "practice-",
    program: "aimax",
    package: None,
    profile: ("practice.json", include_str!("profile.json")),
    hub: |_| "imac_practice_agent_hub",
    settings: &[Setting::path(OURS, "practice_home", Below("data_dir", "practice"))
        .for_hooks()
        .about("the practice agent's own folder")],
    not_inherited: &[],
    queued_changes: &[],
    ..claude::FACTS
};

fn home(config: &Config) -> &Path {
    config.path_of("practice_home")
}

fn files(config: &Config) -> StateFiles {
    let (home, named) = (home(config).to_owned(), false);
    StateFiles { projects: home.join("projects"), home, named }
}

impl Agent for Practice {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, config: &Config, request: &LaunchRequest) -> Result<Launch> {
        let mut argv = config.own_program("practice-agent")?;
        argv.extend(["--home".into(), home(config).as_os_str().to_owned()]);
        let (args, conversation) = claude::session_args(&files(config), request, Vec::new())?;
        argv.extend(args);
        argv.extend(request.rest.iter().cloned());
        Ok(Launch { argv, conversation: Some(conversation), ..Launch::default() })
    }

    fn status(&self, config: &Config, pane: &Pane) -> Result<Status> {
        files(config).status(pane.pid)
    }

    fn status_without_sign(&self, pane: &Pane, transcript: &Path) -> Result<Option<Status>> {
        Claude.status_without_sign(pane, transcript)
    }

    fn watch_paths(&self, config: &Config, pane: &Pane) -> Vec<PathBuf> {
        files(config).watch_paths(pane.pid)
    }

    fn conversation(&self, config: &Config, pane: &Pane) -> Result<Option<Conversation>> {
        files(config).conversation(pane.pid)
    }

    fn objection(&self, prompt: &str) -> Option<String> {
        Claude.objection(prompt).filter(|_| !prompt.starts_with('!'))
    }

    fn typing(&self, prompt: &str, command: bool) -> Typing {
        // Its misbehaviour, if any, comes between the paste and Enter.
        Typing { enter: Enter::Later, ..Claude.typing(prompt, command) }
    }

    fn parse_line(&self, line: &[u8]) -> Vec<Event> {
        log::parse_line(line)
    }

    fn compare(&self, sent: &str, recorded: &str) -> Comparison {
        log::compare(sent, recorded)
    }
}
