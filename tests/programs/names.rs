//! How a session and its backend are named: the same in every program.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::process::Stdio;

use serde_json::Value;

use crate::{
    desk::{Desk, GATE},
    records::{Listed, Proven, Ready},
};

#[test]
fn an_operand_or_an_option_names_a_session() {
    let desk = Desk::new();
    let _: Ready = desk.run("aimax-spawn", &["-b", "practice", "one"]).record();
    for args in [&["one", "-p", "x"][..], &["-s", "one", "-p", "x"]] {
        let _: Proven = desk.run("aimax-paste", args).record();
        desk.done("one");
    }
    for verb in ["send", "pause", "status", "history"] {
        let more = if verb == "send" { &["-p", "x"][..] } else { &[] };
        for name in [&["one"][..], &["-s", "one"]] {
            let ran = desk.run("aimax", &[&[verb], name, more].concat());
            assert_eq!((ran.code(), ran.error()), (Some(0), ""), "{verb} {name:?}");
        }
        let twice = desk.run("aimax", &[&[verb, "two", "-s", "one"], more].concat());
        twice.fails_as(&format!("aimax {verb}"), 2, "two: only one session");
    }
    let listed: Listed = desk.run("aimax-ls", &["-b", "practice", "-s", "one"]).record();
    assert_eq!(listed.session_id, "one");
    desk.run("aimax-tail", &["one"]).fails(69, "no such file: did you mean `-s one`?");
    desk.run("aimax-tail", &["one", "--answer"]).fails(69, "did you mean `-s one`?");
    desk.run("aimax-ls", &["-b", "codx"]).fails(2, "did you mean `codex`?");
    let _: Ready = desk.run("aimax-spawn", &["-b", "practice", "two"]).record();
    assert_eq!(desk.run("aimax-kill", &["one", "-s", "two"]).records::<Value>().len(), 2);
}

#[test]
fn what_was_ended_is_ended_for_kill_and_stop_alike_and_ls_finds_it() {
    let desk = Desk::new();
    desk.ready("one");
    desk.run("aimax-kill", &["one"]).record::<Value>();
    let again: Value = desk.run("aimax-kill", &["one"]).record();
    assert_eq!((&again["killed"], &again["wasWorking"]), (&false.into(), &false.into()));
    let stopped = desk.run("aimax", &["stop", "one"]);
    assert_eq!((stopped.code(), stopped.text()), (Some(0), "· one was not running\n"));
    desk.run("aimax-kill", &["none"]).fails(69, "none: no such session");
    desk.run("aimax", &["stop", "none"]).fails_as("aimax stop", 69, "none: no such session");
    let all = desk.run("aimax-ls", &["--all"]).text().to_owned();
    let named = desk.run("aimax-ls", &["--all", "one"]);
    assert_eq!((named.code(), named.text()), (Some(1), &*all), "it is not alive");
    desk.run("aimax-ls", &["--all", "none"]).fails(69, "none: no such session");
}

#[test]
fn a_wait_for_idle_that_takes_too_long_is_a_timeout() {
    let desk = Desk::new();
    desk.spawn("one", GATE);
    let args = ["-s", "one", "--when", "idle", "--timeout", "0.3", "-p", "later"];
    let late: Value = desk.run("aimax-paste", &args).fails_with(124, "did not end in time");
    assert_eq!(late["verdict"], "blocked");
}

#[test]
fn a_session_that_was_ended_is_told_with_the_command_that_goes_on() {
    let desk = Desk::new();
    let ready = desk.spawn("one", "hello");
    desk.done("one");
    desk.run("aimax-kill", &["one"]).record::<Value>();
    let ids = desk.run("aimax-ls", &["--all", "--ids"]);
    assert_eq!(ids.text(), format!("{}\n", ready.agent_session_id));
    let ran = desk.run("aimax-paste", &["one", "-p", "x"]);
    ran.fails(
        69,
        "one: no such session: it was ended: `aimax-spawn -b tmux-practice -s one --cwd ",
    );
    let command = ran.error().split('`').nth(1).unwrap();
    let mut bash = desk.home.command("bash");
    bash.args(["-c", command]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let again = desk.started("bash", bash);
    let again: Ready = again.end().record();
    assert_eq!(again.agent_session_id, ready.agent_session_id);
}
