//! `aimax-paste`, when it must not type, or cannot prove what it typed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use crate::{
    desk::{Desk, GATE, HUB, Ran, gone, prompts},
    records::{Job, Listed, Spawned, Unproven},
    util::wait::{PATIENCE, wait_until},
};

const PASTE: [&str; 4] = ["-s", "one", "-p", "a long prompt"];

/// One that was refused before anything was typed.
#[track_caller]
fn blocked(ran: &Ran, code: i32, reason: &str) {
    let record: Unproven = ran.fails_with(code, &format!("one: {reason}"));
    let expected = Unproven {
        session_id: "one".into(),
        backend: "tmux-practice".into(),
        host: crate::records::host(),
        verdict: "blocked".into(),
        offset: 0,
        queued: false,
        normalized: Vec::new(),
        reason: reason.into(),
    };
    assert_eq!(record, expected);
}

#[test]
fn wrong_usage() {
    let desk = Desk::new();
    desk.run("aimax-paste", &["-s", "one", "-p", "x"]).fails(69, "one: no such session");
    desk.run("aimax-paste", &["-p", "x"]).fails(2, "session: none is given");
    desk.ready("one");
    desk.run("aimax-paste", &["-s", "one"]).fails(2, "prompt: none is given");
    desk.run_with("aimax-paste", &["-s", "one"], b"").fails(2, "prompt: none is given");
    desk.run("aimax-paste", &["-s", "one", "-p", ""]).fails(2, "prompt: it is empty");
    let escape = desk.run("aimax-paste", &["-s", "one", "-p", "ab\x1b[201~\n"]);
    escape.fails(2, "prompt: control character U+001B at byte 2");
    desk.run_with("aimax-paste", &["-s", "one"], b"abc\xff")
        .fails(2, "prompt: not UTF-8 at byte 3");
    desk.run("aimax-paste", &["-s", "one", "-p", "/exit"]).fails(2, "`/exit` at the start");
    desk.run("aimax-paste", &["-s", "one", "-b", "tmux-codex", "-p", "x"])
        .fails(69, "no such session");
    assert!(!desk.is_running("one"));
}

#[test]
fn a_draft_is_not_touched() {
    let desk = Desk::new();
    let ready = desk.ready("one");
    desk.tmux().run(["send-keys", "-l", "-t", &ready.pane_id, "half a thought"]);
    desk.tmux().wait_text(&ready.pane_id, "half a thought");
    let screen = desk.tmux().capture(&ready.pane_id);
    let ran = desk.run("aimax-paste", &PASTE);
    blocked(&ran, 3, "there is a draft in the input box");
    assert_eq!(desk.tmux().capture(&ready.pane_id), screen);
    assert!(!ready.jsonl_path.exists() && !desk.is_running("one"));
}

#[test]
fn a_question_is_not_answered() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", ":ask touch approved");
    desk.tmux().wait_text(&spawned.pane_id, "Do you want to proceed?");
    let screen = desk.tmux().capture(&spawned.pane_id);
    let ran = desk.run("aimax-paste", &PASTE);
    blocked(&ran, 5, "the permission dialog is open");
    assert_eq!(desk.tmux().capture(&spawned.pane_id), screen);
    let listed: Listed = desk.run("aimax-ls", &["one"]).record();
    assert_eq!(listed.state, "waiting");
    assert!(!desk.home.proj().join("approved").exists());
    // Once a person has answered, all goes on.
    desk.tmux().keys(&spawned.pane_id, &["Enter"]);
    wait_until(PATIENCE, "the end of the question", || {
        let listed: Listed = desk.run("aimax-ls", &["one"]).record();
        listed.state != "waiting"
    });
    desk.done("one");
    assert!(desk.home.proj().join("approved").exists());
    assert_eq!(prompts(&spawned.jsonl_path), [":ask touch approved"]);
}

#[test]
fn panes_that_must_not_be_typed_into() {
    let desk = Desk::new();
    let ready = desk.ready("one");
    desk.tmux().run(["select-pane", "-d", "-t", &ready.pane_id]);
    blocked(&desk.run("aimax-paste", &PASTE), 3, "the pane takes no input");
    desk.tmux().run(["select-pane", "-e", "-t", &ready.pane_id]);
    let synchronize = |on: &str| {
        desk.tmux().run(["set-option", "-w", "-t", &ready.window_id, "synchronize-panes", on]);
    };
    synchronize("on");
    blocked(&desk.run("aimax-paste", &PASTE), 3, "the pane is synchronized with others");
    synchronize("off");
    assert!(!ready.jsonl_path.exists() && !desk.is_running("one"));
    desk.paste("one", "now");
    assert_eq!(prompts(&ready.jsonl_path), ["now"]);
}

#[test]
fn a_turn_whose_pane_takes_no_keys_is_not_stopped_and_that_is_said_at_once() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", GATE);
    desk.tmux().run(["select-pane", "-d", "-t", &spawned.pane_id]);
    let says = "one: the pane takes no input: allow it with `tmux select-pane -e`";
    desk.run("aimax-paste", &["-s", "one", "--interrupt"]).fails(3, says);
    let answer = ["-s", "one", "--answer", "1", "--expect", "permission"];
    desk.run("aimax-paste", &answer).fails(3, says);
    desk.tmux().run(["select-pane", "-e", "-t", &spawned.pane_id]);
    desk.open_gate();
    desk.done("one");
}

#[test]
fn another_text_in_the_transcript_is_altered() {
    let desk = Desk::new();
    let ready = desk.ready_with("one", "cut-paste=6");
    let reason =
        "the agent recorded another text: 6 of 13 characters are the same, then it holds \"\"";
    let record: Unproven = desk.run("aimax-paste", &PASTE).fails_with(4, &format!("one: {reason}"));
    assert_eq!((record.verdict.as_str(), record.reason.as_str()), ("altered", reason));
    assert_eq!((record.offset, record.queued), (0, false));
    assert_eq!(prompts(&ready.jsonl_path), ["a long"]);
    // It is a job all the same: the agent works on what it got.
    desk.done("one");
}

#[test]
fn no_transcript_is_no_proof() {
    let desk = Desk::new();
    let ready = desk.ready_with("one", "no-transcript");
    let ran = desk.run("aimax-paste", &[&PASTE[..], &["--timeout", "1"]].concat());
    let record: Unproven = ran.fails_with(4, "one: the transcript does not show it");
    assert_eq!(record.verdict, "unproven");
    let screen = desk.tmux().wait_text(&ready.pane_id, "echo: a long prompt");
    assert_eq!(screen.matches("> a long prompt").count(), 1, "typed once: {screen}");
}

#[test]
fn a_text_that_is_never_taken_is_not_submitted() {
    let desk = Desk::new();
    let ready = desk.ready_with("one", "swallow-enter=99");
    let ran = desk.run("aimax-paste", &[&PASTE[..], &["--timeout", "3"]].concat());
    let record: Unproven = ran.fails_with(4, "one: the text is still in the input box");
    assert_eq!(record.verdict, "typed_not_submitted");
    assert!(desk.tmux().capture(&ready.pane_id).contains("❯ a long prompt"));
    assert!(!ready.jsonl_path.exists() && !desk.is_running("one"));
}

#[test]
fn a_text_may_be_taken_yet_whose_enter_was_just_pressed() {
    let desk = Desk::new();
    let ready = desk.ready_with("one", "swallow-enter=99");
    let ran = desk.run("aimax-paste", &[&PASTE[..], &["--timeout", "0.5"]].concat());
    let record: Unproven = ran.fails_with(4, "one: the transcript does not show it");
    assert_eq!(record.verdict, "unproven");
    assert!(desk.is_running("one"), "nobody knows yet");
    let waited = desk.run("aimax-flag", &["wait", "one", "--timeout", "30"]);
    assert_eq!(waited.code(), Some(1), "{waited:#?}");
    let why = "the sender ended before the prompt was proven";
    assert!(waited.text().contains(why), "{waited:#?}");
    assert!(!ready.jsonl_path.exists() && !desk.is_running("one"));
}

#[test]
fn a_dialog_that_opens_over_the_text_is_named() {
    let desk = Desk::new();
    let ready = desk.ready_with("one", "dialog-after-paste");
    let ran = desk.run("aimax-paste", &[&PASTE[..], &["--timeout", "1"]].concat());
    let record: Unproven = ran.fails_with(4, "dialog came up after the text was typed");
    assert_eq!(record.verdict, "unproven");
    let screen = desk.tmux().capture(&ready.pane_id);
    assert!(screen.contains("❯ 1. Fine, and drop my draft"), "nobody answered it: {screen}");
    assert!(!ready.jsonl_path.exists());
}

#[test]
fn an_agent_that_dies_in_the_paste() {
    let desk = Desk::new();
    let ready = desk.ready_with("one", "die-in-paste");
    let ran = desk.run("aimax-paste", &PASTE);
    let record: Unproven = ran.fails_with(4, "one: the agent ended before it recorded the prompt");
    assert_eq!(record.verdict, "unproven");
    gone(ready.pid);
    // The job that was begun has failed.
    let job: Job = desk.run("aimax-flag", &["wait", "one"]).fails_with(1, "the agent ended");
    assert_eq!(job.state, "failed");
}

#[test]
fn a_dead_pane_gets_nothing_and_the_server_survives() {
    let desk = Desk::new();
    let ready = desk.ready("one");
    let other = desk.ready("other");
    aimax::internal::kill(ready.pid.try_into().unwrap(), aimax::internal::KILL).unwrap();
    desk.died(&ready.pane_id);
    desk.run("aimax-paste", &PASTE).fails(69, "one: the agent has ended");
    assert!(!desk.is_running("one"));
    desk.paste("other", "alive");
    assert_eq!(prompts(&other.jsonl_path), ["alive"]);
}

#[test]
fn commands_whose_text_never_comes_do_nothing() {
    let desk = Desk::new();
    let ready = desk.ready("one");
    let pane = &*ready.pane_id;
    let paste = format!("paste-buffer -d -b none -t {pane} ; send-keys -t {pane} x");
    let fails = |command: &[&str]| {
        let load = ["load-buffer", "-b", "none", "-", ";"];
        let ran = desk.tmux().output([&load[..], command].concat());
        assert!(!ran.status.success() && ran.stdout.is_empty(), "{command:?}: {ran:?}");
    };
    fails(&["if-shell", "-F", "-t", pane, "1", &paste]);
    fails(&["delete-buffer", "-b", "none", ";", "display-message", "-p", "not reached"]);
    assert_eq!(desk.tmux().output(["list-buffers"]).stdout, b"");
    // What was typed shows before what is typed after it.
    desk.tmux().run(["send-keys", "-l", "-t", pane, "y"]);
    desk.tmux().wait_text(pane, "y");
    assert!(!desk.tmux().capture(pane).contains("xy"));
}

#[test]
fn a_window_or_a_server_that_is_gone() {
    let desk = Desk::new();
    let ready = desk.ready("one");
    let two = desk.spawn("two", GATE);
    desk.tmux().run(["kill-window", "-t", &ready.window_id]);
    gone(ready.pid);
    desk.run("aimax-paste", &PASTE).fails(69, "one: its tmux window is gone");
    desk.tmux().run(["kill-server"]);
    gone(two.pid);
    wait_until(PATIENCE, "no server", || desk.windows().is_empty());
    desk.run("aimax-paste", &PASTE).fails(69, "one: its tmux window is gone");
    desk.run("aimax-paste", &["-s", "two", "-p", "x"]).fails(69, "two: its tmux window is gone");
    assert!(desk.tmux().output(["has-session", "-t", HUB]).stdout.is_empty(), "none was started");
    let job: Job = desk.run("aimax-flag", &["wait", "two"]).fails_with(1, "the agent ended");
    assert_eq!(job.state, "failed");
    assert!(!desk.is_running("two"));
    assert!(desk.failure("two").unwrap().starts_with("the agent ended"));
    let states: Vec<Listed> = desk.run("aimax-ls", &[]).records();
    assert_eq!(states.len(), 2);
    assert!(states.iter().all(|listed| listed.state == "dead" && listed.pid.is_none()));
}

/// A terminal that goes sends a signal to its process group. A client of tmux would end by it as if its
/// command were done, also where we ignore the signal.
#[test]
#[cfg(target_os = "linux")]
fn a_signal_to_our_process_group_reaches_no_client_of_tmux() {
    let desk = Desk::new();
    let real = Command::new("sh").args(["-c", "command -v tmux"]).output().unwrap().stdout;
    let real = String::from_utf8(real).unwrap();
    let words = "read -r _ _ _ _ group _ </proc/$$/stat; [ \"$group\" = $$ ] || exit 9";
    let script = format!("#!/bin/sh\n{words}\nexec {} \"$@\"\n", real.trim());
    let tmux = desk.home.write("own/tmux", script);
    fs::set_permissions(&tmux, fs::Permissions::from_mode(0o755)).unwrap();
    let path = desk.home.env().into_iter().find(|(name, _)| name == "PATH").unwrap().1;
    let path = format!("{}:{path}", tmux.parent().unwrap().display());
    let run = |program: &str, args: &[&str]| {
        let mut command = desk.command(program, args);
        command.env("PATH", &path);
        desk.started(program, command).end()
    };
    let args = ["-b", "tmux-practice", "-s", "one", "-p", "hello"];
    assert_eq!(run("aimax-spawn", &args).record::<Spawned>().verdict, "submitted");
    assert_eq!(run("aimax-flag", &["wait", "one"]).record::<Job>().state, "done");
}
