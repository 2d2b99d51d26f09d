//! Transcripts that move while their conversations go on: a conversation is its id, not its path.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver},
};

use serde_json::{Value, json};

use crate::{
    desk::{Desk, GATE, Running, prompts},
    records::{Killed, Listed, Proven, Spawned},
    util::wait::{PATIENCE, wait_until},
};

/// A follower with offsets, and its records.
struct Follower {
    _running: Running,
    records: Receiver<Value>,
}

impl Follower {
    fn start(desk: &Desk) -> Self {
        let mut running = desk.start("aimax-tail", &["-s", "one", "-f", "--offsets"]);
        let reader = BufReader::new(running.child.stdout.take().unwrap());
        let (send, records) = mpsc::channel();
        std::thread::spawn(move || {
            let records = reader.lines().map_while(Result::ok);
            let mut records = records.map(|line| serde_json::from_str(&line).unwrap());
            records.all(|record| send.send(record).is_ok())
        });
        Follower { _running: running, records }
    }

    /// All records up to the end of the turn that answers `prompt`.
    fn until_answered(&self, prompt: &str) -> Vec<Value> {
        let mut got = Vec::new();
        let mut prompted = false;
        loop {
            let record = self.records.recv_timeout(PATIENCE);
            let record = record.unwrap_or_else(|e| panic!("{prompt}: {e} after {got:#?}"));
            prompted |= record["entry"]["message"]["content"] == prompt;
            got.push(record);
            if prompted && got[got.len() - 1]["entry"]["subtype"] == "turn_duration" {
                return got;
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self._running.signal_if_alive(15);
    }
}

/// The transcript's place in another project's folder, which is made.
fn elsewhere(transcript: &Path, folder: &str) -> PathBuf {
    let folder = transcript.parent().unwrap().with_file_name(folder);
    fs::create_dir_all(&folder).unwrap();
    folder.join(transcript.file_name().unwrap())
}

/// The offsets of the whole transcript at `path`, and of its records.
fn offsets(path: &Path) -> Vec<(u64, u64)> {
    let text = fs::read(path).unwrap();
    let mut next = 0;
    let line = |line: &[u8]| {
        let offset = next;
        next += line.len() as u64;
        (offset, next)
    };
    text.split_inclusive(|&byte| byte == b'\n').map(line).collect()
}

fn session(desk: &Desk) -> Spawned {
    let spawned = desk.spawn("one", "hello");
    desk.done("one");
    spawned
}

#[test]
fn a_transcript_that_moves_within_a_turn_goes_on_where_it_was() {
    let desk = Desk::new();
    let spawned = session(&desk);
    let (old, new) = (&spawned.jsonl_path, elsewhere(&spawned.jsonl_path, "other"));
    let third = elsewhere(old, "third");
    let follower = Follower::start(&desk);
    let mut followed = follower.until_answered("hello");
    let cursor = |expected: &[&str]| {
        let ran = desk.run("aimax-tail", &["-s", "one", "--offsets", "--cursor", "place"]);
        assert_eq!((ran.code(), ran.error()), (Some(0), ""));
        let records: Vec<Value> = ran.records();
        let moves = records.iter().filter(|record| record.get("moved").is_some());
        let moves: Vec<&str> =
            moves.map(|record| record["moved"]["to"].as_str().unwrap()).collect();
        assert_eq!(moves, expected);
        records
    };
    let mut kept = cursor(&[]);

    // In a turn, and a second time before anybody looks.
    desk.paste("one", GATE);
    let waiting = desk.start("aimax-flag", &["wait", "one", "--timeout", "60"]);
    desk.asleep(waiting.child.id());
    fs::rename(old, &new).unwrap();
    fs::rename(&new, &third).unwrap();
    desk.open_gate();
    assert_eq!(waiting.end().record::<crate::records::Job>().state, "done");
    desk.run("aimax-flag", &["check", "one"]).silent();
    assert_eq!(desk.failure("one"), None);
    let listed: Listed = desk.run("aimax-ls", &["one"]).record();
    assert_eq!(listed.jsonl_path, third);
    followed.extend(follower.until_answered(GATE));
    kept.extend(cursor(&[third.to_str().unwrap()]));

    // Between turns, with its folder, and back.
    let folder = |path: &Path| path.parent().unwrap().to_owned();
    fs::remove_dir(folder(old)).unwrap();
    fs::rename(folder(&third), folder(old)).unwrap();
    let sent: Proven = desk.paste("one", "where are you?");
    assert_eq!(sent.verdict, "submitted");
    desk.done("one");
    followed.extend(follower.until_answered("where are you?"));
    kept.extend(cursor(&[old.to_str().unwrap()]));
    assert_eq!(prompts(old), ["hello", GATE, "where are you?"]);
    let listed: Listed = desk.run("aimax-ls", &["one"]).record();
    assert_eq!((listed.state.as_str(), &listed.jsonl_path), ("idle", old));

    for records in [&followed, &kept] {
        let is_move = |record: &&Value| record.get("moved").is_some();
        let read = records.iter().filter(|record| !is_move(record));
        let number = |record: &Value, key: &str| record[key].as_u64().unwrap();
        let read: Vec<_> = read.map(|one| (number(one, "offset"), number(one, "next"))).collect();
        assert_eq!(read, offsets(old), "each record once");
        // A follower may see both moves of the turn, or the second alone.
        let mut at = 0;
        let mut here = old.to_str().unwrap().to_owned();
        for record in records {
            if is_move(&record) {
                assert_eq!(record["moved"]["from"], json!(here));
                record["moved"]["to"].as_str().unwrap().clone_into(&mut here);
                assert_eq!(number(record, "offset"), at, "it goes on");
            } else {
                at = number(record, "next");
            }
        }
        assert_eq!(Path::new(&here), old);
    }
    let killed: Killed = desk.run("aimax-kill", &["one"]).record();
    assert!(killed.killed);
}

#[test]
fn a_transcript_that_is_moved_after_the_end_is_found() {
    let desk = Desk::new();
    let spawned = session(&desk);
    let old = &spawned.jsonl_path;
    let whole = fs::read(old).unwrap();
    let place = ["-s", "one", "--cursor", "place"];
    assert_eq!(desk.run("aimax-tail", &[&place[..], &["--max", "2"]].concat()).code(), Some(0));
    desk.run("aimax-kill", &["one"]).record::<Killed>();
    let new = elsewhere(old, "other");
    // Copied, as onto another file system; first a part of it.
    fs::write(&new, &whole[..100]).unwrap();
    fs::remove_file(old).unwrap();
    let ran = desk.run("aimax-tail", &place);
    assert_eq!((ran.code(), ran.text(), ran.error()), (Some(0), "", ""), "it is not whole");
    fs::write(&new, &whole).unwrap();
    let ran = desk.run("aimax-tail", &place);
    assert_eq!(ran.code(), Some(0));
    let read = offsets(&new)[1].1 as usize;
    assert_eq!(ran.bytes(), &whole[read..]);
    assert_eq!(ran.error(), format!("aimax-tail: one: continues in {}\n", new.display()));
    assert_eq!(desk.run("aimax-tail", &["-s", "one"]).bytes(), whole);
    let history = desk.run("aimax", &["history", "-s", "one", "--json"]);
    let history: Value = serde_json::from_str(history.text()).unwrap();
    assert_eq!(history["sentinel"]["primary"], whole.len());
}

#[test]
fn a_transcript_that_is_gone_for_a_moment_is_waited_for() {
    let desk = Desk::new();
    let spawned = session(&desk);
    let (old, aside) = (&spawned.jsonl_path, desk.home.root().join("aside"));
    let follower = Follower::start(&desk);
    let mut followed = follower.until_answered("hello");
    for to in [old.clone(), elsewhere(old, "other")] {
        desk.paste("one", GATE);
        let from = if old.exists() { old.clone() } else { elsewhere(old, "other") };
        fs::rename(&from, &aside).unwrap();
        let seen: Listed = desk.run("aimax-ls", &["one"]).record();
        assert_eq!(seen.state, "working");
        assert_eq!(desk.run("aimax-flag", &["check", "one"]).code(), Some(124));
        let waiting = desk.start("aimax-flag", &["wait", "one", "--timeout", "60"]);
        desk.asleep(waiting.child.id());
        desk.open_gate();
        // Its end is in the transcript, which nobody can read now.
        wait_until(PATIENCE, "the end", || {
            fs::read_to_string(&aside).unwrap().trim_end().ends_with('}')
                && desk.run("aimax-ls", &["one"]).record::<Listed>().state == "idle"
        });
        assert!(desk.failure("one").is_none(), "{:?}", desk.failure("one"));
        fs::rename(&aside, &to).unwrap();
        assert_eq!(waiting.end().record::<crate::records::Job>().state, "done");
        followed.extend(follower.until_answered(GATE));
        fs::remove_file(desk.home.proj().join("gate")).unwrap();
    }
    let moves = followed.iter().filter(|record| record.get("moved").is_some()).count();
    assert_eq!(moves, 1);
    assert_eq!(followed.len() - moves, offsets(&elsewhere(old, "other")).len());
    assert!(desk.failure("one").is_none());
}
