//! `aimax-spawn`: sessions that start, go on in old conversations, and get what they are given.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

use crate::{
    desk::{Desk, GATE, Ran, Running, gone, prompts, told},
    records::{Killed, Listed, Ready, Spawned},
};

#[test]
fn a_session_waits_for_its_first_prompt() {
    let desk = Desk::new();
    let ready: Ready = desk.ready("a.b_c-1");
    assert!(!ready.jsonl_path.exists(), "there is no transcript before a prompt");
    assert!(!desk.is_running("a.b_c-1"), "and no job");
    assert_eq!(desk.windows(), ["_root", "a.b_c-1"]);
    let made = desk.made_for("a.b_c-1");
    assert!(!made.join("orders").exists(), "the window has taken its orders");
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(made.join("settings.json")), 0o600);
    assert_eq!(mode(made), 0o700);
    desk.paste("a.b_c-1", "hello");
    assert_eq!(prompts(&ready.jsonl_path), ["hello"]);
}

/// A person's own option would end the hub, and every agent, once somebody has looked and gone.
#[test]
fn the_hub_stays_when_nobody_looks() {
    let desk = Desk::new();
    desk.home.write(".tmux.conf", "set -g destroy-unattached on\n");
    let _: Ready = desk.ready("one");
    let asked = |scope: &str| {
        let hub = "=imac_practice_agent_hub:";
        desk.tmux().run(["show-options", scope, "-t", hub, "destroy-unattached"])
    };
    assert_eq!((asked("-gv").trim(), asked("-v").trim()), ("on", "off"));
}

#[test]
fn the_variables_stand_in_for_the_options() {
    let mut desk = Desk::new();
    desk.home.set("AIMAX_BACKEND", "tmux-practice");
    desk.home.set("AIMAX_SESSION", "one");
    let ready: Ready = desk.run("aimax-spawn", &[]).record();
    assert_eq!((ready.session_id.as_str(), ready.backend.as_str()), ("one", "tmux-practice"));
}

#[test]
fn an_agent_gets_the_callers_folder_and_environment() {
    let mut desk = Desk::new();
    desk.home.set("GIVEN", "a b;'\u{e9}\nc\\");
    desk.home.set("CLAUDECODE", "1");
    desk.home.set("AIMAX_SESSION", "not-this");
    let folder = desk.home.root().join("a folder; $HOME");
    fs::create_dir(&folder).unwrap();
    let link = desk.home.root().join("link");
    std::os::unix::fs::symlink(&folder, &link).unwrap();
    let args = ["-b", "tmux-practice", "-s", "env", "--cwd", link.to_str().unwrap()];
    let prompt = "!printf '%s' \"$GIVEN\" > given; env > all; pwd > where";
    let spawned: Spawned = desk.run("aimax-spawn", &[&args[..], &["-p", prompt]].concat()).record();
    told(&spawned.jsonl_path, "turn_duration");
    assert_eq!(fs::read_to_string(folder.join("given")).unwrap(), "a b;'\u{e9}\nc\\");
    let all = fs::read_to_string(folder.join("all")).unwrap();
    let names: Vec<&str> = all.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    for name in ["CLAUDECODE", "AIMAX_SESSION"] {
        assert!(!names.contains(&name), "{name}");
    }
    for name in ["TMUX", "TMUX_PANE", "HOME", "PATH", "TERM"] {
        assert!(names.contains(&name), "{name}");
    }
    assert_eq!(
        fs::read_to_string(folder.join("where")).unwrap().trim_end(),
        link.to_str().unwrap()
    );
    assert!(link.join(".imac/flags/env").is_dir(), "the flags are where the agent works");
}

#[test]
fn flags_go_where_they_are_asked_for() {
    let desk = Desk::new();
    let root = desk.home.root().join("flags here");
    fs::create_dir(&root).unwrap();
    let args =
        ["-b", "tmux-practice", "-s", "f", "--flag-root", root.to_str().unwrap(), "-p", GATE];
    let _: Spawned = desk.run("aimax-spawn", &args).record();
    assert!(root.join(".imac/flags/f/running.flag").exists());
    assert!(!desk.home.proj().join(".imac").exists());
    desk.open_gate();
    desk.done("f");
    assert!(!root.join(".imac/flags/f/running.flag").exists());
    let _: Killed = desk.run("aimax-kill", &["f"]).record();
    assert!(!root.join(".imac").exists());
}

#[test]
fn the_trust_dialog_is_answered() {
    let desk = Desk::with("");
    let args = ["-b", "tmux-practice", "-s", "t", "-p", "hello"];
    let spawned: Spawned = desk.run("aimax-spawn", &args).record();
    assert_eq!(spawned.verdict, "submitted");
    let trusted = fs::read_to_string(desk.home.data().join("practice/trusted.json")).unwrap();
    let proj = desk.home.proj();
    assert_eq!(trusted, format!("{{\"{}\":true}}", proj.display()));
}

#[test]
fn a_conversation_goes_on_where_it_ended() {
    let desk = Desk::new();
    let first = desk.spawn("one", "first");
    desk.done("one");
    let id = first.agent_session_id.as_str();
    let resume =
        |name: &str| desk.run("aimax-spawn", &["-b", "tmux-practice", "-s", name, "--resume", id]);
    resume("two")
        .fails(3, &format!("conversation {id}: it is already open in process {}", first.pid));
    desk.nothing_of("two");
    let _: Killed = desk.run("aimax-kill", &["one"]).record();
    let ready: Ready = resume("two").record();
    assert_eq!(
        (&ready.agent_session_id, &ready.jsonl_path),
        (&first.agent_session_id, &first.jsonl_path)
    );
    let before = fs::metadata(&first.jsonl_path).unwrap().len();
    let pasted = desk.paste("two", "second");
    assert_eq!(pasted.offset, before);
    desk.done("two");
    assert_eq!(prompts(&first.jsonl_path), ["first", "second"]);
}

#[test]
fn a_name_in_use_is_refused_and_a_dead_window_is_not_in_use() {
    let desk = Desk::new();
    let first = desk.ready("one");
    let state = desk.state("runtime");
    let again = ["-b", "tmux-practice", "-s", "one", "-p", "x"];
    desk.run("aimax-spawn", &again).fails(3, "one: a session of this name is running");
    assert_eq!(desk.state("runtime"), state);
    // A name is taken whole, though tmux goes by the beginning of one.
    let _: Ready = desk.ready("on");
    let _: Ready = desk.ready("one1");
    aimax::internal::kill(first.pid.try_into().unwrap(), aimax::internal::KILL).unwrap();
    gone(first.pid);
    let pane = first.pane_id;
    desk.died(&pane);
    let second: Spawned = desk.run("aimax-spawn", &again).record();
    assert_ne!(second.agent_session_id, first.agent_session_id);
    let mut windows = desk.windows();
    windows.sort();
    assert_eq!(windows, ["_root", "on", "one", "one1"]);
    let listed: Listed = desk.run("aimax-ls", &["one"]).record();
    assert_eq!(listed.pid, Some(second.pid));
}

#[test]
fn the_prompt_comes_from_an_option_a_file_or_a_pipe() {
    let desk = Desk::new();
    let file = desk.home.write("prompt", "from a file\n");
    let spawn = |name: &'static str| ["-b", "tmux-practice", "-s", name].to_vec();
    let given = |spawned: &Spawned| prompts(&spawned.jsonl_path);
    let args = [spawn("file"), vec!["-f", file.to_str().unwrap()]].concat();
    let spawned: Spawned = desk.run("aimax-spawn", &args).record();
    assert_eq!(
        (given(&spawned), &spawned.normalized[..]),
        (vec!["from a file".to_owned()], &["trailing_blanks".to_owned()][..])
    );
    let dash = [spawn("pipe"), vec!["-f", "-"]].concat();
    let spawned: Spawned = desk.run_with("aimax-spawn", &dash, b"from a pipe").record();
    assert_eq!(given(&spawned), ["from a pipe"]);
    // Without being asked for, standard input is not read: it may be the list of a loop.
    let script = "printf 'a\\nb\\n' | while read -r name; do \
                  aimax-spawn -b practice $name >/dev/null; aimax pause $name; done";
    let mut command = desk.home.command("/bin/sh");
    command.args(["-c", script]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ran = desk.started("sh", command).end();
    assert_eq!(ran.text(), "· a had no turn to stop\n· b had no turn to stop\n", "{ran:?}");
    let mut silent = desk.command("aimax-spawn", &spawn("silent"));
    let mut running = silent.stdin(Stdio::piped()).spawn().unwrap();
    let open = running.stdin.take();
    let ended = crate::util::wait::ended(running, "a start with a silent pipe");
    assert!(ended.status.success(), "{ended:?}");
    drop(open);
}

#[test]
fn two_starts_at_once_are_two_sessions() {
    let desk = Desk::new();
    let both = ["one", "two"]
        .map(|name| desk.start("aimax-spawn", &["-b", "tmux-practice", "-s", name, "-p", name]));
    let [one, two] = both.map(|running| running.end().record::<Spawned>());
    assert_eq!(prompts(&one.jsonl_path), ["one"]);
    assert_eq!(prompts(&two.jsonl_path), ["two"]);
    let names: Vec<Listed> = desk.run("aimax-ls", &[]).records();
    assert_eq!(names.len(), 2);
    assert_eq!(desk.windows().len(), 3);
}

#[test]
fn one_name_is_started_once() {
    let desk = Desk::new();
    let spawn = || desk.start("aimax-spawn", &["-b", "tmux-practice", "-s", "one"]);
    let mut both = [spawn(), spawn()].map(Running::end);
    both.sort_by_key(Ran::code);
    let ready: Ready = both[0].record();
    both[1].fails(3, "one: a session of this name is running");
    let listed: Listed = desk.run("aimax-ls", &["one"]).record();
    assert_eq!((listed.pid, listed.state.as_str()), (Some(ready.pid), "idle"));
}
