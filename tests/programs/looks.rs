//! Whoever looks changes nothing but what is proven.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::{
    desk::{Desk, GATE, gone},
    records::Spawned,
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
