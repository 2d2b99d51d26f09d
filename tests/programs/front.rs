//! `aimax`: the front of all programs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    desk::Desk,
    records::{Killed, Ready},
};

#[test]
fn help_and_version() {
    let desk = Desk::new();
    let help = desk.run("aimax", &["help"]);
    assert_eq!((help.code(), help.error()), (Some(0), ""));
    assert_eq!(help.text(), desk.run("aimax", &["--help"]).text());
    for verb in ["spawn", "paste", "tail", "flag", "ls", "kill"] {
        assert!(help.text().contains(verb), "{verb}");
        let own = desk.run(&format!("aimax-{verb}"), &["--help"]);
        let through = desk.run("aimax", &["help", verb]);
        assert_eq!((own.code(), through.code()), (Some(0), Some(0)));
        assert_eq!(own.text(), through.text());
        let version = desk.run(&format!("aimax-{verb}"), &["--version"]);
        assert_eq!(version.text(), format!("aimax-{verb} {}\n", env!("CARGO_PKG_VERSION")));
    }
    for verb in [
        "create", "send", "pause", "stop", "list", "status", "history", "stream", "config", "admin",
    ] {
        let through = desk.run("aimax", &["help", verb]);
        assert_eq!((through.code(), through.error()), (Some(0), ""));
        assert!(through.text().contains(&format!("usage: aimax {verb}")), "{}", through.text());
    }
    let page = desk.run("aimax", &["help", "agent"]);
    assert!(page.code() == Some(0) && page.text().starts_with("aimax, for a coding agent"));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(desk.run("aimax", &["version"]).text(), format!("{version}\n"));
    assert_eq!(desk.run("aimax", &["--version"]).text(), format!("aimax {version}\n"));
    assert_eq!(desk.run("aimax", &[]).code(), Some(2));
}

#[test]
fn verbs_are_the_programs() {
    let desk = Desk::new();
    let _: Ready = desk.run("aimax", &["spawn", "-b", "tmux-practice", "-s", "one"]).record();
    let front = desk.run("aimax", &["ls"]);
    let own = desk.run("aimax-ls", &[]);
    assert_eq!((front.code(), own.code()), (Some(0), Some(0)));
    assert_eq!(front.text(), own.text());
    assert!(!own.text().is_empty());
    let wrong = desk.run("aimax", &["ls", "none"]);
    assert_eq!(wrong.code(), Some(69));
    assert!(wrong.error().starts_with("aimax ls: none: no such session"), "{}", wrong.error());
    let _: Killed = desk.run("aimax", &["kill", "one"]).record();
    desk.nothing_of("one");
}

#[test]
fn other_verbs_are_found_on_the_path() {
    let mut desk = Desk::new();
    desk.run("aimax", &["no-such-verb"]).fails(2, "no-such-verb: no such verb");
    desk.run("aimax", &["stattus"]).fails(2, "no such verb: did you mean `status`?");
    desk.run("aimax", &["../ls"]).fails(2, "../ls: no such verb");
    let folder = desk.home.root().join("more");
    fs::create_dir(&folder).unwrap();
    let foo = folder.join("aimax-foo");
    fs::write(&foo, "#!/bin/sh\nprintf '%s|' \"$0\" \"$@\"; exit 7\n").unwrap();
    fs::set_permissions(&foo, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.join("aimax-bar"), "not executable").unwrap();
    desk.home.add_path(&folder);
    let ran = desk.run("aimax", &["foo", "-s", "a b", "", "--"]);
    assert_eq!((ran.code(), ran.error()), (Some(7), ""));
    assert_eq!(ran.text(), format!("{}|-s|a b||--|", foo.display()));
    desk.run("aimax", &["bar"]).fails(2, "bar: no such verb");
}
