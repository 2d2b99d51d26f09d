//! The readers of transcripts against what the real agents wrote.

use std::fs;

use aimax::internal::Backend;
use aimax::internal::{End, Ledger};
use aimax::{Event, EventKind as Kind};

use crate::util::versions::{self, Version};

fn backend(version: Version) -> Backend {
    if version.agent == "claude" { Backend::Claude } else { Backend::Codex }
}

fn events(version: Version, name: &str) -> Vec<Event> {
    let path = version.fixtures().join(format!("{name}.jsonl"));
    let text = fs::read_to_string(path).expect(name);
    let agent = backend(version).agent();
    text.lines().flat_map(|line| agent.parse_line(line.as_bytes())).collect()
}

/// How the work stands after the transcript.
fn end(version: Version, name: &str) -> Option<End> {
    let mut ledger = Ledger::default();
    for event in events(version, name) {
        ledger.note(&event);
    }
    ledger.ended(1).cloned()
}

fn texts(version: Version, name: &str, kind: Kind) -> Vec<String> {
    let found = events(version, name).into_iter().filter(|event| event.kind == kind);
    found.map(|event| event.text).collect()
}

#[test]
fn a_turn_that_ended_is_done() {
    for version in versions::all() {
        for name in ["plain", "collapsed-paste", "tool", "api-retry"] {
            assert_eq!(end(version, name), Some(End::Done), "{version}/{name}");
        }
        assert!(!texts(version, "plain", Kind::Prompt).is_empty(), "{version}");
        assert!(!texts(version, "plain", Kind::Text).is_empty(), "{version}");
        let results = texts(version, "tool", Kind::ToolResult).concat();
        assert!(results.contains("made by 42"), "{version}: {results}");
    }
}

#[test]
fn a_turn_that_was_stopped_is_interrupted() {
    for version in versions::all() {
        for name in ["interrupt", "interrupt-tool"] {
            assert_eq!(end(version, name), Some(End::Interrupted), "{version}/{name}");
        }
    }
    for version in versions::of("claude") {
        assert_eq!(end(version, "permission-denied"), Some(End::Interrupted), "{version}");
        assert_eq!(end(version, "permission-open"), None, "{version}");
    }
    for version in versions::of("codex") {
        assert_eq!(end(version, "approval-denied"), Some(End::Interrupted), "{version}");
        assert_eq!(end(version, "approval-open"), None, "{version}");
    }
}

#[test]
fn an_error_of_the_model_is_a_failure() {
    for version in versions::all() {
        assert!(matches!(end(version, "api-error"), Some(End::Failed(_))), "{version}");
    }
}

#[test]
fn queued_prompts_are_taken_up_and_ended() {
    for version in versions::of("claude") {
        for name in ["queued-while-streaming", "queued-during-tool"] {
            let queued = texts(version, name, Kind::Queued);
            assert_eq!(queued.len(), 1, "{version}/{name}: {queued:?}");
            let given = texts(version, name, Kind::Prompt);
            assert!(given.iter().any(|text| text.contains(queued[0].trim())), "{version}/{name}");
            assert_eq!(end(version, name), Some(End::Done), "{version}/{name}");
            let mut ledger = Ledger::default();
            let events = events(version, name);
            let at = events.iter().position(|event| event.kind == Kind::Queued).unwrap();
            for event in &events[..=at] {
                ledger.note(event);
            }
            assert_eq!(ledger.ended(1), None, "{version}/{name}: a prompt waits");
        }
    }
    for version in versions::of("codex") {
        for name in ["steer-while-streaming", "steer-during-tool", "queued-while-streaming"] {
            assert_eq!(texts(version, name, Kind::Prompt).len(), 2, "{version}/{name}");
            assert_eq!(end(version, name), Some(End::Done), "{version}/{name}");
        }
    }
}

#[test]
fn the_recorded_prompt_is_the_one_that_was_sent() {
    for version in versions::all() {
        let agent = backend(version).agent();
        let recorded = texts(version, "collapsed-paste", Kind::Prompt);
        let recorded = recorded.last().expect("a collapsed paste");
        // Later versions put a long paste into a tag.
        if version.agent == "claude" && version.since("2.1.330") {
            assert!(recorded.contains("<pasted_content id="), "{recorded:?}");
            let is_text = |line: &&str| !line.contains("pasted_content") && !line.is_empty();
            let lines: Vec<&str> = recorded.lines().filter(is_text).collect();
            assert_eq!(agent.compare(&lines.join("\n"), recorded), Ok(vec!["pasted_content"]));
            assert!(agent.compare(&lines[1..].join("\n"), recorded).is_err(), "without its head");
            assert!(
                agent.compare(&lines[..lines.len() - 1].join("\n"), recorded).is_err(),
                "without its tail"
            );
            continue;
        }
        assert_eq!(agent.compare(recorded, recorded), Ok(vec![]), "{version}");
        assert!(
            agent.compare(&recorded.trim()[1..], recorded).is_err(),
            "{version}: without its head"
        );
    }
}
