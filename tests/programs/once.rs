//! `--once`: a prompt that is delivered once, however often it is tried and whatever is killed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde_json::Value;

use crate::{
    ask::at_work,
    desk::{Desk, GATE, HUB, Ran, prompts},
};

fn record(ran: &Ran) -> Value {
    assert_eq!((ran.code(), ran.error()), (Some(0), ""), "{ran:#?}");
    serde_json::from_str(ran.text()).unwrap_or_else(|e| panic!("{e}: {ran:#?}"))
}

/// The record of a retry, which is that of the first run but for `repeated` and `pane`.
fn same(first: &Value, again: &Value, pane: bool) {
    let (mut first, mut again) = (first.clone(), again.clone());
    assert_eq!(again["repeated"], true, "{again}");
    again.as_object_mut().unwrap().remove("repeated");
    for field in ["pid", "windowId", "paneId"].into_iter().filter(|_| !pane) {
        for record in [&mut first, &mut again] {
            record.as_object_mut().unwrap().remove(field);
        }
    }
    assert_eq!(first, again);
}

#[test]
fn a_retry_types_nothing_and_answers_with_the_first_record() {
    let desk = Desk::new();
    let transcript = desk.ready("one").jsonl_path;
    let paste = |key: &str, prompt: &str| {
        record(&desk.run("aimax-paste", &["-s", "one", "--once", key, "-p", prompt]))
    };
    let first = paste("mail <1@host>", "a\tb");
    assert_eq!(first["normalized"][0], "tabs");
    same(&first, &paste("mail <1@host>", "a\tb"), true);
    desk.done("one");
    same(&first, &paste("mail <1@host>", "a\tb"), true);
    assert_eq!(paste("mail/2", "a\tb").get("repeated"), None, "another key");
    desk.done("one");
    assert_eq!(prompts(&transcript), ["a    b", "a    b"]);
    // Neither is a turn stopped for a prompt that it has taken, nor a session needed for a record.
    let stop = ["-s", "one", "--interrupt", "--once", "stop", "-p", GATE];
    let stopped = record(&desk.run("aimax-paste", &stop));
    same(&stopped, &record(&desk.run("aimax-paste", &stop)), true);
    desk.open_gate();
    desk.done("one");
    desk.run("aimax-kill", &["one"]).record::<Value>();
    same(&first, &paste("mail <1@host>", "a\tb"), true);
    desk.run("aimax-paste", &["-s", "one", "--once", "new", "-p", "x"])
        .fails(69, "no such session");
    desk.ready("one");
    for (args, says) in [
        (&["--once", "", "-p", "x"][..], "1 to 80 bytes"),
        (&["--once", "k", "--command", "-p", "/clear"], "leaves no record"),
    ] {
        let ran = desk.run("aimax-paste", &[&["-s", "one"], args].concat());
        ran.fails(2, says);
    }
}

#[test]
fn a_record_that_cannot_be_printed_is_said_and_the_retry_prints_it() {
    let desk = Desk::new();
    let transcript = desk.ready("one").jsonl_path;
    let line = |to: &str| {
        let mut command = desk.home.command("/bin/sh");
        command.args(["-c", &format!("aimax-paste -s one --once k -p hello {to}")]);
        command.stdin(std::process::Stdio::null());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        desk.started("aimax-paste", command).end()
    };
    line(">/dev/full").fails(74, "the prompt was delivered (submitted), but its record cannot be");
    assert_eq!(record(&line(""))["repeated"], true);
    desk.done("one");
    assert_eq!(prompts(&transcript), ["hello"]);
}

#[test]
fn a_start_is_made_once_and_its_record_outlives_it() {
    let desk = Desk::new();
    let spawn = |prompt: &str| {
        let args = ["-b", "tmux-practice", "-s", "one", "--once", "night 1", "-p", prompt];
        desk.run("aimax-spawn", &args)
    };
    let first = record(&spawn("go"));
    same(&first, &record(&spawn("go")), true);
    desk.done("one");
    desk.run("aimax-kill", &["one"]).record::<Value>();
    let after = record(&spawn("go"));
    same(&first, &after, false);
    assert_eq!(after["pid"], Value::Null);
    assert!(!desk.knows("runtime", "one"), "nothing is started for a record");
    let transcript = PathBuf::from(first["jsonlPath"].as_str().unwrap());
    assert_eq!(prompts(&transcript), ["go"]);
    let other = ["-b", "tmux-practice", "-s", "one", "--once", "night 2", "-p", "go"];
    assert_eq!(record(&desk.run("aimax-spawn", &other)).get("repeated"), None);
    desk.run("aimax-spawn", &["-b", "tmux-practice", "-s", "one", "--once", "night 3", "-p", "go"])
        .fails(3, "is running");
}

#[test]
fn two_at_once_are_one() {
    let desk = Desk::new();
    let args = ["-b", "tmux-practice", "-s", "one", "--once", "k", "-p", "go"];
    let both = [(); 2].map(|()| desk.start("aimax-spawn", &args));
    let records = both.map(|running| record(&running.end()));
    assert_eq!(records.iter().filter(|record| record["repeated"] == true).count(), 1);
    let transcript = PathBuf::from(records[0]["jsonlPath"].as_str().unwrap());
    assert_eq!(prompts(&transcript), ["go"]);
}

#[test]
fn a_question_that_is_asked_again_gets_the_same_answer() {
    let desk = Desk::new();
    let ask = || desk.run("aimax", &["ask", "-b", "tmux-practice", "--once", "q/1", "why?"]);
    assert_eq!((ask().text(), ask().text()), ("echo: why?\n", "echo: why?\n"));
    assert!(!desk.knows("runtime", "ask-q.2f1"));
    // The first is killed while it waits.
    let args = ["ask", "-b", "tmux-practice", "--once", "q/2", GATE];
    let first = desk.start("aimax", &args);
    at_work(&desk, "ask-q.2f2");
    first.signal(aimax::internal::KILL);
    first.end();
    let again = desk.start("aimax", &args);
    desk.asleep(again.child.id());
    desk.open_gate();
    assert_eq!(again.end().text(), format!("echo: {GATE}\n"));
    assert!(!desk.knows("runtime", "ask-q.2f2"));
}

/// A number that looks like chance, from a seed that is printed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }
}

/// `AIMAX_KILLS` says how many; `AIMAX_SEED` repeats a run.
#[test]
fn each_prompt_comes_once_whatever_is_killed() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let kills: u64 = number("AIMAX_KILLS").unwrap_or(12);
    let seed = number("AIMAX_SEED").unwrap_or(u64::from(std::process::id()));
    println!("AIMAX_SEED={seed}");
    let mut chance = Chance(seed);
    let desk = Desk::new();
    let mut expected: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    let shared = desk.ready("shared").jsonl_path;
    for n in 0..kills {
        let (key, prompt, own) = (format!("k{n}"), format!("prompt {n}"), format!("s{n}"));
        let ends = ["--once", &key, "-p", &prompt];
        let ((program, begins), longest) = match chance.below(4) {
            0 | 1 => (("aimax-paste", vec!["-s", "shared"]), 130),
            2 => (("aimax-spawn", vec!["-b", "tmux-practice", "-s", &own]), 600),
            _ => (("aimax", vec!["ask", "-b", "tmux-practice", "-s", "shared", "--json"]), 250),
        };
        let args = [&begins[..], &ends].concat();
        let running = desk.start(program, &args);
        let pause = chance.below(longest);
        std::thread::sleep(Duration::from_millis(pause));
        running.signal_if_alive(aimax::internal::KILL);
        let killed = running.end();
        let again = desk.run(program, &args);
        println!("{n}: {program} after {pause} ms: {} / {}", killed.text().trim(), again.text());
        let told = record(&again);
        let transcript = PathBuf::from(told["jsonlPath"].as_str().unwrap_or_default());
        let transcript = if program == "aimax-spawn" { transcript } else { shared.clone() };
        expected.entry(transcript).or_default().push(prompt);
        if program == "aimax-spawn" {
            desk.run("aimax-kill", &[&own]).record::<Value>();
        }
    }
    desk.done("shared");
    for (transcript, mut prompts_sent) in expected {
        let mut given: Vec<String> = prompts(&transcript);
        given.sort();
        prompts_sent.sort();
        assert_eq!(given, prompts_sent, "{}", transcript.display());
    }
    let windows = desk.windows();
    assert!(
        windows.iter().all(|name| ["_root", "shared"].contains(&&**name)),
        "{HUB}: {windows:?}"
    );
}
