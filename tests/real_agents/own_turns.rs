//! Turns that begin by themselves: nobody sent their prompt, so they are no part of a job.

use std::fs;

use serde_json::{Value, json};

use crate::agents::{Agent, Trust};
use crate::run::{command, end, run};
use crate::truth::Stage;
use crate::util::model::Model;
use crate::util::wait::{PATIENCE, wait_for, wait_until};

/// The events of the session's transcript that have an origin, as `kind origin`.
fn own_events(stage: &Stage) -> Vec<String> {
    let events = run(&stage.home, "tail", &["-s", "t", "--from", "0", "--events"]).records;
    let brief = |event: &Value| {
        let origin = event["origin"].as_str()?;
        Some(format!("{} {origin}", event["kind"].as_str().expect("a kind")))
    };
    events.iter().filter_map(brief).collect()
}

/// That the agent is idle, with one command in the background.
fn runs_one_and_is_not_quiet(stage: &Stage) {
    let listed = stage.listed();
    assert_eq!((&listed["state"], &listed["background"]), (&"idle".into(), &1.into()), "{listed}");
    let until = ["wait", "t", "--until", "quiet", "--timeout", "0.3"];
    let waited = run(&stage.home, "flag", &until);
    assert_eq!((waited.status, &waited.records[0]["state"]), (Some(124), &"working".into()));
    assert_eq!(run(&stage.home, "flag", &["check", "t"]).status, Some(0));
}

/// A terminal of Codex's in the background: it ends without a turn.
fn terminals(agent: Agent) {
    let stage = Stage::new(agent);
    stage.paste("BACKGROUND:until test -e gate; do timeout 0.1 tail -f /dev/null; done");
    assert_eq!(stage.waits().0, Some(0));
    runs_one_and_is_not_quiet(&stage);
    fs::write(stage.home.proj().join("gate"), "").expect("the gate");
    let waited = run(&stage.home, "flag", &["wait", "t", "--until", "quiet", "--timeout", "60"]);
    assert_eq!((waited.status, &waited.records[0]["state"]), (Some(0), &"quiet".into()));
    assert_eq!(stage.listed()["background"], 0);
    run(&stage.home, "kill", &["t"]).record();
}

/// A command in the background ends while a turn runs: the agent tells itself of it behind that turn.
fn own_turns(agent: Agent) {
    let stage = Stage::new(agent);
    let gate = stage.home.proj().join("gate");
    stage.paste("BACKGROUND:until test -e gate; do timeout 0.1 tail -f /dev/null; done");
    assert_eq!(stage.waits().0, Some(0));
    runs_one_and_is_not_quiet(&stage);
    stage.works("SLOW:4000 x");
    fs::write(gate, "").expect("the gate");
    let (status, record) = stage.waits();
    assert_eq!((status, &record["state"]), (Some(0), &"done".into()), "{record}");
    let events = wait_for(PATIENCE, "the agent's own turn", |saw| {
        let events = own_events(&stage);
        *saw = format!("{events:?}");
        events.contains(&"turn_end task-notification".to_owned()).then_some(events)
    });
    println!("    {agent:?}: {events:?}");
    let has = |event: &str| events.contains(&format!("{event} task-notification"));
    assert!(["queued", "prompt", "text"].into_iter().all(has), "{events:?}");
    assert!(!stage.is_running());

    // The same in an idle agent: it is quiet once that turn has ended.
    stage.paste("BACKGROUND:until test -e again; do timeout 0.1 tail -f /dev/null; done");
    assert_eq!(stage.waits().0, Some(0));
    runs_one_and_is_not_quiet(&stage);
    let ends = || own_events(&stage).iter().filter(|event| event.starts_with("turn_end")).count();
    let before = ends();
    let until = ["wait", "t", "--until", "quiet", "--timeout", "60"];
    let waiting = command(&stage.home, "flag", &until).spawn().expect("aimax-flag");
    fs::write(stage.home.proj().join("again"), "").expect("the gate");
    let waited = end(waiting);
    assert_eq!((waited.status, &waited.records[0]["state"]), (Some(0), &"quiet".into()));
    assert_eq!(ends(), before + 1, "not before the agent's own turn has ended");
    run(&stage.home, "kill", &["t"]).record();
}

/// Messages of another session: one in an idle session, and one that fails behind a turn of ours.
fn messages(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let stage = Stage { model, home };
    let to = ["-b", agent.backend(), "-s"];
    let pid = run(&stage.home, "spawn", &[&to[..], &["t", "--inbox", "accept"]].concat()).record()
        ["pid"]
        .clone();
    run(&stage.home, "spawn", &[&to[..], &["sender"]].concat()).record();
    let state = stage.home.home().join(format!(".claude/sessions/{pid}.json"));
    let state: Value = serde_json::from_slice(&fs::read(state).expect("its state")).expect("JSON");
    let inbox = format!("uds:{}", state["messagingSocketPath"].as_str().expect("an inbox"));
    let send = |message: &str| {
        let message = json!({"to": inbox, "message": message, "summary": "of a test"});
        let prompt = format!("CALL:SendMessage {message}");
        run(&stage.home, "paste", &["-s", "sender", "-p", &prompt]).record();
        run(&stage.home, "flag", &["wait", "sender", "--timeout", "60"]).record();
    };
    let checks = || run(&stage.home, "flag", &["check", "t"]).status;
    stage.paste("hello");
    assert_eq!(stage.waits().0, Some(0));

    send("SLOW:3000 x");
    wait_until(PATIENCE, "a turn of its own", || stage.listed()["state"] == "working");
    assert_eq!((checks(), stage.is_running()), (Some(0), false), "it is no job");
    wait_until(PATIENCE, "rest", || stage.listed()["state"] == "idle");

    stage.works("SLOW:4000 y");
    send("ERROR:400 z");
    let (status, record) = stage.waits();
    assert_eq!((status, &record["state"]), (Some(0), &"done".into()), "{record}");
    let failed = || own_events(&stage).contains(&"error peer".to_owned());
    wait_until(PATIENCE, "the failure of its own turn", failed);
    wait_until(PATIENCE, "rest", || stage.listed()["state"] == "idle");
    assert_eq!(checks(), Some(0), "it fails no job");
    println!("    {agent:?}: {:?}", own_events(&stage));
    for name in ["t", "sender"] {
        run(&stage.home, "kill", &[name]).record();
    }
}

/// A goal of Codex's, which it goes on with whenever it is idle: no such turn is a job, holds one up, or
/// looks like a prompt that a hook refused.
fn goals(agent: Agent) {
    let stage = Stage::new(agent);
    run(&stage.home, "paste", &["-s", "t", "--command", "-p", "/goal SLOW:900 x"]).record();
    wait_until(PATIENCE, "a turn of its own", || {
        own_events(&stage).contains(&"turn_end goal".to_owned())
    });
    assert_eq!(run(&stage.home, "flag", &["check", "t"]).status, Some(0), "it is no job");
    assert!(!stage.is_running());
    for n in 0..4 {
        stage.paste(&format!("mine {n}"));
        let (status, record) = stage.waits();
        assert_eq!((status, &record["state"]), (Some(0), &"done".into()), "{record}");
        assert!(!stage.is_running());
    }
    let until = ["wait", "t", "--until", "quiet", "--timeout", "2"];
    let waited = run(&stage.home, "flag", &until);
    assert_eq!((waited.status, &waited.records[0]["state"]), (Some(124), &"working".into()));
    let prompts = stage.model.prompts();
    let ours: Vec<_> = prompts.iter().filter(|prompt| prompt.starts_with("mine")).collect();
    assert_eq!(ours, ["mine 0", "mine 1", "mine 2", "mine 3"]);
    run(&stage.home, "kill", &["t"]).record();
}

on_agents!(own_turns: claude_old, claude_new);
on_agents!(messages: claude_new);
on_agents!(goals, terminals: codex_old, codex_new);
