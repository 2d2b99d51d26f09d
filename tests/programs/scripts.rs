//! The README's five scripts, run as they stand on the practice agent. The manual has the same.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    desk::{Desk, Ran, gone, prompts},
    util::wait::{PATIENCE, wait_until},
};

const README: &str = include_str!("../../README.md");

/// The scripts, in their order.
fn scripts() -> [String; 5] {
    let section = README.split("\n## Five scripts\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let fences = section.split("```").skip(1).step_by(2);
    let scripts: Vec<String> =
        fences.map(|block| block.split_once('\n').unwrap().1.to_owned()).collect();
    scripts.try_into().unwrap()
}

/// The script for the shell, with the practice agent in the place of the others.
fn shell(desk: &Desk, script: &str) -> Command {
    let script = script.replace("-b claude", "-b practice").replace("-b codex", "-b practice");
    let mut command = desk.home.command("bash");
    command.args(["-c", &script]).current_dir(desk.home.proj());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(desk: &Desk, script: &str) -> Ran {
    let ran = desk.started("bash", shell(desk, script)).end();
    assert_eq!((ran.code(), ran.error()), (Some(0), ""), "{ran:?}");
    ran
}

/// The transcript of a session that may have been ended.
fn transcript(desk: &Desk, name: &str) -> PathBuf {
    let archive: Value = serde_json::from_str(&desk.state("archive")).unwrap();
    PathBuf::from(archive[name]["jsonlPath"].as_str().unwrap())
}

#[test]
fn the_manual_has_them_too_and_none_is_long() {
    let page = include_str!("../../man/aimax.7").replace("\\e", "\\");
    for script in scripts() {
        assert!(page.contains(&format!(".Bd -literal -offset indent\n{script}.Ed\n")), "{script}");
        assert!(script.lines().count() <= 8, "{script}");
    }
    let jq = Command::new("jq").arg("--version").output();
    assert!(jq.is_ok_and(|jq| jq.status.success()), "jq, which the scripts need");
}

#[test]
fn a_question_about_each_file() {
    let desk = Desk::new();
    for name in ["a.rs", "b.rs"] {
        fs::create_dir_all(desk.home.proj().join("src")).unwrap();
        fs::write(desk.home.proj().join("src").join(name), "").unwrap();
    }
    run(&desk, &scripts()[0]);
    let answers = desk.home.proj().join("answers");
    for name in ["a.rs", "b.rs"] {
        let answer = fs::read_to_string(answers.join(name)).unwrap();
        assert_eq!(answer, format!("echo: Review src/{name}.\n"));
    }
}

#[test]
fn one_writes_and_the_other_reviews() {
    let desk = Desk::new();
    fs::write(desk.home.proj().join("task.md"), "Write it.").unwrap();
    run(&desk, &scripts()[1]);
    let author = prompts(&transcript(&desk, "author"));
    assert_eq!(author.len(), 4, "{author:?}");
    assert!(author[1].starts_with("Fix this:\necho: Review the work."), "{author:?}");
    assert_eq!(prompts(&transcript(&desk, "reviewer")).len(), 3);
    assert!(!desk.knows("runtime", "author") && !desk.knows("runtime", "reviewer"));
}

/// Runs a crontab's command as cron does, where only its own words find the programs.
fn as_cron(desk: &Desk, path: &str, command: &str) {
    let bin = desk.home.home().join(".cargo/bin");
    if !bin.exists() {
        fs::create_dir_all(bin.parent().unwrap()).unwrap();
        let programs = PathBuf::from(env!("CARGO_BIN_EXE_aimax"));
        std::os::unix::fs::symlink(programs.parent().unwrap(), &bin).unwrap();
    }
    let mut shell = desk.home.command("/bin/sh");
    shell.args(["-c", &command.replace("-b claude", "-b practice")]);
    shell.env("PATH", path.strip_prefix("PATH=").unwrap());
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ran = desk.started("sh", shell).end();
    assert_eq!((ran.code(), ran.error()), (Some(0), ""), "{ran:?}");
}

#[test]
fn a_nightly_question_is_asked_once() {
    let desk = Desk::new();
    fs::write(desk.home.proj().join("night.md"), "Tidy up.").unwrap();
    let script = &scripts()[2];
    let (path, line) = script.split_once('\n').unwrap();
    let command = line.trim_end().splitn(6, ' ').nth(5).unwrap();
    assert!(!command.contains('%'), "cron would make a newline of it");
    for _ in 0..2 {
        as_cron(&desk, path, command);
        let answer = fs::read_to_string(desk.home.proj().join("night.txt")).unwrap();
        assert_eq!(answer, "echo: Tidy up.\n");
    }
    let archive: Value = serde_json::from_str(&desk.state("archive")).unwrap();
    let names: Vec<&String> = archive.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(prompts(&transcript(&desk, names[0])), ["Tidy up."]);
}

#[test]
fn permission_is_given_by_what_the_watch_says() {
    let desk = Desk::new();
    desk.ready("one");
    let mut command = shell(&desk, &scripts()[3]);
    let watch = desk.started("bash", {
        command.process_group(0);
        command
    });
    for n in 0..3 {
        desk.paste("one", &format!(":ask touch allowed-{n}"));
        let made = desk.home.proj().join(format!("allowed-{n}"));
        wait_until(PATIENCE, "what was allowed", || made.exists());
        desk.done("one");
    }
    let group = -i32::try_from(watch.child.id()).unwrap();
    aimax::internal::kill(group, aimax::internal::TERMINATE).unwrap();
    watch.end();
}

#[test]
fn all_go_on_after_a_reboot() {
    let desk = Desk::new();
    let one = desk.spawn("one", "begin");
    desk.done("one");
    desk.tmux().run(["kill-server"]);
    gone(one.pid);
    run(&desk, &scripts()[4]);
    wait_until(PATIENCE, "the next prompt", || {
        prompts(&one.jsonl_path) == ["begin", "Continue where you were."]
    });
}
