//! Folders: which ones the programs and their agents use, however they are named and from wherever
//! they are looked at.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use serde_json::Value;

use crate::{desk::Desk, records::Spawned};

/// What lies in a folder, sorted.
fn entries(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

/// A program that notes in the file `ran` which folder it lies in, then does as `then` says.
fn program(folder: &Path, name: &str, then: &str) {
    fs::create_dir_all(folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\necho here >>'{}/ran'\n{then}\n", folder.display()))
        .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn without_home_the_password_file_counts() {
    let desk = Desk::new();
    let user = Command::new("sh").args(["-c", "getent passwd $(id -u) | cut -d: -f6"]).output();
    let known = String::from_utf8(user.unwrap().stdout).unwrap();
    let run = |program: &str, args: &[&str], home: Option<&str>| {
        let mut command = desk.command(program, args);
        command.env_remove("HOME");
        command.envs(home.map(|home| ("HOME", home)));
        desk.started(program, command).end()
    };
    let shown = run("aimax", &["config", "show", "--json"], None);
    let shown: Value = serde_json::from_str(shown.text()).unwrap();
    assert_eq!(shown["config"]["home"], known.trim());
    assert_eq!(shown["config"]["claude_home"], format!("{}/.claude", known.trim()));
    let spawned: Spawned =
        run("aimax-spawn", &["-b", "tmux-practice", "-s", "one", "-p", "hello"], None).record();
    let told = fs::read_to_string(format!("/proc/{}/environ", spawned.pid)).unwrap();
    assert!(told.split('\0').any(|variable| variable == format!("HOME={}", known.trim())));
    assert_eq!(entries(&desk.home.proj()), [".imac"]);
    for home in [".", "~", "home"] {
        run("aimax-ls", &[], Some(home)).fails(2, "HOME: `");
    }
}

#[test]
fn what_was_looked_up_is_what_is_run() {
    let desk = Desk::new();
    let (here, work) = (desk.home.root().join("here"), desk.home.root().join("work"));
    let real = Command::new("sh").args(["-c", "command -v tmux"]).output().unwrap().stdout;
    let real = String::from_utf8(real).unwrap();
    for folder in [&here, &work] {
        program(&folder.join("bin"), "tmux", &format!("exec {} \"$@\"", real.trim()));
        program(&folder.join("bin"), "claude", "echo 'that was it'; exit 7");
        program(folder, "codex", "echo 'that was it'; exit 7");
    }
    let path = desk.home.env().into_iter().find(|(name, _)| name == "PATH").unwrap().1;
    let run = |args: &[&str]| {
        let mut command = desk.command("aimax-spawn", args);
        command.env("PATH", format!("bin::{path}")).current_dir(&here);
        desk.started("aimax-spawn", command).end()
    };
    let cwd = work.to_str().unwrap();
    for (backend, at) in [("tmux-claude-code", "bin/ran"), ("tmux-codex", "ran")] {
        let ran = run(&["-b", backend, "-s", "real", "--cwd", cwd]);
        assert!(ran.error().contains("that was it"), "{ran:?}");
        assert!(here.join(at).exists() && !work.join(at).exists(), "{backend}");
    }
    fs::remove_file(here.join("bin/ran")).unwrap();
    let args = ["-b", "tmux-practice", "-s", "one", "--cwd", cwd, "-p", "hello"];
    let _: Spawned = run(&args).record();
    // The hooks of tmux and of the agent run in the folder of the session.
    let flags = work.join(".imac/flags/one/running.flag");
    crate::util::wait::wait_until(crate::util::wait::PATIENCE, "the end", || !flags.exists());
    assert!(here.join("bin/ran").exists() && !work.join("bin/ran").exists());
}
