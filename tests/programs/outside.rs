//! What people do to their tmux while agents run in it. A session is its process, wherever its pane
//! has gone and whatever its window is called; that it has ended needs evidence.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use serde_json::Value;

use crate::{
    desk::{Desk, GATE, HUB, Running, gone, prompts},
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

/// That no program touches the session, which may be alive, and that each says so in these words.
#[track_caller]
fn left_alone(desk: &Desk, words: &str) {
    for (program, args) in [
        ("aimax-paste", &["-s", "one", "-p", "x"][..]),
        ("aimax-kill", &["one"]),
        ("aimax-spawn", &["-b", "tmux-practice", "-s", "one", "--cwd", "."]),
    ] {
        let ran = desk.run(program, args);
        assert_eq!(ran.code(), Some(69), "{program}: {}", ran.error());
        assert!(ran.error().contains(words), "{program}: {}", ran.error());
    }
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
    left_alone(&desk, &format!("process {} is running", spawned.pid));
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

/// SIGSTOP and SIGCONT, on Linux.
const STOP: i32 = 19;
const GO_ON: i32 = 18;

/// A stopped process, which goes on when this is dropped: also where a test fails.
struct Stopped(i32);

impl Stopped {
    fn begin(pid: i32) -> Stopped {
        aimax::internal::kill(pid, STOP).unwrap();
        let stopped = Stopped(pid);
        let id = pid.try_into().unwrap();
        wait_until(PATIENCE, "a stopped process", || aimax::internal::is_stopped(id));
        stopped
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _gone = aimax::internal::kill(self.0, GO_ON);
    }
}

#[test]
fn a_server_that_does_not_answer_holds_up_nobody_for_ever() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", GATE);
    let server = desk.tmux().run(["display-message", "-p", "#{pid}"]).trim().parse().unwrap();
    let stopped = Stopped::begin(server);
    let silent = "the server does not answer";
    let mut looks = [
        desk.start("aimax-ls", &["one"]),
        desk.start("aimax-paste", &["-s", "one", "-p", "x"]),
        desk.start("aimax-flag", &["wait", "one", "--timeout", "1"]),
    ];
    let told_to_end = desk.start("aimax-ls", &["one"]);
    desk.asleep(told_to_end.child.id());
    told_to_end.signal(aimax::internal::TERMINATE);
    assert_eq!(told_to_end.end().signal(), Some(aimax::internal::TERMINATE));
    assert!(looks[0].child.try_wait().unwrap().is_none(), "the others wait on");
    let [listed, pasted, waited] = looks.map(Running::end);
    let seen: Listed = listed.records().remove(0);
    assert_eq!((listed.code(), seen.state.as_str()), (Some(69), "unknown"));
    assert!(listed.error().contains(silent), "{}", listed.error());
    assert_eq!(pasted.code(), Some(69), "{}", pasted.error());
    assert!(pasted.error().contains(silent), "{}", pasted.error());
    assert_eq!(waited.code(), Some(124), "{}", waited.error());
    assert!(desk.is_running("one") && desk.failure("one").is_none());
    drop(stopped);
    desk.open_gate();
    desk.done("one");
    works(&desk, &spawned);
    ends(&desk, &spawned);
}

#[test]
fn a_session_of_another_machine_with_the_same_home_is_left_to_that_machine() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", GATE);
    let path = desk.home.data().join("run/tmux-practice/one/anchor.json");
    let own = fs::read_to_string(&path).unwrap();
    let here = format!("\"host\":\"{}\"", crate::records::host());
    assert!(own.contains(&here), "{own}");
    // No such process runs here, and the pane of that number is another's.
    let away = own.replace(&here, "\"host\":\"node7\"");
    let away = away.replace(&spawned.pid.to_string(), "4194304");
    fs::write(&path, &away).unwrap();
    let ran = desk.run("aimax-ls", &["one"]);
    let seen: Listed = ran.records().remove(0);
    assert_eq!((ran.code(), seen.state.as_str()), (Some(69), "unknown"));
    assert!(seen.reason.unwrap().contains("started on the host node7"), "{}", ran.error());
    left_alone(&desk, "ssh node7 aimax-ls one");
    // What it has written can be read, but it is no session of this machine.
    let read = desk.run("aimax-tail", &["-s", "one", "--events"]);
    assert!(read.code() == Some(0) && read.text().contains("until test -e gate"), "{read:?}");
    assert_eq!(desk.run("aimax-tail", &["--all", "--events"]).text(), "");
    // Nobody ends its job, and its flags tell of it.
    assert_eq!(desk.run("aimax-flag", &["check", "one"]).code(), Some(69));
    assert_eq!(desk.run("aimax-flag", &["check", "one", "--root", "."]).code(), Some(124));
    assert!(desk.is_running("one") && desk.failure("one").is_none());
    fs::write(&path, &own).unwrap();
    desk.open_gate();
    desk.done("one");
    // Once that machine has seen the end, this one knows it, too, and the session goes on here.
    desk.tmux().run(["kill-pane", "-t", &spawned.pane_id]);
    gone(spawned.pid);
    assert_eq!(desk.run("aimax-ls", &["one"]).records::<Listed>()[0].state, "dead");
    let note = path.with_file_name("ended.json");
    fs::write(&path, &away).unwrap();
    assert_eq!(desk.run("aimax-ls", &["one"]).records::<Listed>()[0].state, "unknown");
    fs::write(&note, &away).unwrap();
    assert_eq!(desk.run("aimax-ls", &["one"]).records::<Listed>()[0].state, "dead");
    desk.run("aimax", &["send", "one", "-p", "again"]);
    desk.done("one");
    let prompted = prompts(&spawned.jsonl_path);
    assert_eq!(prompted.last().map(String::as_str), Some("again"), "in the same conversation");
    desk.run("aimax-kill", &["one"]).record::<Killed>();
    assert!(!note.exists(), "it goes with the session");
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
fn a_state_file_that_is_removed_before_the_first_prompt_says_nothing() {
    let desk = Desk::new();
    let ready = desk.ready("one");
    let file = desk.home.data().join(format!("practice/sessions/{}.json", ready.pid));
    fs::remove_file(&file).unwrap();
    assert_eq!(listed(&desk, "one").state, "idle");
    desk.run("aimax-flag", &["check", "one"]).silent();
    fs::remove_file(&file).unwrap_or_default();
    let sent = desk.paste("one", "are you there?");
    assert_eq!(sent.verdict, "submitted");
    desk.done("one");
    fs::remove_file(&file).unwrap();
    assert_eq!(listed(&desk, "one").state, "idle");
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
        "set -s extended-keys on\nset -g focus-events on\nset -g allow-passthrough on",
        "set-hook -g after-new-window 'resize-window -x 30 -y 20'",
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

#[test]
fn an_account_whose_shell_admits_nobody_has_agents() {
    for shell in ["nologin", "false"] {
        let mut desk = Desk::new();
        let shell = desk.home.write(shell, "#!/bin/sh\nexit 1\n");
        fs::set_permissions(&shell, fs::Permissions::from_mode(0o755)).unwrap();
        desk.home.set("SHELL", shell.to_str().unwrap());
        let spawned = desk.spawn("one", "hello");
        desk.done("one");
        works(&desk, &spawned);
        ends(&desk, &spawned);
        assert_eq!(desk.windows(), ["_root"]);
    }
}

/// The same numbers in every run for the same seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most as u64).unwrap()
    }
}

/// One session, the panes of a person beside it, and what happens to both.
struct Scene {
    desk: Desk,
    spawned: Spawned,
    /// The panes of the person, none of which may ever be closed.
    foreign: Vec<String>,
    works: bool,
}

impl Scene {
    fn new() -> Scene {
        let desk = Desk::new();
        let spawned = desk.spawn("one", "hello");
        desk.done("one");
        let tmux = desk.tmux();
        tmux.run(["new-session", "-d", "-s", "mine", "sh", "-c", "exec sleep 600"]);
        let own = tmux.run(["list-panes", "-t", "=mine:", "-F", "#{pane_id}"]).trim().to_owned();
        Scene { desk, spawned, foreign: vec![own], works: false }
    }

    /// Lets one thing happen, and says which.
    fn step(&mut self, random: &mut Random) -> String {
        let pane = self.spawned.pane_id.clone();
        let mine = self.foreign[random.below(self.foreign.len())].clone();
        let tmux = self.desk.tmux();
        // A move that tmux refuses, such as a pane into its own window, is a step as well.
        let event = |args: &[&str]| {
            let _refused = tmux.output(args);
            args.join(" ")
        };
        let name = ["one", "two", "a b"][random.below(3)];
        match random.below(12) {
            0 if !self.works => {
                self.desk.paste("one", GATE);
                self.works = true;
                "a prompt".into()
            }
            1 if self.works => {
                self.desk.open_gate();
                self.desk.done("one");
                fs::remove_file(self.desk.home.proj().join("gate")).unwrap();
                self.works = false;
                "the end of the turn".into()
            }
            2 => {
                let new =
                    ["new-window", "-d", "-P", "-F", "#{pane_id}", "-t", "=mine:", "-n", name];
                // Its session may have gone with its last pane.
                let made = tmux.output([&new[..], &["sh", "-c", "exec sleep 600"]].concat());
                let made = String::from_utf8(made.stdout).unwrap();
                self.foreign.extend(Some(made.trim().to_owned()).filter(|pane| !pane.is_empty()));
                format!("a window {name:?}")
            }
            3 => event(&["rename-window", "-t", &pane, name]),
            4 => event(&["move-window", "-s", &pane, "-t", "=mine:"]),
            5 => event(&["rename-session", "-t", &format!("={HUB}"), "elsewhere"]),
            6 => event(&["rename-session", "-t", "=elsewhere", HUB]),
            7 => event(&["link-window", "-s", &pane, "-t", "=mine:"]),
            8 => event(&["join-pane", "-d", "-s", &mine, "-t", &pane]),
            9 => event(&["join-pane", "-d", "-b", "-s", &pane, "-t", &mine]),
            10 => event(&["break-pane", "-d", "-s", &pane, "-n", name]),
            _ => {
                let socket = tmux.run(["display-message", "-p", "#{socket_path}"]);
                let (socket, aside) =
                    (socket.trim().to_owned(), format!("{}.aside", socket.trim()));
                fs::rename(&socket, &aside).unwrap();
                let ran = self.desk.run("aimax-ls", &["one"]);
                let seen = ran.records::<Listed>().remove(0).state;
                let refused = self.desk.run("aimax-spawn", &["-b", "tmux-practice", "-s", "one"]);
                let check = self.desk.run("aimax-flag", &["check", "one"]).code();
                fs::rename(&aside, &socket).unwrap();
                assert_eq!(
                    (ran.code(), seen.as_str(), refused.code()),
                    (Some(69), "unknown", Some(69))
                );
                assert_eq!(check, Some(if self.works { 124 } else { 0 }));
                "the socket away and back".into()
            }
        }
    }

    /// That everybody tells the truth.
    fn check(&self) {
        let seen = listed(&self.desk, "one");
        let state = if self.works { "working" } else { "idle" };
        assert_eq!((seen.state.as_str(), seen.pid), (state, Some(self.spawned.pid)));
        let check = self.desk.run("aimax-flag", &["check", "one"]);
        assert_eq!(check.code(), Some(if self.works { 124 } else { 0 }), "{}", check.error());
        assert_eq!(self.desk.failure("one"), None);
        let again = self.desk.run("aimax-spawn", &["-b", "tmux-practice", "-s", "one"]);
        again.fails(3, "a session of this name is running");
        let panes = panes(&self.desk);
        for pane in &self.foreign {
            assert!(panes.contains(&format!(" {pane} ")), "{pane} of a person was closed");
        }
    }
}

/// `AIMAX_SEQUENCES=1000` tries so many; each is repeated by its seed, which a failure prints.
#[test]
fn whatever_happens_in_whatever_order() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("AIMAX_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..1 + number("AIMAX_SEQUENCES").unwrap_or(6),
    };
    for seed in seeds {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut scene = Scene::new();
        let mut steps = Vec::new();
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..8 {
                steps.push(scene.step(&mut random));
                scene.check();
            }
            let killed: Killed = scene.desk.run("aimax-kill", &["one"]).record();
            assert!(killed.killed && killed.was_working == scene.works);
            gone(scene.spawned.pid);
            let panes = panes(&scene.desk);
            assert!(scene.foreign.iter().all(|pane| panes.contains(&format!(" {pane} "))));
        }));
        if let Err(panic) = told {
            println!("AIMAX_SEED={seed} after {steps:#?}");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn a_note_that_is_damaged_is_the_fault_of_its_session_alone() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", "hello");
    let other = desk.spawn("other", "hello");
    desk.done("one");
    desk.done("other");
    let anchor = desk.home.data().join("run/tmux-practice/one/anchor.json");
    let only_one_is_unknown = |words: &str| {
        let ran = desk.run("aimax-ls", &[]);
        let seen: Vec<(String, String)> =
            ran.records::<Listed>().into_iter().map(|one| (one.session_id, one.state)).collect();
        let expected = [("one", "unknown"), ("other", "idle")];
        assert_eq!(seen, expected.map(|(name, state)| (name.to_owned(), state.to_owned())));
        assert_eq!(ran.code(), Some(0), "{}", ran.error());
        left_alone(&desk, words);
        assert_eq!(desk.run("aimax-ls", &["one"]).code(), Some(69));
        let told = desk.run("aimax-tail", &["--all", "--text"]);
        assert!(told.code() == Some(0) && told.text().contains("==> other <=="), "{told:?}");
        works(&desk, &other);
    };
    fs::write(&anchor, "{").unwrap();
    only_one_is_unknown("anchor.json cannot be read: EOF while parsing");
    // Without it, its window is the one of its name, of which there may be two.
    fs::remove_file(&anchor).unwrap();
    let person = person_window(&desk, "one", &[]);
    only_one_is_unknown("two windows have its name");
    desk.tmux().run(["kill-pane", "-t", &person]);
    works(&desk, &spawned);
    ends(&desk, &spawned);
}
