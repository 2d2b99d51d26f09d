//! The practice agent in a real terminal: a private tmux server for each test.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

pub(crate) mod pane;

use std::{fs, path::Path};

use serde_json::Value;

use pane::{Pane, until};

const READY: &str = "--misbehave=trust=yes";
const ID: &str = "0a0a0a0a-0000-4000-8000-000000000001";

#[test]
fn the_trust_dialog_is_answered_by_its_label() {
    let pane = Pane::start(&[]);
    pane.see("❯ No, exit\n  Yes, I trust this folder");
    assert!(pane.screen().contains("Practice agent: do you trust this folder?"));
    assert!(pane.state()["status"].is_null());
    pane.keys(&["Down"]);
    pane.see("❯ Yes, I trust this folder");
    pane.keys(&["Enter"]);
    pane.idle();
    assert_eq!(pane.show("#{pane_title}"), "✳ Practice");
    let state = pane.state();
    assert_eq!(state["cwd"], pane.folder.join("work").to_str().unwrap());
    assert_eq!(state["kind"], "interactive");
    assert_eq!(state["procStart"].is_string(), Path::new("/proc/self/stat").exists());
    let file = pane.state_file();
    pane.send("/exit", "/exit");
    assert_eq!(pane.ended(), "0");
    assert!(!file.exists(), "the state file goes with the program");
    pane.again(&[]);
    pane.idle();
}

#[test]
fn a_blind_enter_at_the_trust_dialog_ends_it() {
    let pane = Pane::start(&[]);
    pane.see("❯ No, exit");
    pane.keys(&["Enter"]);
    assert_eq!(pane.ended(), "1");
    pane.see("didn't start because this folder isn't trusted");
}

#[test]
fn pastes_arrive_whole() {
    let pane = Pane::start(&[READY, "--session-id", ID]);
    pane.idle();
    assert!(pane.transcript().is_none(), "there is no transcript before the first prompt");
    pane.send("one\n  two\tthree ", "three");
    pane.told(&[
        r#"typed "one\n  two    three""#,
        r#"assistant "echo: one\n  two    three""#,
        "turn_duration",
    ]);
    assert!(pane.transcript().unwrap().ends_with(format!("{ID}.jsonl")));
    pane.idle();
    let long: String = (0..400).map(|n| format!("line {n}\n")).collect();
    pane.send(long.trim_end(), "[Pasted text #1 +399 lines]");
    let text = Value::from(long.trim_end());
    let echo = Value::from(format!("echo: {}", long.trim_end()));
    let lines = [format!("typed {text}"), format!("assistant {echo}")];
    pane.told(&[&lines[0], &lines[1], "turn_duration"]);
}

#[test]
fn prompts_queue_during_a_turn_and_in_a_tool() {
    let pane = Pane::start(&[READY]);
    pane.idle();
    pane.send(":slow 700", ":slow 700");
    until("busy", || (pane.state()["status"] == "busy").then_some(()));
    pane.see("✻ Working… (esc to interrupt)");
    pane.send("later", "later");
    pane.told(&["enqueue later"]);
    pane.told(&[
        r#"assistant "echo: :slow 700""#,
        "turn_duration",
        "dequeue ",
        r#"queued "later""#,
        r#"assistant "echo: later""#,
        "turn_duration",
    ]);
    pane.idle();
    pane.send("!echo out; until test -e go; do sleep 0.05; done", "done");
    pane.told(&[r#"use "echo out; until test -e go; do sleep 0.05; done""#]);
    pane.send("meanwhile", "meanwhile");
    pane.told(&["enqueue meanwhile"]);
    fs::write(pane.folder.join("work/go"), "").unwrap();
    pane.told(&[
        r#"result "out""#,
        "remove meanwhile",
        r#"queued_command "meanwhile""#,
        r#"assistant "echo: !echo out; until test -e go; do sleep 0.05; done\necho: meanwhile""#,
        "turn_duration",
    ]);
}

#[test]
fn escape_interrupts_and_the_queue_goes_on() {
    let pane = Pane::start(&[READY]);
    pane.idle();
    pane.send(":slow 600000", ":slow 600000");
    pane.told(&[r#"typed ":slow 600000""#]);
    pane.keys(&["Escape"]);
    pane.told(&[r#"typed ":slow 600000""#, r#"marker "[Request interrupted by user]""#]);
    pane.idle();
    pane.send("!sleep 600", "!sleep 600");
    pane.told(&[r#"use "sleep 600""#]);
    pane.send("next", "next");
    pane.told(&["enqueue next"]);
    pane.keys(&["Escape"]);
    pane.told(&[
        r#"marker "[Request interrupted by user for tool use]""#,
        "dequeue ",
        r#"queued "next""#,
        r#"assistant "echo: next""#,
        "turn_duration",
    ]);
    pane.idle();
    pane.keys(&["C-c"]);
    pane.see("Press Ctrl-C again to exit");
    pane.keys(&["C-c"]);
    assert_eq!(pane.ended(), "0");
}

#[test]
fn enter_approves_a_tool_and_escape_refuses_it() {
    let pane = Pane::start(&[READY]);
    pane.idle();
    let ask = |key: &str| {
        pane.send(":ask echo yes", ":ask echo yes");
        pane.see("Do you want to proceed?\n❯ 1. Yes\n  2. No");
        until("waiting", || (pane.state()["waitingFor"] == "permission prompt").then_some(()));
        pane.paste("thrown away");
        pane.keys(&[key]);
    };
    ask("Enter");
    pane.told(&[
        r#"use "echo yes""#,
        r#"result "yes""#,
        r#"assistant "echo: :ask echo yes""#,
        "turn_duration",
    ]);
    pane.idle();
    ask("Escape");
    pane.told(&[r#"marker "[Request interrupted by user for tool use]""#]);
    pane.idle();
}

#[test]
fn hooks_tell_of_each_step() {
    let pane = Pane::start(&["--help"]);
    pane.ended();
    let log = pane.folder.join("hooks");
    let command = format!("cat >> '{0}'; echo >> '{0}'", log.display());
    let hooks = serde_json::json!([{"hooks": [{"type": "command", "command": command}]}]);
    let events = ["SessionStart", "UserPromptSubmit", "Stop", "StopFailure", "SessionEnd"];
    let all: serde_json::Map<_, _> =
        events.map(|e| (e.to_owned(), hooks.clone())).into_iter().collect();
    let settings = pane.folder.join("settings.json");
    fs::write(&settings, serde_json::json!({"hooks": all}).to_string()).unwrap();
    pane.again(&[READY, "--settings", settings.to_str().unwrap()]);
    pane.idle();
    pane.send("hello", "hello");
    pane.told(&["turn_duration"]);
    pane.idle();
    pane.send(":error 500", ":error 500");
    pane.told(&[
        r#"typed ":error 500""#,
        r#"server_errorassistant "API Error: 500 practice error""#,
    ]);
    pane.idle();
    pane.tmux(&["kill-window"]);
    let told = until("the last hook", || {
        let text = fs::read_to_string(&log).unwrap();
        (text.lines().count() == 6).then_some(text)
    });
    let inputs: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = inputs.iter().map(|i| i["hook_event_name"].as_str().unwrap()).collect();
    let order = [
        "SessionStart",
        "UserPromptSubmit",
        "Stop",
        "UserPromptSubmit",
        "StopFailure",
        "SessionEnd",
    ];
    assert_eq!(names, order);
    assert_eq!(inputs[1]["prompt"], "hello");
    assert_eq!(inputs[2]["last_assistant_message"], "echo: hello");
    assert_eq!(inputs[1]["transcript_path"], pane.transcript().unwrap().to_str().unwrap());
}

#[test]
fn a_session_is_resumed_and_not_taken_twice() {
    let pane = Pane::start(&["--resume", ID]);
    assert_eq!(pane.ended(), "1");
    pane.see(&format!("No conversation found with session ID: {ID}"));
    pane.again(&[READY, "--session-id", ID]);
    pane.idle();
    pane.send("first", "first");
    pane.told(&["turn_duration"]);
    pane.again(&[READY, "--session-id", ID]);
    assert_eq!(pane.ended(), "1");
    pane.see(&format!("Error: Session ID {ID} is already in use."));
    pane.again(&[READY, "--resume", ID]);
    pane.idle();
    pane.send("second", "second");
    pane.told(&[r#"typed "second""#, r#"assistant "echo: second""#, "turn_duration"]);
    assert_eq!(pane.story().len(), 6);
}

#[test]
fn it_misbehaves_as_told() {
    let told = |spec: &str| Pane::start(&["--misbehave", spec]);

    let pane = told("trust=yes,swallow-enter=1,torn-write,cut-paste=4");
    pane.idle();
    pane.send("hello", "hell");
    pane.keys(&["Enter"]);
    pane.told(&[r#"typed "hell""#, r#"assistant "echo: hell""#, "turn_duration"]);

    let pane = told("trust=yes,dialog-after-paste");
    pane.idle();
    pane.paste("lost");
    pane.see("Practice agent: how is it going so far?");
    until("waiting", || (pane.state()["waitingFor"] == "dialog open").then_some(()));
    pane.keys(&["Enter"]);
    pane.idle();

    let pane = told("die-at-start=7");
    assert_eq!(pane.ended(), "7");
    pane.see("Practice agent: told to die at its start");

    let pane = told("trust=yes,die-in-paste");
    pane.idle();
    let file = pane.state_file();
    pane.paste("x");
    assert_eq!(pane.ended(), "9");
    assert!(file.exists(), "a killed program leaves its state file");

    let pane = told("login");
    pane.see("Practice agent: you are not logged in");
    pane.keys(&["Escape"]);
    assert_eq!(pane.ended(), "0");
}

#[test]
fn early_and_slow_pastes() {
    let pane = Pane::start(&["--misbehave=trust=yes,slow-start=400,slow-paste=300"]);
    until("the state file", || pane.state().is_object().then_some(()));
    pane.keys(&["-l", "typed too early"]);
    until("the text in the box", || (pane.caret() == "❯ typed too early").then_some(()));
    assert!(pane.transcript().is_none());
    pane.keys(&["C-c"]);
    pane.idle();
    pane.paste("late");
    pane.keys(&["Enter"]);
    until("the text in the box", || (pane.caret() == "❯ late").then_some(()));
    assert!(pane.transcript().is_none(), "the Enter came before the text");
    pane.keys(&["Enter"]);
    pane.told(&[r#"typed "late""#, r#"assistant "echo: late""#, "turn_duration"]);
}

#[test]
fn clear_begins_another_conversation() {
    let pane = Pane::start(&[READY, "--session-id", ID]);
    pane.idle();
    pane.send("before", "before");
    pane.told(&["turn_duration"]);
    pane.idle();
    pane.send("/clear", "/clear");
    until("another session", || (pane.state()["sessionId"] != ID).then_some(()));
    pane.idle();
    assert!(!pane.screen().contains("before"));
    pane.send("!exit 3", "!exit 3");
    let file = pane
        .transcript()
        .unwrap()
        .with_file_name(format!("{}.jsonl", pane.state()["sessionId"].as_str().unwrap()));
    until("the new transcript", || {
        let text = fs::read_to_string(&file).ok()?;
        (text.contains(r#""is_error":true"#) && text.contains("turn_duration")).then_some(())
    });
}

#[test]
fn small_windows_and_resizing() {
    let pane = Pane::sized(&[READY], "20", "5");
    pane.idle();
    pane.send("12345678901234567890", "7890");
    pane.told(&["turn_duration"]);
    pane.idle();
    for (columns, rows) in [("10", "2"), ("20", "5"), ("80", "24")] {
        pane.tmux(&["resize-window", "-x", columns, "-y", rows]);
        pane.idle();
    }
    pane.see("echo: 123");
}
