//! The quick starts of the original's description, line for line, with either agent.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::agents::{Agent, Trust};
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::wait::{PATIENCE, ended, wait_for};

/// A line, in a shell of the home; `tmux-codex` and the folder are replaced.
fn shell(home: &Home, agent: Agent, line: &str) -> Command {
    let sandbox = home.proj().to_string_lossy().into_owned();
    let line = line.replace("tmux-codex", agent.backend()).replace("/tmp/sandbox", &sandbox);
    let mut command = home.command("sh");
    command.args(["-c", &format!("set -e\n{line}")]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What the line prints; it must succeed, and say nothing on standard error.
#[track_caller]
fn run(home: &Home, agent: Agent, line: &str) -> String {
    let Output { status, stdout, stderr } = shell(home, agent, line).output().expect("a shell");
    let said = String::from_utf8_lossy(&stderr);
    assert!(status.success() && said.is_empty(), "{line}: {status}: {said}");
    String::from_utf8(stdout).expect("UTF-8")
}

/// A line that goes on until Ctrl-C.
fn start(home: &Home, agent: Agent, line: &str) -> Child {
    shell(home, agent, &format!("exec {line}")).spawn().expect("a shell")
}

/// Presses Ctrl-C, and gives the records that were printed until then.
fn interrupted(child: Child) -> Vec<Value> {
    let pid = i32::try_from(child.id()).expect("a process");
    aimax::internal::kill(pid, 2).expect("it runs");
    let output = ended(child, "a quick start");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

fn history(home: &Home, agent: Agent) -> Value {
    let text = run(home, agent, "aimax history -b tmux-codex -s demo --json");
    serde_json::from_str(&text).expect("one document")
}

/// Waits until nothing runs, and the transcript holds the prompts.
fn at_rest(home: &Home, agent: Agent, prompts: &[&str]) -> Value {
    wait_for(PATIENCE, "the end of the work", |saw| {
        let status = run(home, agent, "aimax status -b tmux-codex -s demo --json");
        let status: Value = serde_json::from_str(&status).expect("one document");
        let told = history(home, agent);
        *saw = format!("{status}\n{told}");
        let whole = told["entries"].to_string();
        let done = status["jobGoalAccomplished"] == true && status["working"] == false;
        (done && prompts.iter().all(|prompt| whole.contains(prompt))).then_some(told)
    })
}

fn quick_starts(agent: Agent) {
    let model = Model::start();
    let mut home = agent.home(&model, Trust::Ask);
    home.add_path(Path::new(env!("CARGO_BIN_EXE_aimax")).parent().expect("a folder"));
    let lines = [
        "aimax create -b tmux-codex -s demo --cwd /tmp/sandbox \\\n    \
         -p 'Make a hello.py that prints hi.'",
        "aimax send -b tmux-codex -s demo \\\n    -p 'Also add a README.'",
    ];
    assert!(run(&home, agent, lines[0]).starts_with("✓ demo runs"));
    assert!(run(&home, agent, lines[1]).starts_with("✓ demo "));
    let prompts = ["Make a hello.py that prints hi.", "Also add a README."];
    at_rest(&home, agent, &prompts);
    let stream = start(&home, agent, "aimax stream -b tmux-codex -s demo");
    wait_for(PATIENCE, "a stream that waits", |saw| {
        *saw = std::fs::read_to_string(format!("/proc/{}/wchan", stream.id())).unwrap_or_default();
        saw.contains("poll").then_some(())
    });
    run(&home, agent, "aimax send -b tmux-codex -s demo -p 'And a licence.'");
    at_rest(&home, agent, &["And a licence."]);
    let seen = interrupted(stream);
    assert!(seen.iter().any(|record| record.to_string().contains("And a licence.")), "{seen:#?}");
    let status = run(&home, agent, "aimax status -b tmux-codex -s demo");
    assert!(status.contains("agent  idle\n  job    done"), "{status}");
    assert!(run(&home, agent, "aimax list").contains("demo "));

    // History and what comes after it: nothing twice, nothing left out.
    run(&home, agent, "aimax history -b tmux-codex -s demo --json > history.json");
    let stitched = "SENTINEL=$(jq -r .sentinel history.json)\n\
        exec aimax stream -b tmux-codex -s demo --from-sentinel \"$SENTINEL\"";
    let before = std::fs::read_to_string(home.proj().join("history.json")).expect("a history");
    let before: Value = serde_json::from_str(&before).expect("one document");
    run(&home, agent, "aimax send -b tmux-codex -s demo -p 'The last one.'");
    let after = at_rest(&home, agent, &["The last one."]);
    let old = before["entries"].as_array().expect("entries");
    let all = after["entries"].as_array().expect("entries");
    let new = all.len() - old.len();
    let stream = shell(&home, agent, &format!("{stitched} --max {new}")).output().expect("a shell");
    let stream = String::from_utf8(stream.stdout).expect("UTF-8");
    let came = stream.lines().map(|line| serde_json::from_str::<Value>(line).expect("a record"));
    // A history has the records that bear no time before all others.
    let sorted = |records: &mut dyn Iterator<Item = Value>| -> Vec<String> {
        let mut texts: Vec<String> = records.map(|record| record.to_string()).collect();
        texts.sort();
        texts
    };
    let stitched = sorted(&mut old.iter().cloned().chain(came));
    assert_eq!(stitched, sorted(&mut all.iter().cloned()));

    assert_eq!(run(&home, agent, "aimax stop -b tmux-codex -s demo"), "✓ demo is ended\n");
    assert_eq!(run(&home, agent, "aimax list"), "no sessions\n");
    model.check();
}

on_agents!(quick_starts: claude_new, codex_new);
