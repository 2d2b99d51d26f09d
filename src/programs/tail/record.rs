//! How a record is printed as an object: whose it is, where it stands, and what it means.

use std::io::Write;

use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    agent::Backend,
    cli::{Member, RecordDoc, Type},
    error::{Error, Result},
    sys, time,
    transcript::{
        event::{Event, EventKind},
        fast_json,
        lines::Line,
        once::Once,
        origin::Origin,
    },
};

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
    pub(super) recalled: bool,
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

    /// The events of a record: at least one. What was told before is [`EventKind::Other`].
    pub(super) fn events(&mut self, line: Line<'_>) -> Vec<Event> {
        self.marked(parse(self.backend, line.bytes))
    }

    /// The same of the next record, with what that says by itself.
    pub(super) fn marked(&mut self, mut events: Vec<Event>) -> Vec<Event> {
        for event in &mut events {
            if self.once.repeats(event) {
                (event.kind, event.text) = (EventKind::Other, String::new());
            }
            self.origin.mark(event);
        }
        events
    }

    /// Writes a record with its offsets, as it is: reading and writing it anew could change it.
    pub(super) fn write_entry(&self, line: Line<'_>, into: &mut Vec<u8>) -> Result<()> {
        self.open_entry(line, into)?;
        into.extend_from_slice(line.bytes);
        into.push(b'}');
        Ok(())
    }

    /// Writes what stands before the record there.
    pub(super) fn open_entry(&self, line: Line<'_>, into: &mut Vec<u8>) -> Result<()> {
        self.open_record(line, into)?;
        into.extend_from_slice(b",\"entry\":");
        Ok(())
    }

    /// Writes an event as it is printed, of a record of which so many bytes are `cut`. Its text may be
    /// most of the record, so it is copied once.
    pub(super) fn write_event(
        &self,
        line: Line<'_>,
        cut: u64,
        event: &Event,
        into: &mut Vec<u8>,
    ) -> Result<()> {
        let begin = into.len();
        self.open_record(line, into)?;
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
            cut,
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

    /// Begins a record: whose it is, and where it stands.
    fn open_record(&self, line: Line<'_>, into: &mut Vec<u8>) -> Result<()> {
        into.extend_from_slice(self.opening.as_bytes());
        write!(into, "{},\"next\":{}", line.offset, line.next).map_err(|e| Error::io("memory", &e))
    }

    /// That the conversation goes on at `offset` of another transcript, with its offsets.
    pub(super) fn moved_entry(&self, moved: Value, offset: u64) -> Value {
        let mut record = self.record();
        record["offset"] = json!(offset);
        record["moved"] = moved;
        WRAPPED.assert(&record);
        record
    }

    /// The same as an event.
    pub(super) fn moved_event(&self, moved: Value, offset: u64) -> Result<Value> {
        let event = Event::new(EventKind::Other, None, "").named(&[Some("moved")]);
        let mut written = Vec::new();
        self.write_event(Line { offset, next: offset, bytes: b"" }, 0, &event, &mut written)?;
        let mut record: Value = serde_json::from_slice(&written).map_err(failed)?;
        record["moved"] = moved;
        EVENT.assert(&record);
        Ok(record)
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
            Member::new("cut", Type::Count, "How many bytes of a long record were left out")
                .optional(),
            MOVED,
        ],
    ],
};
/// What a record says by itself: at least one event. `backend` is the agent's that wrote it, if that is
/// known.
pub(super) fn parse(backend: Option<Backend>, record: &[u8]) -> Vec<Event> {
    let backend = backend.unwrap_or_else(|| Backend::of_line(record));
    backend.agent().parse_record(record)
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
    #[serde(skip_serializing_if = "is_none")]
    cut: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde gives it")]
fn is_none(count: &u64) -> bool {
    *count == 0
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
