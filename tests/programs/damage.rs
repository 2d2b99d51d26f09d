//! Transcripts that a crash left without their last newline, and what is written behind it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::fs::{self, OpenOptions};
use std::io::Write;

use serde_json::Value;

use crate::{
    desk::Desk,
    records::{Proven, Spawned},
};

/// Half a record, NULs as a file system leaves them, or a whole record without its newline; the last
/// is no damage.
fn end_badly(path: &std::path::Path, way: &str) -> u64 {
    let whole = fs::read(path).unwrap();
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    match way {
        "half" => file.write_all(&whole[..whole.iter().position(|b| *b == b'\n').unwrap() / 2]),
        "nulls" => file.write_all(&[0; 300]),
        _ => file.set_len(whole.len() as u64 - 1),
    }
    .unwrap();
    whole.len() as u64
}

#[test]
fn a_session_goes_on_behind_a_transcript_that_ends_badly() {
    for way in ["half", "nulls", "newline"] {
        let desk = Desk::new();
        let first = desk.spawn("one", "first");
        desk.done("one");
        desk.run("aimax-kill", &["one"]).record::<Value>();
        let size = end_badly(&first.jsonl_path, way);
        let again = ["-b", "tmux-practice", "-s", "one", "--resume", &first.agent_session_id];
        let again: Spawned =
            desk.run("aimax-spawn", &[&again[..], &["-p", "second"]].concat()).record();
        assert_eq!(
            (again.verdict.as_str(), &again.jsonl_path),
            ("submitted", &first.jsonl_path),
            "{way}"
        );
        desk.done("one");
        let third: Proven = desk.run("aimax-paste", &["-s", "one", "-p", "third"]).record();
        assert_eq!(third.verdict, "submitted", "{way}");
        desk.done("one");
        let ran = desk.run("aimax-tail", &["-s", "one", "--events"]);
        let events: Vec<Value> = ran.records();
        let told = |kind: &str| events.iter().filter(|event| event["kind"] == kind).count();
        assert_eq!(
            (told("prompt"), told("text"), told("turn_end")),
            (3, 3, 3),
            "{way}: {events:#?}"
        );
        let named = format!("offset {size}: skipped");
        assert_eq!(ran.error().contains(&named), way != "newline", "{way}: {}", ran.error());
    }
}

/// As an agent leaves it that writes on behind the damage: records are told from what is damaged, in every form.
#[test]
fn records_that_share_a_line_are_read_one_by_one() {
    let desk = Desk::new();
    let path = desk.home.proj().join("a.jsonl");
    let good = |n: u8| format!("{{\"type\":\"user\",\"message\":{{\"content\":\"{n}\"}}}}");
    let half = "{\"type\":\"user\",\"message\":{\"content\":\"lo";
    let lines = [
        good(1) + "\n",
        format!("{half}{}\n", good(2)),
        format!("{}{}\n", good(3), good(4)),
        format!("{}{}\n", "\0".repeat(300), good(5)),
        format!("{}{half}\n", good(6)),
    ];
    fs::write(&path, lines.concat()).unwrap();
    let file = path.to_str().unwrap();
    let plain = desk.run("aimax-tail", &[file]);
    let records: Vec<String> = (1..=6).map(good).collect();
    assert_eq!(plain.text(), records.join("\n") + "\n");
    let at = |line: usize| lines[..line].concat().len();
    for (offset, count) in [(at(1), half.len()), (at(3), 300), (at(4) + good(6).len(), half.len())]
    {
        let named = format!("offset {offset}: skipped {count} bytes: it ");
        assert!(plain.error().contains(&named), "{named}: {}", plain.error());
    }
    assert_eq!(plain.error().lines().count(), 3, "{}", plain.error());
    for form in ["--offsets", "--events"] {
        let records: Vec<Value> = desk.run("aimax-tail", &[form, file]).records();
        let offsets: Vec<u64> =
            records.iter().map(|record| record["offset"].as_u64().unwrap()).collect();
        let expected = [0, 1, 2, 2, 3, 4].map(|line| at(line) as u64);
        assert_eq!(offsets, expected, "{form}");
    }
    let first = desk.run("aimax-tail", &["--max", "3", file]);
    assert_eq!(first.text(), records[..4].join("\n") + "\n", "a line is not torn apart");
}
