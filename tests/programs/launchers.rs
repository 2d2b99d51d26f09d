//! Launchers between us and the agent: what is first on the PATH is often a link, a shim or a script.
//! Some become the agent, others stay and wait for it. Each is imitated as it behaves: volta-shim,
//! mise and asdf by their sources, npm and the agents' node launchers by what they were seen to do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use crate::{
    desk::{Desk, GATE, copy_program, gone},
    records::{Killed, Listed, Proven, Ready},
    util::{
        processes::family,
        wait::{PATIENCE, wait_until},
    },
};

/// The name under which our programs look for the practice agent beside them.
const AGENT: &str = "aimax-practice-agent";

/// A folder with a copy of `aimax-spawn`, which finds its agent there.
struct Place {
    desk: Desk,
    folder: PathBuf,
}

impl Place {
    fn new() -> Place {
        let desk = Desk::new();
        let folder = desk.home.root().join("bin");
        fs::create_dir(&folder).unwrap();
        let spawn = Path::new(env!("CARGO_BIN_EXE_aimax-spawn"));
        copy_program(spawn, folder.join("aimax-spawn"));
        let place = Place { desk, folder };
        let aimax = env!("CARGO_BIN_EXE_aimax");
        place.script("real", &format!("exec '{aimax}' practice-agent \"$@\""));
        place
    }

    /// A script of that name in a folder of its own kind.
    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        let real = self.folder.join("real");
        let text = text.replace("REAL", &format!("'{}'", real.display()));
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn spawn(&self, name: &str) -> Ready {
        let mut command = self.desk.home.command(self.folder.join("aimax-spawn"));
        command.args(["-b", "tmux-practice", "-s", name]);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Starts it, sees it work, and ends it with all that it has begun. So many processes `stay` above the agent.
fn works(place: &Place, name: &str, stay: usize) {
    let desk = &place.desk;
    let ready = place.spawn(name);
    assert_eq!(family(ready.pid).len(), 1 + stay, "{name}");
    let state = || {
        let listed: Listed = desk.run("aimax-ls", &[name]).record();
        assert_eq!(listed.pid, Some(ready.pid), "{name}");
        listed.state
    };
    assert_eq!(state(), "idle", "{name}");
    desk.paste(name, GATE);
    assert_eq!(state(), "working", "{name}");
    let stopped: Proven =
        desk.run("aimax-paste", &["-s", name, "--interrupt", "-p", GATE]).record();
    assert_eq!(stopped.verdict, "submitted", "{name}: the key reached the agent alone");
    wait_until(PATIENCE, "a tool to run", || family(ready.pid).len() > 1 + stay);
    let all = family(ready.pid);
    let killed: Killed = desk.run("aimax-kill", &[name]).record();
    assert!(killed.killed && killed.was_working, "{name}");
    all.into_iter().for_each(gone);
}

#[test]
fn a_launcher_that_becomes_the_agent() {
    let place = Place::new();
    let agent = place.folder.join(AGENT);
    // The native installer's link, and npm's below nvm: a link to a link.
    symlink("real", place.folder.join("2.1.330")).unwrap();
    symlink("2.1.330", &agent).unwrap();
    works(&place, "link", 0);
    fs::remove_file(&agent).unwrap();
    // asdf: a script that becomes `asdf exec NAME`, which becomes the program.
    let asdf = place.script("asdf", "shift 2; ASDF_INSTALL_TYPE=version exec REAL \"$@\"");
    place.script(AGENT, &format!("exec '{}' exec {AGENT} \"$@\"", asdf.display()));
    works(&place, "asdf", 0);
    fs::remove_file(&agent).unwrap();
    // mise: a link to mise itself, which is told by the link's name what to become.
    let by_name = format!("[ \"${{0##*/}}\" = {AGENT} ] || exit 9\n__MISE_SHIM=1 exec REAL \"$@\"");
    place.script("mise", &by_name);
    symlink("mise", &agent).unwrap();
    works(&place, "mise", 0);
}

#[test]
fn a_launcher_that_stays() {
    let place = Place::new();
    place.script(AGENT, "REAL \"$@\"\nexit $?");
    works(&place, "wrapper", 1);
    // volta: a link, too. It takes SIGINT and does nothing then; other signals end it alone.
    let agent = place.folder.join(AGENT);
    fs::remove_file(&agent).unwrap();
    let by_name = format!("[ \"${{0##*/}}\" = {AGENT} ] || exit 9\ntrap : INT\n");
    place.script("volta-shim", &(by_name + "_VOLTA_TOOL_RECURSION=1 REAL \"$@\"\nexit $?"));
    symlink("volta-shim", &agent).unwrap();
    works(&place, "volta", 1);
    fs::remove_file(&agent).unwrap();
    // npx: npm starts a shell, and that the program. SIGINT and SIGTERM go on to the shell.
    let forward = |signals: &str| {
        format!("for s in {signals}; do trap \"kill -$s \\$!\" $s; done\n")
            + "while wait $!; s=$?; kill -0 $! 2>/dev/null; do :; done\nexit $s"
    };
    let shell = "exec 3<&0\n\
        export npm_command=exec npm_lifecycle_event=npx\n\
        sh -c '\"$0\" \"$@\"; exit $?' REAL \"$@\" <&3 &\n";
    place.script(AGENT, &(shell.to_owned() + &forward("INT TERM")));
    works(&place, "npx", 2);
    // The agents' node launchers: SIGINT, SIGTERM and SIGHUP go on to the agent.
    place.script(AGENT, &("exec 3<&0\nREAL \"$@\" <&3 &\n".to_owned() + &forward("INT TERM HUP")));
    works(&place, "node", 1);
}
