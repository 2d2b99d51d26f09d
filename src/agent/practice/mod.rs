//! The adapter of the practice agent: Claude Code's, with other files.

use std::path::{Path, PathBuf};

use super::{
    Agent, AgentPaths, Comparison, Conversation, Facts, Launch, LaunchRequest, Marks, Status, Told,
    Typing,
    claude::{self, Claude, log, state_file::StateFiles},
};
use crate::{
    config::{Config, Fallback::Below, OURS, Setting},
    error::Result,
    tmux::{Enter, Pane},
    transcript::{event::Event, usage::Used},
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
    kept_paths: &["practice_home"],
    marks: Marks::NONE,
    queued_changes: &[],
    ..claude::FACTS
};

fn home(paths: &AgentPaths) -> &Path {
    paths.get("practice_home")
}

fn files(paths: &AgentPaths) -> StateFiles {
    let (home, named) = (home(paths).to_owned(), false);
    StateFiles { projects: home.join("projects"), home, named }
}

impl Agent for Practice {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, config: &Config, request: &LaunchRequest) -> Result<Launch> {
        let mut argv = config.own_program("practice-agent")?;
        argv.extend(["--home".into(), home(&request.paths).as_os_str().to_owned()]);
        let (args, conversation) =
            claude::session_args(&files(&request.paths), request, Vec::new())?;
        argv.extend(args);
        argv.extend(request.rest.iter().cloned());
        Ok(Launch { argv, conversation: Some(conversation), ..Launch::default() })
    }

    claude::told_by_state_files!();

    fn objection(&self, prompt: &str) -> Option<String> {
        Claude.objection(prompt).filter(|_| !prompt.starts_with('!'))
    }

    fn taken_for_image(&self, prompt: &str) -> Option<String> {
        Claude.taken_for_image(prompt)
    }

    fn typing(&self, prompt: &str, command: bool) -> Typing {
        // Its misbehaviour, if any, comes between the paste and Enter.
        Typing { enter: Enter::Later, ..Claude.typing(prompt, command) }
    }

    fn parse_record(&self, record: &[u8]) -> Vec<Event> {
        log::parse_record(record)
    }

    fn used(&self, line: &[u8]) -> Vec<Used> {
        Claude.used(line)
    }

    fn compare(&self, sent: &str, recorded: &str) -> Comparison {
        log::compare(sent, recorded)
    }
}
