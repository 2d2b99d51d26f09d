//! The form in which records are printed.
//!
//! In every form a record is written whole, in one write, and in its order. In the plain form a
//! large piece of good records is written as it was read, without being copied.

use std::{
    io::{self, Write},
    ops::ControlFlow,
    path::Path,
};

use serde_json::json;

use super::{
    ahead::{Ahead, Understood},
    cursor::Cursor,
    each::Each,
    held::Held,
    options::Args,
    record::RecordSource,
    text::Transcription,
};
use crate::{
    cli::Output,
    error::{At, Result},
    transcript::{
        condense::{Condensed, condense},
        event::Event,
        fast_json,
        follow::Follow,
        lines::{Block, Line},
        long::{LONG, Long},
        validate,
    },
};

/// How many bytes before a kept place are looked at: what an agent records twice stands close by.
const RECALLED: usize = 64 * 1024;

/// The size of a block that is worth another thread.
const WORTH: usize = 64 * 1024;

/// How many blocks may be read ahead of what is printed.
const AHEAD: usize = 4;

/// The forms.
pub(crate) enum Form {
    /// Byte for byte.
    Plain,
    /// Each in an object with its session and its offsets.
    Wrapped,
    /// What they mean.
    Events,
    /// For people.
    Text(Transcription),
}

/// Where records go.
pub(crate) struct Printer<'a> {
    pub(crate) out: &'a mut Output,
    pub(crate) note: &'a mut dyn FnMut(&str),
    form: Form,
    /// What is run for each record, instead of writing it.
    each: Option<Each>,
    raw: bool,
    /// From how many bytes on a record is understood without its long strings.
    longest: usize,
    /// How many of those that are there at first are printed, where that is counted by what is printed.
    last: Option<usize>,
    /// The last of them, until all that is there has been read.
    held: Option<Held>,
    /// How many records may still be printed.
    pub(crate) left: u64,
    /// Whether that has a bound.
    is_counted: bool,
    /// Whether records are written in large pieces, while there is much to catch up with.
    batch: bool,
    wrapped: Vec<u8>,
    /// Understands what is to be printed next.
    ahead: Option<Ahead>,
}

impl<'a> Printer<'a> {
    pub(crate) fn new(
        args: &Args,
        form: Form,
        out: &'a mut Output,
        note: &'a mut dyn FnMut(&str),
    ) -> Self {
        let (left, is_counted) = (args.max.unwrap_or(u64::MAX), args.max.is_some());
        let each = args.each.clone().map(Each);
        // Where a place is kept, or a command must take each, nothing is held back.
        let counts = matches!(form, Form::Events | Form::Text(_)) && args.cursor.is_none();
        let last = args.lines.filter(|_| counts && each.is_none());
        let last = last.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        let (raw, longest) = (args.raw, args.max_line.unwrap_or(LONG));
        let (batch, held, wrapped, ahead) = (false, None, Vec::new(), None);
        Printer {
            out,
            note,
            form,
            each,
            raw,
            longest,
            last,
            held,
            left,
            is_counted,
            batch,
            wrapped,
            ahead,
        }
    }

    /// From here on what is printed is held back, if only the last of it is wanted.
    pub(crate) fn hold(&mut self) {
        self.held = self.last.map(Held::new);
    }

    /// Prints the last of what was held back, all of it of `source`. Returns whether that was all that
    /// may be printed.
    pub(crate) fn release(&mut self, source: &RecordSource) -> Result<bool> {
        let Some(held) = self.held.take() else { return Ok(false) };
        if let Form::Text(transcription) = &self.form
            && held.lacks_its_head()
            && let Some(head) = transcription.head(source.session.as_deref())
        {
            self.out.line(head.as_bytes())?;
        }
        for text in held.texts() {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            self.out.line(&text)?;
        }
        Ok(self.left == 0)
    }

    /// Writes a text, or holds it back.
    fn say(&mut self, text: Vec<u8>) -> Result<()> {
        let Some(held) = &mut self.held else { return self.out.line(&text) };
        held.push(text);
        Ok(())
    }

    /// Sets whether records are written in large pieces. If not, each one is written at once.
    pub(crate) fn batch(&mut self, on: bool) -> Result<()> {
        self.batch = on;
        self.out.batch(on)
    }

    /// Whether blocks are printed as they are, but for their faults.
    fn is_plain(&self) -> bool {
        matches!(self.form, Form::Plain) && self.is_passed_on()
    }

    /// Whether what is printed need neither be counted nor leave in one write.
    fn is_passed_on(&self) -> bool {
        self.batch && !self.is_counted
    }

    /// What becomes of a long line. What is not looked into need not be held, and what is understood
    /// needs no long strings.
    pub(crate) fn long(&self) -> Long {
        match self.form {
            Form::Events | Form::Text(_) => Long::Condensed(self.longest),
            _ if !self.is_passed_on() => Long::Held,
            Form::Plain if self.raw => Long::AnyPassed,
            Form::Plain | Form::Wrapped => Long::RecordPassed,
        }
    }

    /// Prints the records in the lines; breaks off with the offset to go on at.
    pub(crate) fn block(
        &mut self,
        source: &mut RecordSource,
        path: &Path,
        cursor: &mut Option<Cursor>,
        block: Block<'_>,
    ) -> Result<ControlFlow<u64>> {
        if self.is_plain() {
            return self.whole(path, block).map(ControlFlow::Continue);
        }
        let is_large = self.is_passed_on() && block.bytes.len() >= WORTH;
        if is_large && matches!(self.form, Form::Events) {
            // If there can be no thread, all is done here.
            self.ahead = self.ahead.take().or_else(|| Ahead::begin().ok());
            if let Some(ahead) = &mut self.ahead {
                ahead.take(source.backend, block)?;
                return self.give(source, path, AHEAD).map(ControlFlow::Continue);
            }
        }
        self.give(source, path, 0)?;
        self.each_line(source, path, cursor, block)
    }

    /// Prints what is understood of that which was taken, until at most so many blocks are left.
    fn give(&mut self, source: &mut RecordSource, path: &Path, most: usize) -> Result<()> {
        while let Some(ahead) = &mut self.ahead
            && let Some(mut block) = ahead.next(most)?
        {
            // Behind what could not be printed, nothing is: there would be a gap.
            self.understood(source, path, &mut block).inspect_err(|_| self.ahead = None)?;
            if let Some(ahead) = &mut self.ahead {
                ahead.reuse(block);
            }
        }
        Ok(())
    }

    fn understood(
        &mut self,
        source: &mut RecordSource,
        path: &Path,
        block: &mut Understood,
    ) -> Result<()> {
        let events = block.events();
        for (line, events) in block.block().lines().zip(events) {
            match events {
                Some(events) if line.bytes.len() <= self.longest => {
                    let events = source.marked(events);
                    self.events(source, path, line, 0, &events)?;
                }
                Some(_) => self.record(source, path, line)?,
                None => {
                    for bytes in validate::whole_records(path, line, self.note) {
                        self.record(source, path, Line { bytes, ..line })?;
                    }
                }
            }
        }
        Ok(())
    }

    fn each_line(
        &mut self,
        source: &mut RecordSource,
        path: &Path,
        cursor: &mut Option<Cursor>,
        block: Block<'_>,
    ) -> Result<ControlFlow<u64>> {
        let suspects = if self.raw { Vec::new() } else { fast_json::suspects(block.bytes) };
        let mut suspects = suspects.into_iter().map(|at| block.offset + at as u64).peekable();
        for line in block.lines() {
            if self.left == 0 {
                return Ok(ControlFlow::Break(line.offset));
            }
            let is_printed = if suspects.next_if_eq(&line.offset).is_some() {
                let records = validate::whole_records(path, line, self.note);
                for &bytes in &records {
                    self.record(source, path, Line { bytes, ..line })?;
                }
                !records.is_empty()
            } else {
                self.record(source, path, line)?;
                true
            };
            // What is held back counts when it is printed.
            self.left -= u64::from(self.held.is_none() && is_printed);
            if let Some(cursor) = cursor {
                cursor.advance(line)?;
            }
        }
        let end = block.offset + block.bytes.len() as u64;
        Ok(if self.left == 0 { ControlFlow::Break(end) } else { ControlFlow::Continue(()) })
    }

    /// Prints a record, of a long one what is left without its long strings.
    fn record(&mut self, source: &mut RecordSource, path: &Path, line: Line<'_>) -> Result<()> {
        match self.long() {
            Long::Condensed(longest) if line.bytes.len() > longest => {
                let Condensed { bytes, cut } = condense(line.bytes, longest).at(path)?;
                self.line(source, path, Line { bytes: &bytes, ..line }, cut)
            }
            _ => self.line(source, path, line, 0),
        }
    }

    /// Prints a piece of a long line that is passed on; it begins at `at`.
    pub(crate) fn piece(&mut self, source: &RecordSource, line: Line<'_>, at: u64) -> Result<()> {
        if !matches!(self.form, Form::Wrapped) {
            return self.out.lines(line.bytes);
        }
        if at == line.offset {
            self.wrapped.clear();
            source.open_entry(line, &mut self.wrapped)?;
            self.out.lines(&self.wrapped)?;
        }
        if at + line.bytes.len() as u64 == line.next {
            self.out.lines(&line.bytes[..line.bytes.len() - 1])?;
            return self.out.line(b"}");
        }
        self.out.lines(line.bytes)
    }

    /// Prints what is left of a long record, of which `line` has only the end; breaks off with the
    /// offset to go on at.
    pub(crate) fn condensed(
        &mut self,
        source: &mut RecordSource,
        path: &Path,
        cursor: &mut Option<Cursor>,
        line: Line<'_>,
        Condensed { bytes, cut }: &Condensed,
    ) -> Result<ControlFlow<u64>> {
        if self.left == 0 {
            return Ok(ControlFlow::Break(line.offset));
        }
        self.give(source, path, 0)?;
        self.line(source, path, Line { bytes, ..line }, *cut)?;
        self.left -= u64::from(self.held.is_none());
        if let Some(cursor) = cursor {
            cursor.advance(line)?;
        }
        Ok(if self.left == 0 { ControlFlow::Break(line.next) } else { ControlFlow::Continue(()) })
    }

    /// Prints a block in one write more than it has faults. Whoever has less to do proves it: the thread
    /// that writes, or this one.
    fn whole(&mut self, path: &Path, block: Block<'_>) -> Result<()> {
        if self.raw {
            return self.out.lines(block.bytes);
        }
        let suspects = self.out.is_busy()?.then(|| fast_json::suspects(block.bytes));
        let (path, offset) = (path.to_owned(), block.offset);
        self.out.lines_by(block.bytes, move |bytes, to| {
            let suspects = suspects.unwrap_or_else(|| fast_json::suspects(bytes));
            write_proven(&path, Block { offset, bytes }, &suspects, to)
        })?;
        self.tell();
        Ok(())
    }

    /// Waits until all is written that was given to a thread, of `source` in the transcript at `path`.
    pub(crate) fn settle(&mut self, source: &mut RecordSource, path: &Path) -> Result<()> {
        let given = self.give(source, path, 0);
        let done = self.out.settle_thread();
        self.tell();
        given.and(done)
    }

    fn tell(&mut self) {
        self.out.told().iter().for_each(|note| (self.note)(note));
    }

    /// Prints a record, of which so many bytes are `cut`.
    fn line(
        &mut self,
        source: &mut RecordSource,
        path: &Path,
        line: Line<'_>,
        cut: u64,
    ) -> Result<()> {
        match &mut self.form {
            Form::Plain => self.put(source, path, line.next, line.bytes),
            Form::Wrapped => {
                self.wrapped.clear();
                source.write_entry(line, &mut self.wrapped)?;
                self.put_wrapped(source, path, line.next)
            }
            Form::Events => {
                let events = source.events(line);
                self.events(source, path, line, cut, &events)
            }
            Form::Text(transcription) => {
                let events = source.events(line);
                if cut > 0 {
                    let (path, offset) = (path.display(), line.offset);
                    let what = format!("{cut} bytes of a long record are left out");
                    (self.note)(&format!("{path}: offset {offset}: {what}"));
                }
                let text = transcription.show(source.session.as_deref(), &events);
                text.map_or(Ok(()), |text| self.say(text.trim_end_matches('\n').into()))
            }
        }
    }

    fn events(
        &mut self,
        source: &RecordSource,
        path: &Path,
        line: Line<'_>,
        cut: u64,
        events: &[Event],
    ) -> Result<()> {
        self.wrapped.clear();
        for event in events {
            if self.held.is_some() {
                let mut text = Vec::new();
                source.write_event(line, cut, event, &mut text)?;
                self.say(text)?;
                continue;
            }
            source.write_event(line, cut, event, &mut self.wrapped)?;
            self.wrapped.push(b'\n');
        }
        if self.wrapped.pop().is_none() {
            return Ok(());
        }
        self.put_wrapped(source, path, line.next)
    }

    fn put_wrapped(&mut self, source: &RecordSource, path: &Path, next: u64) -> Result<()> {
        let wrapped = std::mem::take(&mut self.wrapped);
        let done = self.put(source, path, next, &wrapped);
        self.wrapped = wrapped;
        done
    }

    /// Writes or hands over what a line of the transcript gave, one record a line; the next line of
    /// the transcript begins at `next`.
    fn put(&mut self, source: &RecordSource, path: &Path, next: u64, lines: &[u8]) -> Result<()> {
        match &self.each {
            Some(each) => {
                let session = source.session.as_deref().zip(source.backend);
                each.take(session, path, next, lines)
            }
            None => self.out.line(lines),
        }
    }

    /// Takes note of what was told before the place where `follow` is, so that an event of which the
    /// agent's first record was told in another run is still told once.
    pub(crate) fn recall(&mut self, source: &mut RecordSource, follow: &Follow) -> Result<()> {
        if std::mem::replace(&mut source.recalled, true) || !matches!(self.form, Form::Events) {
            return Ok(());
        }
        let before = follow.before(RECALLED)?;
        let whole = before.split_inclusive(|&byte| byte == b'\n');
        // The first line may be the rest of one.
        for bytes in whole.skip(usize::from(before.len() == RECALLED)) {
            source.events(Line { offset: 0, next: 0, bytes: bytes.trim_ascii_end() });
        }
        Ok(())
    }

    /// Prints that the conversation goes on at `offset` of another transcript.
    pub(crate) fn moved(
        &mut self,
        source: &RecordSource,
        from: &Path,
        to: &Path,
        offset: u64,
    ) -> Result<()> {
        let moved = json!({ "from": from, "to": to });
        match &mut self.form {
            Form::Wrapped => {
                self.wrapped = source.moved_entry(moved, offset).to_string().into_bytes();
                self.put_wrapped(source, to, offset)
            }
            Form::Events => {
                self.wrapped = source.moved_event(moved, offset)?.to_string().into_bytes();
                if self.held.is_some() {
                    let text = std::mem::take(&mut self.wrapped);
                    return self.say(text);
                }
                self.put_wrapped(source, to, offset)
            }
            Form::Plain | Form::Text(_) => {
                let name = source.session.as_deref().unwrap_or_default();
                (self.note)(&format!("{name}: continues in {}", to.display()));
                Ok(())
            }
        }
    }
}

/// Writes a block in which all lines are records but, perhaps, those that begin at `suspects`. Returns
/// what is to be said of them.
fn write_proven(
    path: &Path,
    block: Block<'_>,
    suspects: &[usize],
    to: &mut dyn Write,
) -> io::Result<Vec<String>> {
    let (mut good, mut notes) = (0, Vec::new());
    for &start in suspects {
        let Some(line) = block.after(start).lines().next() else { break };
        let mut note = |note: &str| notes.push(note.to_owned());
        let records = validate::whole_records(path, line, &mut note);
        if records != [line.bytes] {
            to.write_all(&block.bytes[good..start])?;
            good = start + line.bytes.len() + 1;
            records.iter().try_for_each(|record| to.write_all(&[record, &b"\n"[..]].concat()))?;
        }
    }
    to.write_all(&block.bytes[good..])?;
    Ok(notes)
}
