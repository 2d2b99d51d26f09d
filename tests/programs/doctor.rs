//! `aimax doctor`: it finds what is wrong, and what it says mends it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
};

use serde::Deserialize;

use crate::{
    desk::{Desk, HUB},
    util::{
        versions,
        wait::{PATIENCE, wait_until},
    },
};

/// SIGSTOP, on Linux.
const STOP: i32 = 19;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    ok: bool,
    findings: Vec<Finding>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Finding {
    area: String,
    subject: String,
    weight: String,
    says: String,
    mend: Option<String>,
    advice: Option<String>,
}

impl Report {
    #[track_caller]
    fn of(&self, area: &str, subject: &str) -> &Finding {
        let found = self.findings.iter().find(|f| f.area == area && f.subject == subject);
        found.unwrap_or_else(|| panic!("no {area} {subject}: {self:#?}"))
    }

    fn problems(&self) -> Vec<&str> {
        let problems = self.findings.iter().filter(|finding| finding.weight == "problem");
        problems.map(|finding| finding.subject.as_str()).collect()
    }
}

/// A home with two agents that say their versions, and nothing else.
fn desk() -> Desk {
    let mut desk = Desk::new();
    let newest = versions::newest("claude").number;
    let claude = format!("{newest} (Claude Code)");
    for (name, says) in [("claude", claude.as_str()), ("codex", "codex-cli 9.9.9")] {
        let script = format!("#!/bin/sh\necho '{says}'\n");
        let path = desk.home.write(&format!("agents/{name}"), script);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::set_permissions(desk.home.data(), fs::Permissions::from_mode(0o700)).unwrap();
    desk.home.add_path(desk.home.home().join("agents"));
    desk
}

#[track_caller]
fn look(desk: &Desk) -> Report {
    let ran = desk.run("aimax", &["doctor", "--json"]);
    let report: Report = ran.records().remove(0);
    assert_eq!((ran.code(), ran.error()), (Some(i32::from(!report.ok)), ""), "{report:#?}");
    assert_eq!(report.ok, report.problems().is_empty());
    report
}

/// Runs what a finding says to run.
#[track_caller]
fn mend(desk: &Desk, finding: &Finding) {
    let command = finding.mend.as_deref().unwrap();
    let ran = desk.home.command("sh").args(["-c", command]).output().unwrap();
    assert!(ran.status.success(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn all_is_well() {
    let desk = desk();
    let report = look(&desk);
    assert_eq!(report.problems(), Vec::<&str>::new());
    let version = desk.tmux().run(["-V"]);
    assert!(report.of("tmux", "tmux").says.starts_with(&version.trim()[5..]), "{version}");
    assert_eq!(report.of("agent", "claude").weight, "ok");
    let codex = report.of("agent", "codex");
    assert_eq!(codex.weight, "note");
    assert!(codex.says.starts_with("9.9.9; the screen profile is made from"), "{}", codex.says);
    desk.ready("one");
    assert_eq!(look(&desk).of("session", "one").says, "idle");
    // For a person the same, without colours in a pipe.
    let text = desk.run("aimax", &["doctor"]);
    assert_eq!((text.code(), text.error()), (Some(0), ""));
    assert!(text.text().contains("ok       session  one: idle\n"), "{}", text.text());
    assert!(!text.text().contains('\x1b'));
    assert_eq!(desk.run("aimax", &["doctor", "me"]).code(), Some(2));
}

#[test]
fn each_problem_is_found_and_mended() {
    let desk = desk();
    desk.ready("gone");
    desk.ready("dead");
    desk.ready("left");
    desk.tmux().run(["kill-window", "-t", &format!("={HUB}:=gone")]);
    let pane = desk.tmux().run(["list-panes", "-t", &format!("={HUB}:=dead"), "-F", "#{pane_pid}"]);
    aimax::internal::kill(pane.trim().parse().unwrap(), aimax::internal::KILL).unwrap();
    let id = desk.tmux().run(["list-panes", "-t", &format!("={HUB}:=dead"), "-F", "#{pane_id}"]);
    desk.died(id.trim());
    desk.run("aimax-kill", &["left"]);
    fs::create_dir_all(desk.flags("left")).unwrap();
    fs::write(desk.flags("left").join("running.flag"), "").unwrap();
    desk.tmux().run(["new-window", "-d", "-t", &format!("={HUB}:"), "-n", "stray", "sleep 600"]);
    fs::set_permissions(desk.home.data(), fs::Permissions::from_mode(0o755)).unwrap();
    let report = look(&desk);
    assert_eq!(report.problems(), ["gone", "dead", "left"]);
    assert_eq!(report.of("session", "gone").says, "its window is gone");
    assert_eq!(report.of("session", "dead").says, "its agent has ended");
    let data = desk.home.data().display().to_string();
    let all = [("session", "gone"), ("session", "dead"), ("flag", "left"), ("session", "stray")];
    for (area, subject) in all.into_iter().chain([("folder", data.as_str())]) {
        let of = |f: &&Finding| f.area == area && f.subject == subject && f.mend.is_some();
        mend(&desk, report.findings.iter().find(of).unwrap());
    }
    let report = look(&desk);
    assert_eq!(report.problems(), Vec::<&str>::new());
    assert!(!report.findings.iter().any(|finding| finding.subject == "stray"));
    assert!(!desk.windows().contains(&"stray".to_owned()));
}

#[test]
fn folders_files_and_locks() {
    let mut desk = desk();
    desk.ready("one");
    let lock = File::open(desk.made_for("one").join("lock")).unwrap();
    lock.lock().unwrap();
    let broken = desk.home.data().join("hub-runtime.json");
    fs::write(&broken, "{").unwrap();
    let report = look(&desk);
    let held = report.of("lock", "one");
    assert_eq!(held.weight, "note");
    if cfg!(target_os = "linux") {
        assert_eq!(held.says, format!("in use by process {}", std::process::id()));
    }
    assert!(report.of("session", "tmux-claude-code").says.contains("set aside as"));
    let aside = report.findings.iter().find(|finding| finding.area == "file").unwrap();
    assert!(aside.subject.contains(".broken-"), "{aside:?}");
    drop(lock);
    let report = look(&desk);
    assert!(report.ok, "{report:#?}");
    assert!(!report.findings.iter().any(|finding| finding.area == "lock"));

    desk.home.set("AIMAX_DATA_DIR", "/dev/null/data");
    assert_eq!(look(&desk).of("folder", "/dev/null/data").weight, "problem");
}

#[test]
fn a_lock_in_the_hands_of_a_stopped_process() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let desk = desk();
    let ready = desk.ready("one");
    desk.tmux().run(["send-keys", "-l", "-t", &ready.pane_id, "a draft"]);
    desk.tmux().wait_text(&ready.pane_id, "a draft");
    let args = ["-s", "one", "-p", "x", "--wait-ready", "600"];
    let paste = desk.start("aimax-paste", &args);
    let pid = paste.child.id();
    wait_until(PATIENCE, "a lock that is held", || {
        look(&desk).findings.iter().any(|finding| finding.area == "lock")
    });
    paste.signal(STOP);
    wait_until(PATIENCE, "a stopped process", || aimax::internal::is_stopped(pid));
    let report = look(&desk);
    assert_eq!(report.problems(), ["one"]);
    let held = report.of("lock", "one");
    assert_eq!(held.says, format!("process {pid} holds the lock, but is stopped"));
    mend(&desk, held);
    assert_eq!(look(&desk).of("lock", "one").weight, "note");
    paste.signal(aimax::internal::TERMINATE);
    assert_eq!(paste.end().signal(), Some(aimax::internal::TERMINATE));
}

#[test]
fn what_is_not_installed() {
    let desk = Desk::new();
    let report = look(&desk);
    assert_eq!(report.of("agent", "agents").weight, "note", "practice alone is no problem");
    let missing = report.of("agent", "codex").mend.as_deref().unwrap();
    assert_eq!(missing, "npm install -g @openai/codex");
    assert_eq!(report.of("proxy", "proxy").weight, "note");
    let settings = r#"{"agentBackendDefaults": {"tmux-codex": {"useProxy": true}}}"#;
    fs::write(desk.home.data().join("admin-settings.json"), settings).unwrap();
    let proxy = look(&desk).of("proxy", "proxy").clone();
    assert_eq!(proxy.weight, "problem");
    assert!(proxy.says.contains("/proxy_claude.conf: "), "{}", proxy.says);
    let conf = desk.home.write("proxy_claude.conf", "strict_chain\nproxy_dns\n");
    let says = look(&desk).of("proxy", conf.to_str().unwrap()).says.clone();
    assert!(says.contains("`proxy_dns`"), "{says}");
    let mut command = desk.command("aimax", &["doctor", "--json"]);
    command.env("PATH", "/nowhere");
    let report: Report = desk.started("aimax", command).end().records().remove(0);
    assert_eq!(report.of("tmux", "tmux").mend.as_deref(), Some("apt install tmux"));
}
