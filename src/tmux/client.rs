//! A client of a tmux server: the process that brings it commands and prints what it says.

use std::{
    ffi::{OsStr, OsString},
    io::{self, ErrorKind, Read, Write},
    os::fd::{AsFd, AsRawFd},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::json;

use crate::{
    error::{Error, Result},
    sys::{self, Poll, signals},
    time::Deadline,
    trace,
};

/// How long a server may take to answer. One that is stopped never does; a hook of the user's that runs
/// in the foreground holds back the answer to the command that it follows.
// Measured: tmux/FACTS.md, "Commands"
const ANSWERS: Duration = Duration::from_secs(30);

/// How long one may take that has not answered before, or whose answer we were asked not to wait for.
const ANSWERS_AGAIN: Duration = Duration::from_secs(1);

/// Whether the last command was not answered.
static IS_SILENT: AtomicBool = AtomicBool::new(false);

/// The command that takes what a client reads into a buffer, whose name and `-` follow.
pub(super) const LOAD: [&str; 2] = ["load-buffer", "-b"];

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

/// A client with its commands. Nearly all that a command costs is the start of its client, so one may be
/// started before its commands are due, if they begin with [`LOAD`]: they wait then.
///
/// The buffer stays missing if the client is dropped, or our process killed: a command that needs it
/// fails then, and tmux leaves out those behind it.
// Measured: tmux/FACTS.md, "Commands"
pub(super) struct Client {
    child: Child,
    args: Vec<OsString>,
    /// Whether it has been waited for.
    has_ended: bool,
}

impl Client {
    pub(super) fn start<S: AsRef<OsStr>>(
        mut command: Command,
        args: &[S],
        stdin: Stdio,
    ) -> Result<Client> {
        command.args(args).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|e| Error::io("tmux", &e))?;
        let args = args.iter().map(|arg| arg.as_ref().to_owned()).collect();
        Ok(Client { child, args, has_ended: false })
    }

    /// Lets the commands go, with `input` for the buffer.
    pub(super) fn go(self, input: &[u8]) -> Result<Answer> {
        Ok(answer(self.end(input)?))
    }

    /// Waits for the end of the client, and gives what it printed and what went wrong.
    pub(super) fn end(mut self, input: &[u8]) -> Result<(String, Option<Fault>)> {
        let (mut printed, mut said) = (Vec::new(), Vec::new());
        let status = self.exchange(input, &mut printed, &mut said);
        let status = status.map_err(|e| Error::io("tmux", &e))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        trace::call(&words(&self.args), || {
            json!({
                "inputBytes": input.len(),
                "status": status.and_then(|status| status.code()),
                "stdout": text(shown(&self.args, &printed)),
                "stderr": text(&said),
            })
        });
        let fault = match (status, text(&said).trim()) {
            (None, _) => Some(Fault::Said("the server does not answer".to_owned())),
            (Some(status), _) if status.success() => None,
            // A client that was killed says nothing.
            (Some(status), "") => Some(Fault::Said(status.to_string())),
            (_, text) => Some(Fault::from_text(text)),
        };
        Ok((text(&printed), fault))
    }

    /// Gives the client its input and takes its output until it has ended. One whose server does not
    /// answer is killed, and gets no status.
    fn exchange(
        &mut self,
        mut input: &[u8],
        printed: &mut Vec<u8>,
        said: &mut Vec<u8>,
    ) -> io::Result<Option<ExitStatus>> {
        let child = &mut self.child;
        let (mut stdin, mut stdout, mut stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        stdin.as_ref().map_or(Ok(()), |pipe| sys::set_nonblocking(pipe.as_fd()))?;
        stdout.as_ref().map_or(Ok(()), |pipe| sys::set_nonblocking(pipe.as_fd()))?;
        stderr.as_ref().map_or(Ok(()), |pipe| sys::set_nonblocking(pipe.as_fd()))?;
        let was_silent = IS_SILENT.load(Ordering::Relaxed);
        let mut deadline = Deadline::after(if was_silent { ANSWERS_AGAIN } else { ANSWERS });
        loop {
            if let Some(pipe) = &mut stdin
                && (input.is_empty() || has_taken(pipe, &mut input)?)
            {
                stdin = None;
            }
            stdout = stdout.map(|pipe| rest(pipe, printed)).transpose()?.flatten();
            stderr = stderr.map(|pipe| rest(pipe, said)).transpose()?.flatten();
            if stdout.is_none() && stderr.is_none() {
                break;
            }
            if deadline.passed() {
                child.kill()?;
                child.wait()?;
                self.has_ended = true;
                IS_SILENT.store(true, Ordering::Relaxed);
                return Ok(None);
            }
            let pipes = [
                stdin.as_ref().map(|pipe| Poll::writable(pipe.as_raw_fd())),
                stdout.as_ref().map(|pipe| Poll::readable(pipe.as_raw_fd())),
                stderr.as_ref().map(|pipe| Poll::readable(pipe.as_raw_fd())),
            ];
            let mut set: Vec<Poll> = pipes.into_iter().flatten().collect();
            sys::poll(&mut set, deadline.left())?;
            if signals::asked_to_end().is_some() {
                deadline = deadline.min(Deadline::after(ANSWERS_AGAIN));
            }
        }
        drop(stdin);
        let status = child.wait()?;
        self.has_ended = true;
        IS_SILENT.store(false, Ordering::Relaxed);
        Ok(Some(status))
    }
}

/// Writes as much of `input` as the pipe takes now. Whether that was all, or its reader has gone: what it
/// said says why.
fn has_taken(mut pipe: impl Write, input: &mut &[u8]) -> io::Result<bool> {
    while !input.is_empty() {
        match pipe.write(input) {
            Ok(count) => *input = &input[count..],
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(e) if e.kind() == ErrorKind::BrokenPipe => return Ok(true),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(true)
}

/// Reads what is there; `None` for a pipe that has ended.
fn rest<P: Read>(mut pipe: P, into: &mut Vec<u8>) -> io::Result<Option<P>> {
    match pipe.read_to_end(into) {
        Ok(_) => Ok(None),
        Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(Some(pipe)),
        Err(e) => Err(e),
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if !self.has_ended {
            // The end of its input ends it.
            drop(self.exchange(b"", &mut Vec::new(), &mut Vec::new()));
        }
    }
}

pub(super) fn answer((printed, fault): (String, Option<Fault>)) -> Answer {
    fault.map_or(Ok(printed), Err)
}

/// The part of a command's output that may be traced: a captured screen holds typed text.
fn shown<'a>(args: &[OsString], stdout: &'a [u8]) -> &'a [u8] {
    if !args.iter().any(|word| word == "capture-pane") {
        return stdout;
    }
    match args.first() {
        Some(first) if first == "capture-pane" => b"",
        _ => stdout.split(|&byte| byte == b'\n').next().unwrap_or_default(),
    }
}

/// A command in one line, for the trace.
fn words(args: &[OsString]) -> String {
    args.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ")
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
