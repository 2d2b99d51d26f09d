//! `aimax revive`: sessions go on in their conversations after their tmux server was killed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use serde_json::{Value, json};

use crate::{
    desk::{Desk, gone, prompts},
    records::{Listed, Proven, Spawned},
};

fn revive(desk: &Desk, args: &[&str]) -> Vec<Value> {
    let ran = desk.run("aimax", &[&["revive"], args].concat());
    assert_eq!((ran.code(), ran.error()), (Some(0), ""), "{ran:#?}");
    ran.records()
}

fn pids(records: &[Value]) -> Vec<u64> {
    records.iter().map(|record| record["pid"].as_u64().unwrap()).collect()
}

#[test]
fn all_that_died_with_their_server_go_on_with_the_options_that_they_had() {
    let desk = Desk::new();
    let args = ["-b", "practice", "one", "-m", "tiny", "--display-name", "Eins"];
    let ends = ["--permissions", "ask", "-p", "before", "--", "--misbehave", "trust=yes"];
    let one: Spawned = desk.run("aimax-spawn", &[&args[..], &ends].concat()).record();
    let two = desk.ready("two");
    desk.done("one");
    let kept = |name: &str| {
        let state: Value = serde_json::from_str(&desk.state("runtime")).unwrap();
        let mut entry = state[name].clone();
        for changes in ["startedAt", "agentSessionId", "jsonlPath"] {
            entry.as_object_mut().unwrap().remove(changes);
        }
        entry
    };
    let before = [kept("one"), kept("two")];
    desk.tmux().run(["kill-server"]);
    gone(one.pid);
    gone(two.pid);

    let records = revive(&desk, &["--all"]);
    assert_eq!(records.len(), 2);
    for record in &records {
        assert_eq!((&record["revived"], &record["state"]), (&json!(true), &json!("dead")));
    }
    assert_eq!(records[0]["agentSessionId"], one.agent_session_id);
    assert_eq!([kept("one"), kept("two")], before);
    assert_eq!(before[0]["agentArgs"], json!(["--misbehave", "trust=yes"]));
    assert_eq!(before[0]["permissions"], "ask");
    let _: Proven = desk.run("aimax-paste", &["one", "-p", "after"]).record();
    desk.done("one");
    assert_eq!(prompts(&one.jsonl_path), ["before", "after"]);

    let again = revive(&desk, &["--all"]);
    assert!(again.iter().all(|record| record["revived"] == false), "{again:?}");
    let listed: Vec<Listed> = desk.run("aimax-ls", &[]).records();
    let alive: Vec<u64> = listed.iter().map(|one| one.pid.unwrap().into()).collect();
    assert_eq!(alive, pids(&records), "nothing was started");
}

#[test]
fn one_that_ended_by_itself_is_revived_only_by_its_name() {
    let desk = Desk::new();
    let one = desk.spawn("one", ":exit 3");
    gone(one.pid);
    desk.died(&one.pane_id);
    let all = revive(&desk, &["--all"]);
    let left = json!({
        "sessionId": "one", "backend": "tmux-practice", "host": crate::records::host(),
        "revived": false, "state": "dead",
    });
    assert_eq!(all, [left]);
    let named = revive(&desk, &["one"]);
    assert_eq!((&named[0]["revived"], named.len()), (&json!(true), 1));
    assert_eq!(named[0]["agentSessionId"], one.agent_session_id);
}

#[test]
fn what_cannot_be_revived_is_said_and_the_others_are() {
    let desk = Desk::new();
    let one = desk.spawn("one", "hello");
    desk.done("one");
    desk.tmux().run(["kill-server"]);
    gone(one.pid);
    let advice = "`aimax revive -b tmux-practice one` restarts it";
    desk.run("aimax-paste", &["one", "-p", "x"]).fails(69, advice);
    let ran = desk.run("aimax", &["revive", "none", "one"]);
    assert_eq!(ran.code(), Some(69));
    assert!(ran.error().starts_with("aimax revive: none: no such session"), "{ran:?}");
    assert_eq!(ran.records::<Value>()[0]["revived"], true);
    let refused = |args: &[&str], says| {
        desk.run("aimax", &[&["revive"], args].concat()).fails_as("aimax revive", 2, says);
    };
    refused(&[], "give NAME, or --all");
    refused(&["--all", "one"], "it cannot be combined with a NAME");
}
