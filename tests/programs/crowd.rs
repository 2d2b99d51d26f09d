//! Many senders, and senders that are killed: every prompt once, none merged.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::{
    desk::{Desk, prompts},
    records::{Proven, Unproven},
    util::wait::{PATIENCE, wait_for},
};

/// How often each prompt was given.
fn counted(transcript: &Path) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for prompt in prompts(transcript) {
        *counts.entry(prompt).or_default() += 1;
    }
    counts
}

#[test]
fn eight_senders_of_twenty_five_prompts() {
    let desk = Desk::new();
    let transcript = desk.ready("one").jsonl_path;
    let text = |sender: usize, n: usize| match n % 3 {
        0 => format!("sender {sender}, prompt {n}"),
        1 => format!("sender {sender}, prompt {n}\nin two lines"),
        _ => format!("sender {sender}, prompt {n}\nin\nfour\nlines"),
    };
    std::thread::scope(|scope| {
        for sender in 0..8 {
            let desk = &desk;
            scope.spawn(move || {
                for n in 0..25 {
                    let _: Proven = desk
                        .run(
                            "aimax-paste",
                            &["-s", "one", "--lock-wait", "120", "-p", &text(sender, n)],
                        )
                        .record();
                }
            });
        }
    });
    desk.done("one");
    let all = (0..8).flat_map(|sender| (0..25).map(move |n| (text(sender, n), 1)));
    assert_eq!(counted(&transcript), all.collect());
}

/// The steps that a trace tells of so far.
fn steps(trace: &Path) -> Vec<String> {
    let text = fs::read_to_string(trace).unwrap_or_default();
    let steps = text.lines().filter_map(|line| {
        let record: Value = serde_json::from_str(line).ok()?;
        record["step"].as_str().map(str::to_owned)
    });
    steps.collect()
}

#[test]
fn a_sender_that_is_killed_leaves_a_session_that_can_be_used() {
    let desk = Desk::new();
    for (n, step) in
        ["session lock acquired", "transcript offset noted", "pasted", "Enter", "verdict"]
            .iter()
            .enumerate()
    {
        let name = format!("s{n}");
        // The paste shows late, so that each step takes its time.
        let ready = desk.ready_with(&name, "trust=yes,slow-paste=200");
        let trace = desk.home.root().join(format!("trace-{n}"));
        let mut command = desk.command("aimax-paste", &["-s", &name, "-p", "of the killed"]);
        command.env("AIMAX_TRACE", &trace);
        let sender = desk.started("aimax-paste", command);
        wait_for(PATIENCE, step, |saw| {
            let steps = steps(&trace);
            *saw = format!("{steps:#?}");
            steps.iter().any(|told| told == step).then_some(())
        });
        // It may have ended by itself after its last step.
        let _ended_already = sender.signal_if_alive(aimax::internal::KILL);
        sender.end();

        let args = ["-s", &name, "--when", "idle", "-p", "of the next"];
        let next = desk.run("aimax-paste", &args);
        match next.code() {
            Some(0) => assert_eq!(next.record::<Proven>().verdict, "submitted"),
            _ => {
                let refused: Unproven = next.fails_with(3, "there is a draft in the input box");
                assert_eq!(refused.verdict, "blocked");
                let args = [&args[..], &["--replace-draft"]].concat();
                let _: Proven = desk.run("aimax-paste", &args).record();
            }
        }
        desk.done(&name);
        let counts = counted(&ready.jsonl_path);
        assert_eq!(counts.get("of the next"), Some(&1), "{step}: {counts:?}");
        assert!(
            counts.iter().all(|(text, n)| *n == 1 && text.starts_with("of the ")),
            "{counts:?}"
        );
        assert!(!desk.is_running(&name), "{step}: the flag goes");
        assert_eq!(desk.tmux().ask(&ready.pane_id, "pane_pipe"), "0", "{step}: no pipe stays");
        assert!(!desk.made_for(&name).join("output").exists(), "{step}: no FIFO stays");
    }
}

#[test]
fn nobody_has_to_come_after_a_killed_sender() {
    let desk = Desk::new();
    let ready = desk.ready_with("one", "trust=yes,slow-paste=200");
    let trace = desk.home.root().join("trace");
    let mut command = desk.command("aimax-paste", &["-s", "one", "-p", "of the killed"]);
    command.env("AIMAX_TRACE", &trace);
    let sender = desk.started("aimax-paste", command);
    wait_for(PATIENCE, "the paste", |_| {
        steps(&trace).iter().any(|told| told == "pasted").then_some(())
    });
    sender.signal(aimax::internal::KILL);
    sender.end();
    // The text stands in the box, nobody pressed Enter: the job that was begun has failed.
    desk.tmux().wait_text(&ready.pane_id, "of the killed");
    let waited = desk.run("aimax-flag", &["wait", "one", "--timeout", "20"]);
    assert_eq!(waited.code(), Some(1), "{waited:#?}");
    assert!(!desk.is_running("one"));
    assert!(!ready.jsonl_path.exists());
}
