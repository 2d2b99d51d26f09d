//! The tour of the README on each real agent, and what the model got of it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use aimax::internal::now_ms;
use serde_json::{Value, json};

use crate::agents::{Agent, Kind, Trust, codex_new};
use crate::run::{command, run, run_with};
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::wait::{PATIENCE, wait_until};

fn hub(agent: Agent) -> &'static str {
    match agent.kind {
        Kind::Claude => "=imac_claude_code_agent_hub:",
        Kind::Codex => "=imac_codex_agent_hub:",
    }
}

/// Every word on the machine's process list that names this home.
fn processes(home: &Home) -> Vec<String> {
    let root = home.root().to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("a process list").flatten() {
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let cwd = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        if (cwd.starts_with(&root) || words.contains(&root)) && !words.contains("tmux -u -L") {
            found.push(words);
        }
    }
    found
}

fn tour(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Ask);
    // From 3.5 on, tmux would then keep from us what Codex says in its title.
    home.write(".tmux.conf", "set -gwq allow-set-title off\n");
    let proj = home.proj().to_string_lossy().into_owned();
    let first = "Make a hello.py that prints hi.";
    let spawned =
        run(&home, "spawn", &["-b", agent.backend(), "-s", "demo", "--cwd", &proj, "-p", first]);
    let record = spawned.record().clone();
    assert_eq!(record["verdict"], "submitted");
    assert_eq!(record["backend"], agent.backend());
    assert!(model.wait_prompt(PATIENCE, first), "{:#?}", model.prompts());
    let transcript = record["jsonlPath"].as_str().expect("a transcript").to_owned();
    let id = record["agentSessionId"].as_str().expect("an id").to_owned();
    assert!(transcript.contains(&id), "{transcript} is the transcript of {id}");

    // A follower beside, as in a second terminal.
    let mut tail = command(&home, "tail", &["-s", "demo", "--follow"]).spawn().expect("tail");
    let (send, lines) = mpsc::channel();
    let reader = BufReader::new(tail.stdout.take().expect("its records"));
    std::thread::spawn(move || {
        for line in reader.lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });

    assert!(model.wait_turns(PATIENCE, 1));
    run(&home, "flag", &["wait", "demo", "--timeout", "60"]).record();
    let second =
        "Also add a README.\n\tIndented; with a `tick`, and 日本語 😀\n\n1\n2\n3\n4\nend\\";
    let pasted = run(&home, "paste", &["-s", "demo", "-p", second]).record().clone();
    assert_eq!(pasted["verdict"], "submitted", "{pasted}");
    let offset = pasted["offset"].as_u64().expect("an offset");
    let flags = home.proj().join(".imac/flags/demo");
    let waiting = run(&home, "flag", &["wait", "demo", "--timeout", "60"]);
    let (returned, returned_at) = (Instant::now(), now_ms());
    waiting.record();
    let ended = *model.turn_ended_at().last().expect("a turn that has ended");
    let word = agent.turn_ended_at(&home, &record);
    println!(
        "{} {}: flag wait returned {} ms after the agent's own word of the end, {} ms after the \
         model's last byte",
        agent.program(),
        agent.version,
        returned_at.saturating_sub(word),
        (returned - ended).as_millis(),
    );
    assert!(!flags.join("running.flag").exists() && !flags.join("failed.flag").exists());

    // What the model got, whole and once; what the agent did to it is what it was said to do.
    let got = model.prompts();
    assert_eq!(got.len(), 2, "{got:#?}");
    let mut expected = second.to_owned();
    for change in pasted["normalized"].as_array().expect("a list") {
        match change.as_str() {
            Some("tabs") => expected = expected.replace('\t', "    "),
            // The backslash at the end got a blank behind it, so that it does not take the Enter.
            Some("pasted_content" | "trailing_blanks") => {}
            other => panic!("an unexpected change {other:?}"),
        }
    }
    assert!(got[1].contains(&expected), "{got:#?}");
    let rest = got[1].replace(&expected, "");
    let wrapped =
        pasted["normalized"].as_array().is_some_and(|c| c.contains(&json!("pasted_content")));
    assert!(rest.trim().is_empty() || wrapped && rest.contains("pasted_content"), "{rest:?}");

    // The follower saw what the file holds, line for line.
    let whole = fs::read_to_string(&transcript).expect("the transcript");
    for line in whole.lines() {
        let seen = lines.recv_timeout(PATIENCE).expect("a record for each line");
        assert_eq!(seen, line);
    }
    let from = run(&home, "tail", &["-s", "demo", "--from", &offset.to_string()]);
    // The agent may write on meanwhile.
    let now = fs::read_to_string(&transcript).expect("the transcript");
    let lines = |text: &str| text[usize::try_from(offset).expect("small")..].lines().count();
    assert!((lines(&whole)..=lines(&now)).contains(&from.records.len()), "{from:#?}");

    let listed = run(&home, "ls", &[]).record().clone();
    assert_eq!((&listed["sessionId"], &listed["state"]), (&json!("demo"), &json!("idle")));
    let killed = run(&home, "kill", &["demo"]).record().clone();
    assert_eq!(killed["killed"], true);
    let windows = home.tmux().run(["list-windows", "-t", hub(agent), "-F", "#{window_name}"]);
    assert_eq!(windows, "_root\n");
    tail.kill().expect("the follower ends");
    tail.wait().expect("the follower has ended");
    let left: Vec<String> =
        processes(&home).into_iter().filter(|words| !words.ends_with("sh ")).collect();
    assert_eq!(left, Vec::<String>::new(), "processes left");
    assert!(!home.proj().join(".imac").exists(), "flags left");
    assert_eq!(run(&home, "ls", &[]).records, Vec::<Value>::new());
    model.check();
}

/// A session without a first prompt is ready; one that was ended goes on where it was.
fn resume(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let spawned = run(&home, "spawn", &["-b", agent.backend(), "-s", "a"]);
    let record = spawned.record().clone();
    assert!(record.get("verdict").is_none());
    wait_until(PATIENCE, "the agent stays idle", || {
        run(&home, "ls", &["a"]).record()["state"] == "idle"
    });
    assert_eq!(run(&home, "flag", &["check", "a"]).status, Some(0));
    let pasted = run_with(&home, "paste", &["-s", "a"], "one\n").record().clone();
    assert_eq!(pasted["verdict"], "submitted");
    run(&home, "flag", &["wait", "a", "--timeout", "60"]).record();
    let listed = run(&home, "ls", &["a"]).record().clone();
    let id = listed["agentSessionId"].as_str().expect("an id").to_owned();
    let transcript = listed["jsonlPath"].as_str().expect("a transcript").to_owned();

    let again = run(&home, "spawn", &["-b", agent.backend(), "-s", "a", "--resume", &id]);
    assert_eq!(again.status, Some(3), "the name is in use: {again:#?}");
    run(&home, "kill", &["a"]).record();
    let before = fs::metadata(&transcript).expect("the transcript stays").len();
    let args = ["-b", agent.backend(), "-s", "b", "--resume", &id, "-p", "two"];
    let resumed = run(&home, "spawn", &args).record().clone();
    assert_eq!(resumed["jsonlPath"], json!(transcript));
    assert_eq!(resumed["agentSessionId"], json!(id));
    assert_eq!(resumed["verdict"], "submitted");
    assert!(resumed["offset"].as_u64() >= Some(before), "{resumed} after {before}");
    assert!(model.wait_prompt(PATIENCE, "two"));
    run(&home, "flag", &["wait", "b", "--timeout", "60"]).record();
    let seen = model.seen();
    let last = seen.last().expect("a request").body.to_string();
    assert!(last.contains("one") && last.contains("echo:"), "the old conversation goes on");
    run(&home, "kill", &["b"]).record();
    model.check();
}

/// Prompts sent while a turn runs; the flag stays until the last has ended.
fn queued(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let args = ["-b", agent.backend(), "-s", "q", "-p", "SLOW:1500 first"];
    assert_eq!(run(&home, "spawn", &args).record()["verdict"], "submitted");
    wait_until(PATIENCE, "the agent works", || {
        run(&home, "ls", &["q"]).record()["state"] == "working"
    });
    assert_eq!(run(&home, "flag", &["check", "q"]).status, Some(124));
    let second = run(&home, "paste", &["-s", "q", "-p", "second"]).record().clone();
    match agent.kind {
        Kind::Claude => assert_eq!(second["verdict"], "queued"),
        Kind::Codex => assert_eq!(second["verdict"], "submitted", "it steers the turn"),
    }
    run(&home, "flag", &["wait", "q", "--timeout", "60"]).record();
    assert!(model.prompts().iter().any(|got| got == "second"), "{:#?}", model.prompts());
    assert_eq!(run(&home, "ls", &["q"]).record()["state"], "idle");
    run(&home, "kill", &["q"]).record();
    model.check();
}

/// A turn that ends in an error fails the job; one that dies does too.
fn failed(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let args = ["-b", agent.backend(), "-s", "f", "-p", "ERROR:400"];
    assert_eq!(run(&home, "spawn", &args).record()["verdict"], "submitted");
    let waited = run(&home, "flag", &["wait", "f", "--timeout", "60"]);
    assert_eq!(waited.status, Some(1), "{waited:#?}");
    assert_eq!(waited.records[0]["state"], "failed");
    let flags = home.proj().join(".imac/flags/f");
    let said = fs::read_to_string(flags.join("failed.flag")).expect("failed.flag");
    assert!(said.contains("reason="), "{said}");
    assert!(!flags.join("running.flag").exists());
    wait_until(PATIENCE, "the failure is listed", || {
        run(&home, "ls", &["f"]).record()["state"] == "failed"
    });

    let slow = run(&home, "paste", &["-s", "f", "-p", "SLOW:30000 x"]).record().clone();
    assert_eq!(slow["verdict"], "submitted");
    assert!(!flags.join("failed.flag").exists(), "a new job");
    let pid = run(&home, "ls", &["f"]).record()["pid"].as_u64().expect("a process");
    let waiting = command(&home, "flag", &["wait", "f"]).spawn().expect("flag wait");
    let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(killed.expect("kill").success());
    let waited = crate::run::end(waiting);
    assert_eq!(waited.status, Some(1), "{waited:#?}");
    assert_eq!(run(&home, "ls", &["f"]).status, Some(1));
    let pasted = run(&home, "paste", &["-s", "f", "-p", "x"]);
    assert_eq!(pasted.status, Some(69), "{pasted:#?}");
    run(&home, "kill", &["f"]).record();
    model.check();
}

/// With nobody waiting, the hooks set the flags right by themselves.
fn unattended(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let args = ["-b", agent.backend(), "-s", "u", "-p", "SLOW:3000 alone"];
    assert_eq!(run(&home, "spawn", &args).record()["verdict"], "submitted");
    let running = home.proj().join(".imac/flags/u/running.flag");
    assert!(running.exists());
    wait_until(PATIENCE, "the flag goes by itself", || !running.exists());
    let ended = model.turn_ended_at().last().copied().expect("the turn has ended");
    println!("{agent:?}: unattended, the flag went {:?} after the last byte", ended.elapsed());
    assert!(ended.elapsed() < Duration::from_secs(5));
    assert!(Path::new(&running).parent().is_some_and(|dir| !dir.join("failed.flag").exists()));
    run(&home, "kill", &["u"]).record();
    model.check();
}

on_agents!(tour, resume, queued, failed, unattended: claude_old, claude_new, codex_old, codex_new);

/// Five at once in one folder are each bound to their own thread.
#[test]
fn five_codex_at_once() {
    let model = Model::start();
    let home = codex_new().home(&model, Trust::Seeded);
    let children: Vec<_> = (0..5)
        .map(|n| {
            let name = format!("s{n}");
            let prompt = format!("marker {n}");
            let args = ["-b", "tmux-codex", "-s", &name, "-p", &prompt];
            command(&home, "spawn", &args).spawn().expect("spawn")
        })
        .collect();
    let mut ids = Vec::new();
    for (n, child) in children.into_iter().enumerate() {
        let ran = crate::run::end(child);
        let record = ran.record();
        assert_eq!(record["verdict"], "submitted");
        let id = record["agentSessionId"].as_str().expect("an id").to_owned();
        let path = record["jsonlPath"].as_str().expect("a transcript");
        assert!(path.contains(&id));
        let text = fs::read_to_string(path).expect("the transcript");
        assert!(text.contains(&format!("marker {n}")), "{path} holds its own prompt");
        ids.push(id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5, "five threads");
    model.check();
}
