//! Questions that the agents ask in mid-session: listed as data, answered only when they are still
//! the same, and in nobody's way by accident.

use serde_json::Value;

use crate::agents::{Agent, Kind, Trust};
use crate::run::{Ran, run};
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::wait::{PATIENCE, wait_for, wait_until};

fn listed(home: &Home) -> Value {
    run(home, "ls", &["q"]).records[0].clone()
}

/// Waits until the session asks something, and gives what it asks.
fn asked(home: &Home) -> Value {
    wait_for(PATIENCE, "a question", |saw| {
        let now = listed(home);
        *saw = now.to_string();
        let has_choices = now["choices"].as_array().is_some_and(|choices| choices.len() > 1);
        (now["state"] == "waiting" && has_choices).then_some(now)
    })
}

fn idle(home: &Home) {
    wait_for(PATIENCE, "an idle session", |saw| {
        *saw = listed(home).to_string();
        matches!(listed(home)["state"].as_str(), Some("idle" | "failed")).then_some(())
    });
}

fn answer(home: &Home, key: &str, expected: &str) -> Ran {
    run(home, "paste", &["-s", "q", "--answer", key, "--expect", expected])
}

/// Nothing was pressed: it is refused, in these words.
fn refused(ran: &Ran, words: &str) {
    assert_eq!(ran.status, Some(3), "{ran:#?}");
    assert!(ran.said.contains(words), "{}", ran.said);
}

/// A prompt that makes the agent ask whether it may run `touch FILE`.
fn touch(agent: Agent, file: &str) -> String {
    match agent.kind {
        Kind::Claude => format!("TOOL:touch {file}"),
        Kind::Codex => format!("ESCALATE:touch {file}"),
    }
}

fn permission(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let (name, yes) = match agent.kind {
        Kind::Claude => ("permission", "Enter"),
        Kind::Codex => ("approval", "y"),
    };
    let args = ["-b", agent.backend(), "-s", "q", "--permissions", "ask"];
    run(&home, "spawn", &[&args[..], &["-p", &touch(agent, "first")]].concat()).record();

    let question = asked(&home);
    println!("{agent:?}: {} {}", question["waitingFor"], question["choices"]);
    assert_eq!(question["waitingFor"], name);
    assert!(
        question["choices"][0]["label"].as_str().is_some_and(|choice| choice.starts_with("Yes"))
    );
    // Enter would approve it: nothing is typed.
    let pasted = run(&home, "paste", &["-s", "q", "-p", "in between"]);
    assert_eq!(pasted.status, Some(5), "{pasted:#?}");
    assert_eq!(pasted.records[0]["verdict"], "blocked");
    assert!(pasted.said.contains(&format!("the {name} dialog is open")), "{}", pasted.said);
    refused(&answer(&home, yes, "trust"), &format!("the {name} dialog is open, not trust"));
    assert_eq!(asked(&home)["waitingFor"], name);
    assert!(!home.proj().join("first").exists());

    assert_eq!(answer(&home, yes, name).record()["verdict"], "answered");
    run(&home, "flag", &["wait", "q", "--timeout", "60"]).record();
    assert!(home.proj().join("first").exists(), "the command was allowed");
    refused(&answer(&home, yes, name), "no dialog is open");

    // Escape denies it and ends the turn.
    run(&home, "paste", &["-s", "q", "-p", &touch(agent, "second")]).record();
    asked(&home);
    let stopped = run(&home, "paste", &["-s", "q", "--interrupt"]);
    assert_eq!(stopped.record()["verdict"], "interrupted");
    idle(&home);
    assert!(!home.proj().join("second").exists(), "the command was not allowed");
    let failed = std::fs::read_to_string(home.proj().join(".imac/flags/q/failed.flag"));
    assert!(failed.expect("failed.flag").contains("reason=interrupted"));

    // With a new prompt in place of the question.
    run(&home, "paste", &["-s", "q", "-p", &touch(agent, "third")]).record();
    asked(&home);
    let pasted = run(&home, "paste", &["-s", "q", "--interrupt", "-p", "something else"]);
    assert_eq!(pasted.record()["verdict"], "submitted");
    assert!(model.wait_prompt(PATIENCE, "something else"), "{:?}", model.prompts());
    assert!(!model.prompts().iter().any(|got| got.contains("in between")));
    assert!(!home.proj().join("third").exists());
    run(&home, "kill", &["q"]).record();
    model.check();
}

/// A picker that a person left open takes no prompt.
fn picker(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let spawned = run(&home, "spawn", &["-b", agent.backend(), "-s", "q", "-p", "begin"]);
    let pane = spawned.record()["paneId"].as_str().expect("a pane").to_owned();
    idle(&home);
    home.tmux().run(["send-keys", "-l", "-t", &pane, "/model"]);
    home.tmux().wait_text(&pane, "/model");
    // The list of commands is drawn a little later, and Enter chooses from it.
    let opened = || home.tmux().capture(&pane).to_lowercase().contains("select model");
    let mut looks = 0;
    wait_until(PATIENCE, "the picker", || {
        looks += 1;
        if !opened() && looks % 50 == 25 {
            home.tmux().keys(&pane, &["Enter"]);
        }
        opened()
    });
    let question = asked(&home);
    println!("{agent:?}: {} {}", question["waitingFor"], question["choices"]);
    assert_eq!(question["waitingFor"], "model-picker");
    let shown = home.tmux().capture(&pane);
    let pasted = run(&home, "paste", &["-s", "q", "-p", "into the picker"]);
    println!("{agent:?}: {}", pasted.said.trim());
    assert_eq!(pasted.status, Some(5), "{pasted:#?}\n{shown}");
    assert!(pasted.said.contains("the model-picker dialog is open"), "{}\n{shown}", pasted.said);
    assert_eq!(home.tmux().capture(&pane), shown, "nothing was typed");
    assert_eq!(answer(&home, "Escape", "model-picker").record()["verdict"], "answered");
    idle(&home);
    let pasted = run(&home, "paste", &["-s", "q", "--wait-ready", "5", "-p", "behind the picker"]);
    assert_eq!(pasted.record()["verdict"], "submitted");
    assert!(model.wait_prompt(PATIENCE, "behind the picker"));
    run(&home, "kill", &["q"]).record();
    model.check();
}

on_agents!(permission, picker: claude_old, claude_new, codex_old, codex_new);
