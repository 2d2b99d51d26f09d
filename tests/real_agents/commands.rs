//! Commands of the agents' own, shell commands and mentions: proven by what each agent records, and
//! refused or taken as text unless they are asked for.

use crate::agents::{Agent, Kind, Trust};
use crate::run::{Ran, run};
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::wait::{PATIENCE, wait_until};

fn paste(home: &Home, prompt: &str, more: &[&str]) -> Ran {
    run(home, "paste", &[&["-s", "c", "--when", "idle", "-p", prompt], more].concat())
}

fn conversation(home: &Home) -> String {
    run(home, "ls", &["c"]).record()["agentSessionId"].as_str().expect("an id").to_owned()
}

fn are_run(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    std::fs::write(home.proj().join("notes.txt"), "in the file\n").expect("a file");
    run(&home, "spawn", &["-b", agent.backend(), "-s", "c", "-p", "begin"]).record();
    let command = |text: &str| {
        let ran = paste(&home, text, &["--command"]);
        println!("{agent:?} {text}: {}", ran.records.first().unwrap_or_default());
        assert_eq!(ran.record()["verdict"], "submitted", "{text}");
    };

    // Without the option they are refused where they would not be text.
    for text in ["!touch refused", "/compact"] {
        let ran = paste(&home, text, &[]);
        if agent.kind == Kind::Codex && text == "/compact" {
            assert_eq!(ran.record()["verdict"], "submitted", "a blank makes it text");
            assert!(model.wait_prompt(PATIENCE, text), "{:?}", model.prompts());
        } else {
            assert_eq!(ran.status, Some(2), "{ran:#?}");
            assert!(ran.said.contains("--command"), "it says how: {}", ran.said);
        }
    }
    assert!(!home.proj().join("refused").exists());

    // A mention is text, and the agent reads the file if it likes.
    let mention = "what is in @notes.txt";
    let ran = paste(&home, mention, &[]);
    assert_eq!(ran.record()["verdict"], "submitted");
    assert!(model.wait_prompt(PATIENCE, mention), "{:?}", model.prompts());

    command("!touch ran");
    wait_until(PATIENCE, "the shell command ran", || home.proj().join("ran").exists());

    let before = conversation(&home);
    command("/compact");
    let ran = paste(&home, "after it was compacted", &[]);
    assert_eq!(ran.record()["verdict"], "submitted");
    assert!(model.wait_prompt(PATIENCE, "after it was compacted"), "{:?}", model.prompts());
    assert_eq!(conversation(&home), before);

    run(&home, "flag", &["wait", "c", "--timeout", "60"]).record();
    command(if agent.kind == Kind::Claude { "/clear" } else { "/new" });
    let ran = paste(&home, "in another conversation", &[]);
    assert_eq!(ran.record()["verdict"], "submitted");
    assert!(model.wait_prompt(PATIENCE, "in another conversation"), "{:?}", model.prompts());
    assert_ne!(conversation(&home), before);
    run(&home, "flag", &["wait", "c", "--timeout", "60"]).record();
    run(&home, "kill", &["c"]).record();
    model.check();
}

/// Codex leaves a command in its box while a turn runs: it is refused, and the box stays empty.
fn while_it_works(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let args = ["-b", agent.backend(), "-s", "c", "-p", "SLOW:3000 work"];
    assert_eq!(run(&home, "spawn", &args).record()["verdict"], "submitted");
    let ran = run(&home, "paste", &["-s", "c", "--command", "-p", "/compact"]);
    assert_eq!((ran.status, &ran.records[0]["verdict"]), (Some(3), &"blocked".into()), "{ran:#?}");
    assert!(ran.said.contains("--when idle"), "it says how: {}", ran.said);
    assert_eq!(paste(&home, "/compact", &["--command"]).record()["verdict"], "submitted");
    let ran = paste(&home, "after it", &[]);
    assert_eq!(ran.record()["verdict"], "submitted");
    run(&home, "kill", &["c"]).record();
    model.check();
}

on_agents!(while_it_works: codex_old, codex_new);

on_agents!(are_run: claude_old, claude_new, codex_old, codex_new);
