//! The table of the hard cases in aimax-flag(1), row by row: nobody of ours watches, then the next
//! look must tell the truth; and a wait must end by itself.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs::{self, OpenOptions},
    io::Write,
    time::{Duration, Instant},
};

use aimax::internal::{now_ms, rfc3339};
use serde_json::{Value, json};

use crate::{
    desk::{Desk, GATE, gone, told},
    records::{Job, Listed, Proven, Spawned},
    util::wait::{PATIENCE, wait_until},
};

impl Desk {
    /// That the next look says why the job failed: `check` here, and so `aimax-ls`, and both flags.
    #[track_caller]
    fn has_failed(&self, name: &str, state: &str, reason: &str) {
        wait_until(PATIENCE, "the end of the job", || {
            self.run("aimax-flag", &["check", name]).code() != Some(124)
        });
        assert_eq!(self.run("aimax-flag", &["check", name]).code(), Some(1));
        let listed: Vec<Listed> = self.run("aimax-ls", &[name]).records();
        assert_eq!((listed[0].state.as_str(), listed[0].reason.as_deref()), (state, Some(reason)));
        assert!(!self.is_running(name));
        assert_eq!(self.failure(name).as_deref(), Some(reason));
    }

    /// A turn that runs; its practice agent's hooks are all that watches.
    fn works(&self, name: &str, prompt: &str) -> Spawned {
        let spawned = self.spawn(name, prompt);
        wait_until(PATIENCE, "a turn", || {
            self.run("aimax-ls", &[name]).record::<Listed>().state == "working"
        });
        spawned
    }
}

/// How long a wait goes on after `stop`.
fn waited(desk: &Desk, name: &str, says: &str, stop: impl FnOnce()) -> Duration {
    let waiting = desk.start("aimax-flag", &["wait", name, "--timeout", "60"]);
    desk.asleep(waiting.child.id());
    stop();
    let stopped = Instant::now();
    let _: Job = waiting.end().fails_with(1, says);
    stopped.elapsed()
}

#[test]
fn a_person_presses_escape() {
    let desk = Desk::new();
    // Before the first word nothing is written at all, and the prompt goes back into the box.
    for prompt in [":slow 600000", ":hang", GATE] {
        let spawned = desk.works("a", prompt);
        let escape = || desk.tmux().keys(&spawned.pane_id, &["Escape"]);
        escape();
        desk.has_failed("a", "failed", "interrupted");
        desk.tmux().keys(&spawned.pane_id, &["C-c"]);
        desk.paste("a", prompt);
        let took = waited(&desk, "a", "a: the job failed: interrupted", escape);
        assert!(took < Duration::from_secs(1), "{prompt}: {took:?}");
        desk.run("aimax-kill", &["a"]).record::<crate::records::Killed>();
    }
}

#[test]
fn we_interrupt() {
    let desk = Desk::new();
    for prompt in [":slow 600000", ":hang", GATE] {
        desk.works("a", prompt);
        let ran = desk.run("aimax-paste", &["-s", "a", "--interrupt"]);
        assert_eq!(ran.code(), Some(0), "{ran:?}");
        desk.has_failed("a", "failed", "interrupted");
        desk.paste("a", "hello");
        desk.done("a");
        desk.run("aimax-kill", &["a"]).record::<crate::records::Killed>();
    }
}

#[test]
fn a_queue_outlives_the_first_turn() {
    let desk = Desk::new();
    let spawned = desk.works("a", ":slow 600000");
    desk.paste("a", GATE);
    assert_eq!(desk.paste("a", "third").verdict, "queued");
    // The queue is the next turn.
    desk.tmux().keys(&spawned.pane_id, &["Escape"]);
    told(&spawned.jsonl_path, "queued \"third\"");
    assert_eq!(desk.run("aimax-flag", &["check", "a"]).code(), Some(124));
    desk.open_gate();
    desk.done("a");
}

#[test]
fn another_conversation_is_begun() {
    let desk = Desk::new();
    let spawned = desk.works("a", ":slow 1000");
    // Behind a turn that goes well, with nobody to see either.
    let clear = || {
        desk.tmux().paste(&spawned.pane_id, "/clear");
        desk.tmux().keys(&spawned.pane_id, &["Enter"]);
    };
    clear();
    wait_until(PATIENCE, "no flag", || !desk.is_running("a"));
    assert_eq!(desk.failure("a"), None);
    let Proven { offset, .. } = desk.paste("a", ":hang");
    assert_eq!(offset, 0, "another transcript");
    desk.tmux().keys(&spawned.pane_id, &["Escape"]);
    // With the keys close together it would be another key.
    wait_until(PATIENCE, "a turn that is stopped", || {
        desk.run("aimax-ls", &["a"]).record::<Listed>().state == "failed"
    });
    desk.tmux().keys(&spawned.pane_id, &["C-c"]);
    clear();
    desk.has_failed("a", "failed", "interrupted");
}

#[test]
fn the_agent_is_gone() {
    let desk = Desk::new();
    let spawned = desk.works("a", GATE);
    desk.tmux().run(["kill-window", "-t", &spawned.window_id]);
    gone(spawned.pid);
    desk.has_failed("a", "dead", "the agent ended");

    let spawned = desk.works("a", GATE);
    let running = fs::read(desk.flags("a").join("running.flag")).unwrap();
    desk.tmux().run(["kill-server"]);
    gone(spawned.pid);
    desk.has_failed("a", "dead", "the agent ended");

    // A reboot: no server, no process, and the flag as it was.
    let _ = fs::remove_file(desk.flags("a").join("failed.flag"));
    fs::write(desk.flags("a").join("running.flag"), running).unwrap();
    let _: Job =
        desk.run("aimax-flag", &["wait", "a"]).fails_with(1, "a: the job failed: the agent");
    desk.has_failed("a", "dead", "the agent ended");
}

/// SIGSTOP and SIGCONT, on Linux.
const STOP: i32 = 19;
const CONTINUE: i32 = 18;

/// A busy machine holds back how the turn ended, though the agent says that it is idle: the test says
/// both in its place.
#[test]
#[cfg(target_os = "linux")]
fn what_the_agent_records_late_is_waited_for() {
    let desk = Desk::new();
    let spawned = desk.works("a", ":slow 600000");
    let signal = |signal| aimax::internal::kill(spawned.pid.try_into().unwrap(), signal).unwrap();
    signal(STOP);
    let path = desk.home.data().join(format!("practice/sessions/{}.json", spawned.pid));
    let mut state: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let idle = now_ms();
    state["status"] = "idle".into();
    state["statusUpdatedAt"] = idle.into();
    fs::write(&path, state.to_string()).unwrap();
    let rests = Instant::now();
    while rests.elapsed() < Duration::from_millis(1500) {
        assert_eq!(desk.run("aimax-flag", &["check", "a"]).code(), Some(124));
    }
    let end = json!({
        "type": "system", "subtype": "turn_duration", "durationMs": 1, "timestamp": rfc3339(idle),
    });
    let transcript = OpenOptions::new().append(true).open(&spawned.jsonl_path);
    transcript.unwrap().write_all(format!("{end}\n").as_bytes()).unwrap();
    desk.done("a");
    assert_eq!(desk.failure("a"), None);
    signal(CONTINUE);
}

/// The agent promised to say itself when it is done.
#[test]
fn the_agent_has_the_last_word() {
    let desk = Desk::new();
    let done = ["-b", "tmux-practice", "-s", "a", "--done", "agent", "-p", "hello"];
    let spawned: Spawned = desk.run("aimax-spawn", &done).record();
    told(&spawned.jsonl_path, "turn_duration");
    let idle: Job = desk.run("aimax-flag", &["wait", "a", "--until", "idle"]).record();
    assert_eq!(idle.state, "idle");
    assert_eq!(desk.run("aimax-flag", &["check", "a"]).code(), Some(124));
    let listed: Listed = desk.run("aimax-ls", &["a"]).record();
    assert_eq!((listed.state.as_str(), desk.is_running("a")), ("idle", true));
    let rm = "!rm .imac/flags/a/running.flag";
    let waiting = desk.start("aimax-flag", &["wait", "a"]);
    desk.run("aimax-paste", &["-s", "a", "--done", "agent", "-p", rm]).record::<Proven>();
    assert_eq!(waiting.end().record::<Job>().state, "done");

    desk.run("aimax-paste", &["-s", "a", "--done", "agent", "-p", GATE]).record::<Proven>();
    aimax::internal::kill(spawned.pid.try_into().unwrap(), aimax::internal::KILL).unwrap();
    desk.died(&spawned.pane_id);
    desk.has_failed("a", "dead", "the agent ended with status 137");
}
