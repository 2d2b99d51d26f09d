//! A desk to work at: a home with our programs on the PATH, and what a user would look at.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fmt::Debug,
    fs,
    io::Write,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    practice::pane::brief,
    records::{Proven, Ready, Spawned},
    util::{
        home::Home,
        schema,
        tmux::Tmux,
        wait::{PATIENCE, ended, wait_for, wait_until},
    },
};

pub(crate) const HUB: &str = "imac_practice_agent_hub";

/// A prompt whose turn ends when [`Desk::open_gate`] says so.
pub(crate) const GATE: &str = "!until test -e gate; do sleep 0.02; done";

/// A home whose practice agents trust every folder.
pub(crate) struct Desk {
    pub(crate) home: Home,
}

/// What a program did.
#[derive(Debug)]
pub(crate) struct Ran {
    program: String,
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with("trust=yes")
    }

    /// Agents that misbehave, all of them.
    pub(crate) fn with(misbehave: &str) -> Self {
        let mut home = Home::new();
        home.add_path(Path::new(env!("CARGO_BIN_EXE_aimax")).parent().unwrap());
        home.set("AIMAX_PRACTICE", misbehave);
        Desk { home }
    }

    /// `program ARGS`, not started yet; nothing on its standard input.
    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        let beside = Path::new(env!("CARGO_BIN_EXE_aimax")).with_file_name(program);
        let mut command = self.home.command(beside);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    #[track_caller]
    pub(crate) fn run(&self, program: &str, args: &[&str]) -> Ran {
        self.start(program, args).end()
    }

    /// The same with `input` in a pipe.
    #[track_caller]
    pub(crate) fn run_with(&self, program: &str, args: &[&str], input: &[u8]) -> Ran {
        let mut child = self.command(program, args).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Running { program: program.into(), child }.end()
    }

    /// A program that runs beside the test.
    pub(crate) fn start(&self, program: &str, args: &[&str]) -> Running {
        self.started(program, self.command(program, args))
    }

    /// The same with a command that was changed.
    pub(crate) fn started(&self, program: &str, mut command: Command) -> Running {
        Running { program: program.into(), child: command.spawn().unwrap() }
    }

    /// Waits until tmux has seen that the pane's program ended.
    pub(crate) fn died(&self, pane: &str) {
        wait_until(PATIENCE, "a dead pane", || {
            // tmux 3.3a now and then misses the end of a child until another one ends.
            self.tmux().run(["run-shell", "-b", "true"]);
            self.tmux().ask(pane, "pane_dead") == "1"
        });
    }

    /// A session that waits for its first prompt.
    pub(crate) fn ready(&self, name: &str) -> Ready {
        self.ready_with(name, "trust=yes")
    }

    /// The same with an agent that misbehaves.
    pub(crate) fn ready_with(&self, name: &str, misbehave: &str) -> Ready {
        let args = ["-b", "tmux-practice", "-s", name, "--", "--misbehave", misbehave];
        self.run("aimax-spawn", &args).record()
    }

    /// A session with a first prompt.
    pub(crate) fn spawn(&self, name: &str, prompt: &str) -> Spawned {
        self.run("aimax-spawn", &["-b", "tmux-practice", "-s", name, "-p", prompt]).record()
    }

    /// A prompt that is proven.
    pub(crate) fn paste(&self, name: &str, prompt: &str) -> Proven {
        self.run("aimax-paste", &["-s", name, "-p", prompt]).record()
    }

    /// Waits for the end of a job that is to go well.
    pub(crate) fn done(&self, name: &str) {
        let ran = self.run("aimax-flag", &["wait", name, "--timeout", "60"]);
        assert_eq!(ran.record::<crate::records::Job>().state, "done");
    }

    /// Waits until a program of ours sleeps in its wait for events.
    pub(crate) fn asleep(&self, pid: u32) {
        wait_for(PATIENCE, "a program that sleeps in poll", |saw| {
            // Without /proc there is no telling; the tests that ask only get less sharp.
            let Ok(place) = fs::read_to_string(format!("/proc/{pid}/wchan")) else {
                return Some(());
            };
            *saw = place;
            saw.contains("poll").then_some(())
        });
    }

    pub(crate) fn tmux(&self) -> Tmux<'_> {
        self.home.tmux()
    }

    /// The names of the hub's windows; none without a hub.
    pub(crate) fn windows(&self) -> Vec<String> {
        let target = format!("={HUB}:");
        let said = self.tmux().output(["list-windows", "-t", &target, "-F", "#{window_name}"]);
        String::from_utf8(said.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    /// One of the state files: `runtime` or `archive`.
    pub(crate) fn state(&self, which: &str) -> String {
        let path = self.home.data().join(format!("practice-hub-{which}.json"));
        fs::read_to_string(path).unwrap_or_else(|_| "{}".into())
    }

    /// Whether a state file knows the session.
    pub(crate) fn knows(&self, which: &str, name: &str) -> bool {
        let state: Value = serde_json::from_str(&self.state(which)).unwrap();
        state.get(name).is_some()
    }

    /// The files made for the session.
    pub(crate) fn made_for(&self, name: &str) -> PathBuf {
        self.home.data().join("run/tmux-practice").join(name)
    }

    pub(crate) fn flags(&self, name: &str) -> PathBuf {
        self.home.proj().join(".imac/flags").join(name)
    }

    pub(crate) fn is_running(&self, name: &str) -> bool {
        self.flags(name).join("running.flag").exists()
    }

    /// What `failed.flag` gives as the reason.
    pub(crate) fn failure(&self, name: &str) -> Option<String> {
        let text = fs::read_to_string(self.flags(name).join("failed.flag")).ok()?;
        text.lines().find_map(|line| line.strip_prefix("reason=").map(str::to_owned))
    }

    /// Lets the turn of [`GATE`] end.
    pub(crate) fn open_gate(&self) {
        fs::write(self.home.proj().join("gate"), "").unwrap();
    }

    /// That the session is not there and nothing of it is.
    #[track_caller]
    pub(crate) fn nothing_of(&self, name: &str) {
        assert!(!self.windows().iter().any(|window| window == name), "its window");
        assert!(!self.knows("runtime", name), "{}", self.state("runtime"));
        assert!(!self.flags(name).exists(), "its flags");
        let left: Vec<String> = fs::read_dir(self.made_for(name))
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|file| file != "lock" && file != "flags.lock")
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // A tool that outlives its agent ends by itself.
        if self.home.proj().is_dir() {
            self.open_gate();
        }
    }
}

/// A program that runs.
pub(crate) struct Running {
    program: String,
    pub(crate) child: Child,
}

impl Running {
    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(self) -> Ran {
        let Output { status, stdout, stderr } = ended(self.child, &self.program);
        let stderr = String::from_utf8(stderr).unwrap();
        schema::check(&self.program, &stdout);
        Ran { program: self.program, status, stdout, stderr }
    }

    /// The same for one that may have ended.
    pub(crate) fn signal_if_alive(&self, signal: i32) -> bool {
        aimax::internal::kill(self.child.id().try_into().unwrap(), signal).is_ok()
    }

    pub(crate) fn signal(&self, signal: i32) {
        aimax::internal::kill(self.child.id().try_into().unwrap(), signal).unwrap();
    }
}

impl Ran {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    pub(crate) fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.stdout
    }

    pub(crate) fn error(&self) -> &str {
        &self.stderr
    }

    /// All records; whatever else is on standard output fails.
    #[track_caller]
    pub(crate) fn records<T: DeserializeOwned>(&self) -> Vec<T> {
        let text = self.text();
        assert!(text.is_empty() || text.ends_with('\n'), "half a record: {self:#?}");
        let read =
            |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        text.lines().map(read).collect()
    }

    /// The one record of a program that succeeded, silently.
    #[track_caller]
    pub(crate) fn record<T: DeserializeOwned + Debug>(&self) -> T {
        assert!(self.status.success() && self.stderr.is_empty(), "{self:#?}");
        self.one()
    }

    #[track_caller]
    fn one<T: DeserializeOwned + Debug>(&self) -> T {
        let mut records = self.records();
        assert_eq!(records.len(), 1, "{self:#?}");
        records.remove(0)
    }

    /// Done, with nothing to say.
    #[track_caller]
    pub(crate) fn silent(&self) {
        assert!(self.status.success() && self.stderr.is_empty(), "{self:#?}");
        assert!(self.stdout.is_empty(), "{self:#?}");
    }

    /// Failed, without a record, and with one line that holds `says`.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, says: &str) {
        assert!(self.stdout.is_empty(), "{self:#?}");
        self.complains(code, says);
    }

    /// The same of a verb of the front's, which says its name as it was called.
    #[track_caller]
    pub(crate) fn fails_as(&self, name: &str, code: i32, says: &str) {
        assert!(self.stdout.is_empty(), "{self:#?}");
        self.complains_as(name, code, says);
    }

    /// Failed with a record, and with one line that holds `says`.
    #[track_caller]
    pub(crate) fn fails_with<T: DeserializeOwned + Debug>(&self, code: i32, says: &str) -> T {
        self.complains(code, says);
        self.one()
    }

    #[track_caller]
    fn complains(&self, code: i32, says: &str) {
        self.complains_as(&self.program, code, says);
    }

    #[track_caller]
    fn complains_as(&self, name: &str, code: i32, says: &str) {
        assert_eq!(self.code(), Some(code), "{self:#?}");
        let name = format!("{name}: ");
        let line = self.stderr.strip_prefix(&name).and_then(|rest| rest.strip_suffix('\n'));
        let line = line.unwrap_or_else(|| panic!("not a line of {name}{self:#?}"));
        assert!(line.contains(says) && !line.contains('\n'), "not {says:?}: {self:#?}");
    }
}

/// The transcript's whole lines, each in brief; none without a file.
pub(crate) fn story(transcript: &Path) -> Vec<String> {
    let text = fs::read_to_string(transcript).unwrap_or_default();
    let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
    whole.lines().map(|line| brief(&serde_json::from_str(line).unwrap())).collect()
}

/// The prompts that the agent recorded as given to the model, in order.
pub(crate) fn prompts(transcript: &Path) -> Vec<String> {
    let text = fs::read_to_string(transcript).unwrap_or_default();
    let entries = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let given = entries.filter_map(|entry| match entry["type"].as_str() {
        Some("attachment") => entry["attachment"]["prompt"].as_str().map(str::to_owned),
        Some("user") => entry["message"]["content"].as_str().map(str::to_owned),
        _ => None,
    });
    given.collect()
}

/// Waits until the transcript has a line that is `brief`.
pub(crate) fn told(transcript: &Path, line: &str) {
    wait_for(PATIENCE, &format!("{line:?} in the transcript"), |saw| {
        *saw = story(transcript).join("\n");
        saw.lines().any(|told| told == line).then_some(())
    });
}

/// Waits until process `pid` is gone. One that only waits to be noticed by its parent is.
pub(crate) fn gone(pid: u32) {
    let is_gone = || aimax::internal::start_time(pid).is_none();
    wait_until(PATIENCE, &format!("the end of process {pid}"), is_gone);
}

/// Copies a program that will be run. By a program: a file that this process has open for writing, a child
/// that another test starts at that moment has open too, and then it cannot be run.
pub(crate) fn copy_program(from: impl AsRef<Path>, to: impl AsRef<Path>) {
    let copied = Command::new("cp").arg(from.as_ref()).arg(to.as_ref()).status();
    assert!(copied.unwrap().success(), "{}", to.as_ref().display());
}
