//! The examples of aimax(7) for cron, systemd and the shell, run as they stand.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{fs, path::Path, process::Stdio};

use crate::{
    desk::{Desk, GATE, Ran, prompts},
    util::wait::{PATIENCE, wait_until},
};

const PAGE: &str = include_str!("../../man/aimax.7");

/// The examples that hold those words.
fn blocks(words: &str) -> Vec<String> {
    let blocks = PAGE.split(".Bd -literal -offset indent\n").skip(1);
    let blocks = blocks.map(|block| block.split(".Ed\n").next().unwrap().replace("\\e", "\\"));
    blocks.filter(|block| block.contains(words)).collect()
}

/// As `shell` runs it, in the project's folder.
fn run(desk: &Desk, shell: &str, script: &str) -> Ran {
    let mut command = desk.home.command(shell);
    command.args(["-c", script]).current_dir(desk.home.proj());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    desk.started(shell, command).end()
}

/// The command of a crontab line, as cron gives it to `/bin/sh`.
fn cron_commands() -> Vec<String> {
    let blocks = blocks("next-task.md\n*/10");
    let commands = blocks[0].lines().filter(|line| line.starts_with('*'));
    let command = |line: &str| {
        assert!(!line.contains('%'), "cron would make a newline of it");
        line.splitn(6, ' ').nth(5).unwrap().to_owned()
    };
    commands.map(command).collect()
}

#[test]
fn the_crontab_lines() {
    let desk = Desk::new();
    let [hand_out, watch] = &cron_commands()[..] else { panic!("two lines") };
    let spawned = desk.spawn("demo", GATE);
    fs::write(desk.home.proj().join("next-task.md"), "the next task\n").unwrap();
    assert_eq!(run(&desk, "sh", hand_out).code(), Some(124), "it is busy");
    run(&desk, "sh", &watch.replace("~/proj", ".")).silent();
    desk.open_gate();
    desk.done("demo");
    assert_eq!(run(&desk, "sh", hand_out).code(), Some(0));
    assert_eq!(prompts(&spawned.jsonl_path).last().unwrap().trim(), "the next task");
}

/// What systemd would do with the unit: a condition, and then the start.
#[test]
fn the_unit_and_its_timer() {
    let desk = Desk::new();
    let [service, timer] = [&blocks("[Service]")[0], &blocks("[Timer]")[0]];
    let home = desk.home.home();
    fs::create_dir_all(home.join(".cargo")).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_aimax")).parent().unwrap();
    std::os::unix::fs::symlink(programs, home.join(".cargo/bin")).unwrap();
    let value = |key: &str| {
        let line = service.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.replace("%h", home.to_str().unwrap())
    };
    let spawned = desk.spawn("demo", "one");
    desk.done("demo");
    desk.home.write("next-task.md", "two");
    run(&desk, "sh", &value("ExecCondition=")).silent();
    assert_eq!(run(&desk, "sh", &value("ExecStart=")).code(), Some(0));
    wait_until(PATIENCE, "the prompt", || prompts(&spawned.jsonl_path) == ["one", "two"]);

    for (name, text) in [("service", service), ("timer", timer)] {
        let file = format!(".config/systemd/user/next-task.{name}");
        let path = desk.home.write(&file, text);
        let mut verify = desk.home.command("systemd-analyze");
        verify.args(["--user", "verify"]).arg(path).stdin(Stdio::null());
        // Where it is not installed it has nothing to say.
        let Ok(output) = verify.output() else { continue };
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && said.is_empty(), "{name}: {said}");
    }
}

#[test]
fn ten_at_once_and_four_at_a_time() {
    let desk = Desk::new();
    let [fan_out, four] = [&blocks("q{1..10}")[0], &blocks("names.txt")[0]];
    let ran = run(&desk, "bash", fan_out);
    assert_eq!((ran.code(), ran.error()), (Some(0), ""), "{ran:?}");
    let expected: String = (1..=10).map(|n| format!("echo: Question {n}\n")).collect();
    assert_eq!(ran.text(), expected);

    fs::write(desk.home.proj().join("names.txt"), "ant\nbee\ncow\ndog\nelk\n").unwrap();
    let ran = run(&desk, "bash", four);
    assert_eq!((ran.code(), ran.error()), (Some(0), ""), "{ran:?}");
    assert_eq!(ran.text().matches("\"state\":\"done\"").count(), 5);
}
