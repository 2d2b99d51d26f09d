//! `aimax-tail`: a transcript's records, once or following.
//!
//! Records leave byte for byte as the agent wrote them, whole lines only. What is no record is
//! named on stderr with its offset and left out. The offset just after a record is where a later
//! run goes on: nothing is given twice, nothing is left out. Between records the program sleeps in
//! one system call, and still notices at once when its reader goes away.

use std::{
    ffi::OsString,
    io::Write,
    ops::ControlFlow,
    os::fd::RawFd,
    path::{Path, PathBuf},
};

use crate::{
    cli::{
        self,
        option::{Complete, Opt, Tool, ToolDoc, ValueDoc},
        output::Output,
    },
    config::Config,
    error::{Error, Exit, Kind, Result},
    session::{self, Session},
    time::Deadline,
    transcript::{
        check,
        follow::{Follow, Seen, Start},
        lines::Line,
    },
    watch::{Watch, Woke},
};

mod options;

pub use options::Args;

/// The program.
pub struct Tail;

impl Tool for Tail {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-tail",
        tagline: "print a session's transcript records from an offset",
        synopsis: &["aimax-tail [OPTION]... -s SESSION", "aimax-tail [OPTION]... FILE"],
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
is not printed.",
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
            ("aimax-tail --offsets session.jsonl", "A file, with offsets to go on from."),
        ],
        see_also: &[("aimax-paste", 1), ("aimax-ls", 1), ("tail", 1)],
    };

    const OPTS: &'static [Opt<Args>] = options::TABLE;

    fn run(args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let Some(source) = resolve(&args, operands)? else {
            return Ok(if args.follow { Exit::Timeout } else { Exit::Done });
        };
        Run::new(&args, &source, out, &mut say)?.run(Some(STDOUT))
    }
}

/// The descriptor whose reader may go away.
const STDOUT: RawFd = 1;

/// A note for the person at the terminal.
fn say(note: &str) {
    cli::say(Tail::DOC.name, note);
}

/// Where the records are.
struct Source {
    /// `None` for a plain file.
    session: Option<String>,
    path: PathBuf,
}

/// Finds the file that is meant. That of a session may be known only once it has its first prompt:
/// then `None`, or with `--follow` a wait for it.
fn resolve(args: &Args, operands: Vec<OsString>) -> Result<Option<Source>> {
    let mut operands = operands.into_iter();
    let config = Config::from_env();
    let name = args.target.name(&config)?;
    match (name, operands.next(), operands.next()) {
        (_, Some(_), Some(more)) => Err(Error::usage(more.display(), "one FILE only")
            .advise("run one aimax-tail for each file")),
        (_, Some(file), None) if args.target.is_given() => {
            Err(Error::usage(file.display(), "either a session or a FILE"))
        }
        (_, Some(file), None) => Ok(Some(Source { session: None, path: file.into() })),
        (Some(name), None, _) => {
            let session = Session::find_any(&config, &name, args.target.backend(&config)?)?;
            let path = if args.follow {
                let deadline = args.timeout.map_or(Deadline::NEVER, Deadline::after);
                session::transcript(&config, session, deadline)?
            } else {
                session.entry.jsonl_path().map(PathBuf::from)
            };
            Ok(path.map(|path| Source { session: Some(name.to_string()), path }))
        }
        (None, None, _) => Err(Error::usage("", "neither a session nor a FILE is given")),
    }
}

/// One run over one source.
struct Run<'a> {
    args: &'a Args,
    path: &'a Path,
    out: &'a mut Output,
    note: &'a mut dyn FnMut(&str),
    /// `{"sessionId":…,"offset":`, the same in every wrapped record.
    opening: String,
    of_session: bool,
    wrapped: Vec<u8>,
    /// Records that may still be printed.
    left: u64,
}

impl<'a> Run<'a> {
    fn new(
        args: &'a Args,
        source: &'a Source,
        out: &'a mut Output,
        note: &'a mut dyn FnMut(&str),
    ) -> Result<Self> {
        let clash = |cause| Err(Error::usage("", cause));
        match () {
            () if args.from.is_some() && args.lines.is_some() => {
                return clash("--from and --lines both say where to begin");
            }
            () if args.raw && args.offsets => {
                return clash("--offsets holds JSON only, and --raw lets other lines through");
            }
            () if args.timeout.is_some() && !args.follow => {
                return clash("--timeout is for --follow");
            }
            () => {}
        }
        let session = serde_json::json!({ "sessionId": source.session }).to_string();
        let opening = format!("{},\"offset\":", session.trim_end_matches('}'));
        let left = args.max.unwrap_or(u64::MAX);
        let of_session = source.session.is_some();
        Ok(Run {
            args,
            path: &source.path,
            out,
            note,
            opening,
            of_session,
            wrapped: Vec::new(),
            left,
        })
    }

    /// Prints what there is, and with `--follow` what comes. `reader` is where the records go, if
    /// somebody must be there to read them.
    fn run(mut self, reader: Option<RawFd>) -> Result<Exit> {
        let done = if self.args.follow { self.follow(reader) } else { self.once() };
        match done {
            Err(e) if e.kind == Kind::ReaderGone => Ok(Exit::Done),
            done => done,
        }
    }

    fn start(&self) -> Start {
        match (self.args.from, self.args.lines) {
            (_, Some(count)) => Start::Last(count),
            (from, None) => Start::Offset(from.unwrap_or(0)),
        }
    }

    fn once(&mut self) -> Result<Exit> {
        let mut follow = Follow::open(self.path, self.start())?;
        self.out.batch(true)?;
        let seen = self.read(&mut follow)?;
        self.out.batch(false)?;
        // A session that has had no prompt has no records; a file that is not there is a mistake.
        if seen == Seen::Absent && !self.of_session {
            return Err(Error::missing(self.path.display(), "no such file"));
        }
        self.tell(seen);
        Ok(Exit::Done)
    }

    fn follow(&mut self, reader: Option<RawFd>) -> Result<Exit> {
        let deadline = self.args.timeout.map_or(Deadline::NEVER, Deadline::after);
        let mut watch = Watch::new()?;
        watch.path(self.path)?;
        if let Some(reader) = reader {
            watch.reader_of(&reader);
        }
        let mut follow = Follow::open(self.path, self.start())?;
        // Catching up is done in large pieces; after that, each record is written at once.
        self.out.batch(true)?;
        loop {
            let seen = self.read(&mut follow)?;
            self.out.flush()?;
            self.tell(seen);
            match seen {
                Seen::Stopped => return Ok(Exit::Done),
                Seen::Truncated | Seen::Replaced => continue,
                Seen::All | Seen::Absent | Seen::Removed => self.out.batch(false)?,
            }
            match watch.wait(deadline)? {
                Woke::Event => {}
                Woke::Deadline => return Ok(Exit::Timeout),
            }
        }
    }

    /// What happened to the file, where that is not the usual.
    fn tell(&mut self, seen: Seen) {
        let what = match seen {
            Seen::All | Seen::Stopped | Seen::Absent => return,
            Seen::Removed => "the file was removed",
            Seen::Truncated => "the file was cut: its offsets begin anew at 0",
            Seen::Replaced => "another file took its place: offsets begin anew at 0",
        };
        (self.note)(&Error::system(self.path.display(), what).to_string());
    }

    fn read(&mut self, follow: &mut Follow) -> Result<Seen> {
        if self.left == 0 {
            return Ok(Seen::Stopped);
        }
        follow.read(|line| self.print(line))
    }

    fn print(&mut self, line: Line<'_>) -> Result<ControlFlow<()>> {
        if !self.args.raw
            && let Err(fault) = check::record(line.bytes)
        {
            let at = format!("offset {}", line.offset);
            (self.note)(&format!("{}: {at}: left out: {fault}", self.path.display()));
            return Ok(ControlFlow::Continue(()));
        }
        if self.args.offsets {
            self.wrap(line)?;
        } else {
            self.out.line(line.bytes)?;
        }
        self.left -= 1;
        Ok(if self.left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    /// The record is embedded as it is: reading and writing it anew could change it.
    fn wrap(&mut self, line: Line<'_>) -> Result<()> {
        self.wrapped.clear();
        self.wrapped.extend_from_slice(self.opening.as_bytes());
        let fault = |e| Error::io("memory", &e);
        write!(self.wrapped, "{},\"next\":{},\"entry\":", line.offset, line.next).map_err(fault)?;
        self.wrapped.extend_from_slice(line.bytes);
        self.wrapped.push(b'}');
        self.out.line(&self.wrapped)
    }
}

#[cfg(test)]
mod tests;
