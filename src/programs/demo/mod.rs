//! `aimax demo`: a whole session on the practice agent, on a tmux server of its own.
//!
//! Each step prints the command that a person would type, runs that command as a process of its
//! own, and prints its output. Nothing is left behind, however the demo ends.

use std::{ffi::OsString, time::Duration};

use crate::{
    agent::Backend,
    cli::{Opt, Output, Tool, ToolDoc, exit::visible},
    config::Config,
    error::{Error, Exit, Result},
    shell,
    sys::signals,
    time::Deadline,
    tmux::Tmux,
    transcript::event::EventKind,
    watch::{Watch, Woke},
};

mod sandbox;

use sandbox::{Process, Sandbox};

/// The program.
pub struct Demo;

impl Tool for Demo {
    type Args = ();

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-demo",
        tagline: "show a whole session with the practice agent",
        synopsis: &["aimax demo"],
        about: "\
Runs the programs one after the other on the practice agent, which is
built in, and shows each command with its output. It needs tmux, but no
account and no network. It uses a tmux server and a folder of its own,
and leaves nothing behind.",
        exits: &[(Exit::Done, "every step succeeded"), (Exit::No, "a step failed")],
        examples: &[("aimax demo", "Run the demo, which takes about two seconds.")],
        see_also: &[("aimax", 1), ("aimax-spawn", 1), ("tmux", 1)],
        ends: &[Exit::No, Exit::Missing, Exit::Timeout],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<()>] = &[];

    fn run((): (), _: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        // Before anything is printed or made: without tmux the error is the only line.
        Tmux::new(&config)?;
        // From here on a signal must not leave a server and a folder behind.
        signals::catch(&signals::ENDING).map_err(|e| Error::io("signals", &e))?;
        let sandbox = Sandbox::build(&config)?;
        let mut show = Show {
            out,
            sandbox: &sandbox,
            watch: Watch::new()?,
            deadline: Deadline::after(LONGEST),
            tail: None,
            records: 0,
        };
        show.run().map(|()| Exit::Done)
    }
}

/// When the demo is given up: far longer than it takes, even on a slow machine.
const LONGEST: Duration = Duration::from_secs(60);

/// The widest line that shows a record.
const COLUMNS: usize = 79;

/// How many records the transcript holds after the first turn, and after both.
const RECORDS: [usize; 2] = [3, 8];

/// The steps, and the program that runs beside them.
struct Show<'a> {
    out: &'a mut Output,
    sandbox: &'a Sandbox,
    watch: Watch,
    deadline: Deadline,
    /// The `aimax-tail` that runs beside the other steps.
    tail: Option<Process>,
    /// How many records it has printed.
    records: usize,
}

impl Show<'_> {
    fn run(&mut self) -> Result<()> {
        self.say("A whole session, with a practice agent instead of Claude Code or Codex.")?;

        self.say("\nStart an agent in a tmux window. Its transcript proves the first prompt.")?;
        let start = ["spawn", "-b", "tmux-practice", "-s", "demo", "--cwd", "proj", "-p", "Hello!"];
        self.step(&start)?;

        self.say("\nFollow its transcript during the next steps: type and text of each record.")?;
        self.start_tail(&["tail", "-s", "demo", "--follow", "--max", "8"])?;
        self.wait_for_records(RECORDS[0])?;

        self.say("\nDeliver another prompt, which takes a second and runs a command.")?;
        self.step(&["paste", "-s", "demo", "-p", "Take your time.\n:slow 1000\n!echo hi"])?;

        self.say("\nWait for the end of the job. The exit status says how it ended.")?;
        self.step(&["flag", "wait", "demo"])?;
        self.wait_for_records(RECORDS[1])?;

        self.say("\nList the sessions.")?;
        self.step(&["ls"])?;

        self.say("\nEnd the session.")?;
        self.step(&["kill", "demo"])?;
        self.say("\nThat is all, and nothing is left behind. `aimax --help` shows the rest.")
    }

    fn say(&mut self, text: &str) -> Result<()> {
        self.out.line(text.as_bytes())
    }

    /// Runs a command in the foreground, and prints its output.
    fn step(&mut self, words: &[&str]) -> Result<()> {
        self.say(&format!("$ {}", typed(words)))?;
        let mut command = self.sandbox.start(words)?;
        command.watch(&mut self.watch)?;
        loop {
            // Whether it has ended is asked first: then all that it wrote before is read.
            let ended = command.ended()?;
            for line in command.lines(&mut self.watch)? {
                self.out.line(&line)?;
            }
            self.print_tail()?;
            if let Some(status) = ended {
                command.unwatch(&mut self.watch);
                return check_status(words, status);
            }
            self.wait()?;
        }
    }

    /// Starts the command that runs in the background.
    fn start_tail(&mut self, words: &[&str]) -> Result<()> {
        self.say(&format!("$ {} &", typed(words)))?;
        let tail = self.sandbox.start(words)?;
        tail.watch(&mut self.watch)?;
        self.tail = Some(tail);
        Ok(())
    }

    /// Waits until the tail has printed so many records.
    fn wait_for_records(&mut self, records: usize) -> Result<()> {
        loop {
            let ended = match &mut self.tail {
                Some(tail) => tail.ended()?,
                None => None,
            };
            self.print_tail()?;
            match ended {
                _ if self.records >= records => return Ok(()),
                Some(status) => {
                    check_status(&["tail"], status)?;
                    return Err(Error::system("aimax-tail", "ended before the last record"));
                }
                None => self.wait()?,
            }
        }
    }

    /// Prints what has come from the tail since.
    fn print_tail(&mut self) -> Result<()> {
        let Some(tail) = &mut self.tail else { return Ok(()) };
        for line in tail.lines(&mut self.watch)? {
            self.records += 1;
            self.out.line(brief(&line).as_bytes())?;
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<()> {
        match self.watch.wait(self.deadline)? {
            Woke::Event => Ok(()),
            Woke::Deadline => Err(Error::timeout("the demo", "took far too long")),
        }
    }
}

/// The error of a command that failed. The terminal's ^C ends it together with us: then the signal
/// is the cause.
fn check_status(words: &[&str], status: std::process::ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    Err(match signals::take() {
        Some(signal) => Error::new(crate::error::Kind::Signal(signal), "", "signal"),
        None => Error::new(crate::error::Kind::No, format!("aimax-{}", words[0]), status),
    })
}

/// A command as a person types it.
fn typed(words: &[&str]) -> String {
    let given = words[1..].iter().map(|word| format!(" {}", shell::word(word)));
    format!("aimax-{}{}", words[0], given.collect::<String>())
}

/// A record in one line: its type, and the text of its events.
fn brief(record: &[u8]) -> String {
    let kind = serde_json::from_slice::<serde_json::Value>(record)
        .ok()
        .and_then(|record| Some(record.get("type")?.as_str()?.to_owned()))
        .unwrap_or_default();
    let said = Backend::Practice.agent().parse_line(record).into_iter();
    let said = said.filter(|event| event.kind != EventKind::Usage);
    let texts: Vec<String> = said.map(|event| event.text).collect();
    let line = format!("    {kind:10} {}", texts.join(" "));
    let line = visible(line.trim_end());
    match line.char_indices().nth(COLUMNS - 1) {
        Some((cut, _)) if line.chars().count() > COLUMNS => format!("{}…", &line[..cut]),
        _ => line.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_typed() {
        assert_eq!(
            typed(&["paste", "-s", "demo", "-p", "it's\n!x"]),
            "aimax-paste -s demo -p 'it'\\''s\n!x'"
        );
    }

    #[test]
    fn records_fit_a_line() {
        let record = |text: &str| {
            let message = serde_json::json!({ "role": "user", "content": text });
            serde_json::json!({ "type": "user", "message": message, "promptSource": "typed" })
                .to_string()
        };
        assert_eq!(brief(record("a\nb").as_bytes()), "    user       a\\nb");
        let cut = brief(record(&"é".repeat(200)).as_bytes());
        assert!(cut.chars().count() == COLUMNS && cut.ends_with("é…"), "{cut}");
        assert_eq!(brief(b"{\"type\":\"system\"}"), "    system");
    }
}
