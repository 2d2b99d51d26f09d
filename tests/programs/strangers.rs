//! Starts of agents that are too old, or that show what nobody knows.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::desk::Desk;

const SPAWN: [&str; 6] = ["-b", "tmux-claude-code", "-s", "new", "-p", "hello"];

/// A desk with this shell script as `claude`, below its home.
fn desk_with(path: &str, script: &str) -> (Desk, PathBuf) {
    let mut desk = Desk::new();
    let script = format!("#!/bin/sh\n{script}\n");
    let program = desk.home.write(path, script);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let bin = desk.home.home().join("bin");
    fs::create_dir_all(&bin).unwrap();
    if !bin.join("claude").exists() {
        symlink(&program, bin.join("claude")).unwrap();
    }
    desk.home.add_path(&bin);
    (desk, bin.join("claude"))
}

#[test]
fn a_version_too_old_is_known_by_its_place() {
    let place = "node_modules/@anthropic-ai/claude-code";
    let (desk, program) = desk_with(&format!("{place}/cli.js"), "touch \"$HOME/started\"");
    let note = r#"{"name":"@anthropic-ai/claude-code","version":"2.0.61"}"#;
    desk.home.write(&format!("{place}/package.json"), note);
    let says = format!("{}: version 2.0.61 is too old; 2.1.120 or later", program.display());
    desk.run("aimax-spawn", &SPAWN).fails(69, &says);
    desk.nothing_of("new");
    assert!(!desk.home.home().join("started").exists(), "it was not started");
}

#[test]
fn a_version_too_old_says_so_when_it_does_not_become_ready() {
    let script = "[ \"$1\" = --version ] && echo '2.1.94 (Claude Code)' && exit\n\
        stty raw -echo; printf '\\342\\235\\257 '; exec sleep 60";
    let (desk, program) = desk_with("shims/claude", script);
    let begun = Instant::now();
    let says = format!("{}: version 2.1.94 is too old; 2.1.120 or later", program.display());
    desk.run("aimax-spawn", &SPAWN).fails(69, &says);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    desk.nothing_of("new");
}

#[test]
fn an_unknown_dialog_is_told_by_its_first_words_and_gets_no_key() {
    let script = "[ \"$1\" = --version ] && echo '9.9.9 (Claude Code)' && exit\n\
        stty raw -echo; printf 'A quite new question\\r\\n\\r\\n> 1. Do it\\r\\n  2. Do not\\r\\n'\n\
        exec cat >\"$HOME/keys\"";
    let (desk, _) = desk_with("shims/claude", script);
    let begun = Instant::now();
    let says = "new: an unknown-dialog is open; it begins: A quite new question / > 1. Do it";
    desk.run("aimax-spawn", &SPAWN).fails(5, says);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    desk.nothing_of("new");
    let keys = fs::read(desk.home.home().join("keys")).unwrap();
    assert!(keys.is_empty(), "{keys:?} was typed");
}
