//! `aimax usage`: tokens by session, model and day.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::fs;

use serde_json::{Value, json};

use crate::{
    desk::{Desk, Ran},
    util::versions,
};

fn usage(desk: &Desk, args: &[&str]) -> Ran {
    let ran = desk.run("aimax", &[&["usage"], args].concat());
    assert_eq!((ran.code(), ran.error()), (Some(0), ""), "{ran:#?}");
    ran
}

#[test]
fn each_answer_counts_once() {
    let desk = Desk::new();
    assert_eq!(usage(&desk, &[]).text(), "nothing was used\n");
    let spawned = desk.spawn("one", "first\n!echo hi");
    desk.done("one");
    desk.paste("one", "second");
    desk.done("one");
    let record: Value = usage(&desk, &["one", "--json"]).record();
    assert_eq!(record["sessionId"], "one");
    // The first turn had two answers: the call of the tool, and the last words.
    let total = json!({
        "messages": 3, "input": 3, "output": 3, "cacheRead": 0, "cacheWrite": 0,
    });
    assert_eq!(record["total"], total);
    assert_eq!(record["days"].as_array().unwrap().len(), 1);
    assert_eq!(record["context"], json!({ "used": 2 }));

    // The same records again are the same messages.
    let text = fs::read_to_string(&spawned.jsonl_path).unwrap();
    fs::write(&spawned.jsonl_path, text.repeat(2)).unwrap();
    assert_eq!(usage(&desk, &["one", "--json"]).record::<Value>()["total"], total);
    let table = usage(&desk, &[]);
    let lines: Vec<&str> = table.text().lines().collect();
    assert!(lines[0].starts_with("SESSION  DAY         MODEL") && lines.len() == 2, "{lines:?}");
    assert!(lines[1].ends_with(" 3      3       3           0            0"), "{lines:?}");
    desk.run("aimax-kill", &["one"]).record::<Value>();
    assert_eq!(usage(&desk, &["--json"]).text(), "");
    assert_eq!(usage(&desk, &["--all", "--json"]).record::<Value>()["total"], total);
    desk.run("aimax", &["usage", "none"]).fails_as("aimax usage", 69, "no such session");
}

/// What the model of the fixtures says of each answer.
#[test]
fn the_agents_records_are_counted() {
    let desk = Desk::new();
    desk.ready("one");
    for version in versions::all() {
        let backend = if version.agent == "claude" { "" } else { "codex-" };
        let file = version.fixtures().join("tool.jsonl");
        let entry = json!({ "one": { "agentSessionId": "x", "jsonlPath": file, "cwd": "/" } });
        let state = desk.home.data().join(format!("{backend}hub-runtime.json"));
        fs::write(&state, entry.to_string()).unwrap();
        let backend =
            format!("tmux-{}", if version.agent == "claude" { "claude-code" } else { "codex" });
        let record: Value = usage(&desk, &["-b", &backend, "one", "--json"]).record();
        let total = &record["total"];
        println!("{} {}: {record}", version.agent, version.number);
        assert_eq!(total["messages"], 2, "{record}");
        assert_eq!((&total["input"], &total["output"]), (&json!(20), &json!(40)), "{record}");
        assert!(!record["days"][0]["model"].as_str().unwrap().is_empty(), "{record}");
        assert!(record["context"]["used"].as_u64() > Some(0), "{record}");
        fs::remove_file(&state).unwrap();
    }
}
