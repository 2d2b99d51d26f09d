//! `--once` on the real agents: a sender is killed, the command is given again, and the model gets
//! each prompt once.

use std::time::Duration;

use crate::agents::{Agent, Trust};
use crate::run::{command, end, run};
use crate::util::model::Model;

/// When the sender is killed, in milliseconds: before it types, while it types, while it waits.
const PAUSES: [u64; 8] = [0, 30, 60, 90, 130, 180, 260, 500];

fn killed(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    run(&home, "spawn", &["-b", agent.backend(), "-s", "k"]).record();
    for (n, pause) in PAUSES.into_iter().enumerate() {
        let (key, prompt) = (format!("key {n}"), format!("prompt number {n}"));
        let args = ["-s", "k", "--once", &key, "-p", &prompt];
        let mut sender = command(&home, "paste", &args).spawn().expect("aimax-paste");
        std::thread::sleep(Duration::from_millis(pause));
        // It may have ended.
        drop(sender.kill());
        let first = end(sender);
        let again = run(&home, "paste", &args);
        println!("{agent:?} after {pause} ms: {:?}, then {:?}", first.records, again.records);
        assert_eq!(again.record()["verdict"], "submitted", "{again:#?}");
        run(&home, "flag", &["wait", "k", "--timeout", "60"]).record();
    }
    for n in 0..PAUSES.len() {
        let prompt = format!("prompt number {n}");
        let times = model.prompts().iter().filter(|got| got.trim() == prompt).count();
        assert_eq!(times, 1, "{prompt}: {:?}", model.prompts());
    }
    let retry = run(&home, "paste", &["-s", "k", "--once", "key 0", "-p", "prompt number 0"]);
    assert_eq!(retry.record()["repeated"], true);
    run(&home, "kill", &["k"]).record();
    model.check();
}

on_agents!(killed: claude_old, claude_new, codex_old, codex_new);
