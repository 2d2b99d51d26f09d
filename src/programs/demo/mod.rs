//! `aimax demo`: a whole session on the practice agent, on a tmux server of its own.
//!
//! What is shown is what is run: each step prints the command that a person would type, runs it as
//! a program of its own, and prints what that says. Nothing is left behind, however it ends.

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

mod stage;

use stage::{Run, Stage};

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
built in, and shows each command and what it prints. It needs tmux, and
neither an account nor the network. It uses a tmux server and a folder of
its own, and leaves nothing behind.",
        exits: &[(Exit::Done, "every step did what it should")],
        examples: &[("aimax demo", "Takes about two seconds.")],
        see_also: &[("aimax", 1), ("aimax-spawn", 1), ("tmux", 1)],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<()>] = &[];

    fn run((): (), _: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        // Before anything is said or made: without tmux there is only one line, the error.
        Tmux::new(&config)?;
        // From here on a signal must not leave a server and a folder behind.
        signals::catch(&signals::ENDING).map_err(|e| Error::io("signals", &e))?;
        let stage = Stage::build(&config)?;
        let mut play = Play {
            out,
            stage: &stage,
            watch: Watch::new()?,
            deadline: Deadline::after(LONGEST),
            tail: None,
            records: 0,
        };
        play.all().map(|()| Exit::Done)
    }
}

/// Far longer than it takes, even on a slow machine.
const LONGEST: Duration = Duration::from_secs(60);

/// How wide a line of a live record may be.
const COLUMNS: usize = 79;

/// What the first turn, and both together, write into the transcript.
const RECORDS: [usize; 2] = [3, 8];

/// The steps, and what runs beside them.
struct Play<'a> {
    out: &'a mut Output,
    stage: &'a Stage,
    watch: Watch,
    deadline: Deadline,
    /// The `aimax-tail` that runs beside the other steps.
    tail: Option<Run>,
    /// How many records it has printed.
    records: usize,
}

impl Play<'_> {
    fn all(&mut self) -> Result<()> {
        self.say("A whole session, with a practice agent in the place of Claude Code or Codex.")?;

        self.say("\nStart an agent in a tmux window, and see that it recorded the first prompt.")?;
        let start = ["spawn", "-b", "tmux-practice", "-s", "demo", "--cwd", "proj", "-p", "Hello!"];
        self.step(&start)?;

        self.say("\nFollow its transcript beside the next steps: type and text of each record.")?;
        self.beside(&["tail", "-s", "demo", "--follow", "--max", "8"])?;
        self.until(RECORDS[0])?;

        self.say("\nDeliver another prompt: one that takes a second and runs a command.")?;
        self.step(&["paste", "-s", "demo", "-p", "Take your time.\n:slow 1000\n!echo hi"])?;

        self.say("\nWait for the end of the work; the exit status says how it ended.")?;
        self.step(&["flag", "wait", "demo"])?;
        self.until(RECORDS[1])?;

        self.say("\nList the sessions.")?;
        self.step(&["ls"])?;

        self.say("\nEnd the session.")?;
        self.step(&["kill", "demo"])?;
        self.say("\nThat was all, and nothing of it is left. `aimax --help` says how to go on.")
    }

    fn say(&mut self, text: &str) -> Result<()> {
        self.out.line(text.as_bytes())
    }

    /// One command in the foreground, with what it prints.
    fn step(&mut self, words: &[&str]) -> Result<()> {
        self.say(&format!("$ {}", typed(words)))?;
        let mut run = self.stage.start(words)?;
        run.watched(&mut self.watch)?;
        loop {
            // In this order: what it wrote before it ended is there to be read.
            let ended = run.ended()?;
            for line in run.lines(&mut self.watch)? {
                self.out.line(&line)?;
            }
            self.live()?;
            if let Some(status) = ended {
                run.unwatched(&mut self.watch);
                return succeeded(words, status);
            }
            self.wait()?;
        }
    }

    /// The command that goes on in the background.
    fn beside(&mut self, words: &[&str]) -> Result<()> {
        self.say(&format!("$ {} &", typed(words)))?;
        let run = self.stage.start(words)?;
        run.watched(&mut self.watch)?;
        self.tail = Some(run);
        Ok(())
    }

    /// Waits until the background has printed so many records.
    fn until(&mut self, records: usize) -> Result<()> {
        loop {
            let ended = match &mut self.tail {
                Some(tail) => tail.ended()?,
                None => None,
            };
            self.live()?;
            match ended {
                _ if self.records >= records => return Ok(()),
                Some(status) => {
                    succeeded(&["tail"], status)?;
                    return Err(Error::system("aimax-tail", "ended before the last record"));
                }
                None => self.wait()?,
            }
        }
    }

    /// What the background has printed since.
    fn live(&mut self) -> Result<()> {
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

/// How a command ended. The terminal's ^C ends it together with us: then the signal is the cause.
fn succeeded(words: &[&str], status: std::process::ExitStatus) -> Result<()> {
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

/// One line for a record: its type, and its text in the words of the common schema.
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
