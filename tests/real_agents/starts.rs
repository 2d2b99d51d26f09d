//! Starts that do not go the plain way: dialogs that are answered, dialogs that are not, and
//! programs that end.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::agents::{Agent, Kind, Trust, claude_new, codex_new};
use crate::customs::with_fields;
use crate::run::{Ran, run};
use crate::util::home::Home;
use crate::util::model::Model;

/// `aimax-spawn` of session `s` with more arguments.
fn spawn(home: &Home, agent: Agent, more: &[&str]) -> Ran {
    run(home, "spawn", &[&["-b", agent.backend(), "-s", "s"], more].concat())
}

/// It failed with this status and these words in its one line, and left nothing behind.
fn failed(home: &Home, ran: &Ran, status: i32, words: &str) {
    assert_eq!(ran.status, Some(status), "{ran:#?}");
    assert!(ran.records.is_empty(), "{ran:#?}");
    assert!(ran.said.contains(words) && ran.said.lines().count() == 1, "{}", ran.said);
    assert_eq!(run(home, "ls", &[]).records, Vec::<Value>::new());
    let windows = home.tmux().run(["list-windows", "-a", "-F", "#{window_name}"]);
    assert_eq!(windows, "_root\n", "no window is left");
    assert!(!home.proj().join(".imac").exists(), "no flags are left");
    for file in ["settings.json", "orders", "output"] {
        let left = find(&home.data().join("run"), file);
        assert!(!left, "{file} is left");
    }
}

fn find(folder: &std::path::Path, name: &str) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.file_name() == name || find(&entry.path(), name))
}

/// In a repository both ask whether to trust the folder; the caller named it, so the answer is yes.
fn trusts_a_repository(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Ask);
    let git = Command::new("git").args(["init", "-q"]).arg(home.proj()).status();
    assert!(git.expect("git").success());
    assert_eq!(spawn(&home, agent, &["-p", "hello"]).record()["verdict"], "submitted");
    run(&home, "flag", &["wait", "s", "--timeout", "60"]).record();
    run(&home, "kill", &["s"]).record();
    model.check();
}

/// A conversation that does not exist: the agent ends, and its own words are told.
fn unknown_conversation(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let id = "01a20000-0000-7000-8000-000000000000";
    let ran = spawn(&home, agent, &["--resume", id]);
    let words = match agent.kind {
        Kind::Claude => "No conversation found with session ID",
        Kind::Codex => "No saved session found with ID",
    };
    failed(&home, &ran, 69, words);
    let ran = spawn(&home, agent, &["--resume", "not-an-id"]);
    assert_eq!(ran.status, Some(2), "{ran:#?}");
}

/// An option that the agent does not know.
fn unknown_option(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    failed(&home, &spawn(&home, agent, &["--", "--no-such-option"]), 69, "--no-such-option");
}

/// The first start of all, and a login, are a person's business.
fn needs_a_person(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let words = match agent.kind {
        Kind::Claude => {
            home.write(".claude.json", r#"{"hasCompletedOnboarding":false}"#);
            "the onboarding dialog is open"
        }
        Kind::Codex => {
            home.write(".codex/config.toml", "");
            "the login dialog is open"
        }
    };
    failed(&home, &spawn(&home, agent, &["-p", "hello"]), 5, words);
}

/// A tool server that starts slowly keeps nobody waiting: the agent takes prompts, and is seen to
/// work.
fn slow_tools(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    match agent.kind {
        Kind::Claude => {
            let server = json!({"type": "stdio", "command": "sleep", "args": ["12"]});
            with_fields(&home, ".claude.json", &json!({"mcpServers": {"slow": server}}));
        }
        Kind::Codex => {
            let file = ".codex/config.toml";
            let before = fs::read_to_string(home.home().join(file)).expect("its settings");
            let server = "command = \"sleep\"\nargs = [\"12\"]\nstartup_timeout_sec = 30";
            home.write(file, format!("{before}\n[mcp_servers.slow]\n{server}\n"));
        }
    }
    let begun = Instant::now();
    spawn(&home, agent, &[]).record();
    println!("{agent:?}: started after {:?}", begun.elapsed());
    let state = || run(&home, "ls", &["s"]).record()["state"].clone();
    for _ in 0..5 {
        assert_eq!(state(), "idle");
    }
    let paste = |words: &[&str]| run(&home, "paste", &[&["-s", "s"], words].concat());
    assert_eq!(paste(&["-p", "SLOW:30000 hello"]).record()["verdict"], "submitted");
    println!("{agent:?}: proven after {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(12), "the server has not started yet");
    assert_eq!(state(), "working");
    assert_eq!(paste(&["--interrupt"]).record()["verdict"], "interrupted");
    println!("{agent:?}: interrupted after {:?}", begun.elapsed());
    assert_eq!(paste(&["--wait-ready", "9", "-p", "again"]).record()["verdict"], "submitted");
    run(&home, "flag", &["wait", "s", "--timeout", "60"]).record();
    assert_eq!(state(), "idle");
    run(&home, "kill", &["s"]).record();
    model.check();
}

/// A session that is started, prompted once more and ended.
fn two_turns(agent: Agent, home: &Home, model: &Model) {
    assert_eq!(spawn(home, agent, &["-p", "hello"]).record()["verdict"], "submitted");
    run(home, "flag", &["wait", "s", "--timeout", "60"]).record();
    assert_eq!(run(home, "paste", &["-s", "s", "-p", "again"]).record()["verdict"], "submitted");
    run(home, "flag", &["wait", "s", "--timeout", "60"]).record();
    run(home, "kill", &["s"]).record();
    model.check();
}

/// npm's own launcher stays, and starts the agent as a child.
#[test]
fn codex_by_npms_launcher() {
    let agent = codex_new();
    let model = Model::start();
    let mut home = agent.home(&model, Trust::Seeded);
    let launcher = agent.install().with_file_name("node_modules").join(".bin");
    assert!(launcher.join("codex").exists());
    home.add_path(launcher);
    two_turns(agent, &home, &model);
}

/// A script of the caller's that starts the agent and waits for it.
#[test]
fn claude_by_a_script() {
    let agent = claude_new();
    let model = Model::start();
    let mut home = agent.home(&model, Trust::Seeded);
    let program = agent.install().join("claude");
    let script =
        home.write("bin/claude", format!("#!/bin/sh\n'{}' \"$@\"\nexit $?\n", program.display()));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&script, mode).expect("an executable script");
    home.add_path(home.home().join("bin"));
    two_turns(agent, &home, &model);
}

/// Another model is offered, and declined; the configuration keeps the present one.
#[test]
fn codex_keeps_its_model() {
    let agent = codex_new();
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let ran = spawn(&home, agent, &["-m", "gpt-5.5", "-p", "hello"]);
    assert_eq!(ran.record()["verdict"], "submitted");
    run(&home, "flag", &["wait", "s", "--timeout", "60"]).record();
    let asked = model.seen().last().expect("a request").body["model"].clone();
    assert_eq!(asked, "gpt-5.5");
    run(&home, "kill", &["s"]).record();
    model.check();
}

/// The caller's own settings and hooks are in force beside ours, and its files stay as they are.
#[test]
fn claude_keeps_the_callers_settings() {
    let agent = claude_new();
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let seen = home.proj().join("hook-ran");
    let hook = format!("touch {}", seen.display());
    let own = json!({
        "hooks": {"Stop": [{"hooks": [{"type": "command", "command": hook}]}]}
    });
    let path = home.write(".claude/settings.api.json", own.to_string());
    let before = fs::read(&path).expect("the caller's settings");
    assert_eq!(spawn(&home, agent, &["-p", "hello"]).record()["verdict"], "submitted");
    run(&home, "flag", &["wait", "s", "--timeout", "60"]).record();
    assert!(seen.exists(), "the caller's hook ran");
    assert_eq!(fs::read(&path).expect("the caller's settings"), before);
    run(&home, "kill", &["s"]).record();
    model.check();
}

on_agents!(trusts_a_repository: claude_old, claude_new, codex_old, codex_new);
on_agents!(unknown_conversation: claude_old, claude_new, codex_old, codex_new);
on_agents!(unknown_option: claude_old, claude_new, codex_old, codex_new);
on_agents!(needs_a_person: claude_old, claude_new, codex_old, codex_new);
on_agents!(slow_tools: claude_old, claude_new, codex_old, codex_new);
