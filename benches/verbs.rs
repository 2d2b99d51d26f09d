//! How long each verb of the front takes, beside the Python `aimax` 0.1.0 in the same run.
//!
//! `cargo bench --bench verbs [-- RUNS]`. The original is the program that `AIMAX_ORIGINAL` names, or
//! the one that the tests on the real agents have installed. The verbs run on a session in a private
//! tmux server whose window sleeps and whose transcript has 200 records. Verbs that wait for an agent
//! are measured up to where they refuse, which is a whole start: `create` finds no prompt, the
//! others no session. `stream` is measured up to its first record.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on stops")]

#[expect(dead_code, reason = "each test program uses its own part of it")]
#[path = "../tests/util/mod.rs"]
mod util;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;
use util::home::Home;

/// Ours may take so much of the original's time.
const BOUND: f64 = 20.0;

const ID: &str = "6f9619ff-8b86-4011-b42d-00cf4fc964ff";

/// Each verb, with what follows it.
const VERBS: &[&[&str]] = &[
    &["version"],
    &["config", "show"],
    &["admin", "show"],
    &["admin", "set-proxy", "-b", "tmux-codex", "--value", "false"],
    &["create", "-b", "tmux-claude-code", "-s", "none", "--cwd", "."],
    &["send", "-b", "tmux-claude-code", "-s", "none", "-p", "x"],
    &["pause", "-b", "tmux-claude-code", "-s", "none"],
    &["stop", "-b", "tmux-claude-code", "-s", "none"],
    &["list"],
    &["list", "-b", "tmux-claude-code"],
    &["status", "-b", "tmux-claude-code", "-s", "demo"],
    &["history", "-b", "tmux-claude-code", "-s", "demo"],
    &["stream", "-b", "tmux-claude-code", "-s", "demo", "--from-sentinel", "0", "--max", "1"],
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let runs = words.iter().find_map(|word| word.parse().ok()).unwrap_or(11);
    let installed = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("agents/aimax-0.1.0");
    let original = std::env::var_os("AIMAX_ORIGINAL").map(PathBuf::from);
    let original = original.unwrap_or_else(|| installed.join("bin/aimax"));
    assert!(original.is_file(), "name the Python program by AIMAX_ORIGINAL");
    let home = stage();
    println!("medians of {runs} runs, in ms\n{:40} {:>8} {:>8}", "", "0.1.0", "ours");
    let mut over = Vec::new();
    for args in VERBS {
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            theirs.push(time(&home, &original, args));
            ours.push(time(&home, Path::new(env!("CARGO_BIN_EXE_aimax")), args));
        }
        let [theirs, ours] = [theirs, ours].map(median);
        let times = theirs / ours;
        let verb = args.iter().take_while(|word| !word.starts_with('-')).copied();
        let mut verb = verb.collect::<Vec<_>>().join(" ");
        if args == &VERBS[9] {
            verb.push_str(" -b");
        }
        println!("{verb:40} {theirs:8.1} {ours:8.1}   1/{times:.0}");
        if times < BOUND {
            over.push(verb);
        }
    }
    println!(
        "bound 1/{BOUND}: {}",
        if over.is_empty() { "all within".into() } else { format!("OVER: {over:?}") }
    );
}

/// A home with a session whose agent does nothing.
fn stage() -> Home {
    let mut home = Home::new();
    // The original knows no other server.
    home.set("AIMAX_TMUX_SOCKET", "default");
    home.set("AIMAX_RUN_PREFLIGHT", "0");
    let transcript = home.home().join(format!(".claude/projects/x/{ID}.jsonl"));
    let line = json!({
        "type": "assistant", "uuid": ID, "timestamp": "2026-11-22T10:00:00.000Z",
        "message": { "role": "assistant", "stop_reason": "end_turn", "content": "x".repeat(900) },
    });
    home.write(&format!(".claude/projects/x/{ID}.jsonl"), format!("{line}\n").repeat(200));
    let proj = home.proj();
    let entry = json!({ "demo": {
        "agentSessionId": ID, "cwd": proj, "flagRoot": proj, "model": null, "useProxy": false,
        "jsonlPath": transcript, "startedAt": 1,
    }});
    fs::write(home.data().join("hub-runtime.json"), entry.to_string()).unwrap();
    let server = |args: &[&str]| {
        let mut command = home.command("tmux");
        assert!(command.args(["-f", "/dev/null"]).args(args).status().unwrap().success());
    };
    let hub = "imac_claude_code_agent_hub";
    server(&["new-session", "-d", "-s", hub, "-n", "_root", "sleep", "3600"]);
    server(&["new-window", "-d", "-t", &format!("={hub}:"), "-n", "demo", "sleep", "3600"]);
    home
}

/// How long a verb takes; one that goes on, until its first record.
fn time(home: &Home, program: &Path, args: &[&str]) -> Duration {
    let mut command: Command = home.command(program);
    command.args(args).arg("--json");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let begun = Instant::now();
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    if args[0] == "stream" {
        // The original's log lines come first.
        assert!(lines.any(|line| line.starts_with("{\"")));
        let took = begun.elapsed();
        lines.for_each(drop);
        child.wait().unwrap();
        return took;
    }
    lines.for_each(drop);
    // Some verbs refuse: what is measured is how long that takes.
    let _refused_or_done = child.wait().unwrap();
    begun.elapsed()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1000.0
}
