//! How long after the end of a turn `running.flag` is gone, on the real agents with a loopback model.
//!
//! `cargo bench --bench flags [-- TURNS [AGENT]]`: with nobody of ours watching, when only the hooks
//! see the end, and beside `aimax-ls --watch`.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on stops")]

#[expect(dead_code, reason = "each test program uses its own part of it")]
#[path = "../tests/real_agents/agents.rs"]
mod agents;
#[expect(dead_code, reason = "each test program uses its own part of it")]
#[path = "../tests/real_agents/run.rs"]
mod run;
#[expect(dead_code, reason = "each test program uses its own part of it")]
#[path = "../tests/util/mod.rs"]
mod util;

use std::{
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use agents::{Agent, Trust};
use run::{command, run};
use util::{model::Model, truth::Clock};

/// What is asked for: the flag is gone within this in 99 of 100 turns.
const BOUND: f64 = 300.0;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let turns = words.iter().find_map(|word| word.parse().ok()).unwrap_or(100);
    let only = words.iter().find(|word| word.parse::<usize>().is_err());
    println!("{turns} turns, in ms: from the agent's own word that it has ended, to the flag gone");
    for agent in agents::all() {
        let name = format!("{} {}", agent.program(), agent.version);
        if only.is_none_or(|only| name.contains(only.as_str())) {
            println!("\n{name}");
            measure(agent, turns, false);
            measure(agent, turns, true);
        }
    }
}

fn measure(agent: Agent, turns: usize, watched: bool) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let spawned = run(&home, "spawn", &["-b", agent.backend(), "-s", "t"]);
    let pid = spawned.record()["pid"].as_u64().unwrap();
    let watcher =
        watched.then(|| command(&home, "ls", &["--watch"]).stdout(Stdio::null()).spawn().unwrap());
    let clock = Clock::new();
    let (mut by_word, mut by_model, mut agents_own) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..turns {
        run(&home, "paste", &["-s", "t", "-p", &format!("turn {turn}")]).record();
        let gone = gone(&home.proj().join(".imac/flags/t/running.flag"));
        let word = clock.at(agent.rests(&home, pid).unwrap());
        let answered = *model.turn_ended_at().last().unwrap();
        by_word.push(gone.saturating_duration_since(word));
        by_model.push(gone.saturating_duration_since(answered));
        agents_own.push(word.saturating_duration_since(answered));
    }
    if let Some(mut watcher) = watcher {
        watcher.kill().unwrap();
        watcher.wait().unwrap();
    }
    let who = if watched { "with a watcher" } else { "hooks alone" };
    let p99 = row(&format!("{who}: the agent's word to the flag gone"), &mut by_word);
    let verdict = if p99 <= BOUND { "within" } else { "OVER" };
    println!("  {:52} {p99:7.0}   {verdict} the bound of {BOUND:.0}", "  its p99");
    row(&format!("{who}: the model's last byte to the flag gone"), &mut by_model);
    row(&format!("{who}: of which the agent's own time"), &mut agents_own);
    run(&home, "kill", &["t"]).record();
}

/// Looks every millisecond until the file is gone.
fn gone(flag: &Path) -> Instant {
    let end = Instant::now() + Duration::from_secs(60);
    while flag.exists() {
        assert!(Instant::now() < end, "{} stays", flag.display());
        thread::sleep(Duration::from_millis(1));
    }
    Instant::now()
}

/// Shows a row and gives its p99.
fn row(what: &str, times: &mut [Duration]) -> f64 {
    times.sort();
    let at = |part: usize| {
        times[((times.len() * part).div_ceil(100)).saturating_sub(1)].as_secs_f64() * 1000.0
    };
    println!(
        "  {what:52} p50 {:4.0}   p90 {:4.0}   p99 {:4.0}   max {:4.0}",
        at(50),
        at(90),
        at(99),
        at(100)
    );
    at(99)
}
