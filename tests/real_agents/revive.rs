//! `aimax revive` on the real agents: after their server was killed they go on in the same
//! conversation.

use crate::agents::{Agent, Trust};
use crate::run::{end, run};
use crate::util::model::Model;
use crate::util::wait::{PATIENCE, wait_until};

fn revived(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let first = run(&home, "spawn", &["-b", agent.backend(), "-s", "r", "-p", "first"]);
    let first = first.record().clone();
    run(&home, "flag", &["wait", "r", "--timeout", "60"]).record();
    home.tmux().run(["kill-server"]);
    let pid = first["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a process");
    wait_until(PATIENCE, "the agent's end", || aimax::internal::start_time(pid).is_none());

    let revive = || {
        let mut command = home.command(env!("CARGO_BIN_EXE_aimax"));
        command.args(["revive", "--all"]).stdin(std::process::Stdio::null());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        end(command.spawn().expect("aimax"))
    };
    let record = revive().record().clone();
    println!("{agent:?}: {record}");
    assert_eq!((&record["revived"], &record["state"]), (&true.into(), &"dead".into()));
    assert_eq!(record["jsonlPath"], run(&home, "ls", &["r"]).record()["jsonlPath"]);
    let listed = run(&home, "ls", &["r"]);
    let conversation = listed.record()["agentSessionId"].clone();
    assert_eq!(record["agentSessionId"], conversation);
    run(&home, "paste", &["-s", "r", "-p", "second"]).record();
    run(&home, "flag", &["wait", "r", "--timeout", "60"]).record();
    let last = model.seen().into_iter().rfind(|seen| !seen.side).expect("a request");
    let asked = last.body.to_string();
    assert!(asked.contains("first") && asked.contains("second"), "one conversation: {asked}");
    assert_eq!(revive().record()["revived"], false);
    run(&home, "kill", &["r"]).record();
    model.check();
}

on_agents!(revived: claude_old, claude_new, codex_old, codex_new);
