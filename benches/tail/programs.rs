//! The programs that are measured, and how each is told to do the same.

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::scratch::Scratch;

pub(crate) const OURS: &str = "aimax-tail";
pub(crate) const RAW: &str = "aimax-tail --raw";
pub(crate) const WRAPPED: &str = "aimax-tail --offsets";
pub(crate) const EVENTS: &str = "aimax-tail --events";
pub(crate) const HISTORY: &str = "aimax history";
pub(crate) const HISTORY_JSON: &str = "aimax history --json";
pub(crate) const USAGE: &str = "aimax usage";
pub(crate) const GNU: &str = "tail -F";
pub(crate) const ORIGINAL: &str = "aimax 0.1.0";

pub(crate) struct Programs {
    jq: bool,
    original: Option<PathBuf>,
    folder: PathBuf,
}

impl Programs {
    pub(crate) fn find(scratch: &Scratch) -> Programs {
        let runs = |name: &Path, option: &str| {
            let mut command = Command::new(name);
            command.arg(option).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        let original = env::var_os("AIMAX_ORIGINAL").map(PathBuf::from);
        let original = original.filter(|path| runs(path, "--version"));
        if original.is_none() {
            eprintln!("not installed: {ORIGINAL} (AIMAX_ORIGINAL names it)");
        }
        let jq = runs(Path::new("jq"), "--version");
        if !jq {
            eprintln!("not installed: jq");
        }
        // The original does not start without its agents; it needs them to be there only.
        let folder = scratch.path("original");
        fs::create_dir_all(folder.join("bin")).unwrap();
        for agent in ["claude", "tmux"] {
            symlink("/bin/true", folder.join("bin").join(agent)).unwrap();
        }
        Programs { jq, original, folder }
    }

    pub(crate) fn ours(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aimax-tail"));
        for name in ["AIMAX_SESSION", "AIMAX_BACKEND"] {
            command.env_remove(name);
        }
        command
    }

    /// The program that follows the end of `path`; `None` when it is not installed.
    pub(crate) fn following(&self, name: &str, path: &Path) -> Option<Command> {
        let mut command = match name {
            OURS => self.ours(),
            GNU => Command::new("tail"),
            _ => return self.original(path, None),
        };
        command.args(["-n", "0", if name == GNU { "-F" } else { "-f" }]).arg(path);
        Some(command)
    }

    /// The program that reads all of `path`, a transcript of `agent` with so many lines; `None` when it
    /// is not installed, or cannot.
    pub(crate) fn reading(
        &self,
        name: &str,
        agent: &str,
        path: &Path,
        lines: usize,
    ) -> Option<Command> {
        let with = |mut command: Command, words: &[&str]| {
            command.args(words).arg(path);
            command
        };
        Some(match name {
            "cat" => with(Command::new("cat"), &[]),
            GNU => with(Command::new("tail"), &["-c", "+1"]),
            OURS => with(self.ours(), &[]),
            RAW => with(self.ours(), &["--raw"]),
            WRAPPED => with(self.ours(), &["--offsets"]),
            EVENTS => with(self.ours(), &["--events"]),
            HISTORY => self.verb(&["history", "s"], agent, path),
            HISTORY_JSON => self.verb(&["history", "--json", "s"], agent, path),
            USAGE => self.verb(&["usage", "s"], agent, path),
            ORIGINAL if agent == "claude" => return self.original(path, Some(lines)),
            _ if self.jq && name != ORIGINAL => with(Command::new("jq"), &["-c", "."]),
            _ => return None,
        })
    }

    /// A verb of `aimax` about a session whose transcript is `path`.
    fn verb(&self, words: &[&str], agent: &str, path: &Path) -> Command {
        let (prefix, backend) =
            if agent == "codex" { ("codex-", "tmux-codex") } else { ("", "tmux-claude-code") };
        self.keep(prefix, path);
        let mut command = Command::new(env!("CARGO_BIN_EXE_aimax"));
        command.env("AIMAX_DATA_DIR", &self.folder).env("HOME", &self.folder);
        command.args(words).args(["-b", backend]);
        command
    }

    /// The original on `path`: from its beginning on up to `count` records, or from its end on.
    pub(crate) fn original(&self, path: &Path, count: Option<usize>) -> Option<Command> {
        let mut command = Command::new(self.original.as_ref()?);
        self.keep("", path);
        let path = env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.folder.join("bin").display()));
        command.env("AIMAX_DATA_DIR", &self.folder);
        command.args(["stream", "-b", "tmux-claude-code", "-s", "s", "--json"]);
        if let Some(count) = count {
            command.args(["--from-sentinel", "0", "--max", &count.to_string()]);
        }
        command.stderr(Stdio::null());
        Some(command)
    }

    /// Makes `path` the transcript of a session with the name `s`.
    fn keep(&self, prefix: &str, path: &Path) {
        let state = serde_json::json!({ "s": {
            "agentSessionId": "s", "cwd": &self.folder, "jsonlPath": path, "startedAt": 1,
        }});
        let file = self.folder.join(format!("{prefix}hub-runtime.json"));
        fs::write(file, state.to_string()).unwrap();
    }
}
