//! What people do to their tmux while agents run in it. A session is its process, wherever its pane
//! has gone and whatever its window is called; that it has ended needs evidence.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::{
    desk::{Desk, GATE, HUB, gone, prompts},
    records::{Killed, Listed, Proven, Spawned},
    util::wait::{PATIENCE, wait_until},
};

fn listed(desk: &Desk, name: &str) -> Listed {
    desk.run("aimax-ls", &[name]).record()
}

/// A window of a person's, in the hub; gives its pane.
fn person_window(desk: &Desk, name: &str, more: &[&str]) -> String {
    let target = format!("={HUB}:");
    let new = ["new-window", "-d", "-P", "-F", "#{pane_id}", "-t", &target, "-n", name];
    let args = [&new[..], more, &["sh", "-c", "exec sleep 600"]].concat();
    desk.tmux().run(args).trim().to_owned()
}

/// The panes of the server, each with a blank on both sides.
fn panes(desk: &Desk) -> String {
    desk.tmux().run(["list-panes", "-a", "-F", " #{pane_id} "])
}

/// That all programs find the session, at its agent.
fn works(desk: &Desk, spawned: &Spawned) {
    let name = spawned.session_id.as_str();
    let ran = listed(desk, name);
    assert_eq!((ran.state.as_str(), ran.pid), ("idle", Some(spawned.pid)), "{name}");
    desk.run("aimax-flag", &["check", name]).silent();
    let sent: Proven = desk.run("aimax-paste", &["-s", name, "-p", "are you there?"]).record();
    assert_eq!(sent.verdict, "submitted");
    desk.done(name);
    assert!(prompts(&spawned.jsonl_path).contains(&"are you there?".to_owned()));
}

fn ends(desk: &Desk, spawned: &Spawned) {
    let killed: Killed = desk.run("aimax-kill", &[&spawned.session_id]).record();
    assert!(killed.killed);
    gone(spawned.pid);
    let name = spawned.session_id.as_str();
    assert!(!desk.knows("runtime", name) && !desk.flags(name).exists(), "{name}");
    assert!(!panes(desk).contains(&format!(" {} ", spawned.pane_id)), "its pane");
}

#[test]
fn a_persons_window_of_the_same_name_is_left_alone() {
    let desk = Desk::new();
    let other = desk.ready("other");
    let before = person_window(&desk, "one", &[]);
    let spawned = desk.spawn("one", "hello");
    desk.done("one");
    let behind = person_window(&desk, "one", &[]);
    works(&desk, &spawned);
    ends(&desk, &spawned);
    let left = panes(&desk);
    assert!([before, behind, other.pane_id].iter().all(|pane| left.contains(&format!(" {pane} "))));
}

#[test]
fn a_pane_is_followed_wherever_it_goes() {
    let desk = Desk::new();
    let tmux = desk.tmux();
    let spawned = desk.spawn("one", "hello");
    desk.done("one");
    tmux.run(["new-session", "-d", "-s", "mine", "sh", "-c", "exec sleep 600"]);
    let person = tmux.run(["list-panes", "-t", "=mine:", "-F", "#{pane_id}"]).trim().to_owned();
    let pane = spawned.pane_id.as_str();
    let steps: [&[&str]; 7] = [
        &["rename-window", "-t", pane, "notes"],
        &["move-window", "-s", pane, "-t", "=mine:"],
        &["rename-session", "-t", &format!("={HUB}"), "elsewhere"],
        &["link-window", "-s", pane, "-t", "=elsewhere:"],
        &["join-pane", "-d", "-s", &person, "-t", pane],
        &["break-pane", "-d", "-s", pane, "-n", "one"],
        &["split-window", "-d", "-b", "-t", pane, "sh", "-c", "exec sleep 600"],
    ];
    for step in steps {
        desk.paste("one", GATE);
        tmux.run(step);
        let ran = listed(&desk, "one");
        assert_eq!((ran.state.as_str(), ran.pid), ("working", Some(spawned.pid)), "{step:?}");
        desk.open_gate();
        desk.done("one");
        fs::remove_file(desk.home.proj().join("gate")).unwrap();
        works(&desk, &spawned);
    }
    let count = panes(&desk).lines().count();
    ends(&desk, &spawned);
    assert!(panes(&desk).contains(&format!(" {person} ")), "the person's pane stays");
    assert!(panes(&desk).lines().count() < count);
}

#[test]
fn a_socket_that_is_moved_away_ends_nothing() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", GATE);
    let socket = PathBuf::from(desk.tmux().run(["display-message", "-p", "#{socket_path}"]).trim());
    let server = desk.tmux().run(["display-message", "-p", "#{pid}"]).trim().to_owned();
    let waiting = desk.start("aimax-flag", &["wait", "one", "--timeout", "60"]);
    desk.asleep(waiting.child.id());
    let aside = socket.with_extension("aside");
    fs::rename(&socket, &aside).unwrap();

    let ran = desk.run("aimax-ls", &["one"]);
    let seen: Listed = ran.records().remove(0);
    assert_eq!((ran.code(), seen.state.as_str()), (Some(69), "unknown"));
    assert!(ran.error().contains(&format!("kill -USR1 {server}")), "{}", ran.error());
    for (program, args) in [
        ("aimax-paste", &["-s", "one", "-p", "x"][..]),
        ("aimax-kill", &["one"]),
        ("aimax-spawn", &["-b", "tmux-practice", "-s", "one", "--cwd", "."]),
    ] {
        let ran = desk.run(program, args);
        assert_eq!(ran.code(), Some(69), "{program}: {}", ran.error());
        assert!(ran.error().contains(&format!("process {} runs", spawned.pid)), "{program}");
    }
    // The job is still told: by the agent's own files.
    assert_eq!(desk.run("aimax-flag", &["check", "one"]).code(), Some(124));
    assert!(desk.is_running("one") && desk.failure("one").is_none());
    assert!(desk.knows("runtime", "one"));

    desk.open_gate();
    waiting.end().record::<Value>();
    assert!(!desk.is_running("one") && desk.failure("one").is_none());
    fs::rename(&aside, &socket).unwrap();
    works(&desk, &spawned);
    ends(&desk, &spawned);
}

#[test]
fn programs_go_to_the_server_that_the_session_is_on() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", "hello");
    desk.done("one");
    let elsewhere = desk.home.root().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let strange = |program: &str, args: &[&str]| {
        let mut command = desk.command(program, args);
        command.env("TMUX_TMPDIR", &elsewhere).env_remove("AIMAX_TMUX_SOCKET");
        desk.started(program, command).end()
    };
    let seen: Listed = strange("aimax-ls", &["one"]).record();
    assert_eq!((seen.state.as_str(), seen.pid), ("idle", Some(spawned.pid)));
    let sent: Proven = strange("aimax-paste", &["-s", "one", "-p", "from afar"]).record();
    assert_eq!(sent.verdict, "submitted");
    strange("aimax-flag", &["wait", "one"]).record::<Value>();
    let again = strange("aimax-spawn", &["-b", "tmux-practice", "-s", "one", "--cwd", "."]);
    again.fails(3, "a session of this name is running");
    let killed: Killed = strange("aimax-kill", &["one"]).record();
    assert!(killed.killed);
    gone(spawned.pid);
    desk.nothing_of("one");
}

#[test]
fn a_shell_under_a_dead_sessions_name_is_a_persons() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", "hello");
    desk.done("one");
    desk.tmux().run(["kill-server"]);
    gone(spawned.pid);
    // As a plugin does that restores windows.
    desk.tmux().run(["new-session", "-d", "-s", HUB, "-n", "one", "sh", "-c", "exec sleep 600"]);
    let shell = panes(&desk);
    let ran = desk.run("aimax-ls", &["one"]);
    assert_eq!((ran.code(), ran.records::<Listed>()[0].state.as_str()), (Some(1), "dead"));
    let killed: Killed = desk.run("aimax-kill", &["one"]).record();
    assert!(!killed.killed);
    assert_eq!(panes(&desk), shell);
    let spawned = desk.spawn("one", "again");
    desk.done("one");
    works(&desk, &spawned);
    ends(&desk, &spawned);
    assert!(panes(&desk).contains(shell.trim()));
}

#[test]
fn a_state_file_that_is_removed_says_nothing() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", "hello");
    desk.done("one");
    let file = desk.home.data().join(format!("practice/sessions/{}.json", spawned.pid));
    let state = || {
        assert!(!file.exists());
        listed(&desk, "one").state
    };
    fs::remove_file(&file).unwrap();
    assert_eq!(state(), "idle");
    desk.run("aimax-flag", &["check", "one"]).silent();
    desk.paste("one", GATE);
    fs::remove_file(&file).unwrap();
    assert_eq!(state(), "working");
    let waiting = desk.start("aimax-flag", &["wait", "one", "--timeout", "60"]);
    desk.open_gate();
    waiting.end().record::<Value>();
    assert!(desk.failure("one").is_none());
    works(&desk, &spawned);
    ends(&desk, &spawned);
}

#[test]
fn agents_outlive_what_a_tmux_conf_says() {
    for conf in [
        "set -s exit-unattached on",
        "set -g destroy-unattached on",
        "set -g default-command 'exit 0'",
        "set -s exit-empty on",
        "set-hook -g after-new-window 'rename-window mine'",
        "set-hook -g after-new-window 'no-such-command'",
        "set-hook -g after-set-option 'no-such-command'",
        "set -g automatic-rename on\nset -g allow-rename on",
        "set -g base-index 1\nset -g pane-base-index 1\nset -g remain-on-exit on",
    ] {
        let desk = Desk::new();
        desk.home.write(".tmux.conf", conf);
        let spawned = desk.spawn("one", "hello");
        desk.done("one");
        works(&desk, &spawned);
        ends(&desk, &spawned);
        wait_until(PATIENCE, conf, || desk.windows().iter().all(|name| name == "_root"));
    }
}
