//! The form in which records are printed.
//!
//! In every form a record is written whole, in one write, and in its order. In the plain form a
//! large piece of good records is written as it was read, without being copied.

use std::{io::Write, ops::ControlFlow, path::Path};

use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use super::{cursor::Cursor, each::Each, held::Held, options::Args, text::Transcription};
use crate::{
    agent::Backend,
    cli::{Member, Output, RecordDoc, Type},
    error::{Error, Result},
    sys, time,
    transcript::{
        event::{Event, EventKind},
        fast_json,
        follow::Follow,
        lines::{Block, Line},
        long::Long,
        once::Once,
        origin::Origin,
        validate,
    },
};

/// How many bytes before a kept place are looked at: what an agent records twice stands close by.
const RECALLED: usize = 64 * 1024;

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

/// Whose records they are.
pub(crate) struct RecordSource {
    /// The session's name; `None` for a plain file.
    pub(crate) session: Option<String>,
    /// The agent that wrote them; when it is not known, the shape of each line tells.
    pub(crate) backend: Option<Backend>,
    /// The machine's name, of a session.
    host: Option<String>,
    /// `{"sessionId":…,"offset":`, the same in every wrapped record.
    opening: String,
    once: Once,
    origin: Origin,
    /// Whether it is known what was told before the place where it was begun.
    recalled: bool,
}

impl RecordSource {
    pub(crate) fn new(session: Option<String>, backend: Option<Backend>) -> Self {
        let host = session.as_ref().map(|_| sys::host().to_owned());
        let (once, origin) = (Once::default(), Origin::default());
        let (opening, recalled) = (String::new(), false);
        let mut source = RecordSource { session, backend, host, opening, once, origin, recalled };
        let object = source.record().to_string();
        source.opening = format!("{},\"offset\":", object.trim_end_matches('}'));
        source
    }

    /// The beginning of each record. Of a plain file nothing more is known than that it is no session.
    fn record(&self) -> Value {
        let mut record = json!({ "sessionId": self.session });
        if let Some(host) = &self.host {
            record["backend"] = json!(self.backend.map(Backend::name));
            record["host"] = json!(host);
        }
        record
    }
}

/// Whose record it is, and where it stands.
const SOURCE: &[Member] = &[
    Member::new("sessionId", Type::OrNull(&Type::Text), "The session's name; null of a file"),
    Member::new("backend", Type::OneOf(Backend::NAMES), "The agent's backend, of a session")
        .optional(),
    Member::new("host", Type::Text, "The machine's name, of a session").optional(),
    Member::new("offset", Type::Count, "Where it begins in the transcript"),
];

/// That the conversation goes on in another file.
const MOVED: Member = Member::new(
    "moved",
    Type::Object(&[&[
        Member::new("from", Type::Text, "The transcript so far"),
        Member::new("to", Type::Text, "The transcript from here on"),
    ]]),
    "That the conversation goes on in another transcript",
)
.optional();

pub(super) const WRAPPED: RecordDoc = RecordDoc {
    name: "tail-offsets",
    about: "`aimax-tail --offsets`: a record of the agent's, or that the transcript was moved",
    fields: &[
        SOURCE,
        &[
            Member::new("next", Type::Count, "Where the next one begins").optional(),
            Member::new("entry", Type::Any, "The record itself").optional(),
            MOVED,
        ],
    ],
};

pub(super) const EVENT: RecordDoc = RecordDoc {
    name: "tail-events",
    about: "`aimax-tail --events`: what a record of the agent's means",
    fields: &[
        SOURCE,
        &[
            Member::new("next", Type::Count, "Where the next record begins"),
            Member::new("kind", Type::OneOf(EventKind::NAMES), "The kind"),
            Member::new("time", Type::OrNull(&Type::Time), "When it was recorded"),
            Member::new("text", Type::Text, "The text of a prompt, an answer, a tool, an error"),
            Member::new("type", Type::Text, "The agent's own name for the record"),
            Member::new(
                "tool",
                Type::Object(&[&[
                    Member::new("name", Type::Text, "The tool's name"),
                    Member::new("input", Type::Any, "What it gets, where that is JSON").optional(),
                ]]),
                "The tool that is called",
            )
            .optional(),
            Member::new("usage", Type::Map(&Type::Any), "What the agent has counted").optional(),
            Member::new("turn", Type::Text, "The turn's id").optional(),
            Member::new("queued", Type::Switch, "Whether the prompt was queued").optional(),
            Member::new("sidechain", Type::Switch, "Whether it is a sub-agent's").optional(),
            Member::new("reason", Type::Text, "Why the turn ended, where that has a name")
                .optional(),
            Member::new("resetsAt", Type::Millis, "When the usage limit ends").optional(),
            Member::new("origin", Type::Text, "Who began the turn, if nobody asked").optional(),
            MOVED,
        ],
    ],
};

/// Where records go.
pub(crate) struct Printer<'a> {
    pub(crate) out: &'a mut Output,
    pub(crate) note: &'a mut dyn FnMut(&str),
    form: Form,
    /// What is run for each record, instead of writing it.
    each: Option<Each>,
    raw: bool,
    /// How many of those that are there at first are printed, where that is counted by what is printed.
    last: Option<usize>,
    /// The last of them, until all that is there has been read.
    held: Option<Held>,
    /// How many records may still be printed.
    pub(crate) left: u64,
    /// Whether records are written in large pieces, while there is much to catch up with.
    batch: bool,
    wrapped: Vec<u8>,
}

impl<'a> Printer<'a> {
    pub(crate) fn new(
        args: &Args,
        form: Form,
        out: &'a mut Output,
        note: &'a mut dyn FnMut(&str),
    ) -> Self {
        let left = args.max.unwrap_or(u64::MAX);
        let each = args.each.clone().map(Each);
        // Where a place is kept, or a command must take each, nothing is held back.
        let counts = matches!(form, Form::Events | Form::Text(_)) && args.cursor.is_none();
        let last = args.lines.filter(|_| counts && each.is_none());
        let last = last.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        let (batch, held, wrapped) = (false, None, Vec::new());
        Printer { out, note, form, each, raw: args.raw, last, held, left, batch, wrapped }
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
        matches!(self.form, Form::Plain) && self.batch && self.left == u64::MAX
    }

    /// What becomes of a long line. What is not looked into need not be held.
    pub(crate) fn long(&self) -> Long {
        match self.is_plain() {
            true if self.raw => Long::AnyPassed,
            true => Long::RecordPassed,
            false => Long::Held,
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
        let suspects = if self.raw { Vec::new() } else { fast_json::suspects(block.bytes) };
        let mut suspects = suspects.into_iter().map(|at| block.offset + at as u64).peekable();
        for line in block.lines() {
            if self.left == 0 {
                return Ok(ControlFlow::Break(line.offset));
            }
            let is_suspect = suspects.next_if_eq(&line.offset).is_some();
            let records = if is_suspect {
                validate::whole_records(path, line, self.note)
            } else {
                vec![line.bytes]
            };
            for &bytes in &records {
                self.line(source, path, Line { bytes, ..line })?;
            }
            // What is held back counts when it is printed.
            self.left -= u64::from(self.held.is_none() && !records.is_empty());
            if let Some(cursor) = cursor {
                cursor.advance(line)?;
            }
        }
        let end = block.offset + block.bytes.len() as u64;
        Ok(if self.left == 0 { ControlFlow::Break(end) } else { ControlFlow::Continue(()) })
    }

    /// Prints a block in one write more than it has faults.
    fn whole(&mut self, path: &Path, block: Block<'_>) -> Result<()> {
        let mut good = 0;
        if !self.raw {
            for start in fast_json::suspects(block.bytes) {
                let Some(line) = block.after(start).lines().next() else { break };
                let records = validate::whole_records(path, line, self.note);
                if records != [line.bytes] {
                    self.out.lines(&block.bytes[good..start])?;
                    good = start + line.bytes.len() + 1;
                    records.into_iter().try_for_each(|record| self.out.line(record))?;
                }
            }
        }
        self.out.lines(&block.bytes[good..])
    }

    fn line(&mut self, source: &mut RecordSource, path: &Path, line: Line<'_>) -> Result<()> {
        match &mut self.form {
            Form::Plain => self.put(source, path, line.next, line.bytes),
            Form::Wrapped => self.wrap(source, path, line),
            Form::Events => {
                self.wrapped.clear();
                for event in &events(source, line) {
                    if self.held.is_some() {
                        let mut text = Vec::new();
                        write_event(source, line, event, &mut text)?;
                        self.say(text)?;
                        continue;
                    }
                    write_event(source, line, event, &mut self.wrapped)?;
                    self.wrapped.push(b'\n');
                }
                if self.wrapped.pop().is_none() {
                    return Ok(());
                }
                self.put_wrapped(source, path, line.next)
            }
            Form::Text(transcription) => {
                let events = events(source, line);
                let text = transcription.show(source.session.as_deref(), &events);
                text.map_or(Ok(()), |text| self.say(text.trim_end_matches('\n').into()))
            }
        }
    }

    /// The record is embedded as it is: reading and writing it anew could change it.
    fn wrap(&mut self, source: &RecordSource, path: &Path, line: Line<'_>) -> Result<()> {
        self.wrapped.clear();
        open_record(source, line, &mut self.wrapped)?;
        self.wrapped.extend_from_slice(b",\"entry\":");
        self.wrapped.extend_from_slice(line.bytes);
        self.wrapped.push(b'}');
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
            events(source, Line { offset: 0, next: 0, bytes: bytes.trim_ascii_end() });
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
                let mut record = source.record();
                record["offset"] = json!(offset);
                record["moved"] = moved;
                WRAPPED.assert(&record);
                self.wrapped = record.to_string().into_bytes();
                self.put_wrapped(source, to, offset)
            }
            Form::Events => {
                let event = Event::new(EventKind::Other, None, "").named(&[Some("moved")]);
                let line = Line { offset, next: offset, bytes: b"" };
                self.wrapped.clear();
                write_event(source, line, &event, &mut self.wrapped)?;
                let mut record: Value = serde_json::from_slice(&self.wrapped).map_err(failed)?;
                record["moved"] = moved;
                EVENT.assert(&record);
                self.wrapped = record.to_string().into_bytes();
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

/// The events of a record: at least one. What was told before is [`EventKind::Other`].
fn events(source: &mut RecordSource, line: Line<'_>) -> Vec<Event> {
    let backend = source.backend.unwrap_or_else(|| Backend::of_line(line.bytes));
    let mut events = backend.agent().parse_record(line.bytes);
    for event in &mut events {
        if source.once.repeats(event) {
            (event.kind, event.text) = (EventKind::Other, String::new());
        }
        source.origin.mark(event);
    }
    events
}

/// What an agent has counted, if the event tells it.
fn usage(event: &Event) -> Option<&RawValue> {
    let is_object = event.kind == EventKind::Usage && event.text.starts_with('{');
    is_object.then(|| serde_json::from_str(&event.text).ok())?
}

/// A call of a tool.
#[derive(Serialize)]
struct ToolCall<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'a RawValue>,
}

impl<'a> ToolCall<'a> {
    /// The call that the text of an event tells: the tool's name, and what it gets.
    fn of(text: &'a str) -> Self {
        let (name, input) = text.split_once(' ').unwrap_or((text, ""));
        ToolCall { name, input: serde_json::from_str(input).ok() }
    }
}

/// The fields of an event before its text.
#[derive(Serialize)]
struct Head {
    kind: EventKind,
    time: Option<String>,
}

/// The fields behind it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rest<'a> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<ToolCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    turn: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    queued: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sidechain: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resets_at: Option<u64>,
}

/// Begins a record: whose it is, and where it stands.
fn open_record(source: &RecordSource, line: Line<'_>, into: &mut Vec<u8>) -> Result<()> {
    into.extend_from_slice(source.opening.as_bytes());
    write!(into, "{},\"next\":{}", line.offset, line.next).map_err(|e| Error::io("memory", &e))
}

/// Writes an event as it is printed. Its text may be most of the record, so it is copied once.
fn write_event(
    source: &RecordSource,
    line: Line<'_>,
    event: &Event,
    into: &mut Vec<u8>,
) -> Result<()> {
    let begin = into.len();
    open_record(source, line, into)?;
    add_fields(into, &Head { kind: event.kind, time: event.time.map(time::rfc3339) })?;
    into.extend_from_slice(b",\"text\":");
    fast_json::quote(&event.text, into);
    let rest = Rest {
        r#type: &event.name,
        tool: (event.kind == EventKind::ToolCall).then(|| ToolCall::of(&event.text)),
        usage: usage(event),
        turn: event.turn.as_deref(),
        queued: event.queued,
        origin: event.origin.as_deref(),
        sidechain: event.sidechain,
        reason: event.reason,
        resets_at: event.resets_at,
    };
    add_fields(into, &rest)?;
    into.push(b'}');
    if cfg!(debug_assertions) {
        // What an agent wrote may be no value here, such as a number that is too large.
        let record: Option<Value> = serde_json::from_slice(&into[begin..]).ok();
        record.iter().for_each(|record| EVENT.assert(record));
    }
    Ok(())
}

/// Adds fields to a record that is open. There is at least one.
fn add_fields(record: &mut Vec<u8>, fields: &impl Serialize) -> Result<()> {
    let at = record.len();
    serde_json::to_writer(&mut *record, fields).map_err(failed)?;
    record[at] = b',';
    record.pop();
    Ok(())
}

fn failed(error: serde_json::Error) -> Error {
    Error::system("stdout", error)
}
