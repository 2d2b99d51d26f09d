//! Folders: which ones the programs and their agents use, however they are named and from wherever
//! they are looked at.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    desk::{Desk, GATE, prompts},
    records::{Job, Killed, Listed, Proven, Ready, Spawned},
    util::wait::{PATIENCE, wait_until},
};

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
    wait_until(PATIENCE, "the end", || !flags.exists());
    assert!(here.join("bin/ran").exists() && !work.join("bin/ran").exists());
}

/// A folder below the desk's project whose path is `length` bytes long.
fn long(desk: &Desk, length: usize) -> PathBuf {
    let mut path = desk.home.proj();
    while path.as_os_str().len() < length {
        let left = length - path.as_os_str().len() - 1;
        path.push("x".repeat(left.min(if left > 101 { 100 } else { 101 })));
    }
    fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn a_transcript_is_found_however_its_folder_is_named() {
    let desk = Desk::new();
    let linked = desk.home.root().join("link");
    std::os::unix::fs::symlink(long(&desk, 230), &linked).unwrap();
    let composed = desk.home.proj().join("e\u{301}te\u{301}");
    fs::create_dir(&composed).unwrap();
    let folders = [200, 201, 255, 256, 300, 900].map(|length| long(&desk, length));
    for cwd in folders.into_iter().chain([linked, composed]) {
        let name = format!("s{}", cwd.as_os_str().len());
        let cwd_text = cwd.to_str().unwrap();
        let args = ["-b", "tmux-practice", "-s", &name, "--cwd", cwd_text, "-p", GATE];
        let spawned: Spawned = desk.run("aimax-spawn", &args).record();
        assert_eq!(spawned.verdict, "submitted", "{cwd_text}");
        assert_eq!(prompts(&spawned.jsonl_path), [GATE], "{cwd_text}");
        let seen: Listed = desk.run("aimax-ls", &[&name]).record();
        assert_eq!((seen.state.as_str(), seen.jsonl_path), ("working", spawned.jsonl_path.clone()));
        fs::write(cwd.join("gate"), "").unwrap();
        desk.done(&name);
        let text = fs::read(&spawned.jsonl_path).unwrap();
        let from = ["-s", &name, "--from", "0"];
        assert_eq!(desk.run("aimax-tail", &from).bytes(), text, "{cwd_text}");
        let _: Killed = desk.run("aimax-kill", &[&name]).record();
        // Once it is there, it is found before it goes on.
        let id = &spawned.agent_session_id;
        let args =
            ["-b", "tmux-practice", "-s", &name, "--cwd", cwd_text, "--resume", id, "-p", "on"];
        let resumed: Spawned = desk.run("aimax-spawn", &args).record();
        assert_eq!(resumed.jsonl_path, spawned.jsonl_path, "{cwd_text}");
        assert_eq!(resumed.offset, text.len() as u64, "{cwd_text}");
        desk.done(&name);
        let _: Killed = desk.run("aimax-kill", &[&name]).record();
    }
}

#[test]
fn who_follows_a_session_sees_a_transcript_come_in_a_folder_that_is_not_known() {
    let desk = Desk::new();
    let cwd = long(&desk, 400);
    let args = ["-b", "tmux-practice", "-s", "one", "--cwd", cwd.to_str().unwrap()];
    assert_eq!(desk.run("aimax-spawn", &args).code(), Some(0));
    let told = desk.home.root().join("told");
    let mut command = desk.command("aimax-tail", &["-s", "one", "--follow", "--text"]);
    command.stdout(fs::File::create(&told).unwrap());
    let tail = desk.started("aimax-tail", command);
    desk.asleep(tail.child.id());
    desk.run("aimax-paste", &["-s", "one", "-p", GATE]).record::<Proven>();
    let wait = desk.start("aimax-flag", &["wait", "one", "--timeout", "60"]);
    desk.asleep(wait.child.id());
    // While the turn runs: nothing but the transcript changes.
    wait_until(PATIENCE, "the prompt", || {
        fs::read_to_string(&told).unwrap().contains("until test -e gate")
    });
    fs::write(cwd.join("gate"), "").unwrap();
    assert_eq!(wait.end().record::<Job>().state, "done");
    tail.signal(aimax::internal::TERMINATE);
    tail.end();
}

#[test]
fn agents_get_the_folders_that_are_looked_at() {
    let desk = Desk::new();
    let (here, work) = (desk.home.proj(), desk.home.root().join("work"));
    fs::create_dir(&work).unwrap();
    let bin = desk.home.root().join("bin");
    for name in ["claude", "codex"] {
        program(&bin, name, "echo \"told $CLAUDE_CONFIG_DIR+$CODEX_HOME+$AIMAX_HOME\"; exit 7");
    }
    let path = desk.home.env().into_iter().find(|(name, _)| name == "PATH").unwrap().1;
    let run = |program: &str, args: &[&str], set: &[(&str, &str)]| {
        let mut command = desk.command(program, args);
        command.env("PATH", format!("{}:{path}", bin.display())).envs(set.iter().copied());
        desk.started(program, command).end()
    };
    let (root, home) = (here.display().to_string(), desk.home.home().display().to_string());
    let cwd = work.to_str().unwrap();
    let (claude, codex) = ("tmux-claude-code", "tmux-codex");
    for (backend, set, told) in [
        (claude, &[][..], "++".to_owned()),
        (claude, &[("CLAUDE_CONFIG_DIR", "c")], format!("{root}/c++")),
        (claude, &[("CLAUDE_CONFIG_DIR", "~/c")], format!("{home}/c++")),
        (claude, &[("CLAUDE_CONFIG_DIR", "$HOME/c")], format!("{home}/c++")),
        (claude, &[("AIMAX_HOME", "a")], format!("{root}/a/.claude++{root}/a")),
        (codex, &[("CODEX_HOME", "c")], format!("+{root}/c+")),
        (codex, &[("AIMAX_CODEX_HOME", "~/c"), ("CODEX_HOME", "d")], format!("+{home}/c+")),
        (codex, &[("AIMAX_HOME", "~/a")], format!("+{home}/a/.codex+{home}/a")),
    ] {
        let ran = run("aimax-spawn", &["-b", backend, "-s", "real", "--cwd", cwd], set);
        // A long line is wrapped on the screen.
        let said = ran.error().replace(" / ", "").replace('\n', "");
        assert!(said.ends_with(&format!("told {told}")), "{told}: {said}");
    }
    for (variable, value) in
        [("CLAUDE_CONFIG_DIR", "~bob"), ("CODEX_HOME", "$NONE/x"), ("AIMAX_HOME", "~bob/x")]
    {
        let args = ["-b", "tmux-practice", "-s", "one", "--cwd", cwd];
        run("aimax-spawn", &args, &[(variable, value)]).fails(2, &format!("{variable}: `"));
    }
    let set = [("AIMAX_PRACTICE_HOME", "practice")];
    let args = ["-b", "tmux-practice", "-s", "one", "--cwd", cwd, "-p", "hello"];
    let spawned: Spawned = run("aimax-spawn", &args, &set).record();
    assert!(spawned.jsonl_path.starts_with(here.join("practice")));
    assert_eq!(entries(&here), ["practice"]);
    assert_eq!(entries(&work), [".imac"]);
}

#[test]
fn a_session_keeps_the_folders_that_it_was_started_with() {
    let desk = Desk::new();
    let own = desk.home.root().join("own");
    let as_started = |program: &str, args: &[&str]| {
        let mut command = desk.command(program, args);
        command.env("AIMAX_PRACTICE_HOME", &own);
        desk.started(program, command).end()
    };
    let args = ["-b", "tmux-practice", "-s", "one", "-p", GATE];
    let spawned: Spawned = as_started("aimax-spawn", &args).record();
    assert!(spawned.jsonl_path.starts_with(&own), "{spawned:?}");
    // Who looks without the setting sees it all the same.
    let seen: Listed = desk.run("aimax-ls", &["one"]).record();
    assert_eq!((seen.state.as_str(), &seen.jsonl_path), ("working", &spawned.jsonl_path));
    let wait = desk.start("aimax-flag", &["wait", "one", "--timeout", "60"]);
    desk.asleep(wait.child.id());
    desk.open_gate();
    assert_eq!(wait.end().record::<Job>().state, "done");
    assert_eq!(desk.paste("one", "more").verdict, "submitted");
    desk.done("one");
    let text = fs::read(&spawned.jsonl_path).unwrap();
    assert_eq!(desk.run("aimax-tail", &["-s", "one", "--from", "0"]).bytes(), text);
    let _: Killed = desk.run("aimax-kill", &["one"]).record();
    // Its conversation stays there, also under another name.
    let id = spawned.agent_session_id.as_str();
    for name in ["one", "two"] {
        let args = ["-b", "tmux-practice", "-s", name, "--resume", id, "-p", "again"];
        let resumed: Spawned = desk.run("aimax-spawn", &args).record();
        assert_eq!(resumed.jsonl_path, spawned.jsonl_path);
        desk.done(name);
        let _: Killed = desk.run("aimax-kill", &[name]).record();
    }
    assert!(!desk.home.data().join("practice").exists(), "no stray folder");
}

/// In /proc not even root can make a folder.
#[test]
fn where_no_flag_can_be_a_start_says_how_to_put_them_elsewhere() {
    let desk = Desk::new();
    let start = ["-b", "tmux-practice", "-s", "one", "--cwd", "/proc", "-p", "hi"];
    desk.run("aimax-spawn", &start).fails(74, "a folder that you can write in by --flag-root");
    desk.nothing_of("one");
    let root = desk.home.home().to_str().unwrap().to_owned();
    let again = desk.run("aimax-spawn", &[&start[..], &["--flag-root", &root]].concat());
    assert_eq!(again.record::<Spawned>().verdict, "submitted");
    desk.done("one");
}

#[test]
fn a_prompt_whose_flag_cannot_be_written_leaves_the_job_as_it_was() {
    let desk = Desk::new();
    let start = ["-b", "tmux-practice", "-s", "one", "--flag-root", "/proc"];
    desk.run("aimax-spawn", &start).record::<Ready>();
    desk.run("aimax-paste", &["-s", "one", "-p", "hi"]).fails(74, "/proc/.imac");
    desk.run("aimax-flag", &["check", "one"]).silent();
    assert_eq!(desk.run("aimax-ls", &["one"]).record::<Listed>().state, "idle");
}

#[test]
fn flags_are_not_committed() {
    let desk = Desk::new();
    let proj = desk.home.proj();
    let git = |args: &[&str]| {
        let ran = desk.home.command("git").args(args).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    git(&["init", "-q"]);
    fs::write(proj.join("work"), "").unwrap();
    desk.spawn("one", "!git add -A; until test -e gate; do sleep 0.02; done");
    wait_until(PATIENCE, "the agent's git add", || git(&["ls-files"]) == "work\n");
    assert!(desk.is_running("one"));
    desk.open_gate();
    desk.done("one");
    git(&["add", "-A"]);
    assert_eq!(git(&["ls-files"]), "gate\nwork\n");
    let _: Killed = desk.run("aimax-kill", &["one"]).record();
    assert_eq!(entries(&proj), [".git", "gate", "work"]);
}
