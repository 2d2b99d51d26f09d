//! `aimax-tail`: a transcript's records, once or following.
//!
//! Records are printed byte for byte as the agent wrote them, whole lines only. A line that is not
//! a record is left out, and named on stderr with its offset. A later run goes on at the offset
//! just after a record: nothing comes twice, nothing is missed. Between records the program sleeps
//! in one system call, and still notices at once when its reader goes away.

use std::{
    ffi::OsString,
    os::fd::{AsRawFd, RawFd},
};

use self::{due::Due, plan::Plan, printer::Printer, session_set::SessionSet, tailed::Tailed};
use crate::{
    cli::{self, Complete, Opt, Output, Tool, ToolDoc, ValueDoc, output::stdout},
    error::{Error, Exit, Kind, Result},
    sys,
    time::Deadline,
    transcript::follow::Seen,
    watch::{Changes, Watch, Woke},
};

mod ahead;
mod answer;
mod cursor;
mod due;
mod each;
mod held;
mod options;
mod plan;
mod printer;
mod record;
mod session_set;
mod tailed;
mod text;

pub(crate) use options::{Args, MAX, offset};

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
writes, byte for byte, one per line. Without `--follow`, stops at the
last complete line. With it, waits for more, even for a file that does
not exist yet, and starts again if the file is replaced or truncated.

An offset is a position in bytes just after a newline, or 0. `--offsets`
prints with each record the offset where the next one begins; pass it to
`--from` to continue there.

A line that is not a JSON object is skipped, and reported on standard
error with its offset and what is wrong with it. A last line without a
newline is not printed.

A session's conversation is followed, not its file. When `/clear` or
another command begins a new conversation, its transcript is read from
the beginning, as soon as the agent writes the first line of it. When
the transcript is moved to another folder, reading continues there at
the same offset. Either is reported on standard error; with `--offsets`
as a record `{\"sessionId\",\"offset\",\"moved\":{\"from\",\"to\"}}`, and with
`--events` as an event of kind `other` and type `moved`, where `offset`
is where reading continues. A transcript that Codex has compressed
(`.jsonl.zst`) is read as if it were not, with the same offsets.

`-s` may be repeated. Records of several sessions are wrapped as with
`--offsets`, unless `--events` or `--text` is given.",
        operand: Some(ValueDoc { name: "FILE", complete: Complete::File }),
        exits: &[
            (Exit::Done, "the end or `--max` was reached"),
            (Exit::No, "with `--answer`: the turn failed, or there is no answer"),
            (Exit::Usage, "also if an offset is not at the beginning of a line"),
            (Exit::Timeout, "`--timeout` was reached"),
        ],
        examples: &[
            ("aimax-tail -s demo -n 1", "Print the last record."),
            ("aimax-tail -s demo --from 4096 -f", "Print what follows an offset, and keep going."),
            (
                "aimax-tail -s demo -f -n 0 --max 1 --timeout 60",
                "Wait up to a minute for the next record.",
            ),
            ("aimax-tail --all -f -n 0 --events", "Follow all sessions, in one schema."),
            ("aimax-tail -s demo -f --cursor demo.at", "Print each record once, over many runs."),
            (
                "aimax-tail -s demo --answer -f",
                "Wait for the end of the turn and print the answer.",
            ),
            ("aimax-tail --offsets session.jsonl", "Print a file with offsets."),
        ],
        see_also: &[("aimax-paste", 1), ("aimax-ls", 1), ("tail", 1), ("aimax", 7)],
        ends: &[Exit::No, Exit::Person, Exit::Missing, Exit::Timeout],
        records: &[&record::WRAPPED, &record::EVENT],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = options::TABLE;

    fn run(args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        if args.answer {
            return answer::run(&args, &operands, out);
        }
        print(&args, operands, out, &mut |note| cli::say(Self::DOC.name, note)).0
    }
}

/// Prints what `args` ask for; returns how that ended, and how many records were printed.
pub(crate) fn print(
    args: &Args,
    operands: Vec<OsString>,
    out: &mut Output,
    note: &mut dyn FnMut(&str),
) -> (Result<Exit>, u64) {
    match Plan::new(args, operands) {
        Ok(plan) => print_plan(plan, args, out, note, Some(stdout().as_raw_fd())),
        Err(error) => (Err(error), 0),
    }
}

/// Prints what is planned. The run ends when nobody reads `output` any more, if it is given.
fn print_plan(
    plan: Plan,
    args: &Args,
    out: &mut Output,
    note: &mut dyn FnMut(&str),
    output: Option<RawFd>,
) -> (Result<Exit>, u64) {
    let printer = Printer::new(args, plan.form, out, note);
    let mut run = TailRun { args, streams: plan.streams, sessions: plan.sessions, printer };
    let done = if args.follow { run.follow(output) } else { run.once() };
    let done = done.or_else(|e| if e.kind == Kind::ReaderGone { Ok(Exit::Done) } else { Err(e) });
    (done, args.max.unwrap_or(u64::MAX) - run.printer.left)
}

/// What is read, and how it is printed.
struct TailRun<'a> {
    args: &'a Args,
    streams: Vec<Tailed>,
    /// `None` where a plain file is read.
    sessions: Option<SessionSet>,
    printer: Printer<'a>,
}

impl TailRun<'_> {
    /// Prints what there is.
    fn once(&mut self) -> Result<Exit> {
        if let Some(sessions) = &mut self.sessions {
            let mut watch = Watch::new()?;
            sessions.watch(&mut watch)?;
            sessions.update(&mut watch, &mut self.streams, None, None, self.printer.note)?;
        }
        self.catch_up()?;
        for stream in &mut self.streams {
            let seen = stream.read(&mut self.printer, None, None)?;
            // A session that has had no prompt has no records; a missing file is a mistake.
            if seen == Seen::Absent
                && stream.session.is_none()
                && let Some(path) = stream.reader.paths().next()
            {
                return Err(Error::missing(path.display(), "no such file"));
            }
        }
        self.printer.batch(false)?;
        Ok(Exit::Done)
    }

    /// Prints what there is and what comes, until nobody reads `output` any more, if it is given.
    fn follow(&mut self, output: Option<RawFd>) -> Result<Exit> {
        let deadline = self.args.timeout.map_or(Deadline::NEVER, Deadline::after);
        let mut watch = Watch::new()?;
        if let Some(output) = output {
            watch.reader_of(&output);
        }
        if let Some(sessions) = &mut self.sessions {
            sessions.watch(&mut watch)?;
            // A limit that stays low is a failure only once there are too many files.
            drop(sys::raise_open_files());
        }
        for stream in &mut self.streams {
            stream.reader.watch(&mut watch)?;
        }
        // Catching up is done in large pieces; after that, each record is written at once.
        self.catch_up()?;
        if self.printer.left == 0 {
            return Ok(Exit::Done);
        }
        let (mut changes, mut due): (Option<Changes>, _) = (None, Due::default());
        loop {
            let changed = changes.as_ref().map(|changes| &changes.paths);
            let some = due.at(changed);
            if let Some(sessions) = &mut self.sessions {
                sessions.update(
                    &mut watch,
                    &mut self.streams,
                    some.as_deref(),
                    changed,
                    self.printer.note,
                )?;
            }
            let is_all = some.is_none();
            for at in some.unwrap_or_else(|| (0..self.streams.len()).collect()) {
                let stream = &mut self.streams[at];
                if stream.is_due(changed)
                    && stream.read(&mut self.printer, Some(&mut watch), changes.as_ref())?
                        == Seen::Stopped
                {
                    self.printer.batch(false)?;
                    return Ok(Exit::Done);
                }
                due.note(at, stream);
            }
            self.printer.batch(false)?;
            if is_all && self.drop_left(&mut watch) {
                due = Due::of(&self.streams);
            }
            if watch.wait(deadline)? == Woke::Deadline {
                return Ok(Exit::Timeout);
            }
            // When no path changed, something else did: then everything is read again.
            changes = Some(watch.changes()).filter(|changes| !changes.paths.is_empty());
        }
    }

    /// Drops the sessions that have left, and stops watching their files. Returns whether there were
    /// any.
    fn drop_left(&mut self, watch: &mut Watch) -> bool {
        let gone: Vec<_> = self.streams.extract_if(.., |stream| stream.leaving).collect();
        for path in gone.iter().flat_map(|stream| stream.reader.paths()) {
            if !self.streams.iter().any(|stream| stream.reader.paths().any(|other| other == path)) {
                watch.forget(path);
            }
        }
        !gone.is_empty()
    }

    /// Begins to catch up: in large pieces, unless the place is to be kept after each record, or
    /// each is handed over.
    fn catch_up(&mut self) -> Result<()> {
        self.printer.batch(self.args.cursor.is_none() && self.args.each.is_none())
    }
}

#[cfg(test)]
mod tests;
