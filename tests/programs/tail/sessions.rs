//! Sessions: several at once, those that come and go, and conversations that move.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::{Value, json};

use super::{Following, Home, append, run, tail, text};
use crate::util::wait::{PATIENCE, wait_until};

/// Notes `sessions` as the live ones of Claude Code.
pub(super) fn state(home: &Home, sessions: &[(&str, &Path)]) {
    let entries = sessions.iter().map(|(name, path)| {
        let entry = json!({"agentSessionId": name, "cwd": "/", "jsonlPath": path, "startedAt": 1});
        ((*name).to_owned(), entry)
    });
    let text = Value::Object(entries.collect()).to_string();
    let new = home.data().join("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, home.data().join("hub-runtime.json")).unwrap();
}

/// Notes `sessions` as those of Claude Code that there ever were, each with the time of its start.
pub(super) fn archive(home: &Home, sessions: &[(&str, &Path, u64)]) {
    let entries = sessions.iter().map(|(name, path, at)| {
        let entry = json!({"agentSessionId": name, "cwd": "/", "jsonlPath": path, "startedAt": at});
        ((*name).to_owned(), entry)
    });
    let text = Value::Object(entries.collect()).to_string();
    fs::write(home.data().join("hub-archive.json"), text).unwrap();
}

pub(super) fn transcript(home: &Home, name: &str) -> PathBuf {
    home.proj().join(format!("{name}.jsonl"))
}

#[test]
fn several_sessions_are_wrapped_by_name() {
    let home = Home::new();
    let (a, b) = (transcript(&home, "a"), transcript(&home, "b"));
    append(&a, "{\"n\":1}\n{\"n\":2}\n");
    append(&b, "{\"n\":3}\n");
    state(&home, &[("a", &a), ("b", &b)]);
    let record = |name: &str, offset: u64, next: u64, n: u64| {
        json!({
            "sessionId": name, "backend": "tmux-claude-code", "host": crate::records::host(),
            "offset": offset, "next": next, "entry": {"n": n},
        })
    };
    let want = [record("a", 8, 16, 2), record("b", 0, 8, 3)];
    for words in [&["-s", "a", "-s", "b"][..], &["--all"], &["-s", "b", "-s", "a", "-s", "a"]] {
        let said = run(&home, &[words, &["-n", "1"]].concat());
        assert_eq!((said.status, said.notes.as_str()), (Some(0), ""));
        assert_eq!(said.records(), want, "{words:?}");
    }
    let said = run(&home, &["--all", "-b", "tmux-codex"]);
    assert_eq!((said.status, said.out.as_slice()), (Some(0), &b""[..]));
    for words in [
        &["--all", "-s", "a"][..],
        &["--all", "a.jsonl"],
        &["--all", "--raw"],
        &["--all", "--from", "8"],
        &["-s", "a", "-s", "b", "--from", "8"],
    ] {
        assert_eq!(run(&home, words).status, Some(2), "{words:?}");
    }
    assert_eq!(run(&home, &["-s", "a", "-s", "nobody"]).status, Some(69));
    let said = run(&home, &["-s", "a"]);
    assert_eq!(said.out, b"{\"n\":1}\n{\"n\":2}\n", "one session is not wrapped");
}

#[test]
fn sessions_join_and_leave() {
    let home = Home::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| transcript(&home, name));
    append(&a, "{\"old\":1}\n");
    append(&c, "{\"c\":1}\n");
    state(&home, &[("a", &a)]);
    let mut following = Following::start(tail(&home, &["--all", "-f", "-n", "1"]));
    let entry = |record: &Value| (record["sessionId"].clone(), record["entry"].clone());
    assert_eq!(entry(&following.record()), (json!("a"), json!({"old": 1})));
    // Who joins later is read from the beginning.
    append(&b, "{\"b\":0}\n");
    append(&b, "{\"b\":1}\n");
    state(&home, &[("a", &a), ("b", &b)]);
    assert_eq!(entry(&following.record()), (json!("b"), json!({"b": 0})));
    assert_eq!(entry(&following.record()), (json!("b"), json!({"b": 1})));
    append(&a, "{\"a\":1}\n");
    assert_eq!(entry(&following.record()), (json!("a"), json!({"a": 1})));
    // Gone from the list: what it had written still comes, what it writes then does not.
    append(&b, "{\"b\":2}\n");
    assert_eq!(entry(&following.record()), (json!("b"), json!({"b": 2})));
    state(&home, &[("a", &a), ("c", &c)]);
    assert_eq!(entry(&following.record()), (json!("c"), json!({"c": 1})));
    append(&b, "{\"b\":3}\n");
    append(&a, "{\"a\":2}\n");
    assert_eq!(entry(&following.record()), (json!("a"), json!({"a": 2})));
}

#[test]
fn a_broken_state_file_is_said_once_and_followed_on() {
    let home = Home::new();
    let [a, b] = ["a", "b"].map(|name| transcript(&home, name));
    append(&a, "{\"a\":1}\n");
    append(&b, "{\"b\":1}\n");
    state(&home, &[("a", &a)]);
    let mut command = tail(&home, &["--all", "-f"]);
    command.stderr(Stdio::piped());
    let mut following = Following::start(command);
    let mut notes = BufReader::new(following.child.stderr.take().unwrap());
    assert_eq!(following.record()["entry"], json!({"a": 1}));
    fs::write(home.data().join("hub-runtime.json"), "{\"a\": ").unwrap();
    let mut note = String::new();
    notes.read_line(&mut note).unwrap();
    assert!(note.contains("set aside"), "{note}");
    append(&a, "{\"a\":2}\n");
    assert_eq!(following.record()["entry"], json!({"a": 2}));
    state(&home, &[("a", &a), ("b", &b)]);
    assert_eq!(following.record()["entry"], json!({"b": 1}));
    state(&home, &[("b", &b)]);
    append(&b, "{\"b\":2}\n");
    assert_eq!(following.record()["entry"], json!({"b": 2}));
    drop(following);
    let mut rest = String::new();
    notes.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn a_thousand_transcripts_in_one_process() {
    let home = Home::new();
    let names: Vec<String> = (0..1000).map(|n| format!("s{n}")).collect();
    let paths: Vec<PathBuf> = names.iter().map(|name| transcript(&home, name)).collect();
    paths.iter().for_each(|path| append(path, "{\"first\":1}\n"));
    let sessions: Vec<(&str, &Path)> =
        names.iter().map(String::as_str).zip(paths.iter().map(PathBuf::as_path)).collect();
    state(&home, &sessions);
    let mut following = Following::start(tail(&home, &["--all", "-f"]));
    for name in &names {
        assert_eq!(following.record()["sessionId"], name.as_str());
    }
    for n in (0..1000).step_by(37) {
        append(&paths[n], format!("{{\"n\":{n}}}\n"));
        assert_eq!(following.record()["entry"]["n"], n);
    }
    let Ok(open) = fs::read_dir(format!("/proc/{}/fd", following.child.id())) else { return };
    let links = open.flatten().filter_map(|fd| fs::read_link(fd.path()).ok());
    assert_eq!(links.filter(|link| text(link).contains("inotify")).count(), 1);
}

#[test]
fn the_state_file_moves_a_conversation() {
    let home = Home::new();
    let (a, b) = (transcript(&home, "a"), transcript(&home, "b"));
    append(&a, "{\"a\":1}\n");
    state(&home, &[("s", &a)]);
    let mut following = Following::start(tail(&home, &["-s", "s", "-f", "--events"]));
    assert_eq!(following.record()["offset"], 0);
    state(&home, &[("s", &b)]);
    // The old transcript is read until the new one has begun.
    append(&a, "{\"a\":2}\n");
    assert_eq!(following.record()["offset"], 8);
    append(&b, "{\"b\":1}\n");
    let moved = following.record();
    assert_eq!((&moved["kind"], &moved["type"]), (&json!("other"), &json!("moved")));
    assert_eq!(moved["moved"], json!({"from": a, "to": b}));
    assert_eq!(following.record()["next"], 8);
}

#[test]
fn clear_moves_the_conversation() {
    let home = Home::new();
    let proj = home.proj();
    let mut spawn = home.command(env!("CARGO_BIN_EXE_aimax-spawn"));
    spawn.args(["-b", "tmux-practice", "-s", "m", "-p", "one", "--cwd"]).arg(&proj);
    let spawned = spawn.output().unwrap();
    assert!(spawned.status.success(), "{}", String::from_utf8_lossy(&spawned.stderr));
    let spawned: Value = serde_json::from_slice(&spawned.stdout).unwrap();
    let old = spawned["jsonlPath"].as_str().unwrap().to_owned();

    let mut following = Following::start(tail(&home, &["-s", "m", "-f", "--offsets"]));
    while !following.line().contains("turn_duration") {}
    let pane = spawned["windowId"].as_str().unwrap();
    home.tmux().keys(pane, &["-l", "/clear"]);
    home.tmux().keys(pane, &["Enter"]);
    home.tmux().wait_text(pane, "❯");
    let sessions = home.data().join("practice/sessions");
    let id = spawned["agentSessionId"].as_str().unwrap();
    wait_until(PATIENCE, "another conversation", || {
        let files = fs::read_dir(&sessions).unwrap().flatten();
        let texts = files.map(|file| fs::read_to_string(file.path()).unwrap_or_default());
        texts.into_iter().any(|text| text.contains("idle") && !text.contains(id))
    });
    home.tmux().keys(pane, &["-l", "two"]);
    home.tmux().keys(pane, &["Enter"]);
    let moved = following.record();
    assert_eq!(moved["moved"]["from"], old.as_str(), "{moved}");
    let new = moved["moved"]["to"].as_str().unwrap().to_owned();
    let first = following.record();
    assert_eq!((&first["offset"], &first["entry"]["type"]), (&json!(0), &json!("user")));

    // A run without --follow begins in the new one; from an offset of the old one, in that.
    while !following.line().contains("turn_duration") {}
    let said = run(&home, &["-s", "m", "-n", "1", "--offsets"]);
    assert!(
        !id.is_empty() && new.contains(said.records()[0]["entry"]["sessionId"].as_str().unwrap())
    );
    assert_eq!(run(&home, &["-s", "m", "-n", "100"]).out, fs::read(&new).unwrap());
}

/// A transcript of Claude Code: texts, each followed by records without one, and a record of two blocks.
fn with_few_texts(path: &Path, name: &str) {
    let said = |blocks: Value| json!({ "type": "assistant", "message": { "role": "assistant", "content": blocks } });
    for n in 0..5 {
        append(
            path,
            format!("{}\n", said(json!([{ "type": "text", "text": format!("{name}{n}") }]))),
        );
        for _ in 0..9 {
            append(path, "{\"type\":\"file-history-snapshot\"}\n");
        }
    }
    let call = json!({ "type": "tool_use", "id": "1", "name": "Bash", "input": {} });
    append(path, format!("{}\n", said(json!([{ "type": "text", "text": "run it" }, call]))));
}

#[test]
fn what_is_printed_is_what_counts() {
    let home = Home::new();
    let (a, b) = (transcript(&home, "a"), transcript(&home, "b"));
    with_few_texts(&a, "a");
    with_few_texts(&b, "b");
    state(&home, &[("a", &a), ("b", &b)]);
    let said = |words: &[&str]| {
        let ran = run(&home, words);
        assert_eq!((ran.status, ran.notes.as_str()), (Some(0), ""), "{words:?}");
        String::from_utf8(ran.out).unwrap()
    };
    assert_eq!(said(&["-s", "a", "--text", "-n", "3"]), "a3\na4\nrun it\n* Bash {}\n");
    assert_eq!(said(&["-s", "a", "--text", "-n", "0"]), "");
    for follow in [&[][..], &["-f"]] {
        let words = [&["-s", "a", "--text", "-n", "3", "--max", "2"][..], follow].concat();
        assert_eq!(said(&words), "a3\na4\n", "{follow:?}");
    }
    assert_eq!(
        said(&["--all", "--text", "-n", "2"]),
        "==> a <==\na4\nrun it\n* Bash {}\n==> b <==\nb4\nrun it\n* Bash {}\n"
    );
    for (count, kinds) in [("1", &["tool_call"][..]), ("3", &["other", "text", "tool_call"])] {
        let said = run(&home, &["-s", "a", "--events", "-n", count]).records();
        let said: Vec<&str> = said.iter().map(|event| event["kind"].as_str().unwrap()).collect();
        assert_eq!(said, kinds);
    }
    // What comes later is printed as it comes.
    let mut following = Following::start(tail(&home, &["-s", "a", "--text", "-n", "1", "-f"]));
    assert_eq!((following.line(), following.line()), ("run it\n".into(), "* Bash {}\n".into()));
    with_few_texts(&a, "later ");
    for n in 0..5 {
        assert_eq!(following.line(), format!("later {n}\n"));
    }
}

/// A very long record is in the history as it is, in its order by time, and its tokens count.
#[test]
fn a_history_and_its_tokens_with_a_very_long_record() {
    let home = Home::new();
    let path = transcript(&home, "a");
    let answer = |id: &str, time: &str, text: &str| {
        let content = format!("[{{\"type\":\"text\",\"text\":\"{text}\"}}]");
        let usage = "{\"input_tokens\":5,\"output_tokens\":7}";
        let message = format!("{{\"id\":\"{id}\",\"content\":{content},\"usage\":{usage}}}");
        let time = format!("2026-11-27T01:02:{time}.000Z");
        format!("{{\"type\":\"assistant\",\"message\":{message},\"timestamp\":\"{time}\"}}\n")
    };
    let answers = [
        answer("one", "03", "first"),
        answer("two", "05", &"é\\n".repeat(1_000_000)),
        answer("three", "04", "third"),
    ];
    append(&path, answers.concat());
    state(&home, &[("a", &path)]);
    let of = |words: &[&str]| {
        let output = home.command(env!("CARGO_BIN_EXE_aimax")).args(words).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let history = of(&["history", "a", "--json"]);
    let in_order = [&answers[0], &answers[2], &answers[1]];
    let want = in_order.map(|text| serde_json::from_str::<Value>(text).unwrap());
    assert!(history["entries"].as_array().unwrap() == &want, "another order, or other records");
    assert_eq!(history["sentinel"]["primary"], answers.concat().len());
    let total = &of(&["usage", "a", "--json"])["total"];
    assert_eq!((&total["messages"], &total["output"]), (&3.into(), &21.into()));
}
