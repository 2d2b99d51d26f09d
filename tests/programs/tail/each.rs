//! A command that takes each record, and the places of many sessions, whatever is killed.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    Following, Home, append, run,
    sessions::{archive, state, transcript},
    tail, text,
};
use crate::util::wait::{PATIENCE, wait_until};

/// A line of a transcript that is one event, a prompt.
fn prompt(n: usize) -> String {
    let message = json!({"role": "user", "content": format!("prompt {n}")});
    json!({"type": "user", "uuid": format!("u{n}"), "message": message}).to_string() + "\n"
}

#[test]
fn each_record_is_the_input_of_a_command_and_taken_when_that_ends_well() {
    let home = Home::new();
    let a = transcript(&home, "a");
    append(&a, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    state(&home, &[("a", &a)]);
    let place = home.proj().join("place");
    let words = |command| ["-s", "a", "--offsets", "--cursor", text(&place), "--each", command];
    let said = run(&home, &words("cat"));
    assert_eq!((said.status, said.records().len()), (Some(0), 3));
    fs::remove_file(&place).unwrap();
    // The second is not taken, so the next run begins with it.
    let said = run(&home, &words("case $AIMAX_RECORD in *:16.0) exit 7; esac; cat"));
    let id = format!("{}:a:16.0", crate::records::host());
    assert_eq!((said.status, said.records().len()), (Some(74), 1));
    assert!(said.notes.contains(&id) && said.notes.contains("status: 7"), "{}", said.notes);
    let said = run(&home, &words("echo $AIMAX_SESSION $AIMAX_BACKEND $AIMAX_RECORD"));
    let third = id.replace(":16.", ":24.");
    let want = format!("a tmux-claude-code {id}\na tmux-claude-code {third}\n");
    assert_eq!(String::from_utf8(said.out).unwrap(), want);
    let said = run(&home, &["-s", "a", "--text", "--each", "cat"]);
    assert_eq!(said.status, Some(2));
    // What the command leaves unread is no failure, however long it is.
    append(&a, format!("{{\"n\":\"{}\"}}\n", "x".repeat(1 << 20)));
    assert_eq!(run(&home, &words("true")).status, Some(0));
}

#[test]
fn the_places_of_all_sessions_are_kept_and_those_that_ended_meanwhile_are_read() {
    let home = Home::new();
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| transcript(&home, name));
    append(&a, "{\"a\":1}\n");
    append(&b, "{\"b\":1}\n");
    append(&d, "{\"d\":1}\n");
    archive(&home, &[("d", &d, 1)]);
    state(&home, &[("a", &a), ("b", &b)]);
    let places = home.proj().join("places");
    let words = ["--all", "--cursor", text(&places), "-n", "0"];
    let entries = |words: &[&str]| {
        let said = run(&home, words);
        assert_eq!((said.status, said.notes.as_str()), (Some(0), ""));
        said.records().iter().map(|record| record["entry"].clone()).collect::<Vec<Value>>()
    };
    // Before the first record there is a place already.
    assert_eq!(entries(&words), [] as [Value; 0]);
    append(&a, "{\"a\":2}\n");
    append(&b, "{\"b\":2}\n");
    assert_eq!(entries(&words), [json!({"a": 2}), json!({"b": 2})]);
    // One has ended since, after another record, and one has come and gone.
    append(&b, "{\"b\":3}\n");
    append(&c, "{\"c\":1}\n");
    append(&d, "{\"d\":2}\n");
    archive(&home, &[("b", &b, 1), ("c", &c, u64::MAX), ("d", &d, 1)]);
    state(&home, &[("a", &a)]);
    assert_eq!(entries(&words), [json!({"b": 3}), json!({"c": 1})]);
    assert_eq!(entries(&words), [] as [Value; 0]);
    fs::write(places.join("since"), "x").unwrap();
    assert_eq!(run(&home, &words).status, Some(2));
    let said = run(&home, &["--all", "--cursor", text(&a)]);
    assert_eq!(said.status, Some(2), "a file: {}", said.notes);
}

#[test]
fn a_session_that_comes_and_goes_while_nobody_looks_is_read() {
    let home = Home::new();
    let [a, b] = ["a", "b"].map(|name| transcript(&home, name));
    append(&a, "{\"a\":1}\n");
    append(&b, "{\"b\":1}\n");
    state(&home, &[("a", &a)]);
    let places = home.proj().join("places");
    let mut following = Following::start(tail(&home, &["--all", "-f", "--cursor", text(&places)]));
    assert_eq!(following.record()["entry"], json!({"a": 1}));
    archive(&home, &[("b", &b, u64::MAX)]);
    state(&home, &[("a", &a)]);
    assert_eq!(following.record()["entry"], json!({"b": 1}));
    append(&a, "{\"a\":2}\n");
    state(&home, &[("a", &a)]);
    assert_eq!(following.record()["entry"], json!({"a": 2}), "and once");
}

#[test]
fn an_event_that_is_recorded_twice_is_told_once_over_two_runs() {
    let home = Home::new();
    let path = crate::util::versions::all()
        .filter(|version| version.agent == "codex")
        .map(|version| version.fixtures().join("plain.jsonl"))
        .next()
        .unwrap();
    let whole = run(&home, &["--events", text(&path)]).records();
    let place = home.proj().join("place");
    let mut told = Vec::new();
    while told.len() < whole.len() {
        let said = run(&home, &["--events", "--max", "1", "--cursor", text(&place), text(&path)]);
        assert!(!said.out.is_empty(), "after {}", told.len());
        told.extend(said.records());
    }
    assert_eq!(told, whole);
}

/// A Redis server of the test's own, on a socket in `folder`. It ends with the value.
struct Redis {
    child: Child,
    socket: String,
}

impl Redis {
    fn start(folder: &Path) -> Redis {
        let socket = text(&folder.join("redis")).to_owned();
        let words = ["--port", "0", "--save", "", "--appendonly", "yes", "--unixsocket", &socket];
        let mut command = Command::new("redis-server");
        command.args(words).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
        let redis = Redis { child: command.spawn().expect("redis-server is installed"), socket };
        wait_until(PATIENCE, "Redis to answer", || redis.ask(&["ping"]).trim() == "PONG");
        redis
    }

    fn ask(&self, words: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        let output = command.args(["-s", &self.socket]).args(words).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The one command of aimax-fleet(7) that adds a record to a stream unless it is there.
fn to_redis(socket: &str) -> String {
    let manual = include_str!("../../../man/aimax-fleet.7");
    let begin = manual.find("redis-cli -e -x eval").expect("the command in the manual");
    let command = manual[begin..].lines().take_while(|line| !line.starts_with('.'));
    let command = command.collect::<Vec<_>>().join("\n").replace("\\e", "\\");
    command.replacen("redis-cli", &format!("redis-cli -s {socket}"), 1)
}

#[test]
fn events_of_all_sessions_are_once_each_in_a_redis_stream_whatever_is_killed() {
    const EACH: usize = 120;
    let home = Home::new();
    let redis = Redis::start(home.root());
    let names = ["a", "b", "c"];
    let paths = names.map(|name| transcript(&home, name));
    paths.iter().for_each(|path| append(path, ""));
    let live: Vec<(&str, &Path)> = names.into_iter().zip(paths.iter().map(|p| &**p)).collect();
    state(&home, &live);
    let places = home.proj().join("places");
    let command = home.write("to-redis", to_redis(&redis.socket));
    let command = format!("sh {}", text(&command));
    let words = ["--all", "--events", "--cursor", text(&places), "--each", &command];
    let following = [&words[..], &["-f"]].concat();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 0..EACH {
                for path in &paths {
                    append(path, prompt(n));
                }
                thread::sleep(Duration::from_millis(10));
            }
        });
        let mut state = 7u64;
        while !writer.is_finished() {
            let mut command = tail(&home, &following);
            let mut child = command.stdout(Stdio::null()).process_group(0).spawn().unwrap();
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // A moment that nothing announces: that is what is tested.
            thread::sleep(Duration::from_millis((state >> 33) % 120));
            // Half of the time its command outlives it.
            if state >> 63 == 0 {
                let group = format!("-{}", child.id());
                assert!(
                    Command::new("kill").args(["-9", "--", &group]).status().unwrap().success()
                );
            } else {
                child.kill().unwrap();
            }
            child.wait().unwrap();
        }
    });
    // What had ended before the last run is read, too.
    archive(&home, &[("c", &paths[2], 1)]);
    super::sessions::state(&home, &live[..2]);
    let mut command = tail(&home, &words);
    assert!(command.stdout(Stdio::null()).status().unwrap().success());
    let stream = redis.ask(&["--json", "xrange", "aimax", "-", "+"]);
    let stream: Vec<(String, Vec<String>)> = serde_json::from_str(&stream).unwrap();
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, fields) in &stream {
        let event: Value = serde_json::from_str(&fields[1]).unwrap();
        assert_eq!(event["host"], json!(crate::records::host()));
        let name = event["sessionId"].as_str().unwrap().to_owned();
        told.entry(name).or_default().push(event["text"].as_str().unwrap().to_owned());
    }
    let want: Vec<String> = (0..EACH).map(|n| format!("prompt {n}")).collect();
    for name in names {
        assert_eq!(told.get(name), Some(&want), "{name}");
    }
}
