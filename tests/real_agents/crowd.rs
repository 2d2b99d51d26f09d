//! Many senders at one session, and senders that are killed: every prompt once, none merged.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::agents::{Agent, Trust};
use crate::matrix::plain;
use crate::run::{command, run, run_with};
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::wait::{PATIENCE, wait_for};

const SENDERS: usize = 8;
const EACH: usize = 25;

/// The prompts that were given, of one session, by its transcript.
fn recorded(home: &Home, session: &str) -> Vec<String> {
    let events = run(home, "tail", &["-s", session, "--events"]);
    assert_eq!(events.status, Some(0), "{}", events.said);
    let prompts = events.records.iter().filter(|event| event["kind"] == "prompt");
    prompts.map(|event| bare(event["text"].as_str().expect("a text"))).collect()
}

/// A prompt without what stands around it and between it and the next one.
fn bare(text: &str) -> String {
    plain(text).trim_end_matches('\n').to_owned()
}

/// Eight programs send 25 prompts each to one session.
fn eight_senders(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    run(&home, "spawn", &["-b", agent.backend(), "-s", "c"]).record();
    let text = |sender: usize, n: usize| match n % 3 {
        0 => format!("sender {sender}, prompt {n}"),
        1 => format!("sender {sender}, prompt {n}\nin two lines"),
        _ => format!("sender {sender}, prompt {n}\nin\nfour\nlines"),
    };
    let began = Instant::now();
    let verdicts = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let home = &home;
                scope.spawn(move || {
                    let send = |n| {
                        let args = ["-s", "c", "--lock-wait", "300", "-p", &text(sender, n)];
                        run(home, "paste", &args).record()["verdict"].to_string()
                    };
                    (0..EACH).map(send).collect::<Vec<_>>()
                })
            })
            .collect();
        senders.into_iter().flat_map(|sender| sender.join().expect("a sender")).collect::<Vec<_>>()
    });
    let took = began.elapsed();
    run(&home, "flag", &["wait", "c", "--timeout", "120"]).record();
    let queued = verdicts.iter().filter(|verdict| verdict.contains("queued")).count();
    println!("{agent:?}: {} prompts in {took:.1?}, {queued} of them queued", verdicts.len());
    let mut sent: Vec<String> =
        (0..SENDERS).flat_map(|sender| (0..EACH).map(move |n| text(sender, n))).collect();
    sent.sort();
    for mut got in [model.prompts().iter().map(|got| bare(got)).collect(), recorded(&home, "c")] {
        got.sort();
        assert_eq!(got, sent, "each once, none merged");
    }
    run(&home, "kill", &["c"]).record();
    model.check();
}

/// Waits until the trace of a sender tells of a step, or it has ended.
fn await_step(home: &Home, trace: &str, step: &str, sender: &mut Child) {
    wait_for(PATIENCE, step, |saw| {
        *saw = std::fs::read_to_string(home.root().join(trace)).unwrap_or_default();
        let told = saw.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let is_there = told.into_iter().any(|record| record["step"] == step);
        (is_there || sender.try_wait().expect("a child").is_some()).then_some(())
    });
}

/// `kill -9` of a sender at each step of a delivery, short or long.
fn killed_senders(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    run(&home, "spawn", &["-b", agent.backend(), "-s", "k", "-p", "begin"]).record();
    let steps = [
        ("session lock acquired", 0),
        ("transcript offset noted", 0),
        ("transcript offset noted", 5),
        ("pasted", 0),
        ("pasted", 30),
        ("Enter", 0),
        ("Enter", 30),
        ("verdict", 0),
    ];
    let lengths = [1, 100, 20_000];
    let mut sent = vec!["begin".to_owned()];
    let mut killed = Vec::new();
    for (n, (step, later)) in steps.iter().enumerate() {
        for lines in lengths {
            let text = |who: &str| {
                let line = |at| format!("{who} {n} {lines}: line {at}");
                (1..=lines).map(line).collect::<Vec<_>>().join("\n")
            };
            let of_killed = text("of the killed");
            let trace = format!("trace-{n}-{lines}");
            std::fs::write(home.root().join("prompt"), &of_killed).expect("a prompt's file");
            let file = home.root().join("prompt").to_string_lossy().into_owned();
            let mut sender = command(&home, "paste", &["-s", "k", "--when", "idle", "-f", &file])
                .env("AIMAX_TRACE", home.root().join(&trace))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("a sender");
            await_step(&home, &trace, step, &mut sender);
            std::thread::sleep(Duration::from_millis(*later));
            // It may have ended by itself.
            let _ = sender.kill();
            sender.wait().expect("its end");
            killed.push(of_killed);

            let next = text("of the next");
            let args = ["-s", "k", "--when", "idle"];
            let mut ran = run_with(&home, "paste", &args, &next);
            if ran.status == Some(3) {
                assert_eq!(ran.records[0]["verdict"], "blocked", "{ran:#?}");
                assert!(ran.said.contains("there is a draft in the input box"), "{}", ran.said);
                ran = run_with(&home, "paste", &[&args[..], &["--replace-draft"]].concat(), &next);
                println!("{agent:?} {step} +{later} ms, {lines} lines: refused, then replaced");
            }
            assert_eq!(ran.record()["verdict"], "submitted", "{step} +{later}, {lines} lines");
            sent.push(next);
        }
    }
    run(&home, "flag", &["wait", "k", "--timeout", "60"]).record();
    let given: Vec<String> = model.prompts().iter().map(|got| bare(got)).collect();
    for prompt in &sent {
        assert_eq!(given.iter().filter(|got| *got == prompt).count(), 1, "{prompt:.40}");
    }
    let rest: Vec<&String> = given.iter().filter(|got| !sent.contains(got)).collect();
    for got in &rest {
        assert!(killed.contains(got), "a cut or merged prompt of {}: {got:.90}", got.len());
    }
    println!("{agent:?}: {} of {} killed senders' prompts were given", rest.len(), killed.len());
    run(&home, "kill", &["k"]).record();
    model.check();
}

on_agents!(eight_senders, killed_senders: claude_old, claude_new, codex_old, codex_new);
