//! Interrupts in every state, and at any moment, that the agents survive.

use std::time::Duration;

use serde_json::{Value, json};

use crate::agents::{Agent, Kind, Trust};
use crate::run::{Ran, run};
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::wait::{PATIENCE, wait_for, wait_until};

fn state(home: &Home) -> Value {
    run(home, "ls", &["i"]).record()["state"].clone()
}

fn interrupt(home: &Home) -> Ran {
    run(home, "paste", &["-s", "i", "--interrupt", "--timeout", "6"])
}

/// The verdict; that of a program that failed too.
fn verdict(ran: &Ran) -> String {
    ran.records[0]["verdict"].as_str().expect("a verdict").to_owned()
}

fn idle(home: &Home) {
    wait_for(PATIENCE, "an idle session", |saw| {
        *saw = run(home, "ls", &["i"]).records[0].to_string();
        matches!(state(home).as_str(), Some("idle" | "failed")).then_some(())
    });
}

fn is_running(home: &Home) -> bool {
    home.proj().join(".imac/flags/i/running.flag").exists()
}

/// How often the transcript says that a turn was stopped.
fn marks(home: &Home) -> usize {
    let listed = run(home, "ls", &["i"]).record().clone();
    let Some(path) = listed["jsonlPath"].as_str() else { return 0 };
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.matches("[Request interrupted by user").count() + text.matches("\"turn_aborted\"").count()
}

fn every_state(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let spawned = run(&home, "spawn", &["-b", agent.backend(), "-s", "i", "-p", "one"]);
    let pane = spawned.record()["paneId"].as_str().expect("a pane").to_owned();
    idle(&home);

    // Nothing to stop.
    assert_eq!(interrupt(&home).record()["verdict"], "idle");
    // Somebody's draft stays as it is.
    home.tmux().run(["send-keys", "-l", "-t", &pane, "a draft"]);
    home.tmux().wait_text(&pane, "a draft");
    assert_eq!(interrupt(&home).record()["verdict"], "idle");
    assert!(home.tmux().capture(&pane).contains("a draft"));
    let refused = run(&home, "paste", &["-s", "i", "-p", "merged?"]);
    assert_eq!(refused.status, Some(3), "{refused:#?}");
    let cleared = run(&home, "paste", &["-s", "i", "--replace-draft", "-p", "instead"]);
    assert_eq!(cleared.record()["verdict"], "submitted");
    idle(&home);
    assert!(model.wait_prompt(PATIENCE, "instead"), "{:?}", model.prompts());

    // No token yet.
    let before = marks(&home);
    run(&home, "paste", &["-s", "i", "-p", "HANG here"]).record();
    assert!(model.wait_prompt(PATIENCE, "HANG here"));
    assert_eq!(interrupt(&home).record()["verdict"], "interrupted");
    assert!(!is_running(&home));
    idle(&home);

    // A command runs.
    run(&home, "paste", &["-s", "i", "-p", "TOOL:for i in 1 2 3 4 5 6 7 8 9; do sleep 1; done"])
        .record();
    wait_until(PATIENCE, "the call in the transcript", || {
        let events = run(&home, "tail", &["-s", "i", "--events"]).records;
        events.iter().any(|event| event["kind"] == "tool_call")
    });
    assert_eq!(interrupt(&home).record()["verdict"], "interrupted");
    idle(&home);
    assert!(marks(&home) > before && !is_running(&home));

    // While an answer streams.
    run(&home, "paste", &["-s", "i", "-p", "SLOW:9000 answer"]).record();
    home.tmux().wait_text(&pane, "slow 3");
    assert_eq!(interrupt(&home).record()["verdict"], "interrupted");
    assert!(!is_running(&home));
    idle(&home);
    wait_until(PATIENCE, "the flag goes", || {
        state(&home);
        !is_running(&home)
    });

    // Another prompt in its place.
    run(&home, "paste", &["-s", "i", "-p", "HANG again"]).record();
    let args = ["-s", "i", "--interrupt", "-p", "the new one"];
    assert_eq!(run(&home, "paste", &args).record()["verdict"], "submitted");
    assert!(model.wait_prompt(PATIENCE, "the new one"), "{:?}", model.prompts());
    run(&home, "flag", &["wait", "i", "--timeout", "60"]).record();

    if agent.kind == Kind::Claude {
        // What was queued does not go on by itself.
        run(&home, "paste", &["-s", "i", "-p", "SLOW:60000 first"]).record();
        home.tmux().wait_text(&pane, "slow 3");
        let queued = run(&home, "paste", &["-s", "i", "-p", "SLOW:60000 second"]);
        assert_eq!(queued.record()["verdict"], "queued");
        assert_eq!(interrupt(&home).record()["verdict"], "interrupted");
        idle(&home);
        assert!(!is_running(&home));
    }
    let alive = run(&home, "paste", &["-s", "i", "-p", "alive?"]).record().clone();
    assert_eq!(alive["verdict"], "submitted");
    assert!(model.wait_prompt(PATIENCE, "alive?"));
    run(&home, "kill", &["i"]).record();
    model.check();
}

/// Interrupts, each at another moment of a turn: 25, or as many as `AIMAX_INTERRUPTS` says.
fn any_moment(agent: Agent) {
    let count = std::env::var("AIMAX_INTERRUPTS").map_or(25, |n| n.parse().expect("a number"));
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    run(&home, "spawn", &["-b", agent.backend(), "-s", "i", "-p", "begin"]).record();
    let mut verdicts = std::collections::BTreeMap::<String, usize>::new();
    for n in 0..count {
        let prompt = format!("SLOW:1500 {n}");
        let args = ["-s", "i", "--when", "idle", "-p", &prompt];
        let sent = run(&home, "paste", &args);
        assert_eq!(sent.status, Some(0), "{n}: {sent:#?}");
        // From the first moment of the turn to some time after its end.
        std::thread::sleep(Duration::from_millis((n * 709) % 1900));
        let ran = run(&home, "paste", &["-s", "i", "--interrupt", "--timeout", "3"]);
        *verdicts.entry(verdict(&ran)).or_default() += 1;
        assert_eq!(ran.status, Some(0), "{n}: {ran:#?}");
    }
    println!("{agent:?}: {count} interrupts, {verdicts:?}");
    let last = run(&home, "paste", &["-s", "i", "--when", "idle", "-p", "alive?"]).record().clone();
    assert_eq!(last["verdict"], "submitted");
    assert!(model.wait_prompt(PATIENCE, "alive?"), "{:?}", model.prompts());
    run(&home, "flag", &["wait", "i", "--timeout", "60"]).record();
    assert_eq!(state(&home), json!("idle"));
    run(&home, "kill", &["i"]).record();
    model.check();
}

// The old Codex is left out: it takes no Escape while whole lines of an answer stream.
on_agents!(every_state, any_moment: claude_old, claude_new, codex_new);
