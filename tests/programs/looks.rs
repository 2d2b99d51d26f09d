//! Whoever looks changes nothing but what is proven.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde_json::Value;

use crate::{
    desk::{Desk, GATE, gone, prompts},
    records::{Listed, Spawned},
    util::wait::{PATIENCE, wait_until},
};

/// What lies below some folders; of a file also its text, and when it was changed. The doctor tries
/// whether it can write, and leaves nothing: that changes the time of a folder.
fn files(folders: &[PathBuf]) -> BTreeMap<PathBuf, Option<(Vec<u8>, SystemTime)>> {
    let mut found = BTreeMap::new();
    let mut left = folders.to_vec();
    while let Some(path) = left.pop() {
        let data = fs::symlink_metadata(&path).unwrap();
        if data.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        let is_file = data.is_file();
        let told = is_file.then(|| (fs::read(&path).unwrap(), data.modified().unwrap()));
        found.insert(path, told);
    }
    found
}

/// All that looks at a session, and at all of them.
fn look(desk: &Desk, name: &str) {
    let looks: [&[&str]; 13] = [
        &["aimax-ls"],
        &["aimax-ls", name],
        &["aimax-ls", "--all"],
        &["aimax-flag", "check", name],
        &["aimax-flag", "wait", name, "--timeout", "0.1"],
        &["aimax-tail", "-s", name, "--from", "0"],
        &["aimax-tail", "-s", name, "--events"],
        &["aimax", "status", "-s", name],
        &["aimax", "list"],
        &["aimax", "list", "--json"],
        &["aimax", "history", "-s", name],
        &["aimax", "doctor"],
        &["aimax", "config", "show"],
    ];
    for words in looks {
        let (program, args) = words.split_first().unwrap();
        let ran = desk.run(program, args);
        assert_ne!(ran.code(), Some(101), "{program} {args:?}: {}", ran.error());
    }
}

fn changes_nothing(desk: &Desk, name: &str, when: &str) {
    let folders = [desk.home.data(), desk.home.home(), desk.home.proj()];
    // What the first look proves may be noted.
    look(desk, name);
    let before = files(&folders);
    look(desk, name);
    let after = files(&folders);
    let changed: Vec<&Path> = before
        .keys()
        .chain(after.keys())
        .filter(|path| before.get(*path) != after.get(*path))
        .map(PathBuf::as_path)
        .collect();
    assert!(changed.is_empty(), "{when}: {changed:#?}");
}

#[test]
fn looks_change_nothing() {
    let desk = Desk::new();
    changes_nothing(&desk, "one", "no session");
    let spawned: Spawned = desk.spawn("one", "hello");
    desk.done("one");
    changes_nothing(&desk, "one", "idle");
    desk.paste("one", GATE);
    changes_nothing(&desk, "one", "working");
    let socket = PathBuf::from(desk.tmux().run(["display-message", "-p", "#{socket_path}"]).trim());
    let aside = socket.with_extension("aside");
    fs::rename(&socket, &aside).unwrap();
    changes_nothing(&desk, "one", "without its socket");
    fs::rename(&aside, &socket).unwrap();
    aimax::internal::kill(spawned.pid.try_into().unwrap(), aimax::internal::KILL).unwrap();
    gone(spawned.pid);
    desk.died(&spawned.pane_id);
    changes_nothing(&desk, "one", "dead");
    desk.tmux().run(["kill-pane", "-t", &spawned.pane_id]);
    changes_nothing(&desk, "one", "without its window");
}

/// What a person begins in the window is the session's conversation, for whoever lists, ends or looks.
#[test]
fn a_conversation_that_a_person_has_begun_is_the_one_that_goes_on() {
    let desk = Desk::new();
    let spawned: Spawned = desk.spawn("one", "before");
    desk.done("one");
    let enter = |text: &str| {
        desk.tmux().paste(&spawned.pane_id, text);
        desk.tmux().wait_text(&spawned.pane_id, text);
        desk.tmux().keys(&spawned.pane_id, &["Enter"]);
    };
    let begin_another = |before: &str, prompt: &str| {
        enter("/clear");
        wait_until(PATIENCE, "an empty screen", || {
            !desk.tmux().capture(&spawned.pane_id).contains(before)
        });
        enter(prompt);
        desk.tmux().wait_text(&spawned.pane_id, &format!("echo: {prompt}"));
    };
    begin_another("before", "first by hand");
    // The agent's hook looks at the end of each turn.
    wait_until(PATIENCE, "the new conversation in the state file", || {
        let state: Value = serde_json::from_str(&desk.state("runtime")).unwrap();
        let path = state["one"]["jsonlPath"].as_str().unwrap();
        prompts(Path::new(path)) == ["first by hand"]
    });
    let listed = |args: &[&str]| {
        let one: Listed = desk.run("aimax-ls", args).records().remove(0);
        (one.state, prompts(&one.jsonl_path).remove(0))
    };
    begin_another("first by hand", "second by hand");
    assert_eq!(listed(&["one"]), ("idle".into(), "second by hand".into()));
    begin_another("second by hand", "third by hand");
    desk.run("aimax-kill", &["one"]).record::<crate::records::Killed>();
    assert_eq!(listed(&["--all", "one"]), ("archived".into(), "third by hand".into()));
}
