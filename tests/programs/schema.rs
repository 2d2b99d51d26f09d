//! `aimax schema`: what it prints holds for what the programs print.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use serde_json::{Value, json};

use crate::{
    desk::{Desk, GATE},
    util::schema::{fault, schemas},
};

fn schema(name: &str) -> &'static Value {
    let is_it = |schema: &&Value| schema["title"] == name;
    schemas().iter().find(is_it).unwrap_or_else(|| panic!("no schema {name}"))
}

/// That what a program prints, a document or records, is as the schema says; and that one field less or
/// more is not.
#[track_caller]
fn holds(desk: &Desk, name: &str, program: &str, args: &[&str]) {
    let ran = desk.run(program, args);
    let values: Vec<Value> =
        serde_json::Deserializer::from_str(ran.text()).into_iter().map(Result::unwrap).collect();
    assert!(!values.is_empty(), "{name}: {ran:#?}");
    for value in values {
        assert_eq!(fault(schema(name), &value), None, "{name}: {value}");
        let mut more = value.clone();
        more["unheardOf"] = json!(1);
        // The document of `list` has a name for each backend, and no others either.
        assert!(fault(schema(name), &more).is_some(), "{name}");
        for needed in schema(name)["required"].as_array().unwrap() {
            let mut less = value.clone();
            less.as_object_mut().unwrap().remove(needed.as_str().unwrap());
            assert!(fault(schema(name), &less).is_some(), "{name} without {needed}");
        }
    }
}

#[test]
fn each_program_prints_what_its_schema_says() {
    let mut desk = Desk::new();
    let events = desk.home.home().join("events.sqlite");
    desk.home.set("AIMAX_PROMPT_EVENTS", events.to_str().unwrap());
    let on = ["-b", "practice", "-s"];
    holds(&desk, "spawn", "aimax-spawn", &[&on[..], &["one"]].concat());
    holds(
        &desk,
        "spawn-prompt",
        "aimax-spawn",
        &[&on[..], &["two", "-p", "hi\n!echo hi"]].concat(),
    );
    holds(&desk, "paste", "aimax-paste", &["one", "-p", "hello", "--once", "k"]);
    holds(&desk, "paste", "aimax-paste", &["one", "-p", "hello", "--once", "k"]);
    holds(&desk, "flag-wait", "aimax-flag", &["wait", "one", "two", "--timeout", "60"]);
    holds(&desk, "flag-path", "aimax-flag", &["path", "one"]);
    let root = desk.home.proj();
    holds(&desk, "flag-path", "aimax-flag", &["path", "one", "--root", root.to_str().unwrap()]);
    holds(&desk, "tail-offsets", "aimax-tail", &["-s", "two", "--offsets"]);
    holds(&desk, "tail-events", "aimax-tail", &["-s", "two", "--events"]);
    holds(&desk, "ask", "aimax", &["ask", "-s", "one", "--json", "why?"]);
    holds(&desk, "usage", "aimax", &["usage", "--json"]);
    desk.paste("one", ":ask touch made");
    holds(&desk, "flag-wait", "aimax-flag", &["wait", "one", "--until", "waiting"]);
    holds(&desk, "ls", "aimax-ls", &[]);
    holds(&desk, "status", "aimax", &["status", "one", "--json"]);
    holds(
        &desk,
        "paste-answer",
        "aimax-paste",
        &["one", "--answer", "1", "--expect", "permission"],
    );
    desk.done("one");
    desk.paste("one", GATE);
    holds(&desk, "paste-interrupt", "aimax-paste", &["one", "--interrupt"]);
    holds(&desk, "revive", "aimax", &["revive", "one"]);
    holds(&desk, "list", "aimax", &["list", "--json"]);
    holds(&desk, "doctor", "aimax", &["doctor", "--json"]);
    holds(&desk, "stats", "aimax", &["stats", "--json"]);
    holds(&desk, "history", "aimax", &["history", "one", "--json"]);
    let made = [&["create"][..], &on, &["three", "-p", "hi", "--json"]].concat();
    holds(&desk, "create", "aimax", &made);
    holds(&desk, "send", "aimax", &["send", "three", "-p", "more", "--json"]);
    holds(&desk, "pause", "aimax", &["pause", "three", "--json"]);
    holds(&desk, "stop", "aimax", &["stop", "three", "--json"]);
    holds(&desk, "kill", "aimax-kill", &["one", "two"]);
    holds(&desk, "ls", "aimax-ls", &["--all"]);
    holds(&desk, "version", "aimax", &["version", "--json"]);
    holds(&desk, "admin", "aimax", &["admin", "show", "--json"]);
    holds(&desk, "config", "aimax", &["config", "show", "--json"]);
}

#[test]
fn a_schema_is_asked_for_by_its_name() {
    let desk = Desk::new();
    let names = desk.run("aimax", &["schema", "--names"]);
    let all: Vec<&str> = names.text().lines().collect();
    let titles: Vec<_> = schemas().iter().map(|schema| schema["title"].as_str().unwrap()).collect();
    assert_eq!(all, titles);
    let two: Vec<Value> = desk.run("aimax", &["schema", "ls", "ask"]).records();
    assert_eq!((&two[0]["title"], &two[1]["title"]), (&json!("ls"), &json!("ask")));
    desk.run("aimax", &["schema", "lss"]).fails_as("aimax schema", 2, "did you mean `ls`?");
    let none = desk.run("aimax", &["schema", "nothing"]);
    none.fails_as("aimax schema", 2, "no such record: `aimax schema --names` lists them");
}

/// camelCase; `At` is epoch milliseconds, `Time` RFC 3339; what says a session says where it is. Documents
/// of the Python package keep its names.
#[test]
fn names_follow_one_rule() {
    const PYTHON: [&str; 10] = [
        "create", "send", "pause", "stop", "list", "status", "history", "stats", "config",
        "version",
    ];
    for schema in schemas() {
        let name = schema["title"].as_str().unwrap();
        if PYTHON.contains(&name) {
            continue;
        }
        let members = schema["properties"].as_object().unwrap();
        for (member, kind) in members {
            assert!(member.chars().all(char::is_alphanumeric), "{name}: {member}");
            let kind = kind.to_string();
            let is_time = kind.contains("date-time");
            assert_eq!(member.to_lowercase().ends_with("time"), is_time, "{name}: {member}");
            assert!(!member.ends_with("At") || kind.contains("\"integer\""), "{name}: {member}");
        }
        if members.contains_key("sessionId") {
            assert!(["backend", "host"].iter().all(|with| members.contains_key(*with)), "{name}");
        }
    }
}
