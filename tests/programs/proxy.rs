//! Starting an agent behind the proxy: what must be there, who decides, and what is looked at. That
//! connections really go through it is tested on the real agents.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    desk::{Desk, Ran},
    records::Ready,
};

/// A home with all that the proxy needs, and a proxychains that only starts the program.
fn desk(envs: &str) -> Desk {
    let mut desk = Desk::new();
    desk.home.write("proxy_claude.conf", "");
    desk.home.write("proxy_envs.bash", envs);
    let script = "#!/bin/sh\necho \"$@\" >\"$HOME/chained\"\nshift 3\nexec \"$@\"\n";
    let path = desk.home.write("bin/proxychains4", script);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    desk.home.add_path(desk.home.home().join("bin"));
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        desk.home.set(name, "");
    }
    desk
}

fn spawn(desk: &Desk, more: &[&str]) -> Ran {
    desk.run("aimax-spawn", &[&["-b", "tmux-practice", "-s", "one"], more].concat())
}

fn kept(desk: &Desk) -> serde_json::Value {
    let state: serde_json::Value = serde_json::from_str(&desk.state("archive")).unwrap();
    state["one"]["useProxy"].clone()
}

#[test]
fn what_is_missing_is_named_and_nothing_is_started() {
    let desk = desk("");
    let fails = |says: &str| {
        spawn(&desk, &["--use-proxy", "true"]).fails(69, says);
        desk.nothing_of("one");
    };
    desk.home.write("proxy_envs.bash", "if");
    fails("/proxy_envs.bash: bash cannot read it: ");
    fs::remove_file(desk.home.home().join("proxy_envs.bash")).unwrap();
    fails("/proxy_envs.bash: No such file or directory");
    fs::remove_file(desk.home.home().join("proxy_claude.conf")).unwrap();
    fails("/proxy_claude.conf: No such file or directory");
}

#[test]
fn the_option_decides_and_else_the_administrator() {
    let desk = desk("export https_proxy=http://127.0.0.1:9 HERE='a b'");
    let _: Ready = spawn(&desk, &["--use-proxy", "true"]).record();
    assert_eq!(kept(&desk), true);
    let chained = fs::read_to_string(desk.home.home().join("chained")).unwrap();
    let conf = desk.home.home().join("proxy_claude.conf");
    assert!(chained.starts_with(&format!("-q -f {} ", conf.display())), "{chained}");
    desk.run("aimax-paste", &["-s", "one", "-p", "!test \"$HERE\" = 'a b' && touch seen"]);
    desk.done("one");
    assert!(desk.home.proj().join("seen").exists(), "the variables of the file are there");
    desk.run("aimax-kill", &["one"]);

    let settings = r#"{"agentBackendDefaults": {"tmux-practice": {"useProxy": true}}}"#;
    let path = desk.home.data().join("admin-settings.json");
    fs::write(&path, settings).unwrap();
    let _: Ready = spawn(&desk, &["--use-proxy", "false"]).record();
    assert_eq!(kept(&desk), false);
    desk.run("aimax-kill", &["one"]);
    let _: Ready = spawn(&desk, &[]).record();
    assert_eq!(kept(&desk), true);
    desk.run("aimax-kill", &["one"]);
    fs::write(&path, settings.replace("true", "1")).unwrap();
    spawn(&desk, &[]).fails(2, "admin-settings.json: tmux-practice.useProxy: 1 is neither");
}

#[test]
fn an_agent_that_the_proxy_has_no_hold_on_is_not_left_running() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let desk = desk("");
    let ran = spawn(&desk, &["--use-proxy", "true", "-p", "hello"]);
    ran.fails(69, "proxychains has no effect on it: export HTTPS_PROXY or ALL_PROXY in");
    desk.nothing_of("one");
}
