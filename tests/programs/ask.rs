//! `aimax ask` and `aimax-tail --answer`: the answer to a prompt, and how its turn ended.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    desk::{Desk, GATE, HUB, Ran, Running, prompts},
    records::Proven,
    util::wait::{PATIENCE, wait_for, wait_until},
};

const ON: [&str; 3] = ["ask", "-b", "tmux-practice"];

fn ask(desk: &Desk, args: &[&str]) -> Ran {
    desk.run("aimax", &[&ON[..], args].concat())
}

/// Asks beside the test.
fn asking(desk: &Desk, args: &[&str]) -> Running {
    desk.start("aimax", &[&ON[..], args].concat())
}

/// The text of one that succeeded, silently.
fn answer(ran: &Ran) -> &str {
    assert_eq!((ran.code(), ran.error()), (Some(0), ""), "{ran:#?}");
    ran.text()
}

/// The windows of sessions: the hub has one more.
fn windows(desk: &Desk) -> Vec<String> {
    desk.windows().into_iter().filter(|window| window != "_root").collect()
}

/// That no session is there, nor anything of one that was made for a question.
fn all_gone(desk: &Desk) {
    assert_eq!(windows(desk), [""; 0]);
    assert_eq!(desk.state("runtime").trim(), "{}");
    let flags = desk.home.proj().join(".imac/flags");
    assert!(!flags.exists(), "{:?}", fs::read_dir(flags).unwrap().collect::<Vec<_>>());
}

/// Waits until a turn of the session runs.
pub(crate) fn at_work(desk: &Desk, name: &str) {
    wait_for(PATIENCE, "a running turn", |saw| {
        let ran = desk.run("aimax-ls", &[name]);
        *saw = ran.text().to_owned();
        ran.records::<Value>().iter().any(|one| one["state"] == "working").then_some(())
    });
}

#[test]
fn a_question_gets_a_session_of_its_own_and_only_the_answer_is_printed() {
    let desk = Desk::new();
    assert_eq!(answer(&ask(&desk, &["what?"])), "echo: what?\n");
    all_gone(&desk);
    assert_eq!(answer(&ask(&desk, &["-p", "a\nb"])), "echo: a\nb\n");
    let file = desk.home.write("q.md", "from a file");
    assert_eq!(answer(&ask(&desk, &["-f", file.to_str().unwrap()])), "echo: from a file\n");
    let piped = desk.run_with("aimax", &ON, b"from a pipe");
    assert_eq!(answer(&piped), "echo: from a pipe\n");
    all_gone(&desk);
    let kept = ask(&desk, &["--keep", "stay"]);
    assert_eq!((kept.code(), kept.text()), (Some(0), "echo: stay\n"));
    let name = kept.error().trim_end().rsplit(' ').next().unwrap();
    assert_eq!(windows(&desk), [name]);
    assert_eq!(desk.run("aimax-kill", &[name]).code(), Some(0));
    all_gone(&desk);
}

#[test]
fn a_named_session_is_started_once_and_stays_in_its_conversation() {
    let desk = Desk::new();
    let missing = desk.run("aimax", &["ask", "-s", "review", "hi"]);
    missing.fails_as("aimax ask", 69, "use -b BACKEND to start it");
    assert_eq!(answer(&ask(&desk, &["-s", "review", "first"])), "echo: first\n");
    assert_eq!(windows(&desk), ["review"]);
    let used = || {
        let usage: Value = desk.run("aimax", &["usage", "review", "--json"]).record();
        ["messages", "input", "output"].map(|key| usage["total"][key].as_u64().unwrap())
    };
    let before = used();
    let again = desk.run("aimax", &["ask", "-s", "review", "--json", "second"]);
    let record: Value = serde_json::from_str(answer(&again)).unwrap();
    assert_eq!(record["answer"], "echo: second");
    assert_eq!((&record["state"], &record["verdict"]), (&"done".into(), &"submitted".into()));
    let transcript = Path::new(record["jsonlPath"].as_str().unwrap());
    assert_eq!(record["next"], fs::metadata(transcript).unwrap().len());
    assert_eq!(prompts(transcript), ["first", "second"]);
    for (at, key) in ["messages", "input", "output"].into_iter().enumerate() {
        let since = used()[at] - before[at];
        assert!(since > 0 && record["usage"][key] == since, "{key}: {since}, {}", record["usage"]);
    }
    // One whose window is gone goes on in its conversation.
    desk.tmux().run(["kill-window", "-t", &format!("={HUB}:=review")]);
    let third = desk.run("aimax", &["ask", "-s", "review", "third"]);
    assert_eq!(answer(&third), "echo: third\n");
    assert_eq!(prompts(transcript), ["first", "second", "third"]);
    let elsewhere = ask(&desk, &["-s", "review", "--cwd", "/", "hi"]);
    elsewhere.fails_as("aimax ask", 3, "runs in");
}

#[test]
fn the_status_is_that_of_the_turn_and_nothing_is_left_behind() {
    let desk = Desk::new();
    let failed = ask(&desk, &[":error 500"]);
    failed.fails_as("aimax ask", 1, "the turn failed: ");
    all_gone(&desk);
    let asks = ask(&desk, &["--json", ":ask true"]);
    assert_eq!(asks.code(), Some(5), "{asks:#?}");
    assert!(asks.error().contains("the agent asks: permission"), "{asks:#?}");
    let record: Value = serde_json::from_str(asks.text()).unwrap();
    assert_eq!((&record["state"], &record["answer"]), (&"waiting".into(), &Value::Null));
    all_gone(&desk);
    let late = ask(&desk, &["--timeout", "2", ":hang"]);
    late.fails_as("aimax ask", 124, "has not ended in time");
    all_gone(&desk);
    let died = ask(&desk, &[":die"]);
    died.fails_as("aimax ask", 1, "the agent ended");
    all_gone(&desk);
    for (args, says) in [
        (&["a", "b"][..], "put it in quotes"),
        (&["-p", "a", "b"], "given both by an option and as an operand"),
        (&[], "none is given"),
        (&["-s", "x", "--keep", "a"], "is kept anyway"),
    ] {
        ask(&desk, args).fails_as("aimax ask", 2, says);
    }
    let nowhere = desk.run("aimax", &["ask", "hi"]);
    nowhere.fails_as("aimax ask", 2, "give -b BACKEND");
    all_gone(&desk);
}

#[test]
fn an_interrupted_turn_is_no_success() {
    let desk = Desk::new();
    let running = asking(&desk, &["-s", "one", ":hang"]);
    at_work(&desk, "one");
    let stopped: Value = desk.run("aimax-paste", &["-s", "one", "--interrupt"]).record();
    assert_eq!(stopped["verdict"], "interrupted");
    running.end().fails_as("aimax ask", 1, "the turn was interrupted");
}

#[test]
fn a_signal_at_any_moment_leaves_nothing() {
    let desk = Desk::new();
    for pause in [0, 30, 100, 200, 300, 450, 700, 1000] {
        let running = asking(&desk, &[GATE]);
        std::thread::sleep(std::time::Duration::from_millis(pause));
        running.signal(aimax::internal::TERMINATE);
        let ran = running.end();
        assert_eq!((ran.signal(), ran.text()), (Some(aimax::internal::TERMINATE), ""), "{ran:#?}");
        all_gone(&desk);
    }
}

#[test]
fn the_answer_is_that_of_the_turn_that_took_the_prompt() {
    let desk = Desk::new();
    let transcript = desk.spawn("one", ":slow 1500").jsonl_path;
    let second = asking(&desk, &["-s", "one", "second"]);
    wait_until(PATIENCE, "a queued prompt", || {
        fs::read_to_string(&transcript).unwrap().contains("\"second\"")
    });
    let second = second.end();
    assert_eq!(answer(&second), "echo: second\n");

    // A tool runs: the prompt comes into that turn, and its end answers both.
    let _: Proven = desk.run("aimax-paste", &["-s", "one", "-p", GATE]).record();
    let meanwhile = asking(&desk, &["-s", "one", "meanwhile"]);
    wait_until(PATIENCE, "a queued prompt", || {
        fs::read_to_string(&transcript).unwrap().contains("\"meanwhile\"")
    });
    desk.open_gate();
    assert_eq!(answer(&meanwhile.end()), format!("echo: {GATE}\necho: meanwhile\n"));

    // Another turn follows: the answer is not the later one.
    let _: Proven = desk.run("aimax-paste", &["-s", "one", "-p", ":slow 1000"]).record();
    let first = asking(&desk, &["-s", "one", "of two"]);
    wait_until(PATIENCE, "a queued prompt", || {
        fs::read_to_string(&transcript).unwrap().contains("\"of two\"")
    });
    let told = answer(&first.end()).to_owned();
    assert!(told.ends_with("echo: of two\n"), "{told}");
}

#[test]
fn many_ask_at_once() {
    let desk = Desk::new();
    let all: Vec<_> = (0..8).map(|n| asking(&desk, &[&format!("number {n}")])).collect();
    for (n, running) in all.into_iter().enumerate() {
        assert_eq!(answer(&running.end()), format!("echo: number {n}\n"));
    }
    all_gone(&desk);
}

#[test]
fn xargs_asks_for_each_line() {
    let desk = Desk::new();
    let words = "printf 'a b\\nc\\n' | xargs -P 2 -I{} aimax ask -b tmux-practice 'is {} good?'";
    let ran = desk.started("sh", {
        let mut command = desk.home.command("/bin/sh");
        command.args(["-c", words]);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command
    });
    let ran = ran.end();
    let mut lines: Vec<&str> = answer(&ran).lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["echo: is a b good?", "echo: is c good?"]);
    all_gone(&desk);
}

#[test]
fn tail_prints_the_answer_to_a_prompt() {
    let desk = Desk::new();
    let ready = desk.ready("one");
    desk.run("aimax-tail", &["-s", "one", "--answer"]).fails(1, "no prompt in it");
    let first = desk.paste("one", "first\nline");
    desk.done("one");
    let second = desk.paste("one", &format!("second\n{GATE}"));
    let tail = |args: &[&str]| desk.run("aimax-tail", &[&["--answer"], args].concat());
    tail(&["-s", "one"]).fails(1, "nothing was said yet");
    let from = first.offset.to_string();
    assert_eq!(answer(&tail(&["-s", "one", "--from", &from])), "echo: first\nline\n");
    assert_eq!(answer(&tail(&["-s", "one", "--from", &from, "-f"])), "echo: first\nline\n");
    let late = tail(&["-s", "one", "-f", "--timeout", "0.3"]);
    late.fails(124, "has not ended in time");
    let waits = desk.start("aimax-tail", &["-s", "one", "--answer", "-f"]);
    let from = second.offset.to_string();
    let other = desk.start("aimax-tail", &["-s", "one", "--answer", "-f", "--from", &from]);
    desk.asleep(waits.child.id());
    desk.open_gate();
    let expected = format!("echo: second\n{GATE}\n");
    assert_eq!(answer(&waits.end()), expected);
    assert_eq!(answer(&other.end()), expected);
    let file = ready.jsonl_path.to_str().unwrap();
    assert_eq!(answer(&tail(&[file])), expected);
    assert_eq!(answer(&tail(&[file, "--from", &from])), expected);
    tail(&[file, "-f"]).fails(2, "does not show when a turn is over");
    tail(&["-s", "one", "--text"]).fails(2, "it cannot be combined with --answer");
    desk.paste("one", ":error 500");
    tail(&["-s", "one", "-f"]).fails(1, "the turn failed: ");
    desk.run("aimax-kill", &["one"]).record::<Value>();
    tail(&["-s", "one", "--from", &from]);
    assert_eq!(answer(&tail(&["-s", "one", "--from", &from])), expected, "an ended session");
}
