//! A usage limit: told with its end, and gone on behind it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{fs, time::Duration};

use serde_json::Value;

use aimax::internal::now_ms;

use crate::{
    desk::Desk,
    records::{Job, Listed},
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
