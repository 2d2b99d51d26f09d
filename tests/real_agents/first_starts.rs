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

/// How long it takes to start a session with a prompt, which is then ended.
fn start(home: &Home, agent: Agent, more: &[&str]) -> Duration {
    let begun = Instant::now();
    let args = [&["-b", agent.backend(), "-s", "s", "-p", "hello"], more].concat();
    assert_eq!(run(home, "spawn", &args).record()["verdict"], "submitted");
    let took = begun.elapsed();
    run(home, "kill", &["s"]).record();
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn busy() -> Vec<BusyLoop> {
    (0..number("AIMAX_BUSY_LOOPS").unwrap_or(0)).map(|_| BusyLoop::start()).collect()
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

/// Without a dialog.
fn first_starts(agent: Agent) {
    let busy = busy();
    let (mut firsts, mut seconds) = (Vec::new(), Vec::new());
    for _ in 0..number("AIMAX_FIRST_STARTS").unwrap_or(3) {
        let model = Model::start();
        let home = clean_home(agent, &model);
        firsts.push(start(&home, agent, old_model(agent)));
        seconds.push(start(&home, agent, old_model(agent)));
    }
    let (first, second) = (median(firsts.clone()), median(seconds.clone()));
    println!("{agent:?}: the first start {first:?} {firsts:?}, the second {second:?} {seconds:?}");
    if busy.is_empty() {
        assert!(first.as_secs_f64() <= 1.3 * second.as_secs_f64(), "{first:?}, {second:?}");
    }
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
        times.push(start(&home, agent, &[old_model(agent), dialogs].concat()));
    }
    println!("{agent:?}: {:?} with dialogs {times:?}", median(times.clone()));
}

on_agents!(answered_starts, first_starts: claude_old, claude_new, codex_old, codex_new);
