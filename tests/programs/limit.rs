//! A usage limit: told with its end, and gone on behind it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{fs, time::Duration};

use serde_json::Value;

use aimax::internal::{TERMINATE, now_ms};

use crate::{
    desk::{Desk, GATE, prompts},
    records::{Job, Killed, Listed, Proven, Unproven},
    util::wait::{PATIENCE, wait_until},
};

#[test]
fn a_job_that_the_agent_takes_up_again_is_running_again() {
    let desk = Desk::new();
    let began = now_ms();
    desk.spawn("one", "hello\n:limit 3000");
    let failed: Job = desk
        .run("aimax-flag", &["wait", "one", "--timeout", "20"])
        .fails_with(1, "usage_limit: You've hit your practice limit");
    assert_eq!((failed.state.as_str(), failed.reason.as_deref()), ("failed", Some("usage_limit")));
    assert_eq!(failed.message.as_deref(), Some("You've hit your practice limit"));
    let resets_at = failed.resets_at.unwrap();
    assert!((began + 3000..began + 3000 + PATIENCE.as_millis() as u64).contains(&resets_at));
    let flag = desk.home.proj().join(".imac/flags/one/failed.flag");
    let told = fs::read_to_string(&flag).unwrap();
    assert!(
        told.contains(&format!(
            "reason=usage_limit\nmessage=You've hit your practice limit\nresetsAt={resets_at}\n"
        )),
        "{told}"
    );
    let listed: Listed = desk.run("aimax-ls", &["one"]).record();
    assert_eq!((listed.state.as_str(), listed.resets_at), ("failed", Some(resets_at)));
    let events: Vec<Value> = desk.run("aimax-tail", &["-s", "one", "--events"]).records();
    let error = events.iter().find(|event| event["kind"] == "error").unwrap();
    assert_eq!((&error["reason"], &error["resetsAt"]), (&"usage_limit".into(), &resets_at.into()));

    // The agent goes on by itself: what failed runs again, and ends well.
    wait_until(PATIENCE, "the end of the limit", || {
        desk.run("aimax-ls", &["one"]).record::<Listed>().state != "failed"
    });
    let done: Job = desk.run("aimax-flag", &["wait", "one", "--timeout", "20"]).record();
    assert_eq!((done.state.as_str(), done.reason), ("done", None));
    assert!(!flag.exists());
    assert!(now_ms() >= resets_at, "not before {:?}", Duration::from_millis(resets_at));
}

#[test]
fn the_end_of_a_limit_can_be_waited_for() {
    let desk = Desk::new();
    let transcript = desk.spawn("one", "hello\n:limit 2500").jsonl_path;
    let ran = desk.run("aimax-flag", &["wait", "one", "--timeout", "20"]);
    let resets_at = ran.fails_with::<Job>(1, "usage_limit").resets_at.unwrap();
    let late = ["wait", "one", "--until", "reset", "--timeout", "100ms"];
    let late: Job = desk.run("aimax-flag", &late).fails_with(124, "the usage limit has not ended");
    assert_eq!((late.state.as_str(), late.resets_at), ("failed", Some(resets_at)));
    let late = ["one", "--when", "reset", "--timeout", "100ms", "-p", "more"];
    let late: Unproven = desk.run("aimax-paste", &late).fails_with(124, "had not ended in time");
    assert_eq!(late.verdict, "blocked");

    let waits = desk.start("aimax-flag", &["wait", "one", "--until", "reset"]);
    let paste = ["one", "--when", "reset", "--once", "k", "-p", "more"];
    let pasted = desk.start("aimax-paste", &paste);
    assert_eq!(waits.end().code(), Some(0));
    assert!(now_ms() >= resets_at, "the wait ended before the limit did");
    let _: Proven = pasted.end().record();
    assert!(now_ms() >= resets_at, "the prompt came before the end of the limit");
    desk.done("one");
    assert_eq!(prompts(&transcript).last().map(String::as_str), Some("more"));

    // Without a limit neither waits.
    let free: Job = desk.run("aimax-flag", &["wait", "one", "--until", "reset"]).record();
    assert_eq!((free.state.as_str(), free.resets_at), ("done", None));
    desk.paste("one", GATE);
    let runs: Job = desk.run("aimax-flag", &["wait", "one", "--until", "reset"]).record();
    assert_eq!(runs.state, "working");
    let _: Proven = desk.run("aimax-paste", &["one", "--when", "reset", "-p", "x"]).record();
    desk.open_gate();
    desk.done("one");
}

#[test]
fn a_wait_for_the_end_of_a_limit_that_cannot_come() {
    let desk = Desk::new();
    let unknown = ["wait", "none", "--until", "reset"];
    desk.run("aimax-flag", &unknown).fails(69, "no such session");
    desk.run("aimax-paste", &["none", "--when", "reset", "-p", "x"]).fails(69, "no such session");
    desk.run("aimax-paste", &["none", "--when", "resett", "-p", "x"])
        .fails(2, "did you mean `reset`");
    desk.ready("one");
    // A limit whose end nobody has told.
    desk.run("aimax-flag", &["fail", "one", "--reason", "usage_limit"]).silent();
    let wait = ["wait", "one", "--until", "reset"];
    desk.run("aimax-flag", &wait).fails_with::<Job>(1, "does not say when its usage limit ends");
    let paste = ["one", "--when", "reset", "-p", "x"];
    let blocked: Unproven = desk.run("aimax-paste", &paste).fails_with(3, "does not say when");
    assert_eq!(blocked.verdict, "blocked");
    desk.spawn("two", "hello\n:limit 60000");
    desk.run("aimax-flag", &["wait", "two", "--timeout", "20"]).fails_with::<Job>(1, "usage_limit");
    let waits = desk.start("aimax-flag", &["wait", "two", "--until", "reset"]);
    let paste = desk.start("aimax-paste", &["two", "--when", "reset", "-p", "x"]);
    for waiting in [&waits, &paste] {
        desk.asleep(waiting.child.id());
    }
    paste.signal(TERMINATE);
    assert_eq!(paste.end().signal(), Some(TERMINATE));
    desk.run("aimax-kill", &["two"]).record::<Killed>();
    let ended: Job = waits.end().fails_with(1, "");
    assert_eq!(ended.state, "failed");
}
