//! A question of the agent's is the same data everywhere, and is answered by it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::io::{BufRead, BufReader};

use serde_json::{Value, json};

use crate::desk::{Desk, prompts};

/// What a record says of the question.
fn asked(record: &Value) -> Value {
    json!([record["waitingFor"], record["question"], record["choices"]])
}

#[test]
fn all_programs_say_the_same_of_a_question() {
    let desk = Desk::new();
    desk.spawn("one", ":ask touch made");
    let waited = desk.run("aimax-flag", &["wait", "one", "--until", "waiting"]);
    let expected = json!([
        "permission",
        "Bash command\ntouch made\nDo you want to proceed?",
        [{ "key": "1", "label": "Yes" }, { "key": "2", "label": "No" }],
    ]);
    assert_eq!(asked(&waited.record()), expected);
    assert_eq!(asked(&desk.run("aimax-ls", &["one"]).record()), expected);
    let status = desk.run("aimax", &["status", "one", "--json"]);
    assert_eq!(asked(&serde_json::from_str(status.text()).unwrap()), expected);
    let text = desk.run("aimax", &["status", "one"]);
    let says = "  asks   Do you want to proceed?\n      1  Yes\n      2  No\n";
    assert!(text.text().contains(says), "{}", text.text());
    assert!(text.text().contains("aimax-paste -s one --answer KEY --expect permission"));
    let wrong = ["-s", "one", "--answer", "2", "--expect", "trust"];
    desk.run("aimax-paste", &wrong).fails(3, "the permission dialog is open, not trust");
}

/// Ten questions, answered by what the watch says of them.
#[test]
fn a_watcher_answers_each_question() {
    let desk = Desk::new();
    let transcript = desk.ready("one").jsonl_path;
    let mut watch = desk.start("aimax-ls", &["--watch", "one"]);
    let mut lines = BufReader::new(watch.child.stdout.take().unwrap()).lines();
    for n in 0..10 {
        desk.paste("one", &format!("question {n}\n:ask touch made-{n}"));
        let record = loop {
            let record: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            if record["state"] == "waiting" {
                break record;
            }
        };
        let wanted = if n % 2 == 0 { "Yes" } else { "No" };
        let choices = record["choices"].as_array().unwrap();
        let choice = choices.iter().find(|choice| choice["label"] == wanted).unwrap();
        let key = choice["key"].as_str().unwrap();
        let name = record["waitingFor"].as_str().unwrap();
        let answered = ["-s", "one", "--answer", key, "--expect", name];
        assert_eq!(desk.run("aimax-paste", &answered).record::<Value>()["verdict"], "answered");
        desk.run("aimax-flag", &["wait", "one", "--timeout", "60"]);
        let made = desk.home.proj().join(format!("made-{n}")).exists();
        assert_eq!(made, wanted == "Yes", "question {n}");
    }
    watch.child.kill().unwrap();
    watch.child.wait().unwrap();
    assert_eq!(prompts(&transcript).len(), 10);
}
