//! `aimax adopt`: an agent that a person started in a pane of their own becomes a session.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::{
    desk::{Desk, GATE, gone, prompts},
    records::{Listed, Proven},
    util::wait::{PATIENCE, wait_for},
};

/// An agent that a person starts in a shell; gives its pane.
fn by_hand(desk: &Desk) -> String {
    let home = desk.home.data().join("practice");
    let line = format!(
        "aimax practice-agent --home {} --misbehave trust=yes; exec sleep 600",
        home.display()
    );
    let pane = desk.tmux().start("mine", &desk.home.proj(), &["sh", "-c", &line]);
    desk.tmux().wait_text(&pane, "❯");
    pane
}

/// The record, once the agent shows itself.
fn adopted(desk: &Desk, args: &[&str]) -> Value {
    wait_for(PATIENCE, "an agent to adopt", |saw| {
        let ran = desk.run("aimax", &[&["adopt"], args].concat());
        *saw = format!("{ran:?}");
        (ran.code() == Some(0)).then(|| ran.record())
    })
}

#[test]
fn an_agent_in_a_persons_shell_becomes_a_session() {
    let desk = Desk::new();
    let pane = by_hand(&desk);
    let record = adopted(&desk, &["mine"]);
    assert_eq!((&record["paneId"], &record["backend"]), (&json!(pane), &json!("tmux-practice")));
    assert_eq!(record["cwd"], json!(desk.home.proj()));
    assert_eq!(record["limits"].as_array().unwrap().len(), 2);
    let listed: Listed = desk.run("aimax-ls", &["mine"]).record();
    assert_eq!(
        (listed.state.as_str(), listed.pid.map(u64::from)),
        ("idle", record["pid"].as_u64())
    );
    let shell = desk.tmux().ask(&pane, "pane_pid");
    assert_ne!(record["pid"].to_string(), shell, "the agent, not the shell");

    let transcript = PathBuf::from(record["jsonlPath"].as_str().unwrap());
    let _: Proven = desk.run("aimax-paste", &["mine", "-p", "hello"]).record();
    desk.done("mine");
    assert_eq!(prompts(&transcript), ["hello"]);
    assert_eq!(desk.run("aimax", &["ask", "-s", "mine", "why?"]).text(), "echo: why?\n");

    // The end of the agent shows, though its shell lives on.
    let _: Proven = desk.run("aimax-paste", &["mine", "-p", GATE]).record();
    let waits = desk.start("aimax-flag", &["wait", "mine"]);
    desk.asleep(waits.child.id());
    let pid = u32::try_from(record["pid"].as_u64().unwrap()).unwrap();
    aimax::internal::kill(pid.try_into().unwrap(), aimax::internal::KILL).unwrap();
    gone(pid);
    assert_eq!(waits.end().code(), Some(1));
    assert_eq!(desk.failure("mine").as_deref(), Some("the agent ended"));
    let ran = desk.run("aimax-ls", &["mine"]);
    assert_eq!((ran.code(), ran.records::<Listed>()[0].state.as_str()), (Some(1), "dead"));
    assert_eq!(desk.tmux().ask(&pane, "pane_dead"), "0");
}

#[test]
fn what_cannot_be_adopted_is_said() {
    let desk = Desk::new();
    let adopt = |args: &[&str]| desk.run("aimax", &[&["adopt"], args].concat());
    let other = desk.tmux().start("other", &desk.home.proj(), &["sh", "-c", "exec sleep 600"]);
    let ready = desk.ready("known");
    adopt(&["mine"]).fails_as("aimax adopt", 69, "no agent found");
    adopt(&["mine", "-t", &other]).fails_as("aimax adopt", 69, "no agent found");
    adopt(&["mine", "-t", "%99"]).fails_as("aimax adopt", 69, "%99: no such pane");
    let taken = adopt(&["mine", "-t", &ready.pane_id]);
    taken.fails_as("aimax adopt", 3, "its agent is already the session known");
    adopt(&["known"]).fails_as(
        "aimax adopt",
        3,
        "known: tmux-practice already has a session of this name",
    );
    let first = by_hand(&desk);
    let second = by_hand(&desk);
    adopted(&desk, &["one", "-t", &first]);
    adopted(&desk, &["two"]);
    let listed: Listed = desk.run("aimax-ls", &["two"]).record();
    assert_eq!(listed.state, "idle");
    let both = [by_hand(&desk), by_hand(&desk), second];
    let several = wait_for(PATIENCE, "two agents", |saw| {
        let ran = adopt(&["three"]);
        *saw = format!("{ran:?}");
        (ran.code() == Some(2)).then_some(ran)
    });
    assert!(several.error().contains("choose one with -t"), "{several:?} {both:?}");
}
