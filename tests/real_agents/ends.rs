//! The ends of an agent, and what outlives a turn: rows of the table in aimax-flag(1), on the real
//! agents. Nobody of ours watches; the next look must tell.

use std::fs;

use serde_json::Value;

use crate::agents::{Agent, Kind};
use crate::run::{command, end, run};
use crate::truth::Stage;
use crate::util::home::Home;
use crate::util::wait::{PATIENCE, wait_until};

/// That the files, `check` and `aimax-ls` say that the job failed, and so that the agent is in `state`.
#[track_caller]
fn has_failed(home: &Home, state: &str, reason: &str) {
    wait_until(PATIENCE, "the end of the job", || {
        run(home, "flag", &["check", "t"]).status != Some(124)
    });
    assert_eq!(run(home, "flag", &["check", "t"]).status, Some(1));
    let root = home.proj();
    let root = root.to_str().expect("a path");
    assert_eq!(run(home, "flag", &["check", "--root", root, "t"]).status, Some(1));
    let listed = run(home, "ls", &["t"]).records[0].clone();
    assert_eq!(listed["state"], state, "{listed}");
    let said = listed["reason"].as_str().expect("a reason");
    assert!(said.contains(reason), "{said}");
    println!("    {state}: {said}");
}

/// A person closes the window; somebody ends the tmux server; the machine starts anew.
fn gone(agent: Agent) {
    let stage = Stage::new(agent);
    stage.works("SLOW:60000 x");
    let window = stage.listed()["windowId"].as_str().expect("a window").to_owned();
    stage.home.tmux().run(["kill-window", "-t", &window]);
    has_failed(&stage.home, "dead", "the agent ended");

    run(&stage.home, "spawn", &["-b", agent.backend(), "-s", "t"]).record();
    stage.works("SLOW:60000 y");
    let flags = stage.home.proj().join(".imac/flags/t");
    let running = fs::read(flags.join("running.flag")).expect("a flag");
    let sessions = stage.home.home().join(".claude/sessions");
    let state = format!("{}.json", stage.listed()["pid"]);
    let state = (agent.kind == Kind::Claude)
        .then(|| (sessions.join(&state), fs::read(sessions.join(&state)).expect("its state")));
    stage.home.tmux().end();
    has_failed(&stage.home, "dead", "the agent ended");

    // As a machine that stops leaves them: the flag, and the state file of a process that is no more.
    fs::remove_file(flags.join("failed.flag")).expect("a failure");
    fs::write(flags.join("running.flag"), running).expect("a flag");
    if let Some((path, text)) = state {
        fs::write(path, text).expect("a state file");
    }
    assert_eq!(run(&stage.home, "flag", &["wait", "t", "--timeout", "9"]).status, Some(1));
    has_failed(&stage.home, "dead", "the agent ended");
    stage.model.release();
}

/// Nobody listens where the model was.
fn refused(agent: Agent) {
    let Stage { model, home } = Stage::new(agent);
    drop(model);
    run(&home, "paste", &["-s", "t", "-p", "anybody?"]).record();
    if agent.kind == Kind::Codex && agent.since("0.155.0") {
        // It waits for the network for ever.
        let waited = run(&home, "flag", &["wait", "t", "--timeout", "20"]);
        assert_eq!((waited.status, &waited.records[0]["state"]), (Some(124), &"working".into()));
        assert_eq!(run(&home, "ls", &["t"]).record()["state"], "working");
        run(&home, "paste", &["-s", "t", "--interrupt"]).record();
        has_failed(&home, "failed", "interrupted");
    } else {
        let reason = match agent.kind {
            Kind::Claude => "onnect",
            Kind::Codex => "without an answer",
        };
        has_failed(&home, "failed", reason);
    }
    run(&home, "kill", &["t"]).record();
}

/// The conversation is summed up: no job, and no end to one.
fn compacted(agent: Agent) {
    let stage = Stage::new(agent);
    stage.paste("one");
    assert_eq!(stage.waits().0, Some(0));
    let compact = run(&stage.home, "paste", &["-s", "t", "--command", "-p", "/compact"]);
    compact.record();
    assert!(!stage.is_running());
    assert_eq!(run(&stage.home, "flag", &["check", "t"]).status, Some(0));
    stage.paste("two");
    let (status, record) = stage.waits();
    assert_eq!(status, Some(0), "{record}");
    assert_eq!(stage.listed()["state"], "idle");
    run(&stage.home, "kill", &["t"]).record();
}

/// Another conversation is begun behind a turn that runs, and behind one that was stopped.
fn cleared(agent: Agent) {
    let stage = Stage::new(agent);
    stage.works("SLOW:3000 x");
    let waiting = command(&stage.home, "flag", &["wait", "t", "--timeout", "60"]).spawn();
    stage.key("/clear");
    stage.shows("/clear");
    stage.key("Enter");
    let waited = end(waiting.expect("aimax-flag"));
    assert_eq!((waited.status, &waited.records[0]["state"]), (Some(0), &Value::from("done")));
    stage.paste("two");
    assert_eq!(stage.waits().0, Some(0));
    run(&stage.home, "kill", &["t"]).record();
}

/// A sub-agent works, and so does the session. 2.1.330 is told of its end in a turn of its own.
fn delegated(agent: Agent) {
    let stage = Stage::new(agent);
    let begun = stage.home.proj().join("begun");
    let command = "touch begun; until test -e gate; do timeout 0.1 tail -f /dev/null; done";
    stage.paste(&format!("DELEGATE:TOOL:{command}"));
    wait_until(PATIENCE, "the sub-agent's tool", || begun.exists());
    assert_eq!(run(&stage.home, "flag", &["check", "t"]).status, Some(124));
    assert_eq!(stage.listed()["state"], "working");
    let turns = stage.model.turn_ended_at().len();
    fs::write(stage.home.proj().join("gate"), "").expect("the gate");
    assert!(stage.model.wait_turns(PATIENCE, turns + 2), "the sub-agent's end, and the agent's");
    assert_eq!(stage.waits().0, Some(0));
    wait_until(PATIENCE, "rest", || stage.listed()["state"] == "idle");
    assert_eq!(run(&stage.home, "flag", &["check", "t"]).status, Some(0));
    run(&stage.home, "kill", &["t"]).record();
}

/// A command runs on behind the turn. When it ends, the agent begins a turn by itself.
fn background(agent: Agent) {
    let stage = Stage::new(agent);
    let gate = stage.home.proj().join("gate");
    stage.paste("BACKGROUND:until test -e gate; do timeout 0.1 tail -f /dev/null; done");
    assert_eq!(stage.waits().0, Some(0), "the agent takes prompts again");
    assert_eq!(stage.listed()["state"], "idle");
    stage.paste("meanwhile");
    assert_eq!(stage.waits().0, Some(0));
    let turns = stage.model.turn_ended_at().len();
    fs::write(gate, "").expect("the gate");
    assert!(stage.model.wait_turns(PATIENCE, turns + 1), "a turn of its own");
    wait_until(PATIENCE, "rest", || stage.listed()["state"] == "idle");
    assert_eq!(run(&stage.home, "flag", &["check", "t"]).status, Some(0));
    run(&stage.home, "kill", &["t"]).record();
}

/// The agent cleans its folder within the turn, flags and all.
fn cleaned(agent: Agent) {
    let stage = Stage::new(agent);
    let [begun, gate] = ["begun", "gate"].map(|file| stage.home.proj().join(file));
    stage.paste(
        "TOOL:git init -q; git clean -fdxq; touch begun; until test -e gate; do timeout 0.1 tail -f /dev/null; done",
    );
    wait_until(PATIENCE, "a clean folder", || begun.exists());
    assert_eq!(run(&stage.home, "flag", &["check", "t"]).status, Some(124));
    assert!(stage.is_running());
    fs::write(gate, "").expect("the gate");
    assert_eq!(stage.waits().0, Some(0));
    assert!(!stage.is_running());
    run(&stage.home, "kill", &["t"]).record();
}

on_agents!(gone, refused, compacted, cleaned: claude_old, claude_new, codex_old, codex_new);

// What Codex does not know, or, as for `/clear`, not while a turn runs.
on_agents!(background, delegated, cleared: claude_old, claude_new);
