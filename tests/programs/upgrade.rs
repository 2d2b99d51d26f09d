//! A new version is installed while sessions of the one before run.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;

use crate::{
    desk::{Desk, GATE, copy_program, prompts},
    records::{Listed, Ready},
    util::wait::{PATIENCE, wait_for, wait_until},
};

/// The names that lead to the one file of a version.
const NAMES: [&str; 4] = ["aimax", "aimax-spawn", "aimax-flag", "aimax-paste"];

/// A desk whose programs are those of a version, in a folder that is on PATH.
struct Installed {
    desk: Desk,
    bin: PathBuf,
}

impl Installed {
    fn new() -> Self {
        let mut desk = Desk::new();
        let bin = desk.home.home().join("bin");
        fs::create_dir(&bin).unwrap();
        desk.home.add_path(&bin);
        Installed { desk, bin }
    }

    /// The one file of a version, in a folder of its own.
    fn version(&self, number: &str) -> PathBuf {
        let folder = self.desk.home.home().join("opt").join(number);
        fs::create_dir_all(&folder).unwrap();
        copy_program(env!("CARGO_BIN_EXE_aimax"), folder.join("aimax"));
        folder
    }

    /// Leads the names to the version in `folder`, as a package manager does that has several.
    fn link(&self, folder: &Path) {
        for name in NAMES {
            let aside = self.bin.join("aside");
            symlink(folder.join("aimax"), &aside).unwrap();
            fs::rename(aside, self.bin.join(name)).unwrap();
        }
    }

    #[track_caller]
    fn run(&self, program: &str, args: &[&str]) -> Output {
        let output = self.desk.home.command(self.bin.join(program)).args(args).output().unwrap();
        assert!(output.status.success(), "{program} {args:?}: {output:?}");
        output
    }

    /// A session whose first turn waits for the gate; and its record.
    fn working(&self) -> Ready {
        let spawned = self.run("aimax-spawn", &["-b", "practice", "-s", "one"]);
        self.run("aimax-paste", &["one", "-p", GATE]);
        wait_until(PATIENCE, "the flag", || self.desk.is_running("one"));
        serde_json::from_slice(&spawned.stdout).unwrap()
    }

    /// How many processes run a file that `path` was.
    fn of_removed(&self, path: &Path) -> usize {
        let removed = format!("{} (deleted)", path.display());
        let programs = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().path().join("exe").read_link().ok());
        programs.filter(|program| program.to_str() == Some(&removed)).count()
    }

    /// That the session works on: the turn's end is told, and the next prompt, and a death.
    fn goes_on(&self, agent: u32) {
        self.desk.open_gate();
        wait_until(PATIENCE, "the end of the flag", || !self.desk.is_running("one"));
        assert_eq!(self.desk.failure("one"), None);
        self.run("aimax-paste", &["one", "-p", "and again"]);
        self.run("aimax-flag", &["wait", "one", "--timeout", "60"]);
        self.run("aimax-paste", &["one", "-p", ":slow 60000"]);
        aimax::internal::kill(agent.try_into().unwrap(), aimax::internal::KILL).unwrap();
        let why = wait_for(PATIENCE, "the failure", |_| self.desk.failure("one"));
        assert!(why.starts_with("the agent ended"), "{why}");
    }
}

#[test]
fn sessions_go_on_when_their_version_is_replaced() {
    let installed = Installed::new();
    let file = installed.bin.join("aimax");
    copy_program(env!("CARGO_BIN_EXE_aimax"), &file);
    for name in &NAMES[1..] {
        symlink("aimax", installed.bin.join(name)).unwrap();
    }
    let ready = installed.working();
    let new = installed.bin.join("new");
    copy_program(&file, &new);
    fs::rename(new, &file).unwrap();
    assert!(installed.of_removed(&file) > 0, "the agent and its keeper run on");
    installed.goes_on(ready.pid);
}

#[test]
fn sessions_go_on_when_the_folder_of_their_version_is_removed() {
    let installed = Installed::new();
    let old = installed.version("1");
    installed.link(&old);
    let ready = installed.working();
    installed.link(&installed.version("2"));
    fs::remove_dir_all(&old).unwrap();
    assert!(installed.of_removed(&old.join("aimax")) > 0, "the agent and its keeper run on");
    installed.goes_on(ready.pid);
    wait_until(PATIENCE, "the end of the keeper", || installed.of_removed(&old.join("aimax")) == 0);
}

/// Leaves of a session what the first version of this program kept: no account of the job, no folders of
/// the agent, no identity of its process.
fn as_first_kept(desk: &Desk) {
    let known = ["agentSessionId", "cwd", "flagRoot", "jsonlPath", "startedAt"];
    for which in ["runtime", "archive"] {
        let state = desk.home.data().join(format!("practice-hub-{which}.json"));
        let mut kept: Value = serde_json::from_slice(&fs::read(&state).unwrap()).unwrap();
        kept["one"].as_object_mut().unwrap().retain(|field, _| known.contains(&&**field));
        assert_eq!(kept["one"].as_object().unwrap().len(), known.len(), "{which}");
        fs::write(&state, kept.to_string()).unwrap();
    }
    let run = desk.home.data().join("run/tmux-practice/one");
    let anchor: Value =
        serde_json::from_slice(&fs::read(run.join("anchor.json")).unwrap()).unwrap();
    for entry in fs::read_dir(&run).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        }
    }
    let old: serde_json::Map<String, Value> = ["pid", "pane", "socket", "serverPid"]
        .map(|field| (field.to_owned(), anchor[field].clone()))
        .into_iter()
        .collect();
    fs::write(run.join("anchor.json"), Value::from(old).to_string()).unwrap();
}

#[test]
fn what_the_first_version_kept_is_read() {
    let desk = Desk::new();
    let ready = desk.spawn("one", GATE);
    as_first_kept(&desk);
    let state = || desk.run("aimax-ls", &["one"]).record::<Listed>();
    assert_eq!((state().state.as_str(), state().pid), ("working", Some(ready.pid)));
    desk.open_gate();
    desk.done("one");
    as_first_kept(&desk);
    desk.paste("one", "and again");
    desk.done("one");
    as_first_kept(&desk);
    assert_eq!(desk.run("aimax-kill", &["one"]).code(), Some(0));
    let id = ready.jsonl_path.file_stem().unwrap().to_str().unwrap();
    let resumed: Ready =
        desk.run("aimax-spawn", &["-b", "practice", "-s", "one", "--resume", id]).record();
    assert_eq!(resumed.jsonl_path, ready.jsonl_path);
    desk.paste("one", "once more");
    desk.done("one");
    assert_eq!(prompts(&ready.jsonl_path), [GATE, "and again", "once more"]);
}
