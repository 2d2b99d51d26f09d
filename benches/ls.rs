//! 500 sessions listed by `aimax-ls`, beside one bare `tmux list-windows` of the same server.
//!
//! A fifth of them have a job that runs, with a transcript that ends in a line of 5 MB.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on stops")]

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Map, json};

const SESSIONS: usize = 500;
const ROUNDS: usize = 31;
const HUB: &str = "imac_practice_agent_hub";

/// The median of so many runs.
fn time(mut command: impl FnMut() -> Command) -> Duration {
    let mut took: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let mut command = command();
            command.stdout(Stdio::null());
            let begun = Instant::now();
            assert!(command.status().unwrap().success());
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[ROUNDS / 2]
}

fn main() {
    let root = std::env::temp_dir().join(format!("aimax-bench-ls-{}", std::process::id()));
    let data = root.join("data");
    let socket = format!("aimax-bench-{}", std::process::id());
    fs::create_dir_all(&data).unwrap();
    let tmux = |args: &[&str]| {
        let mut command = Command::new("tmux");
        command.args(["-L", &socket, "-f", "/dev/null"]).args(args).env_remove("TMUX");
        command
    };
    let run = |args: &[&str]| assert!(tmux(args).status().unwrap().success(), "{args:?}");
    run(&["new-session", "-d", "-s", HUB, "-n", "_root", "sleep", "3600"]);
    let transcript = root.join("long.jsonl");
    fs::write(&transcript, format!("{}\n", json!({"type": "x", "content": "y".repeat(5 << 20)})))
        .unwrap();
    let offset = fs::metadata(&transcript).unwrap().len();
    let mut state = Map::new();
    for n in 0..SESSIONS {
        let name = format!("s{n}");
        run(&["new-window", "-d", "-t", &format!("={HUB}:"), "-n", &name, "sleep", "3600"]);
        let entry = json!({
            "agentSessionId": "x", "cwd": root, "flagRoot": root, "jsonlPath": transcript,
            "startedAt": 1,
        });
        state.insert(name.clone(), entry);
        if n % 5 == 0 {
            running(&root, &name, &transcript, offset);
        }
    }
    fs::write(data.join("practice-hub-runtime.json"), json!(state).to_string()).unwrap();
    let bare = time(|| tmux(&["list-windows", "-t", &format!("={HUB}:")]));
    let listed = time(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aimax-ls"));
        command.env("AIMAX_DATA_DIR", &data).env("AIMAX_TMUX_SOCKET", &socket).env_remove("TMUX");
        command.env("AIMAX_PRACTICE_HOME", root.join("practice"));
        command
    });
    run(&["kill-server"]);
    fs::remove_dir_all(&root).unwrap();
    let times = listed.as_secs_f64() / bare.as_secs_f64();
    println!(
        "{SESSIONS} sessions: tmux list-windows {bare:?}, aimax-ls {listed:?}: {times:.2} times"
    );
}

/// A job that runs since behind the long line.
fn running(root: &Path, name: &str, transcript: &Path, offset: u64) {
    let flags = root.join(".imac/flags").join(name);
    fs::create_dir_all(&flags).unwrap();
    let path = transcript.display();
    let text =
        format!("session={name}\ntranscript={path}\noffset={offset}\nprompts=1\nsending=0\n");
    fs::write(flags.join("running.flag"), text).unwrap();
}
