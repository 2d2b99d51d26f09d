//! The agents' own commands, opened one by one: what each shows is told by its name, or as
//! `unknown-dialog`, and nothing is typed into it.
//!
//! `AIMAX_COMMANDS=all` opens all that the agent lists, `AIMAX_COMMANDS=/model,/theme` these, and `list`
//! only lists them. Some reach for the network, so all are best opened without one: `unshare -n`.

use serde_json::Value;

use crate::agents::{Agent, Kind, Trust};
use crate::run::run;
use crate::util::home::Home;
use crate::util::model::Model;

/// A session, begun anew whenever a command has left it in another state.
struct Desk {
    agent: Agent,
    model: Model,
    home: Home,
    pane: String,
}

impl Desk {
    fn new(agent: Agent) -> Self {
        let model = Model::start();
        let home = agent.home(&model, Trust::Seeded);
        let mut desk = Desk { agent, model, home, pane: String::new() };
        desk.begin();
        desk
    }

    fn begin(&mut self) {
        let words = ["-b", self.agent.backend(), "-s", "c", "-p", "begin"];
        let spawned = run(&self.home, "spawn", &words);
        self.pane = spawned.record()["paneId"].as_str().expect("a pane").to_owned();
        run(&self.home, "flag", &["wait", "c", "--timeout", "60"]).record();
    }

    fn shown(&self) -> String {
        self.home.tmux().capture(&self.pane)
    }

    /// The commands that the agent lists behind a slash. The list shows a few at a time.
    fn listed(&self) -> Vec<String> {
        let tmux = self.home.tmux();
        tmux.keys(&self.pane, &["-l", "/"]);
        let mut names: Vec<String> = Vec::new();
        let mut nothing_new = 0;
        while nothing_new < 12 {
            let before = names.len();
            for line in self.shown().lines() {
                let words = line.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '/');
                let name = words.split_whitespace().next().unwrap_or_default();
                let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                let bare = name.strip_prefix('/').unwrap_or_default();
                if !bare.is_empty() && bare.chars().all(is_name) && words.contains("  ") {
                    names.push(name.to_owned());
                }
            }
            names.sort();
            names.dedup();
            nothing_new = if names.len() == before { nothing_new + 1 } else { 0 };
            tmux.keys(&self.pane, &["Down"]);
            std::thread::sleep(std::time::Duration::from_millis(60));
        }
        tmux.keys(&self.pane, &["BSpace"]);
        names
    }

    /// Gives the command, and says what came of it.
    fn open(&mut self, name: &str) -> String {
        let words = ["-s", "c", "--when", "idle", "--wait-ready", "5", "--timeout", "6"];
        let ran = run(&self.home, "paste", &[&words[..], &["--command", "-p", name]].concat());
        let record = ran.records.first().cloned().unwrap_or_default();
        let told = match (&record["verdict"], &record["reason"]) {
            (Value::String(verdict), Value::String(reason)) => format!("{verdict}: {reason}"),
            (Value::String(verdict), _) => verdict.clone(),
            _ => format!("status {:?}: {}", ran.status, ran.said.trim()),
        };
        let listed = run(&self.home, "ls", &["c"]);
        let now = listed.records.first().cloned().unwrap_or_default();
        let shown = self.shown();
        // Whoever comes next is told of it, and types nothing.
        let next = run(&self.home, "paste", &["-s", "c", "-p", "next"]);
        let state = now["state"].as_str().unwrap_or("gone");
        let asked = now["waitingFor"].as_str().unwrap_or_default();
        let is_free = next.status == Some(0);
        let next = if is_free { String::new() } else { next.said.trim().replace('\n', " ") };
        if std::env::var_os("AIMAX_COMMANDS").is_some() {
            println!("---- {name}\n{}", shown.trim());
        }
        println!("| `{name}` | {told} | {state} {asked} | {next} |");
        let is_named = next.contains("dialog is open") || next.contains("there is a draft");
        let is_told = is_free || state == "dead" || is_named;
        assert!(is_told, "{name} stands open and has no name:\n{shown}");
        if let Some((before, _)) = next.split_once(" dialog is open") {
            let open = before.rsplit(' ').next().unwrap_or_default();
            let came = format!("the {open} dialog came up");
            assert!(told == "submitted" || told.contains(&came), "{told} is {open}");
            assert!(state == "idle" || asked == open, "{asked} is {open}");
        }
        if is_free {
            run(&self.home, "flag", &["wait", "c", "--timeout", "60"]);
        } else {
            run(&self.home, "kill", &["c"]);
            self.begin();
        }
        told
    }
}

fn every_command(agent: Agent) {
    let mut desk = Desk::new(agent);
    let asked = std::env::var("AIMAX_COMMANDS").unwrap_or_default();
    let names = match asked.as_str() {
        "" if agent.kind == Kind::Codex => vec!["/theme".to_owned(), "/rename".to_owned()],
        "" => vec!["/theme".to_owned()],
        "all" | "list" => desk.listed(),
        names => names.split(',').map(str::to_owned).collect(),
    };
    println!("{agent:?}: {} commands: {names:?}", names.len());
    for name in names.iter().filter(|_| asked != "list") {
        desk.open(name);
    }
    run(&desk.home, "kill", &["c"]);
    desk.model.check();
}

on_agents!(every_command: claude_new, codex_new);
