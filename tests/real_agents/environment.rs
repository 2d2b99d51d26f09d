//! What an agent inherits from the session that it is started in, and what it must not.
//!
//! `environment/AGENT.txt` judges every variable of the agent's own whose name is in one of its
//! programs. A version that brings another is told here; `AIMAX_BLESS=1` adds the new ones, as the
//! rule in `src/agent/parent.rs` sees them, for a person to read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use aimax::internal::Backend;
use serde_json::{Value, json};

use crate::adopt::adopt;
use crate::agents::{Agent, Kind, Trust};
use crate::customs::with_fields;
use crate::run::run;
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::wait::{PATIENCE, wait_for, wait_until};

fn prefix(agent: Agent) -> &'static str {
    match agent.kind {
        Kind::Claude => "CLAUDE_",
        Kind::Codex => "CODEX_",
    }
}

/// The rule's judgement: whether the variable stays with the session that it was set for.
fn stays(agent: Agent, name: &str) -> bool {
    Backend::parse(agent.backend()).expect("a backend").facts().marks.tells(name)
}

/// The names of variables in the agent's program. Where strings lie end to end, some are noise.
fn names(agent: Agent) -> Vec<String> {
    let prefix = prefix(agent);
    let output = Command::new("grep")
        .args(["-aohE", &format!("{prefix}[A-Z0-9_]*[A-Z0-9]")])
        .arg(agent.install().join(agent.program()))
        .env("LC_ALL", "C")
        .output()
        .expect("grep");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("capitals");
    let whole = text.lines().flat_map(|line| line.split(prefix)).filter(|rest| !rest.is_empty());
    let mut names: Vec<String> = whole.map(|rest| format!("{prefix}{rest}")).collect();
    names.sort();
    names.dedup();
    names
}

fn judged(agent: Agent) -> (PathBuf, BTreeMap<String, bool>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/real_agents/environment/{}.txt", agent.program()));
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let one = |line: &str| {
        let (word, name) = line.split_once(' ').expect("a word and a name");
        let stays = match word {
            "stays" => true,
            "goes" => false,
            other => panic!("{other}"),
        };
        (name.to_owned(), stays)
    };
    (path, text.lines().map(one).collect())
}

fn variables(agent: Agent) {
    let (path, mut known) = judged(agent);
    let new: Vec<String> =
        names(agent).into_iter().filter(|name| !known.contains_key(name)).collect();
    if std::env::var_os("AIMAX_BLESS").is_some_and(|value| value == "1") {
        known.extend(new.iter().map(|name| (name.clone(), stays(agent, name))));
        let line = |(name, stays): (&String, &bool)| {
            format!("{} {name}\n", if *stays { "stays" } else { "goes" })
        };
        let text: String = known.iter().map(line).collect();
        std::fs::write(&path, text).expect("the judgements");
    } else {
        assert!(new.is_empty(), "{agent:?}: nobody has judged {new:#?}; AIMAX_BLESS=1 adds them");
    }
    for (name, judgement) in known {
        assert_eq!(stays(agent, &name), judgement, "{name}: whether it stays");
    }
}

/// An agent that is started by a tool of another learns nothing of that one.
fn nested(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Ask);
    let outer = home.root().join("outer");
    let inner = home.root().join("inner");
    let started = format!(
        // A login shell, which Codex has its commands run by, begins with a PATH of its own.
        "TOOL:env >{} && PATH={}:$PATH {} -b {} -s inner -p 'TOOL:env >{}'",
        outer.display(),
        agent.install().display(),
        env!("CARGO_BIN_EXE_aimax-spawn"),
        agent.backend(),
        inner.display()
    );
    run(&home, "spawn", &["-b", agent.backend(), "-s", "outer", "-p", &started]).record();
    run(&home, "flag", &["wait", "outer", "--timeout", "60"]).record();
    run(&home, "flag", &["wait", "inner", "--timeout", "60"]).record();
    let read = |path: &Path| -> BTreeMap<String, String> {
        let text = std::fs::read_to_string(path).expect("an environment");
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let (outer, inner) = (read(&outer), read(&inner));
    // Each tells its own tools of itself. What says the same of all sessions tells nothing.
    let same = ["CODEX_CI", "CODEX_VERSION", "CLAUDECODE", "AI_AGENT", "EXECPATH", "ENTRYPOINT"];
    let same = [&same[..], &["EFFORT", "SANDBOX", "ATTENDED", "PATCH", "CHILD_SESSION"]].concat();
    let of_outer = outer.iter().filter(|(name, _)| stays(agent, name));
    let mut told = of_outer.filter(|(name, _)| !same.iter().any(|word| name.contains(word)));
    let came = told.find(|&(name, value)| inner.get(name) == Some(value));
    assert_eq!(came, None);
    for name in ["inner", "outer"] {
        run(&home, "kill", &[name]).record();
    }
    model.check();
}

fn state(home: &Home, name: &str) -> Value {
    run(home, "ls", &[name]).record()["state"].clone()
}

/// A drawing mode that the caller or its settings ask for does not take the place of ours.
fn draws_inline(agent: Agent) {
    let model = Model::start();
    let mut home = agent.home(&model, Trust::Seeded);
    home.set("CLAUDE_CODE_NO_FLICKER", "1");
    let env = json!({"env": {"CLAUDE_CODE_NO_FLICKER": "1"}});
    with_fields(&home, ".claude/settings.json", &env);
    let spawned = run(&home, "spawn", &["-b", agent.backend(), "-s", "s", "-p", "hello"]);
    let pane = spawned.record()["paneId"].as_str().expect("a pane").to_owned();
    assert_eq!(home.tmux().ask(&pane, "alternate_on"), "0", "{}", home.tmux().capture(&pane));
    run(&home, "kill", &["s"]).record();
    model.check();
}

/// Sessions of one home that send each other messages.
struct Neighbours {
    agent: Agent,
    model: Model,
    home: Home,
}

impl Neighbours {
    fn new(agent: Agent) -> Self {
        let model = Model::start();
        let home = agent.home(&model, Trust::Seeded);
        Neighbours { agent, model, home }
    }

    /// Starts a session that rests. Gives its process.
    fn start(&self, name: &str, more: &[&str]) -> u64 {
        let words = ["-b", self.agent.backend(), "-s", name, "-p", "hello"];
        let spawned = run(&self.home, "spawn", &[&words[..], more].concat());
        run(&self.home, "flag", &["wait", name, "--timeout", "60"]).record();
        spawned.record()["pid"].as_u64().expect("a process")
    }

    fn socket(&self, pid: u64) -> Option<String> {
        let path = self.home.home().join(format!(".claude/sessions/{pid}.json"));
        let text = std::fs::read_to_string(path).expect("its state");
        let state: Value = serde_json::from_str(&text).expect("JSON");
        state["messagingSocketPath"].as_str().map(str::to_owned)
    }

    /// The session `sender` sends a message to the process.
    fn send(&self, name: &str, pid: u64) {
        let socket = self.socket(pid);
        println!("{:?}: {name} has the inbox {socket:?}", self.agent);
        let to = socket.map_or("nobody".to_owned(), |socket| format!("uds:{socket}"));
        let message = format!("a message for {name}");
        let message = json!({"to": to, "message": message, "summary": "of a test"});
        let send = format!("CALL:SendMessage {message}");
        run(&self.home, "paste", &["-s", "sender", "-p", &send]).record();
    }

    /// How often the model was given the message for this session.
    fn came(&self, name: &str) -> usize {
        let words = format!("a message for {name}");
        let own = |texts: &Vec<String>| {
            texts.iter().any(|text| text.contains(&words) && !text.contains("CALL:"))
        };
        self.model.seen().iter().filter(|seen| own(&seen.texts)).count()
    }
}

/// Another session's message starts no turn in a session of ours, unless `--inbox` lets it in.
fn inbox(agent: Agent) {
    let all = Neighbours::new(agent);
    let home = &all.home;
    let names = ["closed", "open"];
    let pids = [all.start("closed", &[]), all.start("open", &["--inbox", "accept"])];
    all.start("sender", &[]);
    for (name, pid) in names.into_iter().zip(pids) {
        all.send(name, pid);
        run(home, "flag", &["wait", "sender", "--timeout", "60"]).record();
    }
    for seen in all.model.seen() {
        println!("{agent:?}: {:?}", seen.texts);
    }
    wait_until(PATIENCE, "the message in the open session", || all.came("open") > 0);
    assert_eq!(all.came("closed"), 0);
    wait_for(PATIENCE, "rest", |saw| {
        let states = ["closed", "open"].map(|name| state(home, name));
        *saw = format!("{states:?}");
        (states == ["idle", "idle"]).then_some(())
    });
    for name in ["closed", "open", "sender"] {
        run(home, "kill", &[name]).record();
    }
}

/// In a session that a person started, a message from one with other permissions is held, and a dialog
/// asks for it: of a name of its own, so that no script takes it for the agent's own question.
fn held(agent: Agent) {
    let all = Neighbours::new(agent);
    let tmux = all.home.tmux();
    let argv = ["claude", "--permission-mode", "default"];
    let pane = tmux.start("held", &all.home.proj(), &argv);
    let pid = tmux.ask(&pane, "pane_pid").parse().expect("a process");
    wait_until(PATIENCE, "the agent rests", || agent.rests(&all.home, pid).is_some());
    assert_eq!(adopt(&all.home, "held").status, Some(0));
    all.start("sender", &[]);
    all.send("held", pid);
    let asked = wait_for(PATIENCE, "the dialog of the message", |saw| {
        let listed = run(&all.home, "ls", &["held"]).record().clone();
        *saw = format!("{listed}\n{}", tmux.capture(&pane));
        (listed["state"] == "waiting").then_some(listed)
    });
    println!("{agent:?}: {asked}\n{}", tmux.capture(&pane));
    assert_eq!(asked["waitingFor"], "held-message", "{asked}");
    assert_eq!(all.came("held"), 0);
    for name in ["held", "sender"] {
        run(&all.home, "kill", &[name]).record();
    }
}

on_agents!(variables, nested: claude_old, claude_new, codex_old, codex_new);
on_agents!(draws_inline: claude_old, claude_new);
on_agents!(inbox, held: claude_new);
