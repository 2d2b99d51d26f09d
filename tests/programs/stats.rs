//! Deliveries are noted, and counted.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use serde_json::{Value, json};

use crate::{
    desk::Desk,
    records::{Proven, Spawned, Unproven},
};

const SPAWN: [&str; 6] = ["-b", "tmux-practice", "-p", "hello", "--cwd", "."];

/// The verb failed, with one line of its own.
#[track_caller]
fn fails(desk: &Desk, args: &[&str], code: i32, says: &str) {
    let ran = desk.run("aimax", args);
    assert_eq!((ran.code(), ran.text()), (Some(code), ""), "{ran:?}");
    assert!(ran.error().starts_with("aimax stats: ") && ran.error().contains(says), "{ran:?}");
    assert_eq!(ran.error().lines().count(), 1);
}

#[test]
fn each_delivery_is_noted_and_counted() {
    let mut desk = Desk::new();
    fails(&desk, &["stats"], 69, "AIMAX_PROMPT_EVENTS: not set");
    let file = desk.home.root().join("events.sqlite");
    desk.home.set("AIMAX_PROMPT_EVENTS", file.to_str().unwrap());
    fails(&desk, &["stats"], 69, "no such file");
    let names = ["a", "b", "c", "d"];
    let running: Vec<_> = names
        .iter()
        .map(|name| desk.start("aimax-spawn", &[&SPAWN[..], &["-s", name]].concat()))
        .collect();
    for one in running {
        let _: Spawned = one.end().record();
    }
    desk.done("a");
    let _: Proven = desk.paste("a", "more");
    desk.tmux().run(["send-keys", "-l", "-t", "=imac_practice_agent_hub:=b", "a draft"]);
    let args = ["-s", "b", "-p", "x", "--wait-ready", "0"];
    desk.done("b");
    let _: Unproven = desk.run("aimax-paste", &args).fails_with(3, "draft");

    let json: Value = desk.run("aimax", &["stats", "--hours", "1", "--json"]).record();
    let since = json["since"].as_str().unwrap().to_owned();
    let expected = json!({
        "window_hours": 1,
        "since": since,
        "total": 5,
        "by_backend": {"tmux-practice": 5},
        "by_session": {"a": 2, "b": 1, "c": 1, "d": 1},
    });
    assert_eq!(json, expected);
    let text = desk.run("aimax", &["stats"]);
    assert!(text.text().starts_with("5 prompts in the last 5 hours, since 20"), "{text:?}");
    assert!(text.text().contains("  session       2  a\n"), "{text:?}");
    fails(&desk, &["stats", "--hours", "0"], 2, "--hours: 0 is not from 1 to 168");
    fails(&desk, &["stats", "--hours", "five"], 2, "--hours");
    fails(&desk, &["stats", "now"], 2, "now");

    let rows = rusqlite::Connection::open(&file).unwrap();
    let sql =
        "select count(*), sum(length), sum(verdict = 'blocked'), sum(ms > 0), sum(at_ms > 1e12)
        from prompt_events";
    let row: (u32, u32, u32, u32, u32) = rows
        .query_row(sql, [], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?)))
        .unwrap();
    assert_eq!((row.0, row.1, row.2, row.4), (6, 25, 1, 6));
    assert!(row.3 >= 5, "typing takes time: {row:?}");
}

#[test]
fn a_file_that_cannot_be_written_hinders_no_delivery() {
    let mut desk = Desk::new();
    desk.home.set("AIMAX_PROMPT_EVENTS", "/dev/null/events");
    let ran = desk.run("aimax-spawn", &[&SPAWN[..], &["-s", "one"]].concat());
    assert_eq!(ran.code(), Some(0), "{ran:?}");
    assert_eq!(ran.records::<Spawned>().len(), 1);
    let says = "aimax-spawn: cannot log the delivery: /dev/null/events: ";
    assert!(ran.error().starts_with(says) && ran.error().lines().count() == 1, "{ran:?}");
    desk.done("one");
    let file = desk.home.write("events", "no database");
    desk.home.set("AIMAX_PROMPT_EVENTS", file.to_str().unwrap());
    let ran = desk.run("aimax-paste", &["-s", "one", "-p", "more"]);
    assert_eq!(ran.code(), Some(0), "{ran:?}");
    assert_eq!(ran.records::<Proven>()[0].verdict, "submitted");
    assert!(ran.error().starts_with("aimax-paste: cannot log the delivery: "), "{ran:?}");
    fails(&desk, &["stats"], 74, "events: ");
}
