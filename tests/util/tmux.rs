//! A private tmux server, driven by hand.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::home::Home;
use super::wait::{PATIENCE, wait_for};

/// A home's tmux server. It starts with the first window and ends with the home.
#[derive(Clone, Copy)]
pub(crate) struct Tmux<'a> {
    home: &'a Home,
}

impl<'a> Tmux<'a> {
    /// The server's name (`-L`). The home's own `TMUX_TMPDIR` keeps it apart from all others.
    pub(crate) const SOCKET: &'static str = "t";

    /// The server of `home`; nothing is started yet.
    pub(crate) fn new(home: &'a Home) -> Self {
        Tmux { home }
    }

    /// A tmux command for this server.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.home.command("tmux");
        command.args(["-L", Tmux::SOCKET, "-f", "/dev/null"]);
        command
    }

    /// Runs one tmux command and gives its whole outcome.
    pub(crate) fn output<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        self.command().args(args).output().expect("tmux on the PATH")
    }

    /// Runs one tmux command that must succeed and gives what it says.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> String {
        let output = self.output(args);
        assert!(output.status.success(), "tmux: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Starts `argv` in a window of its own of 120x40 and gives the pane's id. The pane stays when
    /// the program ends, so that its last words can be read.
    pub(crate) fn start<S: AsRef<str>>(&self, name: &str, cwd: &Path, argv: &[S]) -> String {
        let cwd = cwd.to_string_lossy();
        let exists = self.output(["has-session", "-t", "=raw"]).status.success();
        let place: &[&str] = match exists {
            true => &["new-window", "-d", "-t", "=raw:"],
            false => &[
                "start-server",
                ";",
                "set",
                "-g",
                "remain-on-exit",
                "on",
                ";",
                "new-session",
                "-d",
                "-s",
                "raw",
                "-x",
                "120",
                "-y",
                "40",
            ],
        };
        let mut args: Vec<String> = place.iter().copied().map(str::to_owned).collect();
        args.extend(["-P", "-F", "#{pane_id}", "-n", name, "-c", &cwd].map(str::to_owned));
        for (name, value) in self.home.env() {
            args.extend(["-e".to_owned(), format!("{name}={value}")]);
        }
        args.extend(argv.iter().map(|arg| match arg.as_ref().strip_suffix(';') {
            // tmux reads a semicolon at the end of an argument as the end of its own command.
            Some(rest) => format!("{rest}\\;"),
            None => arg.as_ref().to_owned(),
        }));
        self.run(args).trim().to_owned()
    }

    /// The screen's text.
    pub(crate) fn capture(&self, pane: &str) -> String {
        self.run(["capture-pane", "-p", "-t", pane])
    }

    /// The screen's text with its colours and weights.
    pub(crate) fn capture_styled(&self, pane: &str) -> String {
        self.run(["capture-pane", "-p", "-e", "-t", pane])
    }

    /// A format of the pane: `pane_title`, `cursor_x`, …
    pub(crate) fn ask(&self, pane: &str, format: &str) -> String {
        let text =
            self.run(["display-message", "-p", "-t", pane, &format!("#{{pane_id}} #{{{format}}}")]);
        let text = text.trim_end_matches('\n');
        let (id, value) = text.split_once(' ').unwrap_or((text, ""));
        assert_eq!(id, pane, "tmux answers for another pane");
        value.to_owned()
    }

    /// Pastes `text` in brackets.
    pub(crate) fn paste(&self, pane: &str, text: &str) {
        let mut child = self
            .command()
            .args(["load-buffer", "-b", "test", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("tmux on the PATH");
        let mut stdin = child.stdin.take().expect("tmux's input");
        stdin.write_all(text.as_bytes()).expect("tmux reads its input");
        drop(stdin);
        assert!(child.wait().expect("tmux ends").success(), "load-buffer failed");
        self.run(["paste-buffer", "-p", "-r", "-d", "-b", "test", "-t", pane]);
    }

    /// Presses keys by tmux's names for them.
    pub(crate) fn keys(&self, pane: &str, keys: &[&str]) {
        self.run(["send-keys", "-t", pane].iter().chain(keys));
    }

    /// Waits until the screen holds `text`.
    pub(crate) fn wait_text(&self, pane: &str, text: &str) -> String {
        wait_for(PATIENCE, &format!("{text:?} on the screen"), |saw| {
            *saw = self.capture(pane);
            saw.contains(text).then(|| saw.clone())
        })
    }

    /// Ends the server, if it runs.
    pub(crate) fn end(&self) {
        // Without the folder of its sockets, tmux looks for a server in the common one.
        if self.home.root().join("tmux").is_dir() {
            self.output(["kill-server"]);
        }
    }
}
