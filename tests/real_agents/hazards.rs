//! What a window, a person, a size or a death does to a delivery.

use std::fs::File;
use std::process::Stdio;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::Value;

use crate::agents::{Agent, Kind, Trust};
use crate::matrix::plain;
use crate::run::{command, end, run, run_with};
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::table::leads;
use crate::util::wait::{PATIENCE, wait_for};

/// The longest prompt that is taken, in characters.
const LARGEST: usize = 1_048_576;

/// `count` characters in lines of 64.
fn lines(count: usize) -> String {
    let mut text: String = (0..count / 64).map(|n| format!("{n:063}\n")).collect();
    text.extend(std::iter::repeat_n('x', count - text.len()));
    text
}

fn stage(agent: Agent, model: &Model) -> (Home, Value) {
    let home = agent.home(model, Trust::Seeded);
    let spawned = run(&home, "spawn", &["-b", agent.backend(), "-s", "h", "-p", "begin"]);
    let record = spawned.record().clone();
    run(&home, "flag", &["wait", "h", "--timeout", "60"]).record();
    (home, record)
}

/// The largest prompt arrives whole; one character more is refused, with the number.
fn largest(agent: Agent) {
    let model = Model::start();
    let (home, _) = stage(agent, &model);
    let text = format!("{}y", lines(LARGEST - 1));
    let args = ["-s", "h", "--timeout", "120"];
    let ran = run_with(&home, "paste", &args, &text);
    let record = ran.record();
    assert_eq!(record["verdict"], "submitted");
    assert!(model.wait_prompts(PATIENCE, 2), "the model gets it");
    let changes: Vec<String> =
        serde_json::from_value(record["normalized"].clone()).expect("a list of names");
    assert!(leads(&text, &changes, &plain(&model.prompts()[1])), "{changes:?}");
    let more = run_with(&home, "paste", &args, &format!("{text}z"));
    assert_eq!(more.status, Some(2), "{}", more.said);
    assert!(
        more.said.contains("1048577 characters, but the agent takes at most 1048576"),
        "{}",
        more.said
    );
    println!("{agent:?}: {LARGEST} characters {record}");
    run(&home, "kill", &["h"]).record();
    model.check();
}

/// A person has gone where something else than the input box takes the keys: nothing is typed there,
/// and the place is told by its name.
fn elsewhere(agent: Agent) {
    let model = Model::start();
    let (home, record) = stage(agent, &model);
    let pane = record["paneId"].as_str().expect("a pane");
    let claude: &[_] = &[
        ("C-r", "search prompts:", "history-search", "Escape"),
        ("C-o", "detailed transcript", "transcript", "C-o"),
        ("C-z", "suspended", "suspended", "SIGCONT"),
        ("Left", "describe a task", "agents", ""),
    ];
    let codex = if agent.since("0.169.0") {
        ("Left", "Agent command center", "command-center", "Escape")
    } else {
        ("C-t", "pgup/pgdn", "transcript", "q")
    };
    let rewind = ("Escape Escape", "Browsing transcript", "rewind", "Escape");
    let codex = &[rewind, ("C-r", "reverse-i-search:", "history-search", "Escape"), codex];
    let codex = if agent.since("0.171.0") { &codex[..] } else { &codex[1..] };
    for (keys, shows, name, back) in if agent.kind == Kind::Claude { claude } else { codex } {
        home.tmux().keys(pane, &keys.split(' ').collect::<Vec<_>>());
        home.tmux().wait_text(pane, shows);
        let refused = run(&home, "paste", &["-s", "h", "--replace-draft", "-p", "astray"]);
        assert_eq!(refused.status, Some(5), "{name}: {refused:#?}");
        assert!(refused.said.contains(&format!("the {name} dialog is open")), "{}", refused.said);
        match *back {
            "" => continue,
            "SIGCONT" => {
                let pid = record["pid"].as_i64().and_then(|pid| pid.try_into().ok());
                aimax::internal::kill(pid.expect("a process"), 18).expect("it is there");
            }
            key => home.tmux().keys(pane, &[key]),
        }
        let prompt = format!("back from {name}");
        let ran = run(&home, "paste", &["-s", "h", "--wait-ready", "30", "-p", &prompt]);
        assert_eq!(ran.record()["verdict"], "submitted", "{name}");
        run(&home, "flag", &["wait", "h", "--timeout", "60"]).record();
    }
    run(&home, "kill", &["h"]).record();
    model.check();
    assert!(!format!("{:?}", model.prompts()).contains("astray"));
}

/// What a person does to the window, and what the options are for.
fn window(agent: Agent) {
    let model = Model::start();
    let (home, record) = stage(agent, &model);
    let text = |key: &str| record[key].as_str().expect("a text").to_owned();
    let (pane, tmux) = (text("paneId"), home.tmux());
    let submitted = |args: &[&str], prompt: &str| {
        // A screen that changes its size has no box to be seen for some moments.
        let args = [&["-s", "h", "--when", "idle", "--wait-ready", "30"], args].concat();
        let ran = run_with(&home, "paste", &args, prompt);
        assert_eq!(ran.record()["verdict"], "submitted", "{prompt:.40}");
    };

    tmux.run(["copy-mode", "-t", &pane]);
    submitted(&[], "in copy mode");

    // A person's shell, above the agent.
    let split = ["split-window", "-b", "-d", "-P", "-F", "#{pane_id}", "-t", &pane];
    let shell = tmux.run(split);
    submitted(&[], "below a shell");
    tmux.run(["kill-pane", "-t", shell.trim()]);

    // The window changes its size all the time.
    let (changes, ended) = channel::<()>();
    let window = pane.as_str();
    std::thread::scope(|scope| {
        // It ends with the prompts, also when one of them fails.
        let _changes = changes;
        scope.spawn(move || {
            for (width, height) in [(80, 24), (200, 60), (100, 30), (132, 43)].iter().cycle() {
                let (width, height) = (width.to_string(), height.to_string());
                tmux.run(["resize-window", "-t", window, "-x", &width, "-y", &height]);
                if ended.recv_timeout(Duration::from_millis(60)) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
        });
        for n in 0..6 {
            submitted(&[], &format!("resized {n}: {}", "and on ".repeat(n * 30)));
        }
    });

    submitted(&["--strip-control"], "a\u{1b}[31mb\u{7}\u{9b}c\u{7f}");
    assert!(model.wait_prompt(PATIENCE, "a[31mbc"), "{:?}", model.prompts());

    // Another program has the session.
    let lock = home.data().join("run").join(agent.backend()).join("h/lock");
    let lock = File::open(&lock).expect("the session's lock");
    lock.lock().expect("the lock is free");
    let args = ["-s", "h", "--lock-wait", "200ms", "-p", "too soon"];
    let ran = run(&home, "paste", &args);
    assert_eq!(ran.status, Some(3), "{ran:#?}");
    assert!(ran.said.contains("another process is using this session"), "{}", ran.said);
    lock.unlock().expect("the lock is ours");

    // Somebody's draft, which goes while it is waited for.
    run(&home, "flag", &["wait", "h", "--timeout", "60"]).record();
    tmux.run(["send-keys", "-l", "-t", &pane, "half a thought"]);
    tmux.wait_text(&pane, "half a thought");
    let args = ["-s", "h", "--wait-ready", "30", "-p", "after the draft", "--explain"];
    let mut sender = command(&home, "paste", &args).spawn().expect("a sender");
    let said = std::io::BufReader::new(sender.stderr.take().expect("its words"));
    let told = std::io::BufRead::lines(said).map_while(Result::ok);
    let mut refused = told.filter(|line| line.contains("there is a draft in the input box"));
    assert!(refused.next().is_some(), "it waits");
    tmux.keys(&pane, &["C-u"]);
    drop(refused);
    let ran = end(sender);
    assert_eq!(ran.records[0]["verdict"], "submitted", "{ran:#?}");
    assert!(model.wait_prompt(PATIENCE, "after the draft"), "{:?}", model.prompts());
    assert!(!model.prompts().iter().any(|got| got.contains("too soon") || got.contains("thought")));
    run(&home, "kill", &["h"]).record();
    model.check();
}

/// Waits until the trace of a sender tells of a step.
fn await_step(home: &Home, trace: &str, step: &str) {
    wait_for(PATIENCE, step, |saw| {
        *saw = std::fs::read_to_string(home.root().join(trace)).unwrap_or_default();
        saw.contains(&format!("\"step\":\"{step}\"")).then_some(())
    });
}

/// `kill -9` of the sender, and then of the agent, while a large prompt is on its way.
fn death(agent: Agent) {
    let model = Model::start();
    let (home, record) = stage(agent, &model);
    let large = lines(LARGEST - 100);
    let file = home.root().join("large");
    std::fs::write(&file, &large).expect("a prompt's file");
    let file = file.to_string_lossy().into_owned();
    let sender = |trace: &str| {
        command(&home, "paste", &["-s", "h", "--when", "idle", "-f", &file])
            .env("AIMAX_TRACE", home.root().join(trace))
            .stdout(Stdio::null())
            .spawn()
            .expect("a sender")
    };
    for n in 0..8 {
        let trace = format!("trace-{n}");
        let mut sender = sender(&trace);
        await_step(&home, &trace, "transcript offset noted");
        std::thread::sleep(Duration::from_millis(n * 7));
        sender.kill().expect("it lives");
        sender.wait().expect("its end");
        let next = format!("after death {n}");
        let args = ["-s", "h", "--when", "idle", "--replace-draft", "--wait-ready", "20"];
        let ran = run_with(&home, "paste", &args, &next);
        assert_eq!(ran.record()["verdict"], "submitted", "{next}");
    }
    run(&home, "flag", &["wait", "h", "--timeout", "60"]).record();
    let whole = |got: &str| plain(got).trim_end() == large.trim_end();
    let is_known = |got: &String| {
        got == "begin" || got.trim_end().starts_with("after death ") && got.len() < 16 || whole(got)
    };
    let cut: Vec<usize> =
        model.prompts().iter().filter(|got| !is_known(got)).map(String::len).collect();
    let given = model.prompts().iter().filter(|got| whole(got)).count();
    println!("{agent:?}: {given} of 8 killed senders' prompts were given; cut or merged: {cut:?}");
    assert!(cut.is_empty(), "none is cut or merged");

    let dying = sender("trace-dying");
    await_step(&home, "trace-dying", "transcript offset noted");
    let pid = record["pid"].to_string();
    let killed = std::process::Command::new("kill").args(["-9", &pid]).status();
    assert!(killed.expect("kill").success());
    let ran = end(dying);
    println!("{agent:?}, killed in mid-paste: {:?} {}", ran.status, ran.said.trim());
    assert!(matches!(ran.status, Some(3 | 4 | 69)), "{ran:#?}");
    assert!(
        ran.said.contains("ended") || ran.said.contains("stopped taking input"),
        "{}",
        ran.said
    );
    // The server lives, and tells of the death.
    assert_eq!(run(&home, "ls", &["h"]).records[0]["state"], "dead");
    run(&home, "kill", &["h"]).record();
    model.check();
}

on_agents!(largest, elsewhere, window, death: claude_old, claude_new, codex_old, codex_new);
