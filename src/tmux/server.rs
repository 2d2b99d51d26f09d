//! One tmux server, and single commands to it.

use std::{
    ffi::{OsStr, OsString},
    io::{ErrorKind, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::json;

use crate::{
    config::Config,
    error::{Error, Result},
    trace,
};

/// A tmux server: the caller's own, or that of `AIMAX_TMUX_SOCKET`.
#[derive(Clone, Debug)]
pub struct Tmux {
    program: PathBuf,
    /// A socket's name (`-L`), or its path (`-S`); else tmux's own default.
    socket: Option<(&'static str, OsString)>,
    /// `TMUX_TMPDIR`: where the sockets are.
    folder: Option<OsString>,
}

/// A command's output, or why tmux refused it.
pub(crate) type Answer = std::result::Result<String, Fault>;

/// Why tmux refused a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No server is running: there is no window of any kind.
    NoServer,
    /// The session, window or pane is not there.
    NotFound,
    /// Any other reason, in tmux's words.
    Said(String),
}

impl Fault {
    /// Reads what a tmux client wrote to standard error. See tmux/FACTS.md, "What tmux says".
    pub(crate) fn from_text(text: &str) -> Self {
        let text = text.trim();
        let begins = |signs: &[&str]| signs.iter().any(|sign| text.starts_with(sign));
        let gone = &["no server running", "error connecting to", "server exited", "lost server"];
        // A socket that may not be used tells nothing of the server behind it.
        if begins(gone) && !text.ends_with("(Permission denied)") {
            Fault::NoServer
        // For some milliseconds a server that has just started has no session, so no target either.
        } else if begins(&["can't find", "no such"]) || text == "no current target" {
            Fault::NotFound
        } else {
            Fault::Said(text.to_owned())
        }
    }

    /// The fault as an error about `subject`.
    pub fn about(self, subject: &str) -> Error {
        match self {
            Fault::NoServer => Error::missing(subject, "no tmux server is running"),
            Fault::NotFound => Error::missing(subject, "its tmux window is gone"),
            // From 3.4 on, in the moment before the pane is dead.
            Fault::Said(text) if text == "target pane has exited" => {
                Error::missing(subject, "its program has ended")
            }
            // All that we ask is in 3.2; older ones know some options not yet.
            Fault::Said(text) if text.contains("unknown option") => {
                Error::missing("tmux", "this version is too old")
                    .advise("tmux 3.2 or newer is needed; `tmux -V` shows the version")
            }
            Fault::Said(text) => Error::system(subject, format!("tmux: {text}")),
        }
    }
}

impl Tmux {
    /// The server that `config` names.
    ///
    /// # Errors
    /// [`crate::error::Kind::Missing`] when there is no tmux on PATH.
    pub fn new(config: &Config) -> Result<Self> {
        let program = config.program("tmux").ok_or_else(|| {
            Error::missing("tmux", "not found on PATH")
                .advise("install it, for example `apt install tmux`")
        })?;
        let folder = config.var("TMUX_TMPDIR");
        trace::begin(config.trace.as_deref(), None)?;
        Ok(Tmux { program, socket: config.tmux_server(), folder })
    }

    /// The server at a socket.
    pub(crate) fn at(&self, socket: &Path) -> Tmux {
        Tmux { socket: Some(("-S", socket.into())), ..self.clone() }
    }

    /// The output of `tmux -V`: `tmux 3.3a`.
    pub fn version(&self) -> Result<String> {
        let said = Command::new(&self.program).arg("-V").stdin(Stdio::null()).output();
        let said = said.map_err(|e| Error::io("tmux", &e))?;
        Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
    }

    /// A client of this server, without a command yet. `-u`: names and titles are UTF-8, whatever
    /// the caller's locale is. A signal to our process group, as when a terminal goes, must not reach it:
    /// it would end as if its command were done. See tmux/FACTS.md, "Commands".
    pub(crate) fn client(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-u").process_group(0);
        if let Some(folder) = &self.folder {
            command.env("TMUX_TMPDIR", folder);
        }
        if let Some((option, socket)) = &self.socket {
            command.arg(option).arg(socket);
        }
        command
    }

    /// Runs one command, or several with `;` between, and returns the output.
    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Answer> {
        self.call(args).map(answer)
    }

    /// What a command printed, and what went wrong. A command that was done counts as failed when a
    /// hook of the user's that follows it fails: what it printed is valid then.
    pub(crate) fn call<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<(String, Option<Fault>)> {
        self.start(args, Stdio::null())?.end()
    }

    /// Starts the client for commands whose first is [`LOAD`]: they wait for its standard input.
    pub(super) fn ready<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<ReadyClient> {
        self.start(args, Stdio::piped())
    }

    fn start<S: AsRef<OsStr>>(&self, args: &[S], stdin: Stdio) -> Result<ReadyClient> {
        let mut client = self.client();
        client.args(args).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = client.spawn().map_err(|e| Error::io("tmux", &e))?;
        let args = args.iter().map(|arg| arg.as_ref().to_owned()).collect();
        Ok(ReadyClient { child: Some(child), args, bytes: 0 })
    }
}

/// The command that takes what a client reads into a buffer, whose name and `-` follow.
pub(super) const LOAD: [&str; 2] = ["load-buffer", "-b"];

/// A client that has been started before its commands are due. Nearly all that a command costs is the
/// start of its client, and so that time can pass beside other work.
///
/// The buffer that its commands begin with stays missing if this is dropped, or its process killed: a
/// command that needs the buffer fails then, and tmux leaves out those behind it.
// Measured: tmux/FACTS.md, "Commands"
pub(super) struct ReadyClient {
    child: Option<Child>,
    args: Vec<OsString>,
    bytes: usize,
}

impl ReadyClient {
    /// Lets the commands go, with `input` for the buffer.
    pub(super) fn go(mut self, input: &[u8]) -> Result<Answer> {
        self.bytes = input.len();
        if let Some(mut stdin) = self.child.as_mut().and_then(|child| child.stdin.take()) {
            match stdin.write_all(input) {
                // The client has ended already; its output says why.
                Err(e) if e.kind() != ErrorKind::BrokenPipe => return Err(Error::io("tmux", &e)),
                _ => {}
            }
        }
        self.end().map(answer)
    }

    /// Waits for the end of the client, and gives what it printed and what went wrong.
    fn end(mut self) -> Result<(String, Option<Fault>)> {
        let child = self.child.take().ok_or_else(|| Error::system("tmux", "no client"))?;
        let done = child.wait_with_output().map_err(|e| Error::io("tmux", &e))?;
        trace::call(&words(&self.args), || {
            let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            json!({
                "inputBytes": self.bytes,
                "status": done.status.code(),
                "stdout": said(shown(&self.args, &done.stdout)),
                "stderr": said(&done.stderr),
            })
        });
        let text = String::from_utf8_lossy(&done.stderr);
        let fault = match text.trim() {
            _ if done.status.success() => None,
            // A client that was killed says nothing.
            "" => Some(Fault::Said(done.status.to_string())),
            text => Some(Fault::from_text(text)),
        };
        Ok((String::from_utf8_lossy(&done.stdout).into_owned(), fault))
    }
}

impl Drop for ReadyClient {
    fn drop(&mut self) {
        // The end of its input ends it.
        if let Some(child) = self.child.take() {
            drop(child.wait_with_output());
        }
    }
}

fn answer((printed, fault): (String, Option<Fault>)) -> Answer {
    fault.map_or(Ok(printed), Err)
}

/// The part of a command's output that may be traced: a captured screen holds typed text.
fn shown<'a, S: AsRef<OsStr>>(args: &[S], stdout: &'a [u8]) -> &'a [u8] {
    let mut commands = args.iter().map(AsRef::as_ref);
    if !commands.any(|word| word == "capture-pane") {
        return stdout;
    }
    match args.first().map(AsRef::as_ref) {
        Some(first) if first == "capture-pane" => b"",
        _ => stdout.split(|&byte| byte == b'\n').next().unwrap_or_default(),
    }
}

/// A command in one line, for the trace.
fn words<S: AsRef<OsStr>>(args: &[S]) -> String {
    args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_may_not_be_used_is_no_missing_server() {
        let of = |text: &str| Fault::from_text(text);
        let denied = "error connecting to /tmp/tmux-0/default (Permission denied)";
        assert_eq!(of(denied), Fault::Said(denied.into()));
        for gone in [
            "error connecting to /tmp/tmux-0/default (No such file or directory)",
            "error connecting to /tmp/tmux-0/default (Connection refused)",
            "no server running on /tmp/tmux-0/default",
            "server exited unexpectedly",
            "lost server",
        ] {
            assert_eq!(of(gone), Fault::NoServer, "{gone}");
        }
        for missing in ["can't find pane: %7", "no such window: x", "no current target"] {
            assert_eq!(of(missing), Fault::NotFound, "{missing}");
        }
    }
}
