//! What people do to their tmux while agents run in it, as in the practice agent's tests of that
//! name, and what becomes of an agent's own signs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Child;

use serde_json::Value;

use crate::agents::{Agent, Kind, Trust};
use crate::run::{command, end, run};
use crate::truth::Stage;
use crate::util::model::Model;
use crate::util::wait::{PATIENCE, wait_for, wait_until};

/// A prompt whose turn ends when [`Scene::opened`] says so.
const GATE: &str = "TOOL:until test -e gate; do sleep 0.1; done";

/// A session with a turn behind it, and its record.
struct Scene {
    stage: Stage,
    spawned: Value,
    pane: String,
}

impl Scene {
    fn new(agent: Agent) -> Scene {
        Scene::with(agent, "")
    }

    /// The same under a `.tmux.conf`.
    fn with(agent: Agent, conf: &str) -> Scene {
        let stage = Stage::under(agent, conf);
        stage.paste("hello");
        let scene = Scene::of(stage);
        scene.done();
        // Codex 0.142 has no thread before the first prompt.
        Scene { spawned: scene.stage.listed(), ..scene }
    }

    fn of(stage: Stage) -> Scene {
        let spawned = stage.listed();
        let window = spawned["windowId"].as_str().expect("a window");
        let pane = stage.home.tmux().run(["display-message", "-p", "-t", window, "#{pane_id}"]);
        let pane = pane.trim().to_owned();
        Scene { stage, spawned, pane }
    }

    fn text(&self, key: &str) -> &str {
        self.spawned[key].as_str().expect(key)
    }

    fn pid(&self) -> u32 {
        self.spawned["pid"].as_u64().and_then(|pid| pid.try_into().ok()).expect("a process")
    }

    fn lives(&self) -> bool {
        aimax::internal::start_time(self.pid()).is_some()
    }

    /// The hub's name.
    fn hub(&self) -> String {
        self.stage.home.tmux().ask(&self.pane, "session_name")
    }

    /// A window of a person's, in the hub; gives its pane.
    fn person(&self, name: &str) -> String {
        let target = format!("={}:", self.hub());
        let new = ["new-window", "-d", "-P", "-F", "#{pane_id}", "-t", &target, "-n", name];
        let pane = self.stage.home.tmux().run(new.iter().chain(&["sh", "-c", "exec sleep 600"]));
        pane.trim().to_owned()
    }

    fn has(&self, pane: &str) -> bool {
        let panes = self.stage.home.tmux().run(["list-panes", "-a", "-F", "#{pane_id}"]);
        panes.lines().any(|there| there == pane)
    }

    /// The state that is listed, of this very process.
    #[track_caller]
    fn state(&self) -> String {
        let listed = self.stage.listed();
        assert_eq!(listed["pid"], self.spawned["pid"], "{listed}");
        listed["state"].as_str().expect("a state").to_owned()
    }

    /// Waits until no job runs; the last one ended well.
    #[track_caller]
    fn done(&self) {
        let (status, record) = self.stage.waits();
        assert_eq!((status, &record["state"]), (Some(0), &Value::from("done")), "{record}");
        assert!(self.never_failed());
    }

    fn never_failed(&self) -> bool {
        !self.stage.home.proj().join(".imac/flags/t/failed.flag").exists()
    }

    /// A turn that runs until its gate is opened.
    fn begins(&self) {
        let gate = self.stage.home.proj().join("gate");
        if gate.exists() {
            fs::remove_file(gate).expect("the gate");
        }
        self.stage.works(GATE);
    }

    fn opened(&self) {
        fs::write(self.stage.home.proj().join("gate"), "").expect("the gate");
    }

    /// Takes the agent's own sign away.
    fn take_sign(&self, agent: Agent) {
        let home = &self.stage.home;
        match agent.kind {
            Kind::Claude => {
                let file = format!(".claude/sessions/{}.json", self.pid());
                match fs::remove_file(home.home().join(file)) {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => panic!("{e}"),
                    _ => {}
                }
            }
            Kind::Codex => {
                home.tmux().run(["select-pane", "-t", &self.pane, "-T", "x"]);
            }
        }
    }

    /// Somebody who waits for the job, and sleeps by now.
    fn waiting(&self) -> Child {
        let waiting = command(&self.stage.home, "flag", &["wait", "t", "--timeout", "60"]);
        let waiting = { waiting }.spawn().expect("aimax-flag");
        wait_until(PATIENCE, "somebody who waits", || {
            // Without /proc there is no telling.
            fs::read_to_string(format!("/proc/{}/wchan", waiting.id()))
                .map_or(true, |place| place.contains("poll"))
        });
        waiting
    }

    /// That all programs find the session, at its agent.
    #[track_caller]
    fn works(&self, prompt: &str) {
        assert_eq!(self.state(), "idle");
        assert_eq!(run(&self.stage.home, "flag", &["check", "t"]).status, Some(0));
        self.stage.paste(prompt);
        self.done();
        assert!(self.stage.model.prompts().iter().any(|got| got == prompt), "{prompt}");
        wait_until(PATIENCE, "rest", || self.state() == "idle");
    }

    /// Its end, of which nothing stays.
    #[track_caller]
    fn ends(&self) {
        let killed = run(&self.stage.home, "kill", &["t"]);
        assert_eq!(killed.record()["killed"], true);
        assert!(!self.lives());
        assert!(!self.stage.home.proj().join(".imac/flags/t").exists(), "its flags");
        let home = &self.stage.home;
        assert!(home.tmux().output(["ls"]).status.code() != Some(0) || !self.has(&self.pane));
        self.stage.model.check();
    }
}

/// Windows of a person's that bear the session's name.
fn namesakes(agent: Agent) {
    let scene = Scene::new(agent);
    // The hub's own window keeps the server alive.
    let behind = scene.person("t");
    let before = scene.person("t");
    let swap = ["swap-window", "-d", "-s", &before, "-t", &scene.pane];
    scene.stage.home.tmux().run(swap);
    scene.works("are you there?");
    scene.ends();
    assert!(scene.has(&before) && scene.has(&behind), "the person's");
}

/// The pane is moved about while a turn runs.
fn moved(agent: Agent) {
    let scene = Scene::new(agent);
    let tmux = scene.stage.home.tmux();
    tmux.run(["new-session", "-d", "-s", "mine", "sh", "-c", "exec sleep 600"]);
    let person = tmux.run(["list-panes", "-t", "=mine:", "-F", "#{pane_id}"]).trim().to_owned();
    let (pane, hub) = (scene.pane.as_str(), format!("={}", scene.hub()));
    let steps: [&[&str]; 7] = [
        &["rename-window", "-t", pane, "notes"],
        &["move-window", "-s", pane, "-t", "=mine:"],
        &["rename-session", "-t", &hub, "elsewhere"],
        &["link-window", "-s", pane, "-t", "=elsewhere:"],
        &["join-pane", "-d", "-s", &person, "-t", pane],
        &["break-pane", "-d", "-s", pane, "-n", "t"],
        &["split-window", "-d", "-b", "-t", pane, "sh", "-c", "exec sleep 600"],
    ];
    for step in steps {
        scene.begins();
        let waiting = scene.waiting();
        tmux.run(step);
        assert_eq!(scene.state(), "working", "{step:?}");
        scene.opened();
        assert_eq!(end(waiting).record()["state"], "done", "{step:?}");
        assert!(scene.never_failed(), "{step:?}");
        wait_until(PATIENCE, "rest", || scene.state() == "idle");
    }
    scene.works("still there?");
    scene.ends();
    assert!(scene.has(&person), "the person's");
}

/// The socket of tmux is moved away while a turn runs, and comes back behind its end.
fn lost_socket(agent: Agent) {
    let scene = Scene::new(agent);
    let home = &scene.stage.home;
    let ask = |format: &str| home.tmux().ask(&scene.pane, format);
    let (socket, server) = (PathBuf::from(ask("socket_path")), ask("pid"));
    scene.begins();
    let waiting = scene.waiting();
    let aside = socket.with_extension("aside");
    fs::rename(&socket, &aside).expect("the socket");

    let listed = run(home, "ls", &["t"]);
    assert_eq!((listed.status, &listed.records[0]["state"]), (Some(69), &"unknown".into()));
    assert!(listed.said.contains(&format!("kill -USR1 {server}")), "{}", listed.said);
    for (program, args) in [
        ("paste", &["-s", "t", "-p", "x"][..]),
        ("kill", &["t"]),
        ("spawn", &["-b", agent.backend(), "-s", "t"]),
    ] {
        let ran = run(home, program, args);
        assert_eq!(ran.status, Some(69), "{program}: {ran:#?}");
        assert!(ran.said.contains(&format!("process {} is running", scene.pid())), "{}", ran.said);
    }
    // The job is still told: by the agent's own files.
    assert_eq!(run(home, "flag", &["check", "t"]).status, Some(124));
    assert!(scene.stage.is_running() && scene.never_failed() && scene.lives());

    scene.opened();
    assert_eq!(end(waiting).record()["state"], "done");
    assert!(scene.never_failed());
    fs::rename(&aside, &socket).expect("the socket");
    wait_until(PATIENCE, "rest", || scene.state() == "idle");
    scene.works("back again?");
    let expected = match agent.kind {
        Kind::Claude => "/.claude/projects/",
        Kind::Codex => "/.codex/sessions/",
    };
    assert!(scene.stage.listed()["jsonlPath"].as_str().expect("a path").contains(expected));
    assert_eq!(scene.stage.listed()["agentSessionId"], scene.text("agentSessionId"));
    scene.ends();
}

/// The programs are run where tmux looks for its sockets elsewhere, as in a job of cron's.
fn from_elsewhere(agent: Agent) {
    let scene = Scene::new(agent);
    let home = &scene.stage.home;
    let elsewhere = home.root().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    let strange = |program: &str, args: &[&str]| {
        let mut command = command(home, program, args);
        command.env("TMUX_TMPDIR", &elsewhere).env_remove("AIMAX_TMUX_SOCKET");
        end(command.spawn().expect("a program"))
    };
    let listed = strange("ls", &["t"]);
    assert_eq!(listed.record()["state"], "idle");
    assert_eq!(listed.record()["pid"], scene.spawned["pid"]);
    let sent = strange("paste", &["-s", "t", "-p", "from afar"]);
    assert_eq!(sent.record()["verdict"], "submitted");
    assert_eq!(strange("flag", &["wait", "t", "--timeout", "60"]).record()["state"], "done");
    let again = strange("spawn", &["-b", agent.backend(), "-s", "t"]);
    assert_eq!(again.status, Some(3), "{again:#?}");
    assert!(again.said.contains("a session of this name is running"), "{}", again.said);
    assert_eq!(strange("kill", &["t"]).record()["killed"], true);
    assert!(!scene.lives());
    scene.stage.model.check();
}

/// The server is killed, and a plugin that restores windows makes one with a plain shell.
fn restored(agent: Agent) {
    let scene = Scene::new(agent);
    let (home, hub) = (&scene.stage.home, scene.hub());
    home.tmux().run(["kill-server"]);
    wait_until(PATIENCE, "the agent's end", || !scene.lives());
    let new = ["new-session", "-d", "-P", "-F", "#{pane_id}", "-s", &hub, "-n", "t"];
    let shell = home.tmux().run(new.iter().chain(&["sh", "-c", "exec sleep 600"]));
    let shell = shell.trim().to_owned();
    let listed = run(home, "ls", &["t"]);
    assert_eq!((listed.status, &listed.records[0]["state"]), (Some(1), &"dead".into()));
    assert_eq!(run(home, "kill", &["t"]).record()["killed"], false);
    assert!(scene.has(&shell), "the person's");
    run(home, "spawn", &["-b", agent.backend(), "-s", "t"]).record();
    let scene = Scene::of(scene.stage);
    scene.works("hello again");
    scene.ends();
    assert!(scene.has(&shell), "the person's");
}

/// A client with a terminal comes and goes, though the configuration lets the server end with it.
fn attached(agent: Agent) {
    let scene = Scene::with(agent, "set -s exit-unattached on");
    let home = &scene.stage.home;
    scene.begins();
    let waiting = scene.waiting();
    // Its terminal is a window of another server.
    let outer = |args: &[&str]| {
        let mut command = home.command("tmux");
        command.args(["-L", "outer", "-f", "/dev/null"]).args(args);
        assert!(command.status().expect("tmux").success(), "{args:?}");
    };
    let attach = format!("exec env -u TMUX tmux -L t attach-session -t '={}'", scene.hub());
    outer(&["new-session", "-d", "-x", "100", "-y", "30", &attach]);
    let clients = || home.tmux().run(["list-clients", "-F", "#{client_tty}"]);
    let client = wait_for(PATIENCE, "a client", |_| clients().lines().next().map(str::to_owned));
    home.tmux().run(["detach-client", "-t", &client]);
    wait_until(PATIENCE, "no client", || clients().is_empty());
    assert_eq!(scene.state(), "working");
    scene.opened();
    assert_eq!(end(waiting).record()["state"], "done");
    wait_until(PATIENCE, "rest", || scene.state() == "idle");
    scene.works("after the visit");
    scene.ends();
}

/// What a `.tmux.conf` may say.
fn configured(agent: Agent) {
    for conf in [
        "set -g destroy-unattached on\nset -g default-command 'exit 0'\nset -s exit-empty on",
        "set-hook -g after-new-window[0] 'rename-window mine'\n\
         set-hook -g after-new-window[1] 'no-such-command'\n\
         set-hook -g after-set-option 'no-such-command'\n\
         set -g automatic-rename on\nset -g allow-rename on",
    ] {
        let scene = Scene::with(agent, conf);
        scene.works("are you there?");
        scene.ends();
    }
}

/// The agent's own sign is taken away: Claude Code's state file, as another one does that sees no
/// process of that number, and Codex's title.
fn signs(agent: Agent) {
    let scene = Scene::new(agent);
    let home = &scene.stage.home;
    let take = || scene.take_sign(agent);
    take();
    assert_eq!(scene.state(), "idle");
    assert_eq!(run(home, "flag", &["check", "t"]).status, Some(0));
    scene.begins();
    take();
    assert_eq!(scene.state(), "working");
    let waiting = scene.waiting();
    let sent = run(home, "paste", &["-s", "t", "-p", "meanwhile"]).record()["verdict"].clone();
    assert!(["submitted", "queued"].iter().any(|verdict| sent == *verdict), "{sent}");
    take();
    scene.opened();
    assert_eq!(end(waiting).record()["state"], "done");
    assert!(scene.never_failed());
    take();
    wait_until(PATIENCE, "rest", || scene.state() == "idle");
    take();
    scene.works("without a sign");
    take();
    if agent.heeds_keys_while_it_streams() {
        scene.stage.works("SLOW:60000 x");
        take();
        run(home, "paste", &["-s", "t", "--interrupt"]).record();
        take();
        wait_until(PATIENCE, "rest", || scene.state() == "failed");
        scene.stage.model.release();
    }
    scene.ends();
}

/// The sign is taken away before the first prompt, and once a person has begun another conversation.
fn signs_at_the_edges(agent: Agent) {
    let scene = Scene::of(Stage::new(agent));
    let home = &scene.stage.home;
    scene.take_sign(agent);
    assert_eq!(scene.state(), "idle");
    scene.stage.paste("the first");
    scene.take_sign(agent);
    scene.done();
    scene.take_sign(agent);
    wait_until(PATIENCE, "rest", || scene.state() == "idle");
    scene.works("the second");
    // Codex 0.142 shows a new thread in nothing but the title.
    if agent.kind == Kind::Claude || agent.since("0.155.0") {
        let clear = if agent.kind == Kind::Claude { "/clear" } else { "/new" };
        let title = || home.tmux().ask(&scene.pane, "pane_title");
        let before = title();
        home.tmux().keys(&scene.pane, &["-l", clear]);
        home.tmux().wait_text(&scene.pane, clear);
        home.tmux().keys(&scene.pane, &["Enter"]);
        if agent.kind == Kind::Codex {
            wait_until(PATIENCE, "the new thread's title", || {
                let now = title();
                now.starts_with("Ready | ") && now != before
            });
        }
        scene.take_sign(agent);
        wait_until(PATIENCE, "another conversation", || {
            run(home, "ls", &["t"]).records[0]["state"] == "unknown"
        });
        let listed = run(home, "ls", &["t"]);
        assert!(listed.status == Some(69) && listed.said.contains("cannot be told"), "{listed:#?}");
        let refused = run(home, "paste", &["-s", "t", "-p", "x"]);
        assert_eq!(refused.status, Some(69), "{refused:#?}");
        assert!(refused.said.contains("cannot be told"), "{}", refused.said);
        assert!(scene.never_failed() && !scene.stage.is_running());
    }
    scene.ends();
}

/// The agent runs in a PID namespace of its own, behind a wrapper of its name on the `PATH`. There its
/// number is another one, by which Claude Code names its state file.
fn in_a_pid_namespace(agent: Agent) {
    let model = Model::start();
    let mut home = agent.home(&model, Trust::Seeded);
    let real = agent.install().join(agent.program());
    let wrapper = home.write(
        &format!("wrapped/{}", agent.program()),
        format!("#!/bin/sh\nexec unshare --pid --fork --mount-proc {} \"$@\"\n", real.display()),
    );
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).expect("a wrapper");
    home.add_path(home.home().join("wrapped"));
    let stage = Stage { model, home };
    let words = ["-b", agent.backend(), "-s", "t", "-p", "hello"];
    let id = run(&stage.home, "spawn", &words).record()["agentSessionId"].clone();
    let scene = Scene::of(stage);
    scene.done();
    if agent.kind == Kind::Claude {
        assert!(scene.stage.home.home().join(".claude/sessions/1.json").exists());
        let words = ["-b", agent.backend(), "-s", "u", "--resume", id.as_str().expect("an id")];
        let refused = run(&scene.stage.home, "spawn", &words);
        assert_eq!(refused.status, Some(3), "{refused:#?}");
        assert!(refused.said.contains("it is already open in process"), "{}", refused.said);
    }
    scene.begins();
    let waiting = scene.waiting();
    assert_eq!(scene.state(), "working");
    scene.opened();
    assert_eq!(end(waiting).record()["state"], "done");
    wait_until(PATIENCE, "rest", || scene.state() == "idle");
    scene.works("still there?");
    scene.ends();
}

on_agents!(signs_at_the_edges: claude_old, claude_new, codex_old, codex_new);
on_agents!(in_a_pid_namespace: claude_old, claude_new, codex_old, codex_new);
on_agents!(signs: claude_old, claude_new, codex_old, codex_new);
on_agents!(namesakes, moved, from_elsewhere, restored: claude_old, claude_new, codex_old, codex_new);
on_agents!(lost_socket, attached, configured: claude_old, claude_new, codex_old, codex_new);
