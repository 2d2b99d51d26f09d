//! `aimax ask` on the real agents: the answer alone, the status of the turn, and nothing left
//! behind.

use std::process::Command;

use serde_json::Value;

use crate::agents::{Agent, Trust};
use crate::run::run;
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::wait::{PATIENCE, ended, wait_until};

/// Status, text and what was said on standard error.
type Said = (Option<i32>, String, String);

fn command(home: &Home, args: &[&str]) -> Command {
    let mut command = home.command(env!("CARGO_BIN_EXE_aimax"));
    command.args(["ask"]).args(args).stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    command
}

fn end(child: std::process::Child) -> Said {
    let output = ended(child, "aimax ask");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn ask(home: &Home, args: &[&str]) -> Said {
    end(command(home, args).spawn().expect("aimax"))
}

fn answered(said: &Said) -> &str {
    assert_eq!((said.0, said.2.as_str()), (Some(0), ""), "{said:?}");
    &said.1
}

fn questions(agent: Agent) {
    let model = Model::start();
    let mut home = agent.home(&model, Trust::Seeded);
    home.add_path(std::path::Path::new(env!("CARGO_BIN_EXE_aimax")).parent().expect("a folder"));
    let on = ["-b", agent.backend()];
    let own = ask(&home, &[&on[..], &["what is this?"]].concat());
    assert_eq!(answered(&own), "echo: what is this?\n");
    assert!(run(&home, "ls", &[]).records.is_empty(), "its session is ended");
    assert!(!home.proj().join(".imac").exists(), "its flags are gone");

    let tool = ask(&home, &[&on[..], &["-s", "one", "--json", "TOOL:echo hello"]].concat());
    let record: Value = serde_json::from_str(answered(&tool)).expect("a record");
    println!("{agent:?}: {record}");
    assert!(record["answer"].as_str().is_some_and(|text| text.contains("hello")), "{record}");
    assert_eq!((&record["state"], &record["sessionId"]), (&"done".into(), &"one".into()));

    // Into a turn that runs, and stopped by a person.
    run(&home, "paste", &["-s", "one", "-p", "SLOW:1500"]).record();
    assert_eq!(answered(&ask(&home, &["-s", "one", "and then?"])), "echo: and then?\n");
    let waits = command(&home, &["-s", "one", "HANG on"]).spawn().expect("aimax");
    assert!(model.wait_prompt(PATIENCE, "HANG on"));
    run(&home, "paste", &["-s", "one", "--interrupt"]).record();
    let stopped = end(waits);
    assert_eq!((stopped.0, stopped.1.as_str()), (Some(1), ""), "{stopped:?}");
    assert!(stopped.2.contains("the turn was interrupted"), "{stopped:?}");

    let failed = ask(&home, &["-s", "one", "ERROR:400"]);
    assert_eq!((failed.0, failed.1.as_str()), (Some(1), ""), "{failed:?}");
    let late = ask(&home, &["-s", "one", "--timeout", "3", "HANG late"]);
    assert_eq!(late.0, Some(124), "{late:?}");
    let tail = run(&home, "paste", &["-s", "one", "--interrupt"]);
    assert_eq!(tail.record()["verdict"], "interrupted");
    run(&home, "kill", &["one"]).record();
    let gone = || run(&home, "ls", &[]).records.is_empty();
    wait_until(PATIENCE, "no session", gone);
    model.check();
}

on_agents!(questions: claude_old, claude_new, codex_old, codex_new);
