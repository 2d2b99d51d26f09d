//! The first start of all in a folder, beside the second: no dialog costs time, whatever else the
//! machine does.
//!
//! `AIMAX_FIRST_STARTS=100` makes so many instead of a few, and `AIMAX_BUSY_LOOPS=4` has so many
//! loops keep the machine busy meanwhile.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::agents::{Agent, Kind, Trust};
use crate::run::run;
use crate::util::home::Home;
use crate::util::model::Model;

/// A loop that does nothing but keep a core busy, until it is dropped.
struct BusyLoop(Child);

impl BusyLoop {
    fn start() -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", "while :; do :; done"]).stdin(Stdio::null());
        BusyLoop(shell.spawn().expect("a shell"))
    }
}

impl Drop for BusyLoop {
    fn drop(&mut self) {
        // It is a child of ours, so there is nothing to hope for but its end.
        self.0.kill().and_then(|()| self.0.wait()).expect("the end of a busy loop");
    }
}

fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok().map(|value| value.parse().expect(name))
}

/// Starts a session with a prompt, and ends it. Gives how long the start took, and its dialogs: one word
/// for each key.
fn start(home: &Home, agent: Agent, more: &[&str]) -> (Duration, Vec<String>) {
    let begun = Instant::now();
    let args = ["-b", agent.backend(), "-s", "s", "--explain", "-p", "hello"];
    let ran = run(home, "spawn", &[&args[..], more].concat());
    let took = begun.elapsed();
    println!("{agent:?}: {took:?}:\n{}", ran.said);
    assert_eq!(
        (ran.status, &ran.records[0]["verdict"]),
        (Some(0), &"submitted".into()),
        "{ran:#?}"
    );
    run(home, "kill", &["s"]).record();
    let name =
        |line: &str| Some(line.split_once("the ")?.1.split_once(" dialog is open")?.0.to_owned());
    (took, ran.said.lines().filter_map(name).collect())
}

fn busy() -> Vec<BusyLoop> {
    (0..number("AIMAX_BUSY_LOOPS").unwrap_or(0)).map(|_| BusyLoop::start()).collect()
}

/// The shortest, the median and the longest of some times.
fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    format!("{:.2?}, {:.2?}, {:.2?}", times[0], times[times.len() / 2], times[times.len() - 1])
}

/// A home with a repository that the agent has never seen.
fn clean_home(agent: Agent, model: &Model) -> Home {
    let home = agent.home(model, Trust::Ask);
    let git = Command::new("git").args(["init", "-q"]).arg(home.proj()).status();
    assert!(git.expect("git").success());
    home
}

/// Options for a model that the agent would rather replace.
fn old_model(agent: Agent) -> &'static [&'static str] {
    match agent.kind {
        Kind::Claude => &[],
        Kind::Codex if agent.since("0.169.0") => &["-m", "gpt-5.5"],
        Kind::Codex => &["-m", "gpt-5.2"],
    }
}

/// Nothing is asked. The second start takes less by what the agent itself makes in a new home.
fn first_starts(agent: Agent) {
    let _busy = busy();
    let (mut firsts, mut seconds) = (Vec::new(), Vec::new());
    for _ in 0..number("AIMAX_FIRST_STARTS").unwrap_or(1) {
        let model = Model::start();
        let home = clean_home(agent, &model);
        let (first, asked) = start(&home, agent, old_model(agent));
        assert_eq!(asked, [""; 0], "no dialog opened");
        firsts.push(first);
        seconds.push(start(&home, agent, old_model(agent)).0);
    }
    println!("{agent:?}: first starts {}; second ones {}", spread(firsts), spread(seconds));
}

/// With every dialog that the agent has for such a start: permissions are asked, or a folder is marked
/// as untrusted, and the offer of another model was not made yet.
fn answered_starts(agent: Agent) {
    let _busy = busy();
    let mut times = Vec::new();
    for _ in 0..number("AIMAX_FIRST_STARTS").unwrap_or(1) {
        let model = Model::start();
        let home = clean_home(agent, &model);
        let dialogs: &[&str] = match agent.kind {
            Kind::Claude => &["--permissions", "ask"],
            Kind::Codex => &["--", "-c", "notice.model_migrations={}"],
        };
        if agent.kind == Kind::Codex {
            let own = std::fs::read_to_string(home.home().join(".codex/config.toml"));
            home.write(".codex/config.toml", format!("# untrusted\n{}", own.expect("settings")));
        }
        let (took, asked) = start(&home, agent, &[old_model(agent), dialogs].concat());
        assert!(asked.contains(&"trust".to_owned()), "{asked:?}");
        times.push(took);
    }
    println!("{agent:?}: starts with dialogs {}", spread(times));
}

on_agents!(answered_starts, first_starts: claude_old, claude_new, codex_old, codex_new);
