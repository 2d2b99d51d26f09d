//! Makes the fixtures of an agent's version, and tells how an agent differs from them.
//!
//! `AIMAX_BLESS=1 cargo test --test real_agents record -- --test-threads=1` writes those of the oldest and
//! the newest verified versions anew; `AIMAX_RECORD=claude@2.1.332,codex@0.169.0` chooses others, and
//! `AIMAX_FIXTURES` another folder. Without `AIMAX_BLESS=1` a few are recorded and compared with those
//! that are there.

mod clean;
mod fixtures;
mod scenes;
mod stage;
mod tables;

use std::collections::BTreeMap;
use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::time::Instant;

use aimax::Config;
use aimax::internal::{Backend, Profile};

use crate::agents::{self, Agent};
use crate::util::{model::Model, versions};
use scenes::{SCENES, Scene};
use stage::Stage;

/// What is recorded to see that the recorder works and the agent is the same: cheap, and telling.
const FEW: [&str; 5] = ["plain", "ready", "trust", "draft", "working"];

/// All that was recorded of one agent.
#[derive(Default)]
struct Recording {
    transcripts: BTreeMap<&'static str, String>,
    screens: BTreeMap<&'static str, Shot>,
}

/// A screen, and what its row in the README says.
#[derive(Clone, Debug, Default, PartialEq)]
struct Shot {
    plain: String,
    styled: String,
    cursor: (usize, usize),
    flag: bool,
    alternate: bool,
    title: String,
    status: String,
}

/// Where all fixtures are.
fn root() -> PathBuf {
    env::var_os("AIMAX_FIXTURES").map_or_else(versions::fixtures, PathBuf::from)
}

/// The folder of an agent's version, below [`root`].
fn folder(agent: Agent) -> String {
    format!("{}/{}", agent.program(), agent.version)
}

fn profile(agent: Agent) -> Profile {
    let backend = Backend::parse(agent.backend()).expect("a backend");
    let (name, built_in) = backend.facts().profile;
    let config = Config::from_vars(Vec::new()).expect("a configuration");
    Profile::load(&config, name, built_in).expect("the profile parses")
}

/// The agents to record: `AIMAX_RECORD`, else the oldest and the newest verified ones.
fn agents() -> Vec<Agent> {
    let Ok(chosen) = env::var("AIMAX_RECORD") else { return agents::all() };
    Agent::named(&chosen)
}

/// Plays the scenes that record something of `wanted`, each up to the last of it. An error is all that
/// could not be recorded: then there is no recording, so that nobody takes a part for the whole.
fn record(agent: Agent, wanted: impl Fn(&str) -> bool) -> Result<Recording, String> {
    agent.install();
    let mut into = Recording::default();
    let mut failed = Vec::new();
    for scene in SCENES.iter().filter(|scene| scene.concerns(agent)) {
        let is_wanted = |step: &scenes::Step| step.name().is_some_and(&wanted);
        let Some(last) = scene.steps.iter().rposition(is_wanted) else { continue };
        let begun = Instant::now();
        let played = panic::catch_unwind(AssertUnwindSafe(|| play(agent, scene, last, &mut into)));
        let names: Vec<&str> = scene.names().collect();
        println!("{agent:?}: {names:?}: {:.1} s", begun.elapsed().as_secs_f32());
        if let Err(panic) = played {
            let reason = panic.downcast_ref::<String>().map(String::as_str);
            let reason = reason.or_else(|| panic.downcast_ref::<&str>().copied());
            failed.push(format!("{names:?}: {}", reason.unwrap_or("a panic without a text")));
        }
    }
    match failed.is_empty() {
        true => Ok(into),
        false => Err(format!("{agent:?}: not recorded:\n{}", failed.join("\n"))),
    }
}

fn play(agent: Agent, scene: &Scene, last: usize, into: &mut Recording) {
    let model = Model::start();
    let home = stage::home(agent, &model, scene.setup);
    let mut stage = Stage::open(agent, &model, &home, scene.setup);
    for step in &scene.steps[..=last] {
        stage.play(step, into);
    }
    model.check();
}

#[test]
fn agents_are_as_recorded() {
    let is_blessed = env::var_os("AIMAX_BLESS").is_some_and(|value| value == "1");
    let mut wrong = Vec::new();
    for agent in agents() {
        let begun = Instant::now();
        let new = match record(agent, |name| is_blessed || FEW.contains(&name)) {
            Ok(new) => new,
            Err(failed) => {
                wrong.push(failed);
                continue;
            }
        };
        println!("{agent:?}: recorded within {:.1} s", begun.elapsed().as_secs_f32());
        let old = fixtures::newest(agent).expect("fixtures of this agent");
        let found = fixtures::differences(agent, &old, &new);
        println!("{agent:?}: {} differences from {old}\n{}", found.len(), found.join("\n"));
        if is_blessed {
            fixtures::write(agent, &new);
        } else {
            wrong.extend(found);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
