//! `aimax-tail`: a transcript's records, once or following.
//!
//! Records leave byte for byte as the agent wrote them, whole lines only. What is no record is
//! named on stderr with its offset and left out. The offset just after a record is where a later
//! run goes on: nothing is given twice, nothing is left out. Between records the program sleeps in
//! one system call, and still notices at once when its reader goes away.

use std::{ffi::OsString, os::fd::RawFd, path::Path};

use self::{
    cursor::Cursor,
    printer::{Form, Printer},
    run::Run,
    session_set::{Selection, SessionSet},
    tailed::Tailed,
    text::Transcription,
};
use crate::{
    cli::{
        self,
        option::{Complete, Opt, Tool, ToolDoc, ValueDoc},
        output::Output,
        paint::Paint,
    },
    config::Config,
    error::{Error, Exit, Kind, Result},
    session::conversation::ConversationReader,
    transcript::start::Start,
};

mod cursor;
pub(crate) mod options;
mod printer;
mod run;
mod session_set;
mod tailed;
mod text;

pub(crate) use options::Args;

/// The program.
pub struct Tail;

impl Tool for Tail {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-tail",
        tagline: "print a session's transcript records from an offset",
        synopsis: &[
            "aimax-tail [OPTION]... -s SESSION...",
            "aimax-tail [OPTION]... --all",
            "aimax-tail [OPTION]... FILE",
        ],
        about: "\
Prints the records of a transcript, the JSONL file that the agent itself
writes, byte for byte and one a line. Without `--follow` it ends at the
last whole line; with it, it waits for more, also for a file that does
not exist yet, and reads on when the file is replaced or cut.

An offset is a position in bytes just after a newline, or 0. `--offsets`
prints with each record the offset where the next one begins; give that
to `--from` to go on there.

A line that is not a JSON object is named on standard error with its
offset and its fault, and left out. A last line that has no newline yet
is not printed.

Of a session, the conversation is followed, not the file: when a person
clears it or goes over to another, and when the agent writes the first
line of the new transcript, that one is read from its beginning. This is
said on standard error, with `--offsets` by a record
`{\"sessionId\",\"moved\":{\"from\",\"to\"}}`, and with `--events` by one more
`other`, whose `type` is `moved`. A transcript that Codex has put away
compressed (`.jsonl.zst`) is read as what it holds, with the same
offsets.

`-s` may be given several times. Records of several sessions are wrapped
as by `--offsets`, or are `--events` or `--text`.",
        verbs: &[],
        operand: Some(ValueDoc { name: "FILE", complete: Complete::File }),
        rest: None,
        exits: &[
            (Exit::Done, "the end or `--max` was reached, or the reader went away"),
            (Exit::Usage, "also an offset that is not at the beginning of a line"),
            (Exit::Timeout, "`--timeout` ended the run"),
        ],
        examples: &[
            ("aimax-tail -s demo -n 1", "The last record."),
            ("aimax-tail -s demo --from 4096 -f", "What came after an offset, and what comes."),
            (
                "aimax-tail -s demo -f -n 0 --max 1 --timeout 60",
                "The next record, within a minute.",
            ),
            ("aimax-tail --all -f -n 0 --events", "What happens anywhere, in one schema."),
            ("aimax-tail -s demo -f --cursor demo.at", "Each record once, over many runs."),
            ("aimax-tail --offsets session.jsonl", "A file, with offsets to go on from."),
        ],
        see_also: &[("aimax-paste", 1), ("aimax-ls", 1), ("tail", 1), ("aimax", 7)],
    };

    const OPTS: &'static [Opt<Args>] = options::TABLE;

    fn run(args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        print(&args, operands, out, &mut say).0
    }
}

/// Prints what `args` ask for; says how that ended, and how many records there were.
pub(crate) fn print(
    args: &Args,
    operands: Vec<OsString>,
    out: &mut Output,
    note: &mut dyn FnMut(&str),
) -> (Result<Exit>, u64) {
    match Plan::new(args, operands) {
        Ok(plan) => plan.run(args, out, note, Some(STDOUT)),
        Err(error) => (Err(error), 0),
    }
}

/// The descriptor whose reader may go away.
const STDOUT: RawFd = 1;

/// A note for the person at the terminal.
fn say(note: &str) {
    cli::say(Tail::DOC.name, note);
}

/// What is to be read, and in which form it leaves.
struct Plan {
    streams: Vec<Tailed>,
    sessions: Option<SessionSet>,
    form: Form,
    /// What is to be said before the first record.
    note: Option<String>,
}

impl Plan {
    fn new(args: &Args, operands: Vec<OsString>) -> Result<Plan> {
        let mut operands = operands.into_iter();
        let start = start(args)?;
        let (mut streams, mut sessions, mut many) = (Vec::new(), None, false);
        match (operands.next(), operands.next()) {
            (_, Some(more)) => {
                return Err(Error::usage(more.display(), "one FILE only")
                    .advise("run one aimax-tail for each file"));
            }
            (Some(file), None) if args.target.is_given() || args.all => {
                return Err(Error::usage(file.display(), "either sessions or a FILE"));
            }
            (Some(file), None) => {
                let reader = ConversationReader::new(Some(file.into()), start);
                let reader = reader.longest(args.max_line);
                streams.push(Tailed::of_file(args.target.backend_given()?, reader));
            }
            (None, None) => {
                let config = Config::from_env()?;
                let meant = meant(args, &config)?;
                many = !matches!(&meant, Selection::Named(names) if names.len() == 1);
                let set = SessionSet::new(config, meant, args, start)?;
                streams = set.sessions()?;
                sessions = Some(set);
            }
        }
        if many {
            alone(args.from.is_some(), "--from", "an offset is one of one transcript")?;
            alone(args.cursor.is_some(), "--cursor", "it keeps one place")?;
            alone(args.raw, "--raw", "which line is whose could not be told")?;
        }
        let mut plan = Plan { streams, sessions, form: form(args, many)?, note: None };
        if let Some(file) = &args.cursor {
            plan.keep_place(file)?;
        }
        Ok(plan)
    }

    /// Begins where the cursor in `file` says, unless that is another transcript by now.
    fn keep_place(&mut self, file: &Path) -> Result<()> {
        let Some(stream) = self.streams.first_mut() else { return Ok(()) };
        let (cursor, mut at) = Cursor::open(file)?;
        if let Some((path, offset)) = &at {
            if stream.session.is_none() && !stream.reader.paths().any(|own| is_same(own, path)) {
                return Err(Error::usage(file.display(), "a cursor of another file")
                    .advise(format!("it is of {}", path.display())));
            }
            if let Some(why) = cursor.objection()? {
                let anew = format!("{why}: the place {offset} is void, read from the beginning");
                self.note = Some(format!("{}: {anew}", path.display()));
                at = stream.reader.paths().next().map(|own| (own.to_owned(), 0));
                stream.reader.start = Start::Offset(0);
            }
        }
        stream.keep(cursor, at);
        Ok(())
    }

    /// Prints it. `reader` is where the records go, if somebody must be there to read them.
    fn run(
        self,
        args: &Args,
        out: &mut Output,
        note: &mut dyn FnMut(&str),
        reader: Option<RawFd>,
    ) -> (Result<Exit>, u64) {
        if let Some(text) = &self.note {
            note(text);
        }
        let printer = Printer::new(args, self.form, out, note);
        let mut run = Run { args, streams: self.streams, sessions: self.sessions, printer };
        let done = if args.follow { run.follow(reader) } else { run.once() };
        let done =
            done.or_else(|e| if e.kind == Kind::ReaderGone { Ok(Exit::Done) } else { Err(e) });
        (done, args.max.unwrap_or(u64::MAX) - run.printer.left)
    }
}

/// Refuses an option that is for one transcript.
fn alone(given: bool, option: &str, why: &str) -> Result<()> {
    if given { Err(Error::usage(option, format!("it is for one session: {why}"))) } else { Ok(()) }
}

fn is_same(own: &Path, kept: &Path) -> bool {
    std::path::absolute(own).is_ok_and(|own| own == kept)
}

/// Where to begin; refuses what does not go together.
fn start(args: &Args) -> Result<Start> {
    let forms = [args.offsets, args.events, args.text].into_iter().filter(|&on| on).count();
    let clash = |cause| Err(Error::usage("", cause));
    match (args.from, args.lines) {
        (Some(_), Some(_)) => clash("--from and --lines both say where to begin"),
        _ if args.raw && forms > 0 => {
            clash("--offsets, --events and --text hold records only, and --raw lets all through")
        }
        _ if forms > 1 => clash("only one of --offsets, --events and --text"),
        _ if args.timeout.is_some() && !args.follow => clash("--timeout is for --follow"),
        (_, Some(count)) => Ok(Start::Last(count)),
        (from, None) => Ok(Start::Offset(from.unwrap_or(0))),
    }
}

fn meant(args: &Args, config: &Config) -> Result<Selection> {
    if args.all && args.target.is_given() {
        return Err(Error::usage("--all", "either all sessions or those that -s names"));
    }
    if args.all {
        return Ok(Selection::All);
    }
    match args.target.all_names(config)? {
        names if names.is_empty() => Err(Error::usage("", "neither a session nor a FILE is given")),
        names => Ok(Selection::Named(names)),
    }
}

fn form(args: &Args, many: bool) -> Result<Form> {
    Ok(if args.events {
        Form::Events
    } else if args.text {
        Form::Text(Transcription::new(Paint::stdout(&Config::from_env()?), many))
    } else if args.offsets || many {
        Form::Wrapped
    } else {
        Form::Plain
    })
}

#[cfg(test)]
mod tests;
