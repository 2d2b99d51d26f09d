//! `aimax-kill`: what is ended, and what is left.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs::{self, File},
    path::Path,
};

use crate::{
    desk::{Desk, gone, prompts},
    records::{Killed, Listed},
    util::wait::{PATIENCE, wait_for},
};

fn killed(name: &str, killed: bool, was_working: bool) -> Killed {
    let (session_id, backend) = (name.into(), "tmux-practice".into());
    let host = crate::records::host();
    Killed { session_id, backend, host, killed, was_working }
}

/// The number that a tool's command wrote.
fn number(file: &Path) -> u32 {
    wait_for(PATIENCE, "a process number", |_| fs::read_to_string(file).ok()?.trim().parse().ok())
}

#[test]
fn a_session_at_work_ends_with_its_tools() {
    let desk = Desk::new();
    let spawned = desk.spawn(
        "one",
        "!setsid sh -c 'echo $$ > far; exec sleep 600' & echo $$ > near; exec sleep 600",
    );
    let tools = ["near", "far"].map(|file| number(&desk.home.proj().join(file)));
    assert!(tools.iter().all(|&tool| aimax::internal::is_alive(tool)));
    assert_eq!(desk.run("aimax-kill", &["one"]).record::<Killed>(), killed("one", true, true));
    gone(spawned.pid);
    for tool in tools {
        gone(tool);
    }
    desk.nothing_of("one");
    assert!(!desk.home.proj().join(".imac").exists());
}

#[test]
fn a_tool_that_does_not_end_is_made_to() {
    let desk = Desk::new();
    let deaf = "!setsid sh -c 'trap \"\" HUP TERM; echo $$ > deaf; sleep 600; :' & wait";
    desk.spawn("one", deaf);
    let tool = number(&desk.home.proj().join("deaf"));
    assert_eq!(desk.run("aimax-kill", &["one"]).record::<Killed>(), killed("one", true, true));
    gone(tool);
    desk.nothing_of("one");
}

#[test]
fn several_at_once_and_one_that_is_missing() {
    let desk = Desk::new();
    let pids = ["one", "two", "one1"].map(|name| desk.ready(name).pid);
    let ran = desk.run("aimax-kill", &["one", "none", "two"]);
    assert_eq!((ran.code(), ran.error().lines().count()), (Some(69), 1));
    assert!(ran.error().starts_with("aimax-kill: none: no such session"), "{}", ran.error());
    assert_eq!(ran.records::<Killed>(), [killed("one", true, false), killed("two", true, false)]);
    assert!(!aimax::internal::is_alive(pids[0]) && !aimax::internal::is_alive(pids[1]));
    let rest: Listed = desk.run("aimax-ls", &[]).record();
    assert_eq!((rest.session_id.as_str(), rest.pid), ("one1", Some(pids[2])));
}

#[test]
fn what_is_dead_already_is_tidied_up() {
    let desk = Desk::new();
    let dead = desk.spawn("dead", "x");
    desk.done("dead");
    aimax::internal::kill(dead.pid.try_into().unwrap(), aimax::internal::KILL).unwrap();
    desk.died(&dead.pane_id);
    let closed = desk.ready("closed");
    desk.tmux().run(["kill-window", "-t", &closed.window_id]);
    gone(closed.pid);
    assert_eq!(desk.run("aimax-kill", &["dead"]).record::<Killed>(), killed("dead", true, false));
    assert_eq!(
        desk.run("aimax-kill", &["closed"]).record::<Killed>(),
        killed("closed", false, false)
    );
    for name in ["dead", "closed"] {
        desk.nothing_of(name);
        assert!(desk.knows("archive", name));
    }
    assert_eq!(desk.windows(), ["_root"]);
    assert_eq!(prompts(&dead.jsonl_path), ["x"], "the conversation stays");
}

#[test]
fn a_window_that_no_state_file_knows() {
    let desk = Desk::new();
    let ready = desk.ready("one");
    fs::remove_file(desk.home.data().join("practice-hub-runtime.json")).unwrap();
    desk.run("aimax-ls", &["one"]).fails(69, "one: no such session");
    assert_eq!(desk.run("aimax-kill", &["one"]).record::<Killed>(), killed("one", true, false));
    gone(ready.pid);
    desk.nothing_of("one");
}

#[test]
fn a_session_that_is_busy_is_waited_for() {
    let desk = Desk::new();
    desk.ready("one");
    let lock = File::open(desk.made_for("one").join("lock")).unwrap();
    lock.lock().unwrap();
    let ran = desk.run("aimax-kill", &["one", "--lock-wait", "100ms"]);
    ran.fails(3, "one: another process is using this session");
    let listed: Listed = desk.run("aimax-ls", &["one"]).record();
    assert_eq!(listed.state, "idle");
    let paste = desk.run("aimax-paste", &["-s", "one", "-p", "x", "--lock-wait", "100ms"]);
    paste.fails(3, "one: another process is using this session");
    let waiting = desk.start("aimax-kill", &["one"]);
    lock.unlock().unwrap();
    assert_eq!(waiting.end().record::<Killed>(), killed("one", true, false));
}

#[test]
fn wrong_usage() {
    let desk = Desk::new();
    desk.run("aimax-kill", &[]).fails(2, "session: none is given");
    desk.run("aimax-kill", &["_root"]).fails(2, "not a valid name");
    desk.run("aimax-kill", &["none"]).fails(69, "none: no such session");
}
