//! `aimax-ls`: every state, and the answer for a session that is named.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    io::{BufRead, BufReader},
    process::Stdio,
};

use aimax::internal::Tmux;

use crate::{
    desk::{Desk, GATE, gone},
    records::{Job, Killed, Listed, Spawned},
    util::wait::{PATIENCE, wait_until},
};

fn listed(desk: &Desk, name: &str) -> Listed {
    desk.run("aimax-ls", &[name]).record()
}

#[test]
fn states() {
    let desk = Desk::new();
    desk.run("aimax-ls", &[]).silent();
    let idle = desk.ready("idle");
    desk.spawn("working", GATE);
    let waiting = desk.spawn("waiting", ":ask true");
    desk.tmux().wait_text(&waiting.pane_id, "Do you want to proceed?");
    desk.spawn("failed", ":error 500");
    let _: Job = desk.run("aimax-flag", &["wait", "failed"]).fails_with(1, "the job failed");
    let dead = desk.ready("dead");
    aimax::internal::kill(dead.pid.try_into().unwrap(), aimax::internal::KILL).unwrap();
    desk.died(&dead.pane_id);
    let closed = desk.ready("closed");
    desk.tmux().run(["kill-window", "-t", &closed.window_id]);
    let args = ["-b", "tmux-practice", "-s", "starting", "--", "--misbehave", "slow-start=60000"];
    let starting = desk.start("aimax-spawn", &args);
    wait_until(PATIENCE, "the entry", || desk.knows("runtime", "starting"));

    let all: Vec<Listed> = desk.run("aimax-ls", &[]).records();
    let told = |listed: &Listed| (listed.session_id.clone(), listed.state.clone());
    let states: Vec<_> = all.iter().map(told).collect();
    let expected = [
        ("idle", "idle"),
        ("working", "working"),
        ("waiting", "waiting"),
        ("failed", "failed"),
        ("dead", "dead"),
        ("closed", "dead"),
        ("starting", "starting"),
    ];
    assert_eq!(states, expected.map(|(name, state)| (name.to_owned(), state.to_owned())));
    for listed in &all {
        let name = listed.session_id.as_str();
        assert_eq!(listed.pid.is_some(), listed.state != "dead", "{name}");
        assert_eq!(listed.window_id.is_some(), name != "closed", "{name}");
        let asks = (name == "waiting").then_some("permission");
        assert_eq!(listed.waiting_for.as_deref(), asks, "{name}");
        let choices = listed.choices.iter().flatten();
        let choices: Vec<_> = choices.map(|one| (one.key.as_str(), one.label.as_str())).collect();
        let expected = if name == "waiting" { &[("1", "Yes"), ("2", "No")][..] } else { &[] };
        assert_eq!(choices, expected, "{name}");
        let reason = (name == "failed").then_some("API Error: 500 practice error");
        assert_eq!(listed.reason.as_deref(), reason, "{name}");
    }
    assert_eq!(all[0].pid, Some(idle.pid));

    // One that is named is alive or not.
    assert_eq!(listed(&desk, "idle").state, "idle");
    for name in ["dead", "closed"] {
        let ran = desk.run("aimax-ls", &[name]);
        assert_eq!((ran.code(), ran.error(), ran.records::<Listed>().len()), (Some(1), "", 1));
    }
    let ran = desk.run("aimax-ls", &["idle", "dead"]);
    assert_eq!((ran.code(), ran.records::<Listed>().len()), (Some(1), 2));
    let ran = desk.run("aimax-ls", &["-s", "idle"]);
    assert_eq!(ran.record::<Listed>().session_id, "idle");
    desk.run("aimax-ls", &["none"]).fails(69, "none: no such session");
    desk.run("aimax-ls", &["_root"]).fails(2, "not a valid name");
    let names = desk.run("aimax-ls", &["--names"]);
    assert_eq!(names.text(), "idle\nworking\nwaiting\nfailed\ndead\nclosed\nstarting\n");

    starting.signal(libc::SIGTERM);
    starting.end();
    desk.open_gate();
    desk.done("working");
    assert_eq!(listed(&desk, "working").state, "idle");
}

#[test]
fn a_server_that_is_gone() {
    let desk = Desk::new();
    let ready = desk.ready("one");
    desk.tmux().run(["kill-server"]);
    gone(ready.pid);
    let all: Vec<Listed> = desk.run("aimax-ls", &[]).records();
    assert_eq!((all.len(), all[0].state.as_str(), all[0].pid), (1, "dead", None));
    assert!(desk.windows().is_empty(), "listing starts no server");
}

#[test]
fn backends_are_told_apart() {
    let desk = Desk::new();
    let ready = desk.ready("one");
    let codex = desk.home.data().join("codex-hub-runtime.json");
    let entry = r#"{"agentSessionId": "x", "cwd": "/", "jsonlPath": "/x", "startedAt": 1}"#;
    let entry = entry.replace("}", ", \"displayName\": null, \"later\": [1]}");
    fs::write(&codex, format!("{{\"_root\": {entry}, \"one\": {entry}, \"a b\": {entry}}}"))
        .unwrap();
    let all: Vec<Listed> = desk.run("aimax-ls", &[]).records();
    let told: Vec<_> = all.iter().map(|l| (l.backend.as_str(), l.state.as_str())).collect();
    assert_eq!(told, [("tmux-codex", "dead"), ("tmux-practice", "idle")]);
    let says =
        "one: both tmux-practice and tmux-codex have a session of this name: choose one with -b";
    desk.run("aimax-ls", &["one"]).fails(2, says);
    desk.run("aimax-paste", &["-s", "one", "-p", "x"]).fails(2, says);
    let listed: Listed = desk.run("aimax-ls", &["-b", "tmux-practice", "one"]).record();
    assert_eq!(listed.pid, Some(ready.pid));
    let listed: Listed = desk.run("aimax-ls", &["-b", "tmux-practice"]).record();
    assert_eq!(listed.pid, Some(ready.pid));
}

#[test]
fn a_broken_state_file_is_set_aside() {
    let desk = Desk::new();
    desk.ready("one");
    let runtime = desk.home.data().join("practice-hub-runtime.json");
    fs::write(&runtime, "{\"one\": {").unwrap();
    desk.run("aimax-ls", &[]).fails(74, "not readable as JSON");
    let kept = fs::read_dir(desk.home.data())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains(".broken-"))
        .unwrap();
    assert_eq!(fs::read_to_string(kept).unwrap(), "{\"one\": {");
}

#[test]
fn changes_are_told_as_they_happen() {
    let desk = Desk::new();
    desk.ready("a");
    let mut watching = desk.start("aimax-ls", &["--watch"]);
    let mut lines = BufReader::new(watching.child.stdout.take().unwrap()).lines();
    let mut until = |name: &str, state: &str| {
        for line in lines.by_ref() {
            let listed: Listed = serde_json::from_str(&line.unwrap()).unwrap();
            if (listed.session_id.as_str(), listed.state.as_str()) == (name, state) {
                return listed;
            }
        }
        panic!("the watch has ended")
    };
    until("a", "idle");
    desk.paste("a", GATE);
    until("a", "working");
    desk.open_gate();
    until("a", "idle");
    desk.paste("a", ":error 500");
    assert_eq!(until("a", "failed").reason.as_deref(), Some("API Error: 500 practice error"));
    let b = desk.ready("b");
    until("b", "idle");
    aimax::internal::kill(b.pid.try_into().unwrap(), aimax::internal::KILL).unwrap();
    desk.died(&b.pane_id);
    until("b", "dead");
    desk.run("aimax-kill", &["a"]).record::<Killed>();
    until("a", "archived");
    watching.child.kill().unwrap();
    watching.child.wait().unwrap();
}

#[test]
fn a_change_of_one_session_has_no_other_looked_at() {
    let desk = Desk::new();
    let one = desk.spawn("a", "hello");
    desk.done("a");
    desk.ready("b");
    desk.ready("c");
    let trace = desk.home.root().join("trace");
    let mut command = desk.command("aimax-ls", &["--watch"]);
    command.env("AIMAX_TRACE", &trace).stdout(Stdio::piped());
    let mut watching = command.spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut states = || -> (String, String) {
        let listed: Listed = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        (listed.session_id, listed.state)
    };
    for name in ["a", "b", "c"] {
        assert_eq!(states(), (name.into(), "idle".into()));
    }
    let calls = || fs::read_to_string(&trace).unwrap();
    let before = calls().len();
    desk.paste("a", GATE);
    while states() != ("a".into(), "working".into()) {}
    desk.open_gate();
    while states() != ("a".into(), "idle".into()) {}
    let calls = calls().split_off(before);
    let asked = format!("-t {} ", one.pane_id);
    assert!(calls.lines().count() > 0);
    assert!(calls.lines().all(|call| call.contains(&asked)), "{calls}");
    watching.kill().unwrap();
    watching.wait().unwrap();
}

#[test]
fn what_was_ended_is_archived_and_can_go_on() {
    let desk = Desk::new();
    let spawned = desk.spawn("a", "hello");
    desk.done("a");
    desk.ready("b");
    desk.run("aimax-kill", &["a"]).record::<Killed>();
    let all: Vec<Listed> = desk.run("aimax-ls", &["--all"]).records();
    let told: Vec<_> = all.iter().map(|l| (l.session_id.as_str(), l.state.as_str())).collect();
    assert_eq!(told, [("b", "idle"), ("a", "archived")]);
    let id = all[1].agent_session_id.clone();
    assert_eq!((&id, &all[1].cwd), (&spawned.agent_session_id, &desk.home.proj()));
    let again = ["-b", "tmux-practice", "-s", "a", "--resume", &id, "-p", "again"];
    let again: Spawned = desk.run("aimax-spawn", &again).record();
    assert_eq!(again.jsonl_path, spawned.jsonl_path);
}

#[test]
fn the_screens_of_many_that_work_are_one_command() {
    let desk = Desk::new();
    let folder = desk.home.root().join("config/aimax/screens");
    fs::create_dir_all(&folder).unwrap();
    let profile: &str = include_str!("../../src/agent/practice/profile.json");
    let tells = profile.replacen("\"pointers\"", "\"retrying\": [\"Working…\"], \"pointers\"", 1);
    fs::write(folder.join("practice.json"), tells).unwrap();
    for name in ["a", "b", "c"] {
        desk.spawn(name, GATE);
    }
    desk.ready("idle");
    let trace = desk.home.root().join("trace");
    let mut command = desk.command("aimax-ls", &[]);
    command.env("AIMAX_TRACE", &trace).env("XDG_CONFIG_HOME", desk.home.root().join("config"));
    let listed: Vec<Listed> = desk.started("aimax-ls", command).end().records();
    let shown: Vec<_> = listed.iter().map(|one| (&*one.session_id, one.retrying)).collect();
    let retries = Some(true);
    assert_eq!(shown, [("a", retries), ("b", retries), ("c", retries), ("idle", None)]);
    let calls = fs::read_to_string(&trace).unwrap();
    assert_eq!(calls.lines().filter(|line| line.contains("capture-pane")).count(), 1, "{calls}");
}

#[test]
fn a_pane_that_is_gone_costs_no_other_its_screen() {
    let desk = Desk::new();
    let one = desk.ready("one");
    let tmux = Tmux::new(&desk.config()).unwrap();
    let screen = tmux.capture(&one.pane_id).unwrap().unwrap().screen;
    // More than one command holds.
    let mut panes = vec![one.pane_id.as_str(); 300];
    (panes[0], panes[7], panes[150], panes[299]) = ("%98", "%97", "%99", "%96");
    let screens = tmux.screens(&panes).unwrap();
    assert_eq!(screens.len(), 300);
    for (pane, found) in panes.iter().zip(screens) {
        assert_eq!(found, (*pane == one.pane_id).then(|| screen.clone()), "{pane}");
    }
}
