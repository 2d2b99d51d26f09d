//! Settings of a person that change how an agent looks, or what its keys do.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::agents::{Agent, Kind, Trust};
use crate::run::run;
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::wait::PATIENCE;

/// The JSON object in `file`, with the fields of `more` as well.
pub(crate) fn with_fields(home: &Home, file: &str, more: &Value) {
    let text = fs::read_to_string(home.home().join(file)).expect("the agent's settings");
    let mut all: Value = serde_json::from_str(&text).expect("JSON");
    for (key, value) in more.as_object().expect("fields") {
        all[key] = value.clone();
    }
    home.write(file, all.to_string());
}

/// What a person does all day: prompts, a draft in the box, an interrupt.
fn day(agent: Agent, custom: &str, settle: impl Fn(&mut Home)) {
    println!("{agent:?}, {custom}");
    let model = Model::start();
    let mut home = agent.home(&model, Trust::Seeded);
    settle(&mut home);
    let done = || {
        let waited = run(&home, "flag", &["wait", "c", "--timeout", "60"]);
        assert_eq!(waited.status, Some(0), "{custom}: {waited:#?}");
    };
    let paste = |words: &[&str]| run(&home, "paste", &[&["-s", "c"], words].concat());
    let submitted = |words: &[&str]| {
        let pasted = paste(words);
        let verdict = pasted.records.first().map(|record| record["verdict"].clone());
        assert_eq!(verdict, Some(json!("submitted")), "{custom}: {pasted:#?}");
    };

    let spawn = ["-b", agent.backend(), "-s", "c", "-p", "the first"];
    let pane = run(&home, "spawn", &spawn).record()["paneId"].clone();
    let pane = pane.as_str().expect("a pane");
    done();
    // In vi's normal mode letters are commands. The box shows nothing of it with every agent.
    let escape = || {
        if custom == "vim" {
            home.tmux().keys(pane, &["Escape"]);
            thread::sleep(Duration::from_millis(1500));
        }
    };
    escape();
    submitted(&["-p", "the second"]);
    done();
    escape();
    for draft in ["a draft", "\nits second line"] {
        home.tmux().paste(pane, draft);
        home.tmux().wait_text(pane, draft.trim());
        // Whether the caret stands behind it or at its beginning.
        for keys in [&[][..], &["C-a"], &["Up", "C-a"]] {
            home.tmux().keys(pane, keys);
            let refused = paste(&["-p", "merged?"]);
            assert_eq!(refused.status, Some(3), "{custom}: {keys:?}: {refused:#?}");
        }
    }
    submitted(&["--replace-draft", "-p", "the third"]);
    done();
    let heeds = agent.heeds_keys_while_it_streams();
    let fourth = if heeds { "SLOW:30000 the fourth" } else { "HANG the fourth" };
    submitted(&["-p", fourth]);
    assert!(model.wait_prompt(PATIENCE, fourth), "{:?}", model.prompts());
    let stopped = paste(&["--interrupt"]);
    assert_eq!(stopped.record()["verdict"], "interrupted", "{custom}: {stopped:#?}");
    submitted(&["--wait-ready", "9", "-p", "the fifth"]);
    done();
    submitted(&["-p", "ERROR:400 the sixth"]);
    assert_eq!(run(&home, "flag", &["wait", "c", "--timeout", "60"]).status, Some(1), "{custom}");
    // An error may leave a suggestion in the box.
    submitted(&["-p", "the last\nof two lines"]);
    done();
    run(&home, "kill", &["c"]).record();
    model.check();
}

fn customs(agent: Agent) {
    match agent.kind {
        Kind::Claude => {
            for theme in ["light", "dark-ansi"] {
                day(agent, theme, |home| {
                    with_fields(home, ".claude.json", &json!({"theme": theme}));
                    with_fields(home, ".claude/settings.json", &json!({"theme": theme}));
                });
            }
            let vim = json!({"editorMode": "vim"});
            day(agent, "vim", |home| {
                with_fields(home, ".claude.json", &vim);
                with_fields(home, ".claude/settings.json", &vim);
            });
            let command = "printf 'a status line\\n❯ of two lines'";
            let line = json!({"statusLine": {"type": "command", "command": command}});
            day(agent, "statusLine", |home| with_fields(home, ".claude/settings.json", &line));
        }
        Kind::Codex => {
            for (name, lines) in [
                ("vim", "[tui]\nvim_mode_default = true\n"),
                ("no alternate screen", "[tui]\nalternate_screen = \"never\"\n"),
                ("theme", "[tui]\ntheme = \"github\"\n"),
                ("no status line", "[tui]\nstatus_line = []\n"),
            ] {
                day(agent, name, |home| {
                    let file = ".codex/config.toml";
                    let text = fs::read_to_string(home.home().join(file)).expect("its settings");
                    home.write(file, text.replace("[tui]\n", lines));
                });
            }
        }
    }
    day(agent, "a terminal without colours", |home| {
        home.set("NO_COLOR", "1");
        home.write(".tmux.conf", "set -g default-terminal tmux\n");
    });
}

on_agents!(customs: claude_old, claude_new, codex_old, codex_new);
