//! `aimax demo`, as a newcomer runs it, and what is left when it is stopped.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    desk::copy_program,
    util::{
        home::Home,
        wait::{PATIENCE, wait_until},
    },
};

/// A home that has the binary `aimax` and no other of ours, as after `cargo run`.
fn home() -> Home {
    let mut home = Home::new();
    for folder in ["bin", "tmp"] {
        fs::create_dir(home.root().join(folder)).unwrap();
    }
    copy_program(env!("CARGO_BIN_EXE_aimax"), home.root().join("bin"));
    home.add_path(home.root().join("bin"));
    home.set("TMPDIR", home.root().join("tmp").to_string_lossy());
    // What is set for the caller's own sessions must not lead the demo astray.
    home.set("AIMAX_SESSION", "other");
    home.set("AIMAX_BACKEND", "tmux-codex");
    home
}

fn demo(home: &Home) -> Command {
    let mut command = home.command(home.root().join("bin/aimax"));
    command.arg("demo").stdin(Stdio::null());
    command
}

/// The processes that were started below `root`.
fn running(root: &Path) -> Vec<String> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let here = |entry: &fs::DirEntry| {
        let environ = fs::read(entry.path().join("environ")).unwrap_or_default();
        let root = root.as_os_str().as_encoded_bytes();
        environ.windows(root.len()).any(|window| window == root)
    };
    let name = |entry: fs::DirEntry| fs::read_to_string(entry.path().join("comm")).ok();
    entries.filter(here).filter_map(name).collect()
}

fn assert_nothing_left(home: &Home) {
    let left = Command::new("find").arg(home.root().join("tmp")).arg("-mindepth").arg("1").output();
    assert_eq!(String::from_utf8_lossy(&left.unwrap().stdout), "", "something is left");
    wait_until(PATIENCE, "all processes gone", || running(home.root()).is_empty());
    assert_eq!(fs::read_dir(home.data()).unwrap().count(), 0, "the caller's sessions are touched");
    assert_eq!(fs::read_dir(home.root().join("tmux")).unwrap().count(), 0, "the caller's tmux is");
}

#[test]
fn the_whole_demo() {
    let home = home();
    let output = demo(&home).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{text}\n{errors}");
    let mut rest = &text[..];
    for part in [
        "\n$ aimax-spawn -b tmux-practice -s demo --cwd proj -p 'Hello!'\n{\"sessionId\":\"demo\",",
        "\"verdict\":\"submitted\"",
        "\n$ aimax-tail -s demo --follow --max 8 &\n    user       Hello!\n    assistant  echo: Hello!\n",
        "\n$ aimax-paste -s demo -p 'Take your time.\n:slow 1000\n!echo hi'\n",
        "\n$ aimax-flag wait demo\n",
        // Beside these the record of `aimax-flag` comes when it comes.
        "    assistant  Bash {\"command\":\"echo hi\"}\n",
        "    user       hi\n",
        "\n$ aimax-ls\n",
        "\"state\":\"idle\"",
        "\n$ aimax-kill demo\n",
        "\"killed\":true",
        "\nThat is all",
    ] {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part}\n--- in ---\n{text}"));
        rest = &rest[at + part.len() - 1..];
    }
    let waited = text.split("\n$ aimax-flag wait demo\n").nth(1).expect("a wait");
    let waited = waited.split("\n$ aimax-ls\n").next().expect("a step");
    assert!(waited.contains("\"state\":\"done\"}\n"), "{text}");
    let said = text.lines().filter(|line| !line.starts_with('{'));
    assert!(said.into_iter().all(|line| line.chars().count() <= 79), "{text}");
    assert_nothing_left(&home);
}

#[test]
fn stopped_at_any_step_it_leaves_nothing() {
    // SIGTERM stands for ^C too, which may be ignored where the tests run in the background.
    for line in ["$ aimax-spawn", "$ aimax-tail", "$ aimax-flag"] {
        let home = home();
        // A group of its own, as a shell gives to each command: a key goes to all in it.
        let mut command = demo(&home);
        command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|read| read.unwrap().starts_with(line)), "{line}");
        let group = format!("-{}", child.id());
        let sent = Command::new("kill").args(["-s", "TERM", "--", &group]).status().unwrap();
        assert!(sent.success());
        drop(lines);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.signal(), Some(15), "{line}: {}", output.status);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
        assert_nothing_left(&home);
    }
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    let home = home();
    let mut child = demo(&home).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(child.wait().unwrap().success());
    assert_nothing_left(&home);
}

#[test]
fn without_tmux_it_says_one_line() {
    let home = home();
    let output = demo(&home).env("PATH", "/nonexistent").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(69));
    assert!(output.stdout.is_empty() && errors.starts_with("aimax demo: tmux: not found on PATH"));
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert_nothing_left(&home);
}
