//! What the model gets of every kind of prompt is what was sent, once, or the prompt is refused.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::agents::{self, Agent, Kind, Trust};
use crate::run::{Ran, run, run_with};
use crate::util::model::Model;
use crate::util::prompts::{self, Prompt};
use crate::util::table::{self, leads};
use crate::util::wait::PATIENCE;

/// What the agent does when a prompt comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing.
    Idle,
    /// The model's answer streams.
    Working,
    /// A command of the model's runs.
    Tool,
}

/// What the program said of a prompt.
enum Said {
    /// It is proven, by this verdict and with these changes.
    Proven(String, Vec<String>),
    Refused(String),
    Wrong(String),
    /// It was not sent, for this reason.
    LeftOut(&'static str),
}

/// Why a prompt is not sent to this agent in this state, if it is not.
fn left_out(agent: Agent, state: State, prompt: &Prompt) -> Option<&'static str> {
    let large = prompt.text.len() > 500_000;
    // At other times the text stays in the box, or is not recorded in time, and the delivery says so.
    let reliable = match agent.kind {
        Kind::Claude => agent.since("2.1.330"),
        Kind::Codex => agent.since("0.155.0"),
    };
    (large && state == State::Working && !reliable)
        .then_some("left out: it takes that while it streams only now and then")
}

fn said(ran: &Ran) -> Said {
    let verdict = ran.records.first().map(|record| record["verdict"].clone()).unwrap_or_default();
    let reason = || {
        let why = ran.said.trim().rsplit_once("prompt: ").map_or(&*ran.said, |(_, why)| why);
        why.trim().trim_end_matches(": see `aimax-paste --help`").to_owned()
    };
    match (ran.status, verdict.as_str()) {
        (Some(0), Some(verdict @ ("submitted" | "queued"))) => {
            let changes = ran.records[0]["normalized"].as_array().into_iter().flatten();
            let changes = changes.filter_map(Value::as_str).map(str::to_owned).collect();
            Said::Proven(verdict.to_owned(), changes)
        }
        (Some(2), None) => Said::Refused(reason()),
        _ => Said::Wrong(ran.said.trim().to_owned()),
    }
}

/// What the model got, without what Claude Code puts around a long paste.
pub(crate) fn plain(got: &str) -> String {
    let unwrap = || {
        let rest = got.trim_start().strip_prefix("<pasted_content id=\"")?;
        let (id, rest) = rest.split_once("\">\n")?;
        rest.trim_end().strip_suffix(&format!("\n</pasted_content id=\"{id}\">"))
    };
    unwrap().unwrap_or(got).to_owned()
}

/// The cell of one prompt; takes what became of it out of all that the model got.
fn cell(sent: &Prompt, said: &Said, given: &mut Vec<String>) -> String {
    match said {
        Said::Refused(reason) => format!("refused: {reason}"),
        Said::LeftOut(reason) => (*reason).to_owned(),
        Said::Wrong(reason) => format!("FAIL {reason}"),
        Said::Proven(verdict, changes) => {
            // An agent may take what was queued in another order.
            match given.iter().position(|got| leads(&sent.text, changes, &plain(got))) {
                Some(at) => {
                    given.remove(at);
                    [std::slice::from_ref(verdict), &changes[..]].concat().join(" ")
                }
                None => format!("FAIL {verdict} {changes:?}, but the model did not get it so"),
            }
        }
    }
}

/// The command that runs until the file `go` is there.
const TOOL: &str = "TOOL:while [ ! -e go ]; do sleep 0.1; done";

/// One column: every prompt, one after the other, in one session.
fn column(agent: Agent, state: State, prompts: &[Prompt]) -> Vec<String> {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    // Codex before 0.155 takes a prompt in only between two answers.
    let only_between = agent.kind == Kind::Codex && !agent.since("0.155.0");
    model.set_pace(match state {
        State::Idle | State::Tool => Duration::ZERO,
        State::Working if only_between => Duration::from_millis(700),
        State::Working => Duration::from_secs(600),
    });
    let first = if state == State::Tool { TOOL } else { "begin" };
    let spawned = run(&home, "spawn", &["-b", agent.backend(), "-s", "m", "-p", first]);
    let pane = spawned.record()["paneId"].as_str().expect("a pane").to_owned();
    let when = if state == State::Idle { "idle" } else { "now" };
    let told: Vec<Said> = prompts
        .iter()
        .map(|prompt| {
            if let Some(reason) = left_out(agent, state, prompt) {
                return Said::LeftOut(reason);
            }
            if state == State::Working {
                assert!(model.wait_speaking(PATIENCE), "{agent:?} works before {:?}", prompt.name);
            }
            let args = ["-s", "m", "--when", when, "--timeout", "60"];
            let word = said(&run_with(&home, "paste", &args, &prompt.text));
            if let Said::Wrong(reason) = &word {
                let screen = home.tmux().capture_styled(&pane);
                eprintln!("{agent:?} {state:?} {}: {reason}\n{screen}", prompt.name);
            }
            word
        })
        .collect();
    model.set_pace(Duration::ZERO);
    model.release();
    std::fs::write(home.proj().join("go"), "").expect("the command may end");
    run(&home, "flag", &["wait", "m", "--timeout", "60"]).record();
    let mut given = model.prompts().split_off(1);
    let cells = prompts.iter().zip(&told).map(|(prompt, said)| cell(prompt, said, &mut given));
    let cells = cells.collect();
    let starts: Vec<String> = given.iter().map(|got| got.chars().take(60).collect()).collect();
    assert_eq!(starts, [""; 0], "{agent:?} {state:?}: more than was sent");
    assert!(!home.proj().join("pwned").exists(), "a part of a prompt was run");
    run(&home, "kill", &["m"]).record();
    model.check();
    cells
}

#[test]
fn every_prompt_arrives_whole_and_once_or_is_refused() {
    let prompts = prompts::all();
    let mut jobs: Vec<(Agent, State)> = Vec::new();
    for agent in agents::all() {
        jobs.extend([(agent, State::Idle), (agent, State::Working)]);
        // Codex leaves the command for the first prompt that comes.
        if agent.kind == Kind::Claude {
            jobs.push((agent, State::Tool));
        }
    }
    // A part of the columns, by a part of their names.
    let name = |(agent, state): (Agent, State)| {
        format!("{} {} {state:?}", agent.program(), agent.version).to_lowercase()
    };
    let only = std::env::var("AIMAX_MATRIX").unwrap_or_default();
    jobs.retain(|job| name(*job).contains(&only));
    let (queue, done) = (Mutex::new(jobs), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("the list of jobs").pop();
                    let Some(job) = next else { break };
                    let began = Instant::now();
                    let cells = column(job.0, job.1, &prompts);
                    println!("{}: {:.1?}", name(job), began.elapsed());
                    done.lock().expect("the columns").push((name(job), cells));
                }
            });
        }
    });
    let rows: Vec<&str> = prompts.iter().map(|prompt| prompt.name).collect();
    let mut columns = done.into_inner().expect("the columns");
    columns.sort();
    assert!(!columns.is_empty(), "no column is called {only:?}");
    table::print(&rows, &columns);
}
