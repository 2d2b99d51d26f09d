//! `aimax-tail` on sessions and files.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    io::{BufRead, BufReader},
    sync::mpsc::{self, Receiver},
    thread,
};

use serde_json::Value;

use crate::{
    desk::{Desk, Running},
    records::Wrapped,
    util::wait::PATIENCE,
};

/// The lines of a program as they come. The channel ends with its output.
fn lines(running: &mut Running) -> Receiver<String> {
    let reader = BufReader::new(running.child.stdout.take().unwrap());
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        reader.lines().map_while(Result::ok).all(|line| send.send(line).is_ok());
    });
    receive
}

#[test]
fn offsets_lead_through_a_transcript() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", "日本語");
    desk.done("one");
    let whole = fs::read_to_string(&spawned.jsonl_path).unwrap();
    assert_eq!(desk.run("aimax-tail", &["-s", "one"]).text(), whole);
    let ran = desk.run("aimax-tail", &["-s", "one", "--offsets"]);
    let wrapped: Vec<Wrapped> = ran.records();
    assert_eq!(wrapped.len(), 3);
    let mut at = 0;
    for (record, line) in wrapped.iter().zip(whole.lines()) {
        assert_eq!((record.session_id.as_deref(), record.offset), (Some("one"), at));
        at += line.len() as u64 + 1;
        assert_eq!(record.next, at);
        assert_eq!(record.entry, serde_json::from_str::<Value>(line).unwrap());
        let rest = desk.run("aimax-tail", &["-s", "one", "--from", &at.to_string()]);
        assert_eq!(rest.text(), &whole[usize::try_from(at).unwrap()..]);
        assert_eq!(rest.error(), "");
    }
    assert_eq!(at, whole.len() as u64);
    // The entry itself is embedded byte for byte.
    let line = whole.lines().next().unwrap();
    assert!(ran.text().lines().next().unwrap().ends_with(&format!("\"entry\":{line}}}")));
    let last = whole.lines().last().unwrap();
    assert_eq!(desk.run("aimax-tail", &["-s", "one", "-n", "1"]).text(), format!("{last}\n"));
    desk.run("aimax-tail", &["-s", "one", "-n", "0"]).silent();
    assert_eq!(desk.run("aimax-tail", &["-s", "one", "-n", "99"]).text(), whole);
    let two: Vec<&str> = whole.split_inclusive('\n').take(2).collect();
    assert_eq!(desk.run("aimax-tail", &["-s", "one", "--max", "2"]).text(), two.concat());
}

#[test]
fn wrong_usage() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", "x");
    desk.done("one");
    let first = fs::read_to_string(&spawned.jsonl_path).unwrap().find('\n').unwrap() + 1;
    let bad = desk.run("aimax-tail", &["-s", "one", "--from", &(first - 5).to_string()]);
    bad.fails(2, &format!("{}: ", spawned.jsonl_path.display()));
    assert!(bad.error().contains(&format!(" {first}")), "the nearest is named: {}", bad.error());
    let size = fs::metadata(&spawned.jsonl_path).unwrap().len();
    let beyond = (size + 1).to_string();
    desk.run("aimax-tail", &["-s", "one", "--from", &beyond]).fails(2, &size.to_string());
    desk.run("aimax-tail", &["-s", "one", "--from", "x"]).fails(2, "--from");
    desk.run("aimax-tail", &["-s", "one", "--from", "0", "-n", "1"])
        .fails(2, "cannot be combined with --lines");
    desk.run("aimax-tail", &["-s", "one", "--timeout", "1"]).fails(2, "--timeout is for --follow");
    desk.run("aimax-tail", &[]).fails(2, "no session and no FILE");
    desk.run("aimax-tail", &["-s", "one", "file"]).fails(2, "give either sessions or a FILE");
    desk.run("aimax-tail", &["a", "b"]).fails(2, "b: one FILE only");
    desk.run("aimax-tail", &["-s", "two"]).fails(69, "two: no such session");
    desk.run("aimax-tail", &["no-such-file"]).fails(69, "no-such-file: no such file");
}

#[test]
fn a_follower_gets_each_record_as_it_comes() {
    let desk = Desk::new();
    let transcript = desk.ready("one").jsonl_path;
    assert!(!transcript.exists());
    desk.run("aimax-tail", &["-s", "one"]).silent();
    let mut tail = desk.start("aimax-tail", &["-s", "one", "--follow", "--max", "6"]);
    let seen = lines(&mut tail);
    let mut count = 0;
    for prompt in ["first", "second"] {
        desk.paste("one", prompt);
        // The first record comes while the turn's others may not be written yet.
        loop {
            let line = seen.recv_timeout(PATIENCE).unwrap();
            let whole = fs::read_to_string(&transcript).unwrap();
            assert_eq!(whole.lines().nth(count).unwrap(), line);
            count += 1;
            if line.contains("turn_duration") {
                break;
            }
        }
        desk.done("one");
    }
    assert_eq!(count, 6);
    assert!(tail.child.wait().unwrap().success(), "--max ends it");
    assert!(seen.recv().is_err());
}

#[test]
fn a_follower_goes_on_from_an_offset_or_from_the_end() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", "first");
    desk.done("one");
    let size = fs::metadata(&spawned.jsonl_path).unwrap().len().to_string();
    let from = ["-s", "one", "--follow", "--offsets", "--from", &size, "--max", "1"];
    let end = ["-s", "one", "-f", "--offsets", "-n", "0", "--max", "1", "--timeout", "60"];
    let mut tails = [&from[..], &end].map(|args| desk.start("aimax-tail", args));
    let mut seen = Vec::from(tails.each_mut().map(lines));
    // A follower from the end is there once it has nothing to print and is asleep.
    for tail in &tails {
        desk.asleep(tail.child.id());
    }
    desk.paste("one", "second");
    for seen in seen.drain(..) {
        let record: Wrapped = serde_json::from_str(&seen.recv_timeout(PATIENCE).unwrap()).unwrap();
        assert_eq!(record.offset.to_string(), size);
        assert_eq!(record.entry["message"]["content"], "second");
    }
    for tail in &mut tails {
        assert!(tail.child.wait().unwrap().success());
    }
}

#[test]
fn a_follower_ends_with_its_reader() {
    let desk = Desk::new();
    desk.ready("one");
    let mut tail = desk.start("aimax-tail", &["-s", "one", "--follow"]);
    desk.asleep(tail.child.id());
    // Nothing is being written, and it notices all the same.
    drop(tail.child.stdout.take());
    let ran = tail.end();
    assert_eq!((ran.code(), ran.error()), (Some(0), ""));
}

#[test]
fn a_followers_time_is_up() {
    let desk = Desk::new();
    desk.ready("one");
    let ran = desk.run("aimax-tail", &["-s", "one", "--follow", "--timeout", "100ms"]);
    assert_eq!((ran.code(), ran.text()), (Some(124), ""));
}

#[test]
fn a_plain_file() {
    let desk = Desk::new();
    let file = desk.home.write("f.jsonl", "{\"n\":0}\nnot JSON\n[1]\n{ \"n\" : 1 }\n{\"half\"");
    let path = file.to_str().unwrap();
    let ran = desk.run("aimax-tail", &[path]);
    assert_eq!((ran.code(), ran.text()), (Some(0), "{\"n\":0}\n{ \"n\" : 1 }\n"));
    let notes: Vec<&str> = ran.error().lines().collect();
    assert_eq!(notes.len(), 2, "{notes:#?}");
    for (note, offset) in notes.iter().zip(["8", "17"]) {
        let begins = format!("aimax-tail: {path}: offset {offset}: skipped: ");
        assert!(note.starts_with(&begins), "{note}");
    }
    let ran = desk.run("aimax-tail", &["--offsets", "--from", "21", path]);
    let records: Vec<Wrapped> = ran.records();
    assert_eq!(records.len(), 1);
    assert_eq!(
        (records[0].session_id.as_deref(), records[0].offset, records[0].next),
        (None, 21, 33)
    );
    let raw = desk.run("aimax-tail", &["--raw", path]);
    assert_eq!(raw.text(), "{\"n\":0}\nnot JSON\n[1]\n{ \"n\" : 1 }\n");
    assert_eq!(raw.error(), "");
}
