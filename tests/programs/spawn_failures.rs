//! `aimax-spawn`, when it cannot: one line, the right status, and nothing half made.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::Path,
    process::Stdio,
};

use crate::{
    desk::{Desk, gone},
    records::{Listed, Ready, Unproven},
    util::wait::{PATIENCE, wait_until},
};

const SPAWN: [&str; 4] = ["-b", "tmux-practice", "-s", "new"];

fn args<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&SPAWN[..], more].concat()
}

#[test]
fn wrong_usage() {
    let desk = Desk::new();
    let long = "x".repeat(129);
    for (name, says) in [
        ("", "session name: it is empty"),
        ("_root", "session name \"_root\": not a valid name"),
        ("a b", "session name \"a b\": not a valid name"),
        ("a/b", "session name \"a/b\": not a valid name"),
        ("-x", "session name \"-x\": not a valid name"),
        (&long, "session name: it is longer than 128 characters"),
    ] {
        let option = format!("--session={name}");
        desk.run("aimax-spawn", &["-b", "tmux-practice", &option]).fails(2, says);
    }
    let missing = desk.home.root().join("not there");
    let says = format!("{}: no such folder", missing.display());
    desk.run("aimax-spawn", &args(&["--cwd", missing.to_str().unwrap()])).fails(2, &says);
    desk.run("aimax-spawn", &args(&["--flag-root", missing.to_str().unwrap()])).fails(2, &says);
    desk.run("aimax-spawn", &["-s", "new"]).fails(2, "backend: none is given");
    desk.run("aimax-spawn", &["-s", "new", "-b", "tmux-other"]).fails(2, "tmux-other");
    desk.run("aimax-spawn", &["-b", "tmux-practice"]).fails(2, "session: none is given");
    desk.run("aimax-spawn", &args(&["--no-such-option"])).fails(2, "--no-such-option");
    desk.run("aimax-spawn", &args(&["operand"])).fails(2, "operand");
    desk.run("aimax-spawn", &args(&["--timeout", "soon"])).fails(2, "--timeout");
    desk.run("aimax-spawn", &args(&["--resume", "7"])).fails(2, "not a conversation id");
    let two = args(&["-p", "x", "-f", "/dev/null"]);
    desk.run("aimax-spawn", &two).fails(2, "prompt: given by both --prompt and --prompt-file");
    desk.nothing_of("new");
    assert!(desk.windows().is_empty(), "no server was started");
}

#[test]
fn a_folder_that_was_removed_under_its_caller_is_told() {
    let desk = Desk::new();
    let words = "mkdir ../gone && cd ../gone && rmdir ../gone && exec aimax-spawn \"$@\"";
    let mut shell = desk.home.command("sh");
    shell.args(["-c", words, "sh"]).args(SPAWN);
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ran = desk.started("aimax-spawn", shell).end();
    ran.fails(2, ".: the current folder has been removed: go to another one");
}

#[test]
fn prompts_that_would_type_are_refused() {
    let desk = Desk::new();
    for (bytes, says) in [
        (&b""[..], "prompt: it is empty"),
        (b" \n\t ", "prompt: it is empty"),
        (b"ab\x1b[201~c", "prompt: control character U+001B at byte 2"),
        (b"abc\xffd", "prompt: not UTF-8 at byte 3"),
        (b"x\xc2\x85", "prompt: control character U+0085 at byte 1"),
        (b"a\x7f", "prompt: control character U+007F at byte 1"),
        (b"a\rb", "prompt: control character U+000D at byte 1"),
    ] {
        let mut command = desk.command("aimax-spawn", &SPAWN);
        command.arg("-p").arg(std::ffi::OsStr::from_bytes(bytes));
        desk.started("aimax-spawn", command).end().fails(2, says);
        let ran = desk.run_with("aimax-spawn", &args(&["-f", "-"]), bytes);
        ran.fails(2, says);
    }
    desk.run("aimax-spawn", &args(&["-p", "exit"])).fails(2, "`exit` alone ends the agent");
    desk.run("aimax-spawn", &args(&["-f", "/no/such"]))
        .fails(2, "/no/such: cannot read the prompt");
    desk.nothing_of("new");
    assert!(desk.windows().is_empty(), "no server was started");
}

#[test]
fn programs_that_are_missing() {
    let mut desk = Desk::new();
    let empty = desk.home.root().join("empty");
    fs::create_dir(&empty).unwrap();
    desk.home.set("PATH", empty.to_str().unwrap());
    desk.run("aimax-spawn", &SPAWN).fails(69, "tmux: not found on PATH");
    let tmux = ["/usr/local/bin/tmux", "/usr/bin/tmux", "/bin/tmux"];
    let tmux = tmux.iter().find(|path| Path::new(path).exists()).unwrap();
    symlink(tmux, empty.join("tmux")).unwrap();
    for (backend, agent) in [("tmux-claude-code", "claude"), ("tmux-codex", "codex")] {
        let ran = desk.run("aimax-spawn", &["-b", backend, "-s", "new", "-p", "x"]);
        ran.fails(69, &format!("{agent}: not found on PATH"));
    }
    assert!(desk.windows().is_empty(), "no server was started");
    desk.run("aimax-ls", &[]).silent();
}

#[test]
fn a_tmux_that_is_too_old_is_named() {
    let mut desk = Desk::new();
    // What 3.1c says.
    let says = "echo 'tmux: unknown option -- f' >&2; echo 'usage: list-panes [-as]' >&2; exit 1";
    let tmux = desk.home.write("old/tmux", format!("#!/bin/sh\n{says}\n"));
    fs::set_permissions(&tmux, fs::Permissions::from_mode(0o755)).unwrap();
    desk.home.add_path(tmux.parent().unwrap());
    let ran = desk.run("aimax-spawn", &SPAWN);
    ran.fails(69, "tmux: this version is too old: tmux 3.2 or newer is needed");
}

#[test]
fn an_agent_that_ends_at_its_start() {
    let desk = Desk::new();
    let _: Ready = desk.ready("other");
    let state = desk.state("runtime");
    for prompt in [&[][..], &["-p", "hello"]] {
        let more = [prompt, &["--", "--misbehave", "die-at-start=7"]].concat();
        desk.run("aimax-spawn", &args(&more)).fails(
            69,
            "new: aimax ended during startup with status 7: Practice agent: told to die at its start",
        );
        desk.nothing_of("new");
        assert_eq!(desk.state("runtime"), state);
    }
    let id = "0a0a0a0a-0000-4000-8000-000000000001";
    let says = format!("with status 1: No conversation found with session ID: {id}");
    desk.run("aimax-spawn", &args(&["--resume", id])).fails(69, &says);
    desk.nothing_of("new");
    desk.run("aimax-spawn", &args(&["--", "--bogus"])).fails(69, "error: unknown option '--bogus'");
    desk.nothing_of("new");
    assert_eq!(desk.windows(), ["_root", "other"]);
    assert_eq!(desk.state("runtime"), state);
}

#[test]
fn an_agent_whose_window_closes_at_its_start() {
    let desk = Desk::new();
    let running = desk.start("aimax-spawn", &args(&["--", "--misbehave", "slow-start=60000"]));
    wait_until(PATIENCE, "the window", || desk.windows().contains(&"new".to_owned()));
    wait_until(PATIENCE, "the entry", || desk.knows("runtime", "new"));
    desk.tmux().run(["kill-window", "-t", "=imac_practice_agent_hub:=new"]);
    running.end().fails(69, "new: its tmux window is gone");
    desk.nothing_of("new");
}

#[test]
fn dialogs_that_only_a_person_answers() {
    let desk = Desk::new();
    let ran = desk.run("aimax-spawn", &args(&["-p", "x", "--", "--misbehave", "login"]));
    ran.fails(5, "new: the login dialog is open");
    desk.nothing_of("new");
    let more = ["--timeout", "1", "--", "--misbehave", "unknown-dialog"];
    let ran = desk.run("aimax-spawn", &args(&more));
    ran.fails(124, "new: the agent was not ready in time; its screen ends:");
    assert!(ran.error().contains("Keep the zorble"), "{}", ran.error());
    desk.nothing_of("new");
    assert_eq!(desk.windows(), ["_root"]);
}

#[test]
fn a_signal_leaves_nothing() {
    let desk = Desk::new();
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        let more = ["-p", "x", "--", "--misbehave", "slow-start=60000"];
        let running = desk.start("aimax-spawn", &args(&more));
        wait_until(PATIENCE, "the window", || desk.windows().contains(&"new".to_owned()));
        wait_until(PATIENCE, "the entry", || desk.knows("runtime", "new"));
        let target = "=imac_practice_agent_hub:=new";
        let pid = desk.tmux().run(["list-panes", "-t", target, "-F", "#{pane_pid}"]);
        running.signal(signal);
        let ran = running.end();
        gone(pid.trim().parse().unwrap());
        assert_eq!((ran.signal(), ran.text(), ran.error()), (Some(signal), "", ""));
        desk.nothing_of("new");
    }
    // The name is free again.
    let _: Ready = desk.ready("new");
}

#[test]
fn a_prompt_that_fails_leaves_the_session() {
    let desk = Desk::new();
    let more = ["-p", "a longer prompt", "--", "--misbehave", "cut-paste=8"];
    let ran = desk.run("aimax-spawn", &args(&more));
    let spawned: crate::records::Spawned =
        ran.fails_with(4, "new: the agent recorded another text");
    assert_eq!(spawned.verdict, "altered");
    assert!(spawned.reason.unwrap().contains("8 of 15 characters are the same"));
    let listed: Listed = desk.run("aimax-ls", &["new"]).record();
    assert_eq!(listed.pid, Some(spawned.pid));
    let ran = desk.run("aimax-paste", &["-s", "new", "-p", "another long prompt"]);
    let _: Unproven = ran.fails_with(4, "the agent recorded another text");
}
