//! `aimax-flag` for many sessions at once, and for those who only watch.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    io::{BufRead, BufReader},
};

use crate::{
    desk::{Desk, GATE},
    records::Job,
    util::wait::{PATIENCE, wait_until},
};

fn told(jobs: &[Job]) -> Vec<(&str, &str)> {
    jobs.iter().map(|job| (job.session_id.as_str(), job.state.as_str())).collect()
}

#[test]
fn each_is_told_as_it_ends() {
    let desk = Desk::new();
    for (name, prompt) in [("a", GATE), ("b", "hello"), ("c", ":error 500")] {
        desk.spawn(name, prompt);
    }
    let mut waiting = desk.start("aimax-flag", &["wait", "a", "b", "c", "--timeout", "60"]);
    let mut lines = BufReader::new(waiting.child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Job>(&lines.next().unwrap().unwrap()).unwrap();
    let mut early = [next(), next()];
    early.sort_by(|a, b| a.session_id.cmp(&b.session_id));
    assert_eq!(told(&early), [("b", "done"), ("c", "failed")], "while the first still runs");
    desk.open_gate();
    assert_eq!(told(&[next()]), [("a", "done")]);
    let ran = waiting.end();
    assert_eq!(ran.code(), Some(1), "the highest of all: {ran:?}");
    assert_eq!(ran.error(), "aimax-flag: c: the job failed: API Error: 500 practice error\n");

    // All that are known, at once.
    let ran = desk.run("aimax-flag", &["wait", "--all"]);
    let all = [("a", "done"), ("b", "done"), ("c", "failed")];
    assert_eq!((told(&ran.records::<Job>()), ran.code()), (all.to_vec(), Some(1)));
    assert_eq!(desk.run("aimax-flag", &["check", "--all"]).code(), Some(1));
    desk.run("aimax-flag", &["check", "a", "b"]).silent();
}

#[test]
fn the_first_that_ends_is_enough() {
    let desk = Desk::new();
    desk.spawn("a", "!until test -e never; do sleep 0.02; done");
    desk.spawn("b", GATE);
    let waiting = desk.start("aimax-flag", &["wait", "--any", "a", "b"]);
    desk.asleep(waiting.child.id());
    desk.open_gate();
    assert_eq!(told(&[waiting.end().record()]), [("b", "done")]);
    let ran = desk.run("aimax-flag", &["wait", "a", "b", "--timeout", "50ms"]);
    assert_eq!(told(&ran.records::<Job>()), [("b", "done"), ("a", "working")]);
    assert_eq!((ran.code(), ran.error()), (Some(124), "aimax-flag: a: the job is still running\n"));
    fs::write(desk.home.proj().join("never"), "").unwrap();
}

#[test]
fn a_session_that_is_ended_is_not_done() {
    let desk = Desk::new();
    desk.spawn("a", GATE);
    let waiting = desk.start("aimax-flag", &["wait", "a"]);
    desk.asleep(waiting.child.id());
    desk.run("aimax-kill", &["a"]).record::<crate::records::Killed>();
    let job: Job = waiting.end().fails_with(1, "a: the job failed: ");
    let reason = job.reason.unwrap();
    assert!(["the session was ended", "the agent ended"].contains(&reason.as_str()), "{reason}");
    desk.nothing_of("a");
}

#[test]
fn other_ends_of_a_wait() {
    let desk = Desk::new();
    let spawned = desk.spawn("a", ":ask true");
    let asked: Job =
        desk.run("aimax-flag", &["wait", "a", "--until", "waiting", "--timeout", "60"]).record();
    assert_eq!((asked.state.as_str(), asked.reason.unwrap().as_str()), ("waiting", "permission"));
    let waiting = desk.start("aimax-flag", &["wait", "a", "--until", "idle"]);
    waiting.end().fails_with::<Job>(5, "a: the agent asks: permission: Do you want to proceed?");
    desk.tmux().keys(&spawned.pane_id, &["Enter"]);
    desk.done("a");
    let ran = desk.run("aimax-flag", &["wait", "a", "--until", "waiting"]);
    ran.fails_with::<Job>(1, "a: the job ended without a question");
    desk.paste("a", ":error 500");
    let idle: Job = desk.run("aimax-flag", &["wait", "a", "--until", "idle"]).record();
    assert_eq!(idle.state, "idle", "whatever became of the job");
    aimax::internal::kill(spawned.pid.try_into().unwrap(), aimax::internal::KILL).unwrap();
    desk.died(&spawned.pane_id);
    let ran = desk.run("aimax-flag", &["wait", "a", "--until", "idle"]);
    ran.fails_with::<Job>(1, "a: the job failed: the agent ended");
}

#[test]
fn a_stuck_job_is_asked_for() {
    let desk = Desk::new();
    desk.spawn("a", GATE);
    desk.run("aimax-flag", &["check", "a", "--older-than", "30m"]).silent();
    let running = desk.flags("a").join("running.flag");
    let text = fs::read_to_string(&running).unwrap();
    let begun = text.lines().find(|line| line.starts_with("startedAt=")).unwrap();
    fs::write(&running, text.replace(begun, "startedAt=2026-01-01T00:00:00.000Z")).unwrap();
    let check = ["check", "--all", "--older-than", "30m"];
    desk.run("aimax-flag", &check).fails(1, "a: the job has been running for ");
    desk.open_gate();
    desk.done("a");
    desk.run("aimax-flag", &check).silent();
}

/// Without its folder, nobody can say that a job is done.
#[test]
fn a_folder_that_is_gone() {
    let desk = Desk::new();
    let root = desk.home.home().join("root");
    fs::create_dir(&root).unwrap();
    let spawn = ["-b", "tmux-practice", "-s", "a", "--flag-root", root.to_str().unwrap()];
    desk.run("aimax-spawn", &spawn).record::<crate::records::Ready>();
    desk.paste("a", GATE);
    let waiting = desk.start("aimax-flag", &["wait", "a"]);
    desk.asleep(waiting.child.id());
    fs::rename(&root, root.with_extension("moved")).unwrap();
    waiting.end().fails(69, "a: the folder of its flags is gone");
    desk.run("aimax-flag", &["check", "a"]).fails(69, "a: the folder of its flags is gone");
    let listed = desk.run("aimax-ls", &["a"]);
    assert_eq!(listed.records::<crate::records::Listed>()[0].state, "working");
    assert_eq!(listed.error(), "aimax-ls: a: the folder of its flags is gone\n");
    let refused = desk.run("aimax-paste", &["-s", "a", "-p", "x"]);
    refused.fails(2, "the flag root is not a folder: make it first");
    desk.open_gate();
    desk.run("aimax-kill", &["a"]).record::<crate::records::Killed>();
}

/// Nothing but the folder: no tmux on the PATH, and no state.
#[test]
fn a_stranger_may_watch() {
    let desk = Desk::new();
    desk.spawn("a", GATE);
    let root = desk.home.proj().to_string_lossy().into_owned();
    let check = |more: &[&str]| {
        let mut command = desk.command("aimax-flag", &["check", "--root", &root, "a"]);
        command.args(more).env_clear().env("PATH", "/nonexistent").env("HOME", "/nonexistent");
        desk.started("aimax-flag", command).end()
    };
    assert_eq!(check(&[]).code(), Some(124));
    check(&["--older-than", "1h"]).silent();
    wait_until(PATIENCE, "a job that is older", || {
        check(&["--older-than", "1ms"]).code() == Some(1)
    });
    desk.open_gate();
    desk.done("a");
    check(&[]).silent();
    desk.paste("a", ":error 500");
    wait_until(PATIENCE, "the failure", || check(&[]).code() == Some(1));
    check(&["b"]).fails(69, "b: no folder");
    let set = ["--root", &root, "b"];
    desk.run("aimax-flag", &[&["set"], &set[..]].concat()).silent();
    assert_eq!(check(&["b"]).code(), Some(124), "the highest");
}
