//! What `--explain` and `AIMAX_TRACE` tell of a delivery.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::Value;

use crate::desk::Desk;

#[test]
fn the_trace_tells_every_step_and_never_the_prompt() {
    let desk = Desk::new();
    let trace = desk.home.root().join("trace");
    let secret = "correct horse battery staple";
    let args = ["-b", "tmux-practice", "-s", "one", "-p", secret];
    let mut command = desk.command("aimax-spawn", &args);
    command.env("AIMAX_TRACE", &trace);
    assert_eq!(desk.started("aimax-spawn", command).end().code(), Some(0));
    desk.done("one");
    let mut command = desk.command("aimax-paste", &["-s", "one", "-p", secret]);
    command.env("AIMAX_TRACE", &trace);
    assert_eq!(desk.started("aimax-paste", command).end().code(), Some(0));

    let text = fs::read_to_string(&trace).unwrap();
    assert_eq!(fs::metadata(&trace).unwrap().permissions().mode() & 0o777, 0o600);
    let records: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for record in &records {
        assert!(record["at"].is_string() && record["pid"].is_u64() && record["ms"].is_f64());
        assert_ne!(record["step"].is_string(), record["tmux"].is_string(), "{record}");
    }
    let steps: Vec<&str> = records.iter().filter_map(|record| record["step"].as_str()).collect();
    for step in ["session lock acquired", "transcript offset noted", "pasted", "Enter", "verdict"] {
        assert!(steps.contains(&step), "{step}: {steps:?}");
    }
    assert!(records.iter().any(|record| record["tmux"].is_string()));
    assert!(!text.contains("horse"), "the prompt is in the trace");
}

#[test]
fn explain_tells_a_person_with_times() {
    let desk = Desk::new();
    desk.ready("one");
    let ran = desk.run("aimax-paste", &["-s", "one", "--explain", "-p", "hello there"]);
    assert_eq!(ran.code(), Some(0));
    assert_eq!(ran.text().lines().count(), 1, "records only on standard output");
    for line in ran.error().lines() {
        let rest = line.strip_prefix("aimax-paste: ").unwrap();
        let (time, _) = rest.trim_start().split_once(" ms  ").unwrap();
        time.parse::<f64>().unwrap();
    }
    assert!(ran.error().contains("pasted") && ran.error().contains("verdict"), "{}", ran.error());
    assert!(!ran.error().contains("hello"), "{}", ran.error());
}

#[test]
fn a_pane_is_found_and_seen_by_one_command_of_tmux_and_left_by_one() {
    let desk = Desk::new();
    desk.ready("one");
    let trace = desk.home.root().join("trace");
    let mut command = desk.command("aimax-paste", &["-s", "one", "-p", "hello there"]);
    command.env("AIMAX_TRACE", &trace);
    assert_eq!(desk.started("aimax-paste", command).end().code(), Some(0));
    let text = fs::read_to_string(&trace).unwrap();
    let records = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let calls: Vec<String> =
        records.filter_map(|record: Value| Some(record["tmux"].as_str()?.to_owned())).collect();
    let holds = |call: &str, words: &[&str]| words.iter().all(|word| call.contains(word));
    assert!(holds(&calls[0], &["display-message", "capture-pane"]), "{calls:#?}");
    assert!(calls[1].contains("paste-buffer"), "{calls:#?}");
    let last = calls.last().unwrap();
    assert!(holds(last, &["run-shell", "keep", "pipe-pane", "capture-pane"]), "{calls:#?}");
}
