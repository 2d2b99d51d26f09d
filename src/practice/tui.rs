//! The program: one loop over the keys, the tool's output, the signals and the timers.
//!
//! Nothing runs beside the loop: each round draws, waits for an event, and handles it.

use std::{
    collections::VecDeque,
    fs::File,
    io::Read,
    os::fd::{AsRawFd, RawFd},
    time::Duration,
};

use serde_json::json;

use super::{
    dialog::{Answer, Dialog, Question},
    draft::Draft,
    files::Activity,
    input::{ESCAPE_WAIT, Key, Parser},
    options::Misbehave,
    screen::{Frame, box_frame},
    session::{Session, die},
    turn::Tool,
};
use crate::{
    agent::image,
    error::{Error, Result},
    sys::{self, Poll, signals},
    time::Deadline,
};

/// A second C-c within this ends the program. See claude/FACTS.md, "Keys that interrupt".
const ARMED: Duration = Duration::from_secs(1);

/// The whole program. Dropping it gives the terminal back and removes the state file.
pub(crate) struct Program {
    pub(crate) session: Session,
    /// The questions still to ask before the start.
    pub(crate) questions: VecDeque<Question>,
    pub(crate) source: &'static str,
    pub(crate) started: bool,
    pub(crate) draft: Draft,
    pub(crate) parser: Parser,
    /// When a lone ESC becomes the Escape key.
    pub(crate) escape: Option<Deadline>,
    /// Until when another C-c ends the program.
    pub(crate) armed: Option<Deadline>,
    /// Pastes that reach the box later.
    pub(crate) pastes: VecDeque<(Deadline, String)>,
    pub(crate) wrong: Misbehave,
    pub(crate) stdin: File,
    pub(crate) _raw: sys::RawMode,
}

impl Program {
    pub(crate) fn run(&mut self) -> Result<i32> {
        let result = self.rounds();
        if result.is_err() {
            // A terminal that goes while it is drawn on ends the program before the signal is seen:
            // the hook must run all the same.
            self.session.leave("other", 128 + libc::SIGHUP);
        }
        // The screen is given back after a failure too, and then the failure is reported.
        let closed = self.session.screen.close();
        let status = result?;
        // A terminal that has hung up cannot be given back.
        if status < 128 {
            closed?;
        }
        Ok(status)
    }

    fn rounds(&mut self) -> Result<i32> {
        self.next_question()?;
        loop {
            if let Some(status) = self.session.over {
                return Ok(status);
            }
            self.draw()?;
            self.wait()?;
            self.timers()?;
            self.session.advance()?;
        }
    }

    /// Waits for input, output of the tool, a signal or a timer, and takes it in.
    fn wait(&mut self) -> Result<()> {
        let session = &self.session;
        let tool = session.turn.as_ref().and_then(|turn| turn.tool.as_ref());
        let paste = self.pastes.front().map(|(at, _)| *at);
        // An open dialog holds up the turns, and a tool its own turn: their timers do not count
        // then, for one that has passed would end this wait at once.
        let turns = session.dialog.is_none();
        let wake = session.turn.as_ref().filter(|turn| turns && turn.tool.is_none());
        let [next, on] = [session.next_turn, session.goes_on].map(|timer| timer.filter(|_| turns));
        let timers = [self.escape, self.armed, paste, next, on, wake.map(|turn| turn.wake)];
        let until = timers.into_iter().flatten().fold(Deadline::NEVER, Deadline::min);
        let fds = [Some(self.stdin.as_raw_fd()), tool.and_then(Tool::fd), signals::ear()];
        let mut set: Vec<Poll> = fds.into_iter().flatten().map(Poll::readable).collect();
        sys::poll(&mut set, until.left()).map_err(|e| Error::io("terminal", &e))?;
        let ready = |fd: RawFd| set.iter().any(|poll| poll.fd() == fd && poll.found());
        if tool.and_then(Tool::fd).is_some_and(ready)
            && let Some(tool) = self.session.turn.as_mut().and_then(|turn| turn.tool.as_mut())
        {
            tool.read();
        }
        self.signalled()?;
        if ready(self.stdin.as_raw_fd()) {
            self.typed()?;
        }
        Ok(())
    }

    fn signalled(&mut self) -> Result<()> {
        while let Some(signal) = signals::take() {
            if signal == libc::SIGWINCH {
                self.session.screen.resized()?;
            }
            if let Some(status) = exit_status(signal) {
                self.session.leave("other", status);
            }
        }
        Ok(())
    }

    fn typed(&mut self) -> Result<()> {
        let mut bytes = [0; 65536];
        let keys = match self.stdin.read(&mut bytes) {
            Ok(n) if n > 0 => self.parser.feed(&bytes[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            // The terminal has gone.
            _ => {
                self.session.leave("other", 128 + libc::SIGHUP);
                return Ok(());
            }
        };
        let saw_paste = keys.iter().any(|key| matches!(key, Key::Paste(_)));
        if self.wrong.die_in_paste && (saw_paste || self.parser.in_paste()) {
            die();
        }
        self.escape = self.parser.holds_escape().then(|| Deadline::after(ESCAPE_WAIT));
        keys.into_iter().try_for_each(|key| self.key(key))
    }

    fn timers(&mut self) -> Result<()> {
        if self.escape.is_some_and(Deadline::passed) {
            self.escape = None;
            if let Some(key) = self.parser.release_escape() {
                self.key(key)?;
            }
        }
        if self.armed.is_some_and(Deadline::passed) {
            self.armed = None;
        }
        while self.pastes.front().is_some_and(|(at, _)| at.passed()) {
            if let Some((_, text)) = self.pastes.pop_front() {
                self.arrived(&text);
            }
        }
        Ok(())
    }

    fn key(&mut self, key: Key) -> Result<()> {
        if self.session.over.is_some() {
            return Ok(());
        }
        if let Some(dialog) = &mut self.session.dialog {
            let (question, answer) = (dialog.question, dialog.press(&key));
            if answer == Answer::Open {
                return Ok(());
            }
            self.session.dialog = None;
            return self.answered(question, answer);
        }
        if key != Key::Interrupt {
            self.armed = None;
        }
        match key {
            Key::Char(c) => self.draft.push(c),
            Key::Newline => self.draft.push('\n'),
            Key::Backspace => self.draft.backspace(),
            Key::KillLine => self.draft.kill_line(),
            Key::Paste(text) => return self.pasted(text),
            Key::Enter if self.wrong.swallow_enter > 0 => self.wrong.swallow_enter -= 1,
            Key::Enter => {
                if let Some(prompt) = self.draft.submit() {
                    // The box is empty while a hook runs.
                    self.draw()?;
                    if let Some(refused) = self.session.submit(prompt)? {
                        self.draft.restore(&refused);
                    }
                }
            }
            Key::Up if !self.session.queue.is_empty() => {
                let queued = self.session.recall()?;
                self.draft.restore(&queued);
            }
            Key::Up | Key::Down => {}
            Key::Escape => return self.interrupt(),
            Key::Interrupt => return self.control_c(),
        }
        Ok(())
    }

    fn interrupt(&mut self) -> Result<()> {
        if let Some(prompt) = self.session.interrupt()? {
            self.draft.restore(&prompt);
        }
        Ok(())
    }

    /// C-c interrupts a turn, else it empties the box; a second one ends the program.
    fn control_c(&mut self) -> Result<()> {
        if self.armed.is_some() {
            self.session.leave("prompt_input_exit", 0);
        } else if self.session.turn.is_some() {
            return self.interrupt();
        } else {
            self.draft.clear();
            self.armed = Some(Deadline::after(ARMED));
        }
        Ok(())
    }

    fn pasted(&mut self, mut text: String) -> Result<()> {
        if let Some(limit) = self.wrong.cut_paste
            && limit < text.len()
        {
            text.truncate((0..=limit).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0));
        }
        match self.wrong.slow_paste {
            Some(span) => self.pastes.push_back((Deadline::after(span), text)),
            None => self.arrived(&text),
        }
        if std::mem::take(&mut self.wrong.dialog_after_paste) {
            self.session.open(Dialog::new(Question::Draft, ""))?;
        }
        Ok(())
    }

    /// A paste that is the path of an image attaches it. See claude/FACTS.md, "Images".
    fn arrived(&mut self, text: &str) {
        if !self.wrong.no_images && text.starts_with('/') && image::is_image(&image::path_in(text))
        {
            self.session.log.images += 1;
            self.draft.attach();
        } else {
            self.draft.paste(text, self.session.screen.size().1);
        }
    }

    fn answered(&mut self, question: Question, answer: Answer) -> Result<()> {
        let first = answer == Answer::Picked(0);
        match (question, answer) {
            (Question::Permission, _) => return self.session.permitted(first),
            (Question::Draft, _) => {
                if first {
                    self.draft.clear();
                }
                return self.session.closed();
            }
            (Question::Trust, Answer::Picked(1)) => self.session.place.trust()?,
            (Question::Unknown, Answer::Picked(1)) => {}
            (Question::Trust | Question::Unknown | Question::Login, _) => {
                if question == Question::Trust {
                    let text = "Practice agent didn't start because this folder isn't trusted.";
                    self.session.screen.say("", text, 3);
                    self.session.screen.draw(Frame::default())?;
                }
                self.session.over = Some(i32::from(answer != Answer::Cancelled));
                return Ok(());
            }
        }
        self.next_question()
    }

    /// Asks the next question before the start, or starts: title, box, hook, and last the status.
    /// See claude/FACTS.md, "Readiness".
    fn next_question(&mut self) -> Result<()> {
        if self.session.over.is_some() {
            return Ok(());
        }
        if let Some(question) = self.questions.pop_front() {
            let cwd = self.session.place.cwd.to_string_lossy().into_owned();
            return self.session.open(Dialog::new(question, &cwd));
        }
        self.started = true;
        self.session.screen.title("✳ Practice")?;
        self.draw()?;
        self.session.hook("SessionStart", &json!({"source": self.source}));
        self.session.state.set(Activity::Idle)
    }

    fn draw(&mut self) -> Result<()> {
        let session = &mut self.session;
        if let Some(dialog) = &session.dialog {
            return session.screen.draw(Frame { rows: dialog.lines(), caret: None });
        }
        if !self.started {
            return Ok(());
        }
        let mut above = Vec::new();
        if session.turn.is_some() {
            above.push("✻ Working… (esc to interrupt)".to_owned());
        }
        above.extend(session.queue.iter().map(|text| {
            let line = text.trim_start().lines().next().unwrap_or_default();
            format!("  queued: {line}")
        }));
        let below = if self.armed.is_some() {
            "Press Ctrl-C again to exit"
        } else {
            "practice agent · !command runs it · /exit leaves"
        };
        session.screen.draw(box_frame(self.draft.text(), &above, below, session.screen.size()))
    }
}

/// The exit status when `signal` asks the program to end.
/// See claude/FACTS.md, "Ends of the process".
pub(crate) fn exit_status(signal: i32) -> Option<i32> {
    match signal {
        libc::SIGTERM | libc::SIGHUP => Some(128 + signal),
        libc::SIGINT => Some(0),
        _ => None,
    }
}
