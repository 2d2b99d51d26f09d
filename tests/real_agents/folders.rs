//! Folders that the agents name in their own ways.

use std::{fs, path::Path};

use crate::{
    agents::{Agent, Kind, Trust},
    run::{command, end, run},
    util::{home::Home, model::Model},
};

/// Starts, prompts, ends and resumes a session that works in `cwd`.
fn is_driven(home: &Home, agent: Agent, cwd: &Path) {
    let cwd = cwd.to_str().expect("UTF-8");
    let ran = run(home, "spawn", &["-b", agent.backend(), "-s", "f", "--cwd", cwd, "-p", "first"]);
    let spawned = ran.record().clone();
    assert_eq!(spawned["verdict"], "submitted", "{cwd}");
    let transcript = spawned["jsonlPath"].as_str().expect("a transcript");
    assert!(fs::read_to_string(transcript).expect("a transcript").contains("first"), "{cwd}");
    assert_eq!(run(home, "flag", &["wait", "f", "--timeout", "60"]).record()["state"], "done");
    assert_eq!(run(home, "kill", &["f"]).record()["killed"], true);
    let id = spawned["agentSessionId"].as_str().expect("an id");
    let args = ["-b", agent.backend(), "-s", "f", "--cwd", cwd, "--resume", id, "-p", "second"];
    let resumed = run(home, "spawn", &args).record().clone();
    assert_eq!(resumed["verdict"], "submitted", "{cwd}");
    assert_eq!(resumed["jsonlPath"], transcript, "{cwd}");
    assert_eq!(run(home, "flag", &["wait", "f", "--timeout", "60"]).record()["state"], "done");
    assert_eq!(run(home, "kill", &["f"]).record()["killed"], true);
}

fn any_name(agent: Agent) {
    let model = Model::start();
    let mut home = agent.home(&model, Trust::Seeded);
    let long = |parts: usize| {
        let path = (0..parts).fold(home.proj(), |path, _| path.join("x".repeat(90)));
        fs::create_dir_all(&path).expect("a folder");
        path
    };
    let link = home.root().join("link");
    std::os::unix::fs::symlink(long(2), &link).expect("a link");
    let decomposed = home.proj().join("e\u{301}te\u{301}");
    fs::create_dir(&decomposed).expect("a folder");
    for cwd in [long(2), long(3), link, decomposed] {
        is_driven(&home, agent, &cwd);
    }
    if agent.kind == Kind::Claude {
        let own = home.home().join(".claude");
        fs::copy(home.home().join(".claude.json"), own.join(".claude.json")).expect("a copy");
        home.set("CLAUDE_CONFIG_DIR", own.to_string_lossy());
        home.set("CLAUDE_CODE_PROJECT_DIR_NAME", "mine");
        is_driven(&home, agent, &home.proj());
    }
}

/// Started with a folder of its own for the agent; looked at, and resumed, without.
fn kept_folder(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let (usual, variable) = match agent.kind {
        Kind::Claude => (".claude", "CLAUDE_CONFIG_DIR"),
        Kind::Codex => (".codex", "CODEX_HOME"),
    };
    let (usual, own) = (home.home().join(usual), home.root().join("own"));
    fs::rename(&usual, &own).expect("a folder of its own");
    if agent.kind == Kind::Claude {
        fs::rename(home.home().join(".claude.json"), own.join(".claude.json")).expect("settings");
    }
    let cwd = home.proj();
    let cwd = cwd.to_str().expect("UTF-8");
    let mut start =
        command(&home, "spawn", &["-b", agent.backend(), "-s", "f", "--cwd", cwd, "-p", "first"]);
    start.env(variable, &own);
    let ran = end(start.spawn().expect("the program starts"));
    let spawned = ran.record().clone();
    let transcript = spawned["jsonlPath"].as_str().expect("a transcript");
    assert!(Path::new(transcript).starts_with(&own), "{transcript}");
    assert_eq!(run(&home, "flag", &["wait", "f", "--timeout", "60"]).record()["state"], "done");
    assert_eq!(run(&home, "ls", &["f"]).record()["state"], "idle");
    assert_eq!(run(&home, "paste", &["-s", "f", "-p", "second"]).record()["verdict"], "submitted");
    assert_eq!(run(&home, "flag", &["wait", "f", "--timeout", "60"]).record()["state"], "done");
    assert_eq!(run(&home, "kill", &["f"]).record()["killed"], true);
    let id = spawned["agentSessionId"].as_str().expect("an id");
    let args = ["-b", agent.backend(), "-s", "f", "--cwd", cwd, "--resume", id, "-p", "third"];
    let resumed = run(&home, "spawn", &args).record().clone();
    assert_eq!(resumed["verdict"], "submitted");
    assert_eq!(resumed["jsonlPath"], transcript);
    assert_eq!(run(&home, "flag", &["wait", "f", "--timeout", "60"]).record()["state"], "done");
    assert_eq!(run(&home, "kill", &["f"]).record()["killed"], true);
    assert!(!usual.exists(), "no stray folder");
}

on_agents!(kept_folder: claude_old, claude_new, codex_old, codex_new);
on_agents!(any_name: claude_old, claude_new, codex_old, codex_new);
