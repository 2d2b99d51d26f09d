//! A tmux client in control mode: commands at a tenth of a millisecond, and word at once when a
//! pane's program has written something.
//!
//! The client never asks for a size, so the windows keep theirs, and it takes the output of one
//! pane only. It ends when it is dropped.

use std::{
    io::{Read, Write},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    time::Duration,
};

use super::{Fault, Pane, Screen, Tmux};
use crate::{
    error::{Error, Result},
    sys::{self, Poll},
    time::Deadline,
    trace,
};

/// A control client that looks at one pane.
pub struct Control {
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    /// Bytes that came and are not yet whole lines.
    held: Vec<u8>,
    pane: String,
    /// The pane's program has written since the last look.
    changed: bool,
    ended: bool,
}

/// A pane and its screen at one moment.
#[derive(Clone, Debug)]
pub struct Look {
    /// What tmux knows of the pane.
    pub pane: Pane,
    /// What it shows.
    pub screen: Screen,
}

/// The server answers in well under a millisecond; this long means that it hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the server answered to one command.
struct Answer {
    text: String,
    good: bool,
    /// It was a command on our standard input, not the attach itself.
    ours: bool,
}

/// What one line from the server is.
enum Word {
    Begin(String),
    End(String, bool),
    Output(String),
    Exit,
    Text(String),
}

impl Word {
    fn parse(line: &str) -> Word {
        let mut words = line.split(' ');
        match words.next() {
            Some("%begin") => Word::Begin(words.nth(1).unwrap_or_default().to_owned()),
            Some(end @ ("%end" | "%error")) => {
                Word::End(words.nth(1).unwrap_or_default().to_owned(), end == "%end")
            }
            Some("%output" | "%extended-output") => {
                Word::Output(words.next().unwrap_or_default().to_owned())
            }
            Some("%exit") => Word::Exit,
            _ => Word::Text(line.to_owned()),
        }
    }
}

impl Control {
    /// Attaches to `hub` and looks at `pane`.
    pub fn attach(tmux: &Tmux, hub: &str, pane: &str) -> Result<Self> {
        let mut child = tmux
            .client()
            .args(["-C", "attach-session", "-f", "ignore-size", "-t"])
            .arg(format!("={hub}:"))
            .env_remove("TMUX")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| Error::io("tmux", &e))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::system("tmux", "no pipe to the control client"));
        };
        sys::set_nonblocking(output.as_fd()).map_err(|e| Error::io("tmux", &e))?;
        let mut control = Control {
            child,
            input: Some(input),
            output,
            held: Vec::new(),
            pane: pane.to_owned(),
            changed: true,
            ended: false,
        };
        // A command that comes before the attach is done has no client to act for.
        let attached = control.answer(Deadline::after(PATIENCE))?;
        if attached.is_none_or(|answer| !answer.good) {
            return Err(Error::missing(hub, "the tmux session is gone"));
        }
        let others = control
            .run("list-panes -s -F '#{pane_id}'", 1)?
            .map_err(|fault| fault.about(hub))?
            .concat();
        // Other agents' output would only wake us for nothing.
        let off: String =
            others.lines().filter(|id| *id != pane).map(|id| format!(" -A '{id}:off'")).collect();
        if !off.is_empty() {
            control.run(&format!("refresh-client{off}"), 1)?.map_err(|fault| fault.about(hub))?;
        }
        Ok(control)
    }

    /// The pane that this client looks at.
    #[must_use]
    pub fn pane(&self) -> &str {
        &self.pane
    }

    /// Becomes readable when the server has something to say.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.output.as_fd()
    }

    /// The pane and its screen now; `None` when the pane is gone.
    pub fn look(&mut self) -> Result<Option<Look>> {
        self.drain()?;
        self.changed = false;
        if self.ended {
            return Ok(None);
        }
        let pane = self.pane.clone();
        let command = format!(
            "display-message -p -t {pane} '{}' ; capture-pane -p -e -t {pane}",
            Pane::FORMAT
        );
        let answers = match self.run(&command, 2)? {
            Ok(answers) => answers,
            Err(Fault::NoServer | Fault::NotFound) => return Ok(None),
            Err(fault) => return Err(fault.about(&pane)),
        };
        let [facts, screen] = &answers[..] else {
            return Err(Error::system("tmux", "an answer is missing"));
        };
        // For a missing pane tmux prints the data of another one, with success.
        Ok(Pane::parse(facts.trim_end_matches('\n'))
            .filter(|found| found.id == pane)
            .map(|pane| Look { pane, screen: Screen::parse(screen) }))
    }

    /// All that the pane has shown, what has scrolled off included; `None` when the pane is gone.
    pub fn history(&mut self) -> Result<Option<Screen>> {
        let pane = self.pane.clone();
        let captured = self.run(&format!("capture-pane -p -S - -t {pane}"), 1)?;
        Ok(captured.ok().map(|text| Screen::parse(&text.concat())))
    }

    /// Whether the pane's program has written something since the last look, or the client ended.
    pub fn changed(&mut self) -> Result<bool> {
        self.drain()?;
        Ok(self.changed || self.ended)
    }

    /// Makes the server look after its children soon: the end of another one makes it.
    pub fn nudge(&mut self) -> Result<()> {
        self.run("run-shell -b true", 1).map(drop)
    }

    /// Runs one line of commands that gives `answers` answers, less those after one that fails.
    pub(super) fn run(
        &mut self,
        command: &str,
        answers: usize,
    ) -> Result<std::result::Result<Vec<String>, Fault>> {
        let gone = || Err(Fault::NoServer);
        let Some(input) = &mut self.input else { return Ok(gone()) };
        if input.write_all(format!("{command}\n").as_bytes()).is_err() {
            self.ended = true;
            return Ok(gone());
        }
        let deadline = Deadline::after(PATIENCE);
        let mut done = Vec::new();
        trace::call(command, || serde_json::Value::Null);
        while done.len() < answers {
            match self.answer(deadline)? {
                None => return Ok(gone()),
                Some(answer) if !answer.ours => {}
                Some(answer) if answer.good => done.push(answer.text),
                Some(answer) => return Ok(Err(Fault::from_text(&answer.text))),
            }
        }
        Ok(Ok(done))
    }

    /// The next answer; `None` when the client has ended.
    fn answer(&mut self, deadline: Deadline) -> Result<Option<Answer>> {
        let mut open: Option<(String, String)> = None;
        loop {
            let Some(line) = self.next_line() else {
                if self.ended {
                    return Ok(None);
                }
                if deadline.passed() {
                    return Err(Error::timeout("tmux", "the server does not answer"));
                }
                sys::poll(&mut [Poll::readable(self.output.as_raw_fd())], deadline.left())
                    .map_err(|e| Error::io("tmux", &e))?;
                self.fill()?;
                continue;
            };
            match (Word::parse(&line), &mut open) {
                (Word::End(number, good), Some((begun, text))) if number == *begun => {
                    let text = std::mem::take(text);
                    return Ok(Some(Answer { text, good, ours: line.ends_with(" 1") }));
                }
                (_, Some((_, text))) => {
                    text.push_str(&line);
                    text.push('\n');
                }
                (Word::Begin(number), None) => open = Some((number, String::new())),
                (word, None) => self.note(&word),
            }
        }
    }

    fn note(&mut self, word: &Word) {
        match word {
            Word::Output(pane) if *pane == self.pane => self.changed = true,
            Word::Exit => self.ended = true,
            // A window that closes is a change; so may be any other notice.
            Word::Text(text) if text.starts_with('%') => self.changed = true,
            _ => {}
        }
    }

    /// Takes in what has come, without waiting.
    fn drain(&mut self) -> Result<()> {
        self.fill()?;
        while let Some(line) = self.next_line() {
            self.note(&Word::parse(&line));
        }
        Ok(())
    }

    fn fill(&mut self) -> Result<()> {
        let mut block = [0; 16 * 1024];
        loop {
            match self.output.read(&mut block) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(());
                }
                Ok(n) => self.held.extend_from_slice(&block[..n]),
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io("tmux", &e)),
            }
        }
    }

    fn next_line(&mut self) -> Option<String> {
        let end = self.held.iter().position(|&b| b == b'\n')?;
        let rest = self.held.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.held, rest);
        line.truncate(end);
        Some(String::from_utf8_lossy(&line).into_owned())
    }
}

impl AsRawFd for Control {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.output.as_raw_fd()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // The client ends when its input does; waiting for it leaves no zombie.
        drop(self.input.take());
        drop(self.child.wait());
    }
}
