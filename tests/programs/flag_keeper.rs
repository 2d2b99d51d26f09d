//! Nobody of ours waits, and none of our hooks runs: the keeper of the job has the flags follow.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    time::{Duration, Instant},
};

use aimax::internal::now_ms;
use serde_json::{Value, json};

use crate::{
    desk::{Desk, GATE, prompts},
    records::{Listed, Ready},
    util::wait::{PATIENCE, wait_until},
};

impl Desk {
    /// A session whose agent has these settings instead of ours.
    fn set_up(&self, name: &str, settings: &Value) -> Ready {
        let path = self.home.home().join("own.json");
        fs::write(&path, settings.to_string()).unwrap();
        let own = ["--", "--settings", path.to_str().unwrap()];
        let args = [&["-b", "tmux-practice", "-s", name], &own[..]].concat();
        self.run("aimax-spawn", &args).record()
    }

    /// How long the flag stays after the agent is idle, in milliseconds.
    fn falls_after(&self, pid: u32) -> u64 {
        let mut gone = 0;
        wait_until(PATIENCE, "no running.flag", || {
            gone = now_ms();
            !self.is_running("one")
        });
        let path = self.home.data().join(format!("practice/sessions/{pid}.json"));
        let state: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        gone.saturating_sub(state["statusUpdatedAt"].as_u64().unwrap())
    }
}

#[test]
fn flags_fall_where_no_hook_runs() {
    let desk = Desk::new();
    let ready = desk.set_up("one", &json!({"disableAllHooks": true}));
    let mut took: Vec<u64> = (0..9)
        .map(|n| {
            desk.paste("one", &format!("turn {n}"));
            desk.falls_after(ready.pid)
        })
        .collect();
    took.sort_unstable();
    println!("after {took:?} ms");
    assert!(took[4] < 300, "{took:?}");
    assert_eq!(desk.failure("one"), None);

    desk.paste("one", ":error 500");
    wait_until(PATIENCE, "the failure", || desk.failure("one").is_some());
    desk.paste("one", GATE);
    fs::remove_dir_all(desk.home.proj().join(".imac")).unwrap();
    wait_until(PATIENCE, "the flag again", || desk.is_running("one"));
    desk.tmux().keys(&ready.pane_id, &["Escape"]);
    wait_until(PATIENCE, "the end of the turn", || desk.failure("one").is_some());
    assert_eq!(desk.failure("one").as_deref(), Some("interrupted"));
    desk.paste("one", ":slow 60000");
    aimax::internal::kill(ready.pid.try_into().unwrap(), aimax::internal::KILL).unwrap();
    wait_until(PATIENCE, "the end of the agent", || desk.failure("one").is_some());
    assert!(desk.failure("one").unwrap().starts_with("the agent ended"));
}

#[test]
fn flags_wait_for_a_slow_hook_of_the_users_own() {
    let desk = Desk::new();
    let stop = "touch stopping; until test -e gate; do sleep 0.02; done";
    let hooks = json!({"Stop": [{"hooks": [{"type": "command", "command": stop}]}]});
    let ready = desk.set_up("one", &json!({ "hooks": hooks }));
    desk.paste("one", "hello");
    let stopping = desk.home.proj().join("stopping");
    wait_until(PATIENCE, "the hook", || stopping.exists());
    std::thread::sleep(Duration::from_millis(300));
    assert!(desk.is_running("one"), "the turn has not ended");
    assert_eq!(desk.run("aimax-flag", &["check", "one"]).code(), Some(124));
    desk.open_gate();
    let took = desk.falls_after(ready.pid);
    println!("after {took} ms");
    assert_eq!(desk.failure("one"), None);
}

/// It ends with the job, however often prompts come meanwhile.
#[test]
fn a_job_has_one_keeper() {
    let desk = Desk::new();
    desk.spawn("one", GATE);
    desk.paste("one", "second");
    desk.paste("one", "third");
    let keepers = || {
        let ids = fs::read_dir("/proc").into_iter().flatten().flatten();
        let data = desk.home.data().display().to_string();
        ids.filter(|entry| {
            let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            String::from_utf8_lossy(&words).ends_with("keep\0tmux-practice\0one\0")
                && String::from_utf8_lossy(&environment).contains(&data)
        })
        .count()
    };
    if cfg!(target_os = "linux") {
        wait_until(PATIENCE, "a keeper", || keepers() == 1);
    }
    desk.open_gate();
    wait_until(PATIENCE, "no running.flag", || !desk.is_running("one"));
    wait_until(PATIENCE, "no keeper", || keepers() == 0);
}

/// A hook that a prompt needs, which waits where the prompt says so, and refuses one that holds BAD.
fn needed(desk: &Desk) -> Ready {
    let hook = "read -r input; echo ran >>ran; case $input in *LATE*) until test -e gate; do \
                sleep 0.02; done ;; esac; case $input in *BAD*) echo 'not this one' >&2; exit 2 ;; esac";
    let hooks = json!({"UserPromptSubmit": [{"hooks": [{"type": "command", "command": hook}]}]});
    desk.set_up("one", &json!({ "hooks": hooks }))
}

/// The prompt from the queue is taken, but the agent says that it is idle, and has not recorded it.
#[test]
fn a_job_goes_on_between_two_turns_however_long_that_takes() {
    let desk = Desk::new();
    needed(&desk);
    desk.paste("one", ":slow 700");
    assert_eq!(desk.paste("one", "LATE one").verdict, "queued");
    let ran = desk.home.proj().join("ran");
    wait_until(PATIENCE, "the hook", || fs::read(&ran).is_ok_and(|ran| ran == b"ran\nran\n"));
    let taken = Instant::now();
    while taken.elapsed() < Duration::from_secs(1) {
        assert_eq!(desk.run("aimax-flag", &["check", "one"]).code(), Some(124));
        assert_eq!(desk.run("aimax-ls", &["one"]).record::<Listed>().state, "working");
    }
    assert!(desk.is_running("one"));
    desk.open_gate();
    desk.done("one");
}

#[test]
fn a_prompt_that_a_hook_refuses_is_refused_at_once_and_once() {
    let desk = Desk::new();
    let ready = needed(&desk);
    for times in 1..3 {
        let ran = desk.run("aimax-paste", &["-s", "one", "-p", "a BAD one"]);
        let says = "one: a UserPromptSubmit hook refused the prompt: not this one";
        let told: Value = ran.fails_with(3, says);
        assert_eq!(told["verdict"], "blocked", "{told}");
        let ran = fs::read_to_string(desk.home.proj().join("ran")).unwrap();
        assert_eq!(ran.lines().count(), times, "one Enter");
        assert!(!desk.is_running("one") && desk.failure("one").is_none());
    }
    assert_eq!(desk.paste("one", "a good one").verdict, "submitted", "the box is empty");
    desk.done("one");
    assert_eq!(prompts(&ready.jsonl_path), ["a good one"]);
}

#[test]
fn a_hook_that_takes_longer_than_the_sender_waits_fails_nothing() {
    for (prompt, status) in [("LATE one", 0), ("LATE and BAD", 1)] {
        let desk = Desk::new();
        let ready = needed(&desk);
        let ran = desk.run("aimax-paste", &["-s", "one", "-p", prompt, "--timeout", "500ms"]);
        assert_eq!(ran.code(), Some(4), "{ran:?}");
        // Longer than a text may take to show that a killed sender has typed.
        std::thread::sleep(Duration::from_millis(3500));
        assert_eq!(desk.run("aimax-flag", &["check", "one"]).code(), Some(124), "{prompt}");
        desk.open_gate();
        let ended = desk.run("aimax-flag", &["wait", "one", "--timeout", "60"]);
        assert_eq!(ended.code(), Some(status), "{ended:?}");
        let reason = desk.failure("one");
        assert_eq!(reason.as_deref(), (status == 1).then_some("not this one"));
        assert_eq!(prompts(&ready.jsonl_path).len(), usize::from(status == 0));
    }
}
