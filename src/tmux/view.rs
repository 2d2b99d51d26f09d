//! A view of a pane: its screen, and a notification as soon as its program has written.
//!
//! tmux has no event for output that is free of side effects. A client in control mode gets one,
//! but the server of tmux 3.3a can crash when such a client comes or goes, and takes every agent
//! with it. So the pane's output is piped into a FIFO of ours, only to learn that there is some:
//! nobody polls, and the output itself is thrown away. See tmux/FACTS.md, "Output of a pane".
//!
//! The pipe is made when somebody first waits for output: a prompt that is delivered to an agent at
//! rest needs none.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind},
    os::{
        fd::{AsRawFd, RawFd},
        unix::fs::OpenOptionsExt,
    },
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Fault, Pane, Screen, Tmux,
    pane::unexpanded,
    server::{Answer, LOAD, ReadyClient},
};
use crate::{
    error::{At, Error, Result},
    fs, sys,
    time::Deadline,
};

/// A view of one pane. Its owner must hold the session's lock, for a pane has only one pipe.
pub(crate) struct View {
    pub(super) tmux: Tmux,
    pub(super) pane: String,
    path: PathBuf,
    fifo: File,
    pipe: Pipe,
    /// A look that nobody has seen yet.
    fresh: Option<Look>,
    /// The client of the last look, if it has been started.
    last: Option<ReadyClient>,
    /// The shell command that the server runs with the last look.
    beside_last: Option<String>,
}

/// What becomes of the pane's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pipe {
    /// Nobody has asked for it.
    Unasked,
    /// The next look makes the pipe.
    Asked,
    /// It comes to us.
    Ours,
    /// It is piped elsewhere. Nothing reports it then, so the pane is captured often.
    Deaf,
}

/// A pane and its screen at one moment.
#[derive(Clone, Debug)]
pub struct Look {
    /// What tmux knows of the pane.
    pub pane: Pane,
    /// Its screen.
    pub screen: Screen,
}

/// So many panes are captured by one command: tmux takes some 16 kB, and since 3.7c 1,000 words.
// Measured: tmux/FACTS.md, "Commands"
const AT_ONCE: usize = 90;

/// How often a pane is captured when its output is piped elsewhere.
const OFTEN: Duration = Duration::from_millis(50);

impl View {
    /// A view of `pane`, which its caller has just seen as `fresh`. From the first look after
    /// [`View::listen`] on, its output makes this readable. `path` is the place for the FIFO, in a
    /// private folder; a FIFO that another process has left there is replaced.
    pub(crate) fn open(tmux: &Tmux, pane: &str, path: &Path, fresh: Option<Look>) -> Result<Self> {
        // A FIFO that is open for reading and writing has a writer, so it never ends.
        let open = || {
            let mut options = OpenOptions::new();
            options.read(true).write(true).custom_flags(sys::NONBLOCK).open(path)
        };
        // A process that still waits to write into the old FIFO gets a reader, and then the end.
        let left = open();
        fs::remove(path)?;
        sys::make_fifo(path).at(path)?;
        let fifo = open().at(path)?;
        let path = path.to_owned();
        let (tmux, pane) = (tmux.clone(), pane.to_owned());
        drop(left);
        Ok(View {
            tmux,
            pane,
            path,
            fifo,
            pipe: Pipe::Unasked,
            fresh,
            last: None,
            beside_last: None,
        })
    }

    /// Whether the next look makes the pipe, if there is none.
    pub(crate) fn listen(&mut self, to_output: bool) {
        if !self.is_piped() {
            self.pipe = if to_output { Pipe::Asked } else { Pipe::Unasked };
        }
    }

    fn is_piped(&self) -> bool {
        matches!(self.pipe, Pipe::Ours | Pipe::Deaf)
    }

    /// Whether a look has to come before a wait for output: it makes the pipe.
    pub(crate) fn must_look(&self) -> bool {
        self.pipe == Pipe::Asked
    }

    /// Forgets a look that nobody has seen: it is old by now.
    pub(crate) fn forget(&mut self) {
        self.fresh = None;
    }

    /// Pipes the output into the FIFO, unless a person pipes it elsewhere, and looks. An option of the
    /// pane marks our own pipe, so that one that another process has left behind is replaced.
    fn pipe(&mut self) -> Result<Option<Look>> {
        self.pipe = Pipe::Deaf;
        // It would leave the pipe.
        self.last = None;
        let path = self.path.to_str().filter(|path| !path.contains(['\'', '#']));
        let Some(path) = path else { return self.tmux.capture(&self.pane) };
        let pane = self.pane.clone();
        let free = format!("#{{||:#{{!=:#{{pane_pipe}},1}},#{{{MARK}}}}}");
        // The shell may begin after this process has ended, and must not make a file of that name.
        // BusyBox's `cat` would block us: see tmux/FACTS.md, "Output of a pane".
        let copy = format!("test -p '{path}' && exec dd bs=65536 >'{path}' 2>/dev/null");
        let pipe = format!("set-option -p -t {pane} {MARK} 1 ; pipe-pane -O -t {pane} \"{copy}\"");
        let otherwise = format!("display-message -p {DEAF}");
        let listen = ["if-shell", "-F", "-t", &pane, &free, &pipe, &otherwise, ";"];
        let command: Vec<&str> = listen.into_iter().chain(capture_of(&pane)).collect();
        match self.tmux.run(&command)? {
            Ok(said) => {
                let looked = said.strip_prefix(DEAF);
                if looked.is_none() {
                    self.pipe = Pipe::Ours;
                }
                Ok(Look::parse(looked.map_or(&*said, str::trim_start), &pane))
            }
            // Its screen can still be captured.
            Err(fault) if has_ended(&fault) => self.tmux.capture(&pane),
            said => look_of(said, &pane),
        }
    }

    /// When to capture the pane again although no output was reported.
    pub(crate) fn patience(&self) -> Deadline {
        if self.pipe == Pipe::Deaf { Deadline::after(OFTEN) } else { Deadline::NEVER }
    }

    /// The pane and its screen now; `None` when the pane is gone.
    pub(crate) fn capture(&mut self) -> Result<Option<Look>> {
        if let Some(fresh) = self.fresh.take() {
            return Ok(Some(fresh));
        }
        if self.must_look() {
            return self.pipe();
        }
        // Output before the capture is in it; later output makes the FIFO readable again.
        self.drain()?;
        self.tmux.capture(&self.pane)
    }

    /// Sets the shell command that the server runs with the last look.
    pub(crate) fn set_beside_last(&mut self, command: Option<String>) {
        self.beside_last = command;
    }

    /// Has the server run that command where there is no last look.
    pub(crate) fn run_beside_last(&mut self) -> Result<()> {
        let command = self.beside_last.take();
        command.map_or(Ok(()), |command| self.tmux.run_shell(&command))
    }

    /// Starts the client of the last look, unless that has been done.
    pub(crate) fn ready_last(&mut self) -> Result<()> {
        if self.last.is_some() {
            return Ok(());
        }
        let buffer = format!("aimax-{}", uuid::Uuid::new_v4().simple());
        let beside = self.beside_last.as_deref().map(unexpanded);
        let mut command =
            [&LOAD[..], &[&buffer, "-", ";", "delete-buffer", "-b", &buffer]].concat();
        if let Some(beside) = &beside {
            command.extend([";", "run-shell", "-b", beside]);
        }
        if self.pipe == Pipe::Ours {
            command.push(";");
            command.extend(leave(&self.pane));
        }
        command.push(";");
        command.extend(capture_of(&self.pane));
        self.last = Some(self.tmux.ready(&command)?);
        Ok(())
    }

    /// The pane and its screen now. The same command ends the pipe, so later output is not reported.
    pub(crate) fn last_capture(&mut self) -> Result<Option<Look>> {
        self.ready_last()?;
        (self.pipe, self.beside_last) = (Pipe::Deaf, None);
        let Some(client) = self.last.take() else { return self.tmux.capture(&self.pane) };
        match client.go(b"go")? {
            Err(fault) if has_ended(&fault) => self.tmux.capture(&self.pane),
            said => look_of(said, &self.pane),
        }
    }

    /// The pane's screen and everything above it; `None` when the pane is gone.
    pub(crate) fn history(&mut self) -> Result<Option<Screen>> {
        let captured = self.tmux.run(&["capture-pane", "-p", "-S", "-", "-t", &self.pane])?;
        Ok(captured.ok().map(|text| Screen::parse(&text)))
    }

    fn drain(&mut self) -> Result<()> {
        match io::copy(&mut self.fifo, &mut io::sink()) {
            Err(e) if e.kind() != ErrorKind::WouldBlock => Err(Error::io(self.path.display(), &e)),
            _ => Ok(()),
        }
    }
}

impl Tmux {
    /// A pane and its screen now; `None` when the pane is gone.
    pub fn capture(&self, pane: &str) -> Result<Option<Look>> {
        look_of(self.run(&capture_of(pane))?, pane)
    }

    /// The screens of several panes of this server, in as few commands as tmux takes: `None` for a pane
    /// that is gone.
    pub fn screens(&self, panes: &[&str]) -> Result<Vec<Option<Screen>>> {
        let mark = uuid::Uuid::new_v4().simple().to_string();
        let head = format!("{mark}\n");
        let mut screens = Vec::with_capacity(panes.len());
        while screens.len() < panes.len() {
            let some = panes[screens.len()..].iter().take(AT_ONCE);
            let capture = |&pane| {
                ["display-message", "-p", &mark, ";", "capture-pane", "-p", "-e", "-t", pane, ";"]
            };
            let command: Vec<&str> = some.flat_map(capture).collect();
            let (said, fault) = self.call(&command)?;
            let captured = said.split(&head).skip(1).map(|text| Some(Screen::parse(text)));
            let before = screens.len();
            screens.extend(captured);
            match fault {
                None => {}
                Some(Fault::NoServer) => screens.resize(panes.len(), None),
                // tmux leaves out what stands behind a command that fails.
                Some(Fault::NotFound) if screens.len() > before => {
                    screens.pop();
                    screens.push(None);
                }
                Some(fault) if screens.len() == before => return Err(fault.about("capture-pane")),
                Some(_) => {}
            }
            if screens.len() == before {
                return Err(Error::system("tmux", format!("unexpected answer {said:?}")));
            }
        }
        Ok(screens)
    }
}

fn look_of(said: Answer, pane: &str) -> Result<Option<Look>> {
    match said {
        Ok(text) => Ok(Look::parse(&text, pane)),
        Err(Fault::NoServer | Fault::NotFound) => Ok(None),
        Err(fault) => Err(fault.about(pane)),
    }
}

/// Whether tmux refused a pipe because the program has ended: it writes nothing more.
// Measured: tmux/FACTS.md, "Output of a pane"
fn has_ended(fault: &Fault) -> bool {
    matches!(fault, Fault::Said(text) if text.contains("exited"))
}

/// The command that ends our pipe. It may fail, for a pane that is gone has no pipe.
fn leave(pane: &str) -> [&str; 9] {
    ["pipe-pane", "-t", pane, ";", "set-option", "-pu", "-t", pane, MARK]
}

/// The command that prints what [`Look::parse`] reads.
fn capture_of(pane: &str) -> Vec<&str> {
    let facts = ["display-message", "-p", "-t", pane, Pane::FORMAT, ";"];
    let screen = ["capture-pane", "-p", "-e", "-t", pane];
    [facts.as_slice(), &screen].concat()
}

impl Look {
    /// `None` when the text is another pane's: tmux prints that, with success, for a missing pane.
    /// See tmux/FACTS.md, "What tmux says".
    fn parse(text: &str, pane: &str) -> Option<Look> {
        let (facts, screen) = text.split_once('\n').unwrap_or((text, ""));
        let found = Pane::parse(facts).filter(|found| found.id == pane)?;
        Some(Look { pane: found, screen: Screen::parse(screen) })
    }
}

/// Printed by the command when the pane's output is piped elsewhere.
const DEAF: &str = "aimax-deaf";

/// The option that marks a pane's pipe as ours.
const MARK: &str = "@aimax_pipe";

impl AsRawFd for View {
    fn as_raw_fd(&self) -> RawFd {
        self.fifo.as_raw_fd()
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if self.pipe == Pipe::Ours {
            drop(self.tmux.run(&leave(&self.pane)));
        }
        drop(fs::remove(&self.path));
    }
}
