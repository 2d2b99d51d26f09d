//! A practice agent in a private tmux server, and the one wait of its tests.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;

/// Waits for `condition`, and gives what it gave; `what` is named when the deadline passes.
pub(crate) fn until<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    wait(condition, || what.to_owned())
}

/// The one wait of these tests. The deadline only ends it.
fn wait<T>(mut condition: impl FnMut() -> Option<T>, what: impl FnOnce() -> String) -> T {
    let end = Instant::now() + Duration::from_secs(15);
    loop {
        if let Some(value) = condition() {
            return value;
        }
        if Instant::now() >= end {
            panic!("never seen: {}", what());
        }
        sleep(Duration::from_millis(5));
    }
}

/// A practice agent in the one pane of a tmux server of its own; both go when this is dropped.
pub(crate) struct Pane {
    /// Holds the home, the working directory and the socket.
    pub(crate) folder: PathBuf,
}

impl Pane {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::sized(arguments, "80", "24")
    }

    pub(crate) fn sized(arguments: &[&str], columns: &str, rows: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("aimax-practice-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join("work")).unwrap();
        let pane = Pane { folder: folder.canonicalize().unwrap() };
        let mut command =
            vec!["start-server", ";", "set-option", "-g", "remain-on-exit", "on", ";"];
        command.extend(["new-session", "-d", "-x", columns, "-y", rows]);
        pane.launch(&command, arguments);
        pane
    }

    /// Another agent in the same pane, whatever has become of the one before.
    pub(crate) fn again(&self, arguments: &[&str]) {
        self.launch(&["respawn-pane", "-k"], arguments);
    }

    fn launch(&self, how: &[&str], arguments: &[&str]) {
        let (home, work) = (self.home(), self.folder.join("work"));
        let work = ["-c", work.to_str().unwrap(), env!("CARGO_BIN_EXE_aimax"), "practice-agent"];
        self.tmux(&[how, &work, &["--home", home.to_str().unwrap()], arguments].concat());
    }

    fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command
            .args(["-u", "-L", "practice", "-f", "/dev/null"])
            .env("TMUX_TMPDIR", &self.folder)
            .env_remove("TMUX")
            .env_remove("AIMAX_PRACTICE");
        command
    }

    pub(crate) fn tmux(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux {arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// One bracketed paste.
    pub(crate) fn paste(&self, text: &str) {
        let file = self.folder.join("paste");
        fs::write(&file, text).unwrap();
        let load = ["load-buffer", "-b", "p", file.to_str().unwrap()];
        self.tmux(&load);
        self.tmux(&["paste-buffer", "-p", "-r", "-d", "-b", "p"]);
    }

    /// A paste, its echo at the caret, Enter.
    pub(crate) fn send(&self, text: &str, echo: &str) {
        self.paste(text);
        until(&format!("the echo {echo:?}"), || self.caret().ends_with(echo).then_some(()));
        self.keys(&["Enter"]);
    }

    pub(crate) fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// The caret's row.
    pub(crate) fn caret(&self) -> String {
        let row: usize = self.show("#{cursor_y}").parse().unwrap();
        self.screen().lines().nth(row).unwrap_or_default().trim_end().to_owned()
    }

    pub(crate) fn show(&self, format: &str) -> String {
        self.tmux(&["display-message", "-p", format]).trim_end().to_owned()
    }

    /// Waits for `text`, scrolled away or not: tmux scrolls a line off a pane that dies.
    pub(crate) fn see(&self, text: &str) {
        let all = || self.tmux(&["capture-pane", "-p", "-S", "-"]);
        until(&format!("{text:?} on the screen"), || all().contains(text).then_some(()));
    }

    /// The exit status or the signal, once the program has ended. tmux 3.3a now and then misses the
    /// end of a child until the next one ends, so it is given one more.
    pub(crate) fn ended(&self) -> String {
        until("the end", || (self.show("#{pane_dead}") == "1").then_some(()));
        until("the exit status", || {
            let status = self.show("#{pane_dead_status}#{pane_dead_signal}");
            if status.is_empty() {
                self.tmux(&["run-shell", "-b", "true"]);
            }
            (!status.is_empty()).then_some(status)
        })
    }

    pub(crate) fn state_file(&self) -> PathBuf {
        self.home().join("sessions").join(format!("{}.json", self.show("#{pane_pid}")))
    }

    pub(crate) fn state(&self) -> Value {
        let text = fs::read_to_string(self.state_file()).unwrap_or_else(|_| "null".into());
        serde_json::from_str(&text).expect("a state file is whole at any time")
    }

    /// Ready, or at rest again: idle, with an empty box by the caret test.
    pub(crate) fn idle(&self) {
        until("idle with an empty box", || {
            let empty = self.caret().starts_with('❯') && self.show("#{cursor_x}") == "2";
            (self.state()["status"] == "idle" && empty).then_some(())
        });
    }

    pub(crate) fn transcript(&self) -> Option<PathBuf> {
        let folders = fs::read_dir(self.home().join("projects")).ok()?;
        let files = folders.flatten().flat_map(|f| fs::read_dir(f.path()).into_iter().flatten());
        files.flatten().map(|file| file.path()).next()
    }

    /// The transcript's whole lines, each as `type text`.
    pub(crate) fn story(&self) -> Vec<String> {
        let text = self.transcript().map(|file| fs::read_to_string(file).unwrap());
        let text = text.unwrap_or_default();
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        whole.lines().map(|line| brief(&serde_json::from_str(line).unwrap())).collect()
    }

    /// Waits until the transcript's last lines are `lines`.
    pub(crate) fn told(&self, lines: &[&str]) {
        let told = || self.story().iter().map(String::as_str).collect::<Vec<_>>().ends_with(lines);
        wait(
            || told().then_some(()),
            || format!("{lines:#?}\nbut {:#?}\n{}", self.story(), self.screen()),
        );
    }
}

impl Drop for Pane {
    fn drop(&mut self) {
        let _ = self.command().arg("kill-server").stderr(Stdio::null()).status();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// An entry of the transcript as `type text`.
pub(crate) fn brief(entry: &Value) -> String {
    let word = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let content = &entry["message"]["content"];
    let block = &content[0];
    match word("type").as_str() {
        "queue-operation" => format!("{} {}", word("operation"), word("content")),
        "attachment" => format!("queued_command {}", entry["attachment"]["prompt"]),
        "system" => word("subtype"),
        "assistant" if block["type"] == "tool_use" => format!("use {}", block["input"]["command"]),
        "assistant" => format!("{}assistant {}", word("error"), block["text"]),
        _ if content.is_string() => format!("{} {content}", word("promptSource")),
        _ if block["type"] == "tool_result" => format!("result {}", block["content"]),
        _ => format!("marker {}", block["text"]),
    }
}
