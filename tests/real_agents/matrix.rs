//! What the model gets of every kind of prompt is what was sent, once, or the prompt is refused.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::agents::{Agent, CLAUDE_197, CLAUDE_330, CODEX_142, CODEX_169, Kind, Trust};
use crate::run::{Ran, run, run_with};
use crate::util::model::Model;
use crate::util::prompts::{self, Prompt};
use crate::util::table::{self, leads};
use crate::util::wait::PATIENCE;

/// What the agent does when a prompt comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Working,
}

/// What the program said of a prompt.
enum Said {
    /// It is proven, with these changes.
    Proven(Vec<String>),
    Refused(String),
    Wrong(String),
}

fn said(ran: &Ran) -> Said {
    let verdict = ran.records.first().map(|record| record["verdict"].clone()).unwrap_or_default();
    let reason = || ran.said.trim().rsplit_once("prompt: ").map_or(&*ran.said, |(_, why)| why);
    match (ran.status, verdict.as_str()) {
        (Some(0), Some("submitted" | "queued")) => {
            let changes = ran.records[0]["normalized"].as_array().into_iter().flatten();
            Said::Proven(changes.filter_map(Value::as_str).map(str::to_owned).collect())
        }
        (Some(2), None) | (Some(3), Some("blocked")) => Said::Refused(reason().trim().to_owned()),
        _ => Said::Wrong(ran.said.trim().to_owned()),
    }
}

/// What the model got, without what Claude Code puts around a long paste.
fn plain(got: &str) -> String {
    let unwrap = || {
        let rest = got.trim_start().strip_prefix("<pasted_content id=\"")?;
        let (id, rest) = rest.split_once("\">\n")?;
        rest.trim_end().strip_suffix(&format!("\n</pasted_content id=\"{id}\">"))
    };
    unwrap().unwrap_or(got).to_owned()
}

fn cell(agent: Agent, state: State, sent: &Prompt, said: &Said, got: &[String]) -> String {
    let start = |text: &str| text.chars().take(40).collect::<String>();
    match (said, got) {
        (Said::Refused(reason), []) => format!("refused: {reason}"),
        (Said::Refused(reason), _) => format!("FAIL {reason}, but it was sent"),
        (Said::Wrong(reason), got) => {
            format!("FAIL {reason}: {:?}", got.iter().map(|got| start(got)).collect::<Vec<_>>())
        }
        (Said::Proven(changes), [got]) => {
            let (got, expected) = (plain(got), &sent.text);
            // Queued prompts go to the model together: each is trimmed, and a newline parts them.
            let bare = got.strip_suffix('\n').unwrap_or(&got);
            let joined = [&changes[..], &["leading_blanks".to_owned()]].concat();
            let is_joined = agent.kind == Kind::Claude && state == State::Working;
            if leads(expected, changes, &got) || is_joined && leads(expected, &joined, bare) {
                return [&["ok".to_owned()], &changes[..]].concat().join(" ");
            }
            let same = got.chars().zip(expected.chars()).take_while(|(a, b)| a == b).count();
            let end = |text: &str| start(&text.chars().skip(same).collect::<String>());
            format!("FAIL at {same}: {:?} for {:?}", end(&got), end(expected))
        }
        (Said::Proven(_), got) => format!("FAIL {} prompts", got.len()),
    }
}

/// One column: every prompt, one after the other, in one session.
fn column(agent: Agent, state: State, prompts: &[Prompt]) -> Vec<String> {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    // Codex before 0.155 takes a prompt in only between two answers.
    let pace = match (state, agent.version) {
        (State::Idle, _) => Duration::ZERO,
        (State::Working, "0.142.5") => Duration::from_millis(700),
        (State::Working, _) => Duration::from_secs(600),
    };
    model.set_pace(pace);
    run(&home, "spawn", &["-b", agent.backend(), "-s", "m", "-p", "begin"]).record();
    let when = if state == State::Idle { "idle" } else { "now" };
    // What the model got of each prompt: at once, or with all the others at the end.
    let at_once = state == State::Idle || agent.kind == Kind::Codex;
    let mut seen = 1;
    let mut told = Vec::new();
    for prompt in prompts {
        if state == State::Working {
            assert!(model.wait_speaking(PATIENCE), "{agent:?} works before {:?}", prompt.name);
        }
        let args = ["-s", "m", "--when", when, "--timeout", "30"];
        let word = said(&run_with(&home, "paste", &args, &prompt.text));
        if let Said::Wrong(reason) = &word {
            eprintln!("{agent:?} {state:?} {}: {reason}", prompt.name);
        }
        let mut got = Vec::new();
        if at_once && !matches!(word, Said::Refused(_)) {
            let within = if matches!(word, Said::Wrong(_)) { 5 } else { 60 };
            model.wait_prompts(Duration::from_secs(within), seen + 1);
            got = model.prompts().split_off(seen);
            seen += got.len();
        }
        told.push((word, got));
    }
    model.set_pace(Duration::ZERO);
    model.release();
    if !at_once {
        let taken = told.iter().filter(|(word, _)| !matches!(word, Said::Refused(_))).count();
        model.wait_prompts(Duration::from_secs(20), seen + taken);
        let mut rest = model.prompts().split_off(seen).into_iter();
        for (word, got) in &mut told {
            if !matches!(word, Said::Refused(_)) {
                got.extend(rest.next());
            }
        }
        seen = model.prompts().len().min(seen + taken);
    }
    run(&home, "flag", &["wait", "m", "--timeout", "60"]).record();
    let left = model.prompts().len() - seen;
    assert_eq!(left, 0, "{agent:?} {state:?}: more than was sent");
    let cells = prompts
        .iter()
        .zip(&told)
        .map(|(prompt, (word, got))| cell(agent, state, prompt, word, got));
    let cells = cells.collect();
    assert!(!home.proj().join("pwned").exists(), "a part of a prompt was run");
    run(&home, "kill", &["m"]).record();
    model.check();
    cells
}

#[test]
fn every_prompt_arrives_whole_and_once_or_is_refused() {
    let prompts = prompts::all();
    let agents = [CLAUDE_330, CLAUDE_197, CODEX_169, CODEX_142];
    let mut jobs: Vec<(Agent, State)> = Vec::new();
    for agent in agents {
        // While it works, Claude Code joins what is queued and gives it on with ends of its own
        // (`queued` says what was recorded, not yet what is given): not a matter of whole prompts.
        // Codex 0.142.5 takes a prompt up only when a step ends, which may be after the largest ones
        // have timed out.
        if agent.version == CODEX_169.version {
            jobs.push((agent, State::Working));
        }
        jobs.push((agent, State::Idle));
    }
    let only = std::env::var("AIMAX_MATRIX").unwrap_or_default();
    jobs.retain(|job| format!("{job:?}").contains(&only));
    let (queue, done) = (Mutex::new(jobs.clone()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("the list of jobs").pop();
                    let Some((agent, state)) = next else { break };
                    let began = Instant::now();
                    let cells = column(agent, state, &prompts);
                    let name = format!("{} {} {state:?}", agent.program(), agent.version);
                    println!("{name}: {:.1?}", began.elapsed());
                    done.lock().expect("the columns").push((name, cells));
                }
            });
        }
    });
    let rows: Vec<&str> = prompts.iter().map(|prompt| prompt.name).collect();
    let mut columns = done.into_inner().expect("the columns");
    columns.sort();
    table::print(&rows, &columns);
}
