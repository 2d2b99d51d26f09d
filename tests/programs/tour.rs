//! The tour: every program once, on one session, as a newcomer runs them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::fs;

use serde_json::Value;

use crate::{
    desk::{Desk, GATE, gone, prompts, story},
    records::{Job, Killed, Listed, Proven, Spawned},
};

#[test]
fn a_session_from_its_start_to_its_end() {
    let desk = Desk::new();
    let spawned: Spawned = desk
        .run(
            "aimax-spawn",
            &["-b", "tmux-practice", "-s", "demo", "-p", GATE, "--display-name", "é"],
        )
        .record();
    let id = &spawned.agent_session_id;
    assert_eq!((spawned.session_id.as_str(), spawned.backend.as_str()), ("demo", "tmux-practice"));
    assert_eq!((spawned.verdict.as_str(), spawned.queued), ("submitted", false));
    assert_eq!((spawned.offset, spawned.normalized.len()), (0, 0));
    assert_eq!(spawned.reason, None);
    assert_eq!(spawned.jsonl_path.file_name().unwrap().to_str().unwrap(), format!("{id}.jsonl"));
    assert!(spawned.jsonl_path.starts_with(desk.home.data()));
    assert!(aimax::internal::is_alive(spawned.pid));
    assert_eq!(desk.tmux().ask(&spawned.pane_id, "window_id"), spawned.window_id);
    assert_eq!(desk.tmux().ask(&spawned.pane_id, "window_name"), "demo");

    // It works.
    assert!(desk.is_running("demo"));
    assert_eq!(desk.run("aimax-flag", &["check", "demo"]).code(), Some(124));
    let listed: Listed = desk.run("aimax-ls", &[]).record();
    let expected = Listed {
        session_id: "demo".into(),
        backend: "tmux-practice".into(),
        host: crate::records::host(),
        state: "working".into(),
        agent_session_id: id.clone(),
        pid: Some(spawned.pid),
        cwd: desk.home.proj(),
        jsonl_path: spawned.jsonl_path.clone(),
        started_at: spawned.started_at,
        window_id: Some(spawned.window_id.clone()),
        display_name: Some("é".into()),
        waiting_for: None,
        question: None,
        choices: None,
        reason: None,
        message: None,
        resets_at: None,
        retrying: None,
        shows: None,
        background: None,
    };
    assert_eq!(listed, expected);

    // Its end is seen where it stands in the transcript.
    let waiting = desk.start("aimax-flag", &["wait", "demo", "--timeout", "60"]);
    desk.open_gate();
    let job: Job = waiting.end().record();
    assert_eq!(job.state, "done");
    assert_eq!((job.session_id.as_str(), job.backend.as_str()), ("demo", "tmux-practice"));
    assert_eq!(story(&spawned.jsonl_path).last().unwrap(), "turn_duration");
    assert!(!desk.is_running("demo") && desk.failure("demo").is_none());
    desk.run("aimax-flag", &["check", "demo"]).silent();

    // Another prompt, and what came of it.
    let before = fs::metadata(&spawned.jsonl_path).unwrap().len();
    let pasted: Proven = desk.run("aimax-paste", &["-s", "demo", "-p", "two\twords"]).record();
    let expected = Proven {
        session_id: "demo".into(),
        backend: "tmux-practice".into(),
        host: crate::records::host(),
        verdict: "submitted".into(),
        offset: before,
        queued: false,
        normalized: vec!["tabs".into()],
    };
    assert_eq!(pasted, expected);
    desk.done("demo");
    let tail = desk.run("aimax-tail", &["-s", "demo", "--from", &before.to_string()]);
    let entries: Vec<Value> = tail.records();
    assert_eq!(tail.bytes(), &fs::read(&spawned.jsonl_path).unwrap()[before as usize..]);
    assert_eq!(entries[0]["message"]["content"], "two    words");
    assert_eq!(entries.last().unwrap()["subtype"], "turn_duration");
    let listed: Listed = desk.run("aimax-ls", &["demo"]).record();
    assert_eq!(listed.state, "idle");

    // Nothing is left but what was said.
    let killed: Killed = desk.run("aimax-kill", &["demo"]).record();
    assert!(killed.killed && !killed.was_working);
    assert_eq!((killed.session_id.as_str(), killed.backend.as_str()), ("demo", "tmux-practice"));
    gone(spawned.pid);
    desk.nothing_of("demo");
    assert_eq!(desk.windows(), ["_root"]);
    assert!(!desk.home.proj().join(".imac").exists());
    assert!(desk.knows("archive", "demo"));
    assert_eq!(prompts(&spawned.jsonl_path), [GATE, "two    words"]);
    desk.run("aimax-ls", &[]).silent();
    desk.run("aimax-ls", &["demo"]).fails(69, "demo: no such session");
    let again: Killed = desk.run("aimax-kill", &["demo"]).record();
    assert!(!again.killed, "it was ended before");
    // The conversation can still be read.
    let tail = desk.run("aimax-tail", &["-s", "demo"]);
    assert_eq!(tail.bytes(), fs::read(&spawned.jsonl_path).unwrap());
}
