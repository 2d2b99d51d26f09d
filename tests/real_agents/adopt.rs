//! `aimax adopt` on agents that a person started in a shell.

use crate::agents::{Agent, Kind, Trust};
use crate::run::{Ran, end, run};
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::wait::{PATIENCE, wait_for};

/// Adopts the agent in the window of this name.
pub(crate) fn adopt(home: &Home, name: &str) -> Ran {
    let mut command = home.command(env!("CARGO_BIN_EXE_aimax"));
    command.args(["adopt", name]).stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    end(command.spawn().expect("aimax"))
}

fn adopted(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let line = match agent.kind {
        Kind::Claude => "claude --dangerously-skip-permissions",
        Kind::Codex => {
            "codex -c features.daemon_auto_start=false --dangerously-bypass-approvals-and-sandbox"
        }
    };
    let line = format!("{line}; exec sleep 600");
    let pane = home.tmux().start("mine", &home.proj(), &["sh", "-c", &line]);
    // Codex holds its transcript open from its first prompt on.
    if agent.kind == Kind::Codex {
        home.tmux().wait_text(&pane, "OpenAI Codex");
        home.tmux().keys(&pane, &["h", "i"]);
        let mut looks = 0;
        wait_for(PATIENCE, "a first turn", |saw| {
            // It may not take keys yet.
            looks += 1;
            if looks % 50 == 25 {
                home.tmux().keys(&pane, &["Enter"]);
            }
            *saw = home.tmux().capture(&pane);
            saw.contains("echo: ").then_some(())
        });
    }
    let record = wait_for(PATIENCE, "an agent to adopt", |saw| {
        let ran = adopt(&home, "mine");
        *saw = format!("{ran:?}\n{}", home.tmux().capture(&pane));
        (ran.status == Some(0)).then(|| ran.records[0].clone())
    });
    println!("{agent:?}: {record}");
    assert_eq!((&record["paneId"], &record["backend"]), (&pane.into(), &agent.backend().into()));
    run(&home, "paste", &["-s", "mine", "--wait-ready", "20", "-p", "from outside"]).record();
    assert!(model.wait_prompt(PATIENCE, "from outside"));
    run(&home, "flag", &["wait", "mine", "--timeout", "60"]).record();
    let said = run(&home, "ls", &["mine"]);
    assert_eq!(said.record()["state"], "idle");
    run(&home, "kill", &["mine"]).record();
    model.check();
}

on_agents!(adopted: claude_old, claude_new, codex_old, codex_new);
