//! `aimax-flag`: the files that tell everyone how a job stands, and waiting for its end.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::fs;

use crate::{
    desk::{Desk, GATE, gone, prompts, story, told},
    records::{Job, Paths, Proven},
    util::wait::{PATIENCE, wait_until},
};

fn job(state: &str, reason: Option<&str>) -> Job {
    Job {
        session_id: "one".into(),
        backend: "tmux-practice".into(),
        host: crate::records::host(),
        state: state.into(),
        waiting_for: None,
        question: None,
        choices: None,
        reason: reason.map(str::to_owned),
        message: None,
        resets_at: None,
        background: None,
    }
}

#[test]
fn the_files_are_set_and_cleared_by_hand() {
    let desk = Desk::new();
    desk.ready("one");
    let paths: Paths = desk.run("aimax-flag", &["path", "one"]).record();
    let expected = Paths {
        session_id: "one".into(),
        backend: "tmux-practice".into(),
        host: crate::records::host(),
        running: desk.flags("one").join("running.flag"),
        failed: desk.flags("one").join("failed.flag"),
    };
    assert_eq!(paths, expected);
    desk.run("aimax-flag", &["check", "one"]).silent();
    desk.run("aimax-flag", &["set", "one"]).silent();
    let text = fs::read_to_string(&paths.running).unwrap();
    let keys: Vec<&str> = text.lines().map(|line| line.split_once('=').unwrap().0).collect();
    assert_eq!(keys, ["session", "pid", "startedAt"]);
    assert!(text.starts_with("session=one\n"));
    assert_eq!(desk.run("aimax-flag", &["check", "one"]).code(), Some(124));
    desk.run("aimax-flag", &["fail", "one", "--reason", "two\nlines"]).silent();
    assert!(!paths.running.exists());
    assert_eq!(desk.failure("one").as_deref(), Some("two\\nlines"));
    let check = desk.run("aimax-flag", &["check", "one"]);
    assert_eq!((check.code(), check.text(), check.error()), (Some(1), "", ""));
    let waited: Job =
        desk.run("aimax-flag", &["wait", "one"]).fails_with(1, "one: the job failed: two");
    assert_eq!(waited, job("failed", Some("two\nlines")));
    desk.run("aimax-flag", &["set", "-s", "one"]).silent();
    assert!(!paths.failed.exists(), "a new job takes the old failure away");
    desk.run("aimax-flag", &["clear", "one"]).silent();
    desk.run("aimax-flag", &["clear", "one"]).silent();
    assert!(!paths.running.exists() && !paths.failed.exists());
    let waited: Job = desk.run("aimax-flag", &["wait", "one"]).record();
    assert_eq!(waited, job("done", None));
}

#[test]
fn wrong_usage() {
    let desk = Desk::new();
    desk.run("aimax-flag", &[]).fails(2, "verb: none is given");
    desk.run("aimax-flag", &["check"]).fails(2, "session: none is given");
    desk.run("aimax-flag", &["path", "a", "b"]).fails(2, "NAME: path takes only one session");
    desk.run("aimax-flag", &["wait", "a", "--root", "/"]).fails(2, "--root: `wait` also looks at");
    desk.run("aimax-flag", &["wait", "a", "--until", "x"]).fails(2, "no such choice `x`");
    desk.run("aimax-flag", &["check", "_root"]).fails(2, "not a valid name");
    desk.run("aimax-flag", &["check", "none"]).fails(69, "none: no such session");
    desk.ready("one");
    desk.run("aimax-flag", &["hoist", "one"]).fails(2, "hoist: no such verb");
}

#[test]
fn a_failed_job_gives_its_reason() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", ":error 500");
    let reason = "API Error: 500 practice error";
    let says = format!("one: the job failed: {reason}");
    let waited: Job = desk.run("aimax-flag", &["wait", "one"]).fails_with(1, &says);
    assert_eq!(waited, job("failed", Some(reason)));
    assert_eq!(desk.failure("one").as_deref(), Some(reason));
    assert!(!desk.is_running("one"));
    desk.paste("one", "better");
    desk.done("one");
    assert_eq!(desk.failure("one"), None);
    assert_eq!(prompts(&spawned.jsonl_path), [":error 500", "better"]);
}

#[test]
fn an_interrupted_job_has_failed() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", ":slow 600000");
    let waiting = desk.start("aimax-flag", &["wait", "one"]);
    desk.tmux().keys(&spawned.pane_id, &["Escape"]);
    let waited: Job = waiting.end().fails_with(1, "one: the job failed: interrupted");
    assert_eq!(waited, job("failed", Some("interrupted")));
    assert_eq!(desk.failure("one").as_deref(), Some("interrupted"));
}

#[test]
fn time_is_up_while_the_job_runs() {
    let desk = Desk::new();
    desk.spawn("one", GATE);
    let ran = desk.run("aimax-flag", &["wait", "one", "--timeout", "200ms"]);
    let waited: Job = ran.fails_with(124, "one: the job is still running");
    assert_eq!(waited, job("working", None));
    assert!(desk.is_running("one"));
}

#[test]
fn a_question_ends_the_wait() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", "!until test -e gate; do sleep 0.02; done\n:ask echo yes");
    let waiting = desk.start("aimax-flag", &["wait", "one"]);
    desk.open_gate();
    let waited: Job = waiting.end().fails_with(5, "one: the agent asks: permission: Do you");
    assert_eq!((&*waited.state, waited.reason.as_deref()), ("waiting", Some("permission")));
    assert_eq!((waited.waiting_for, waited.choices.unwrap().len()), (waited.reason, 2));
    assert_eq!(desk.run("aimax-flag", &["check", "one"]).code(), Some(5));
    assert!(desk.is_running("one"), "the job is not over");
    desk.tmux().keys(&spawned.pane_id, &["Enter"]);
    wait_until(PATIENCE, "the answer taken", || {
        desk.run("aimax-flag", &["check", "one"]).code() != Some(5)
    });
    desk.done("one");
}

#[test]
fn the_flag_stays_until_the_last_prompt_has_ended() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", ":slow 1500");
    let pasted: Proven = desk.paste("one", GATE);
    assert_eq!(pasted.verdict, "queued");
    let waiting = desk.start("aimax-flag", &["wait", "one"]);
    told(&spawned.jsonl_path, &format!("queued \"{GATE}\""));
    assert!(story(&spawned.jsonl_path).contains(&"turn_duration".to_owned()), "one turn has ended");
    assert!(desk.is_running("one"));
    assert_eq!(desk.run("aimax-flag", &["check", "one"]).code(), Some(124));
    desk.open_gate();
    let waited: Job = waiting.end().record();
    assert_eq!(waited, job("done", None));
    let story = story(&spawned.jsonl_path);
    assert_eq!(story.last().unwrap(), "turn_duration");
    assert_eq!(story.iter().filter(|line| *line == "turn_duration").count(), 2);
}

#[test]
fn many_may_wait_at_once() {
    let desk = Desk::new();
    desk.spawn("one", GATE);
    let waiting: Vec<_> = (0..4).map(|_| desk.start("aimax-flag", &["wait", "one"])).collect();
    desk.open_gate();
    for waiter in waiting {
        assert_eq!(waiter.end().record::<Job>(), job("done", None));
    }
}

/// Nobody waits: the agent's own hooks set the flags right.
#[test]
fn flags_fall_by_themselves() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", "hello");
    wait_until(PATIENCE, "no running.flag after the turn", || !desk.is_running("one"));
    assert_eq!(desk.failure("one"), None);
    desk.paste("one", ":error 429");
    wait_until(PATIENCE, "no running.flag after the error", || !desk.is_running("one"));
    assert_eq!(desk.failure("one").as_deref(), Some("API Error: 429 practice error"));
    desk.paste("one", GATE);
    assert!(desk.is_running("one") && desk.failure("one").is_none());
    desk.tmux().run(["kill-window", "-t", &spawned.window_id]);
    wait_until(PATIENCE, "no running.flag after the window", || !desk.is_running("one"));
    assert!(desk.failure("one").unwrap().starts_with("the agent ended"));
}

/// A program that is killed runs no hook: tmux's does it.
#[test]
fn flags_fall_when_an_agent_is_killed() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", GATE);
    aimax::internal::kill(spawned.pid.try_into().unwrap(), aimax::internal::KILL).unwrap();
    wait_until(PATIENCE, "no running.flag", || {
        // tmux 3.3a now and then misses the end of a child, and runs its hook when another one ends.
        desk.tmux().run(["run-shell", "-b", "true"]);
        !desk.is_running("one")
    });
    assert_eq!(desk.failure("one").as_deref(), Some("the agent ended with status 137"));
}

#[test]
fn a_wait_sees_the_agents_death() {
    let desk = Desk::new();
    for how in ["killed", "by itself", "window", "server"] {
        let spawned = desk.spawn("one", if how == "by itself" { ":slow 300\n:die" } else { GATE });
        let waiting = desk.start("aimax-flag", &["wait", "one", "--timeout", "30"]);
        match how {
            "killed" => {
                aimax::internal::kill(spawned.pid.try_into().unwrap(), aimax::internal::KILL)
                    .unwrap();
            }
            "window" => drop(desk.tmux().run(["kill-window", "-t", &spawned.window_id])),
            "server" => drop(desk.tmux().run(["kill-server"])),
            _ => {}
        }
        gone(spawned.pid);
        let waited: Job = waiting.end().fails_with(1, "one: the job failed: the agent ended");
        assert_eq!(waited.state, "failed", "{how}");
        assert!(desk.failure("one").unwrap().starts_with("the agent ended"), "{how}");
    }
}
