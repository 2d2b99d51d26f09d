//! The lines of a Claude Code transcript. See claude/FACTS.md, "Transcript records".

use std::path::Path;

use crate::{
    agent::{Comparison, difference, text_of},
    error::Result,
    time,
    transcript::{
        event::{Event, EventKind, REFUSED, SCHEDULE, USAGE_LIMIT},
        field::{Field, fields},
        follow::last_lines,
        ledger::Ledger,
        lines::Line,
        validate,
    },
};

/// A record.
struct Record<'a> {
    kind: &'a str,
    time: Option<u64>,
    message: Message<'a>,
    /// Its attachment's type, prompt, message and hook.
    attachment: [Field<'a>; 4],
    /// Not a user's words: the agent's own.
    is_own: bool,
    is_error: bool,
    /// The turn does not go on.
    prevents: bool,
    /// Sub-agents of the turn still work.
    pending: bool,
    fields: Fields<'a>,
}

/// The beginning of the user entry that stops a turn.
/// See claude/FACTS.md, "Interrupt in the transcript".
const STOPPED: &str = "[Request interrupted by user";

/// The beginning of what an older agent tells its model of a prompt that a hook stopped.
const STOPPED_BY_HOOK: &str = "Operation stopped by hook: ";

/// In what the agent says of a prompt that a hook refused. It never reached the model.
/// See claude/FACTS.md, "Hooks".
const REFUSAL: &str = "operation blocked by hook";

/// What an agent's words for a usage limit have, but not those for another 429.
const RESETS: &str = " · resets ";
/// What stood before the end of the limit, in epoch seconds, in older versions.
const LIMIT_UNTIL: &str = "usage limit reached|";

/// The origin of the entry with which the agent goes on behind a usage limit.
/// See claude/FACTS.md, "End of a turn, and what outlives it".
const GOES_ON: &str = "auto-continuation";

/// The origin of a message of another session, and its beginning in the queue.
/// See claude/FACTS.md, "Inbox".
const PEER: &str = "peer";
const MESSAGE: &str = "<cross-session-message ";

/// The origin of what a person has typed.
const TYPED: &str = "human";

/// The beginning of the result of the tool that starts a sub-agent beside the turn.
/// See claude/FACTS.md, "End of a turn, and what outlives it".
const LAUNCHED: &str = "Async agent launched";

/// The origin of a notice that the agent queues for itself, and its beginning.
/// See claude/FACTS.md, "Turns that nobody sent".
const NOTIFIED: &str = "task-notification";
const NOTICE: &str = "<task-notification>";

/// What stands for a model where the agent itself has made up an answer.
/// See claude/FACTS.md, "Interrupt in the transcript".
pub(crate) const NO_MODEL: &str = "<synthetic>";

fields! {
    /// The fields of a record that matter. A record may hold far larger ones, which are skipped.
    struct Fields {
        kind: "type",
        timestamp: "timestamp",
        content: "content",
        subtype: "subtype",
        operation: "operation",
        attachment: "attachment",
        prompt_source: "promptSource",
        is_meta: "isMeta",
        is_summary: "isCompactSummary",
        is_sidechain: "isSidechain",
        is_error: "isApiErrorMessage",
        error: "error",
        error_status: "apiErrorStatus",
        origin: "origin",
        limits: "quotaLimits",
        prevents: "preventContinuation",
        submit_ending: "promptSubmitEnding",
        pending: "pendingBackgroundAgentCount",
        timer: "scheduledTaskId",
    }
}

fields! {
    /// Those of its message, which may be most of it.
    struct Message {
        content: "content",
        stop_reason: "stop_reason",
        usage: "usage",
        model: "model",
        role: "role",
    }
}

/// The events in a record, at least one.
pub(crate) fn parse_record(bytes: &[u8]) -> Vec<Event> {
    let (fields, message) =
        Field::whole(bytes).fields_and(Fields::NAMES, "message", Message::NAMES);
    let (fields, message) = (Fields::of(fields), Message::of(message));
    let kind = fields.kind.text().or_else(|| message.role.text()).unwrap_or_default();
    let (error, status) = (fields.error.text(), fields.error_status.number());
    let record = Record {
        kind: &kind,
        time: fields.timestamp.text().and_then(|text| time::parse_rfc3339(&text)),
        message,
        attachment: fields.attachment.fields(["type", "prompt", "message", "hookEvent"]),
        is_own: fields.is_meta.is_true() || fields.is_summary.is_true(),
        is_error: fields.is_error.is_true() || error.is_some() || status.is_some(),
        prevents: fields.prevents.is_true(),
        pending: fields.pending.number().is_some_and(|count| count > 0.0),
        fields,
    };
    let under = [record.fields.subtype, record.fields.operation, record.attachment[0]];
    let under = under.into_iter().find_map(Field::text);
    let name = [Some(record.kind).filter(|kind| !kind.is_empty()), under.as_deref()];
    let is_side = record.fields.is_sidechain.is_true();
    let events = events(&record).into_iter().map(|event| event.named(&name));
    if is_side { events.map(of_sidechain).collect() } else { events.collect() }
}

/// What stands between two parts of a text.
fn between(text: &str, begin: &str, end: &str) -> Option<String> {
    let (_, rest) = text.split_once(begin)?;
    rest.split_once(end).map(|(inside, _)| inside.to_owned())
}

/// The work that a notice of the agent's own reports of.
fn notice(text: &str) -> Option<String> {
    text.starts_with(NOTICE).then(|| between(text, "<task-id>", "</task-id>")).flatten()
}

/// See claude/FACTS.md, "Transcript records".
fn of_sidechain(event: Event) -> Event {
    let kind = match event.kind {
        EventKind::Text
        | EventKind::Thinking
        | EventKind::ToolCall
        | EventKind::ToolResult
        | EventKind::Usage => event.kind,
        _ => EventKind::Other,
    };
    Event { kind, sidechain: true, ..event }
}

/// See claude/FACTS.md, "Prompts during a turn".
fn events(record: &Record<'_>) -> Vec<Event> {
    let one = |kind, text: String| vec![Event::new(kind, record.time, text)];
    let content = || text_of(record.fields.content);
    match record.kind {
        "user" => user(record),
        "assistant" => assistant(record),
        "queue-operation" => match record.fields.operation.text().as_deref() {
            Some("enqueue") => {
                let text = content();
                let task = notice(&text);
                let origin = if text.starts_with(MESSAGE) {
                    Some(PEER.to_owned())
                } else {
                    task.as_ref().map(|_| NOTIFIED.to_owned())
                };
                let queued = origin.is_some();
                let event = Event::new(EventKind::Queued, record.time, text);
                vec![Event { queued, origin, task, ..event }]
            }
            Some("dequeue" | "remove") => one(EventKind::Taken, content()),
            Some("popAll") => one(EventKind::TakenBack, content()),
            _ => one(EventKind::Other, String::new()),
        },
        "attachment" => attachment(record),
        "system" if record.fields.subtype.is("turn_duration") => {
            let pending = Some(record.pending);
            vec![Event { pending, ..Event::new(EventKind::TurnEnd, record.time, "") }]
        }
        "system" if record.fields.subtype.is("local_command") => match command(&content()) {
            Some(command) => one(EventKind::Command, command),
            None => one(EventKind::Other, String::new()),
        },
        "system" if record.prevents => {
            let is_refusal = content().contains(REFUSAL);
            let reason = is_refusal.then_some(REFUSED);
            let told = stopped_by_hook(record);
            vec![Event { reason, ..Event::new(EventKind::Error, record.time, told) }]
        }
        _ => one(EventKind::Other, String::new()),
    }
}

/// Why a hook did not let a prompt through to the model. See claude/FACTS.md, "Hooks".
fn stopped_by_hook(record: &Record<'_>) -> String {
    if let Some(reason) = record.fields.submit_ending.get("ending").get("reason").text() {
        return reason.into_owned();
    }
    let text = text_of(record.fields.content);
    let told = text.strip_prefix(STOPPED_BY_HOOK).or_else(|| {
        let (_, told) = text.split_once("blocked by hook:\n")?;
        told.split("\n\nOriginal prompt: ").next()
    });
    told.unwrap_or(&text).to_owned()
}

fn attachment(record: &Record<'_>) -> Vec<Event> {
    let [kind, prompt, message, hook] = record.attachment;
    let event = |kind, text: String| Event::new(kind, record.time, text);
    vec![match kind.text().as_deref() {
        Some("queued_command") => {
            let text = text_of(prompt);
            let task = notice(&text);
            let origin = task.as_ref().map(|_| NOTIFIED.to_owned());
            let event = event(EventKind::Prompt, text);
            Event { queued: true, joins: true, origin, task, ..event }
        }
        // Behind a whole answer it stops nothing.
        Some("hook_stopped_continuation") if !hook.is("Stop") && !hook.is("SubagentStop") => {
            let text = text_of(message);
            let text = if text.is_empty() { "a hook stopped the turn".to_owned() } else { text };
            event(EventKind::Error, text)
        }
        _ => event(EventKind::Other, String::new()),
    }]
}

fn user(record: &Record<'_>) -> Vec<Event> {
    let content = record.message.content;
    let mut events = Vec::new();
    let mut said = Vec::new();
    // A block may be large: it is gone through once.
    for (block, [kind, result, text]) in content.items_and(["type", "content", "text"]) {
        said.extend(block.text().or_else(|| text.text()));
        if kind.is("tool_result") {
            let text = text_of(result);
            let is_launch = text.starts_with(LAUNCHED);
            let task = is_launch.then(|| between(&text, "agentId: ", " ")).flatten();
            events.push(Event { task, ..Event::new(EventKind::ToolResult, record.time, text) });
        }
    }
    let text = content.text().map_or_else(|| said.join("\n"), Into::into);
    if events.is_empty() || !text.is_empty() {
        events.push(said_by_user(record, content, text));
    }
    events
}

fn said_by_user(record: &Record<'_>, content: Field<'_>, text: String) -> Event {
    if let Some(command) = command(&text) {
        return Event::new(EventKind::Command, record.time, command);
    }
    let printed = ["<local-command-", "<bash-stdout>", "<bash-stderr>"];
    let source = record.fields.prompt_source.text();
    let origin = if record.fields.timer.is_some() {
        Some(SCHEDULE.into())
    } else {
        record.fields.origin.get("kind").text().filter(|kind| kind != TYPED)
    };
    // Such a one is hidden from the user, but the model gets it as a prompt.
    let is_turn = origin.is_some() && source.as_deref() == Some("system");
    let is_own = record.is_own && !is_turn
        || !content.is_some()
        || printed.iter().any(|tag| text.starts_with(tag))
        || text.starts_with(STOPPED_BY_HOOK) && source.is_none();
    let kind = if record.fields.origin.get("kind").is(GOES_ON) {
        EventKind::Resumed
    } else if is_own {
        EventKind::Other
    } else if text.starts_with(STOPPED) && source.is_none() {
        EventKind::Interrupted
    } else {
        EventKind::Prompt
    };
    let queued = matches!(source.as_deref(), Some("queued" | "system"));
    let blocks = content.items_and(["type"]);
    let images = blocks.filter(|(_, [kind])| kind.is("image")).count();
    let origin = origin.filter(|_| kind == EventKind::Prompt).map(Into::into);
    let task = notice(&text).filter(|_| origin.is_some());
    Event { queued, images, origin, task, ..Event::new(kind, record.time, text) }
}

/// The command that an entry records, as it was typed: `/name args`, or `!command`.
fn command(text: &str) -> Option<String> {
    let inside = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        rest.split_once(&format!("</{tag}>")).map(|(inside, _)| inside)
    };
    if text.starts_with("<bash-input>") {
        return Some(format!("!{}", inside("bash-input")?));
    }
    if !text.starts_with("<command-name>") && !text.starts_with("<command-message>") {
        return None;
    }
    let name = inside("command-name")?;
    let args = inside("command-args").unwrap_or_default();
    Some(format!("{name} {args}").trim_end().to_owned())
}

/// See claude/FACTS.md, "End of a turn, and what outlives it".
fn assistant(record: &Record<'_>) -> Vec<Event> {
    let Message { content, stop_reason, usage, model, .. } = record.message;
    let blocks = content.items_and(["type", "text", "thinking", "name", "input"]);
    let mut events: Vec<Event> = blocks.map(|(_, block)| said(block, record.time)).collect();
    if let Some(text) = content.text() {
        events.push(Event::new(EventKind::Text, record.time, text));
    }
    let reason = stop_reason.text();
    if record.is_error {
        events.push(error(record, text_of(content)));
    } else if matches!(reason.as_deref(), Some("end_turn" | "stop_sequence")) && !model.is(NO_MODEL)
    {
        events.push(Event::new(EventKind::TurnEnd, record.time, ""));
    }
    // Each block of an answer is a line of its own and repeats the count; only the last one has the
    // reason.
    if usage.is_some() && reason.is_some() {
        events.push(Event::new(EventKind::Usage, record.time, usage.json()));
    }
    if events.is_empty() {
        events.push(Event::new(EventKind::Other, record.time, ""));
    }
    events
}

/// An error of the model, or a usage limit. What tells a limit differs by version.
/// See claude/FACTS.md, "End of a turn, and what outlives it".
fn error(record: &Record<'_>, text: String) -> Event {
    let [status, resets_at] = record.fields.limits.fields(["status", "resetsAt"]);
    let told = text.split_once(LIMIT_UNTIL).and_then(|(_, seconds)| seconds.trim().parse().ok());
    let is_limit = status.is("rejected")
        || told.is_some()
        || record.fields.error.is("rate_limit") && text.contains(RESETS);
    let seconds: Option<f64> = resets_at.number().or(told).filter(|_| is_limit);
    Event {
        reason: is_limit.then_some(USAGE_LIMIT),
        resets_at: seconds.map(|seconds| (seconds * 1000.0) as u64),
        ..Event::new(EventKind::Error, record.time, text)
    }
}

/// What a block says, by its type, text, thinking, name and input.
fn said(block: [Field<'_>; 5], time: Option<u64>) -> Event {
    let [kind, text, thinking, name, input] = block;
    let (kind, said) = match kind.text().as_deref() {
        Some("text") => (EventKind::Text, text.text()),
        Some("thinking") => (EventKind::Thinking, thinking.text()),
        Some("tool_use") => {
            let call = format!("{} {}", name.text().unwrap_or_default(), input.json());
            (EventKind::ToolCall, Some(call.into()))
        }
        _ => (EventKind::Other, None),
    };
    Event::new(kind, time, said.unwrap_or_default())
}

/// Compares the text that was pasted with the text in the transcript.
/// See claude/FACTS.md, "What becomes of the text".
pub(crate) fn compare(sent: &str, recorded: &str) -> Comparison {
    use unicode_normalization::{UnicodeNormalization, is_nfc};

    let spaced = sent.replace('\t', "    ");
    // The text itself may look like a wrapped one.
    let (inner, wrapped) = match unwrapped(recorded).filter(|_| !fits(&spaced, recorded)) {
        Some(inner) => (inner, true),
        None => (recorded, false),
    };
    // The wrapper's tags are escaped even in a text without a wrapper.
    let escaped = escaped(&spaced);
    let is_escaped = escaped != spaced && self::escaped(inner) == inner;
    let tagged = if is_escaped { escaped } else { spaced.clone() };
    // Not every version composes the characters of a long paste.
    let is_composed = !is_nfc(&tagged) && is_nfc(inner);
    let composed = if is_composed { tagged.nfc().collect() } else { tagged };
    let mut expected = visible(&composed, inner);
    let is_stripped = expected != composed;
    let is_split = !fits(&expected, inner) && expected.contains(LINE_ENDS);
    if is_split {
        expected = expected.replace(LINE_ENDS, "\n");
    }
    if !fits(&expected, inner) {
        return Err(difference(&expected, inner));
    }
    let ((lead, _, tail), (lead_now, _, tail_now)) = (parts(&expected), parts(inner));
    let changes = [
        ("pasted_content", wrapped || is_escaped),
        ("tabs", spaced != sent),
        ("nfc", is_composed),
        ("invisible", is_stripped),
        ("line_separators", is_split),
        ("leading_blanks", lead != lead_now),
        ("trailing_blanks", tail != tail_now),
    ];
    Ok(changes.into_iter().filter_map(|(name, happened)| happened.then_some(name)).collect())
}

/// Whether the texts are the same but for blanks at their ends. A queued prompt loses those at its
/// start; none are ever added there.
fn fits(expected: &str, inner: &str) -> bool {
    let ((lead, body, _), (lead_now, body_now, _)) = (parts(expected), parts(inner));
    body == body_now && (lead_now.is_empty() || lead_now == lead)
}

/// The characters besides the newline that end a line. Some versions turn them into newlines.
const LINE_ENDS: [char; 2] = ['\u{2028}', '\u{2029}'];

/// The text without the invisible characters that `inner` lacks. Some versions keep an invisible
/// character only if it belongs to the character before it.
fn visible(text: &str, inner: &str) -> String {
    let mut left = inner.trim_start().chars().peekable();
    text.chars().filter(|c| left.next_if_eq(c).is_some() || !is_invisible(*c)).collect()
}

/// Whether a character is invisible, so that some versions leave it out.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(u32::from(c),
        0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f
        | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0x13430..=0x1343f | 0x16fe4 | 0x1bca0..=0x1bca3
        | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

/// The blanks before a text, the text, and the blanks after it.
fn parts(text: &str) -> (&str, &str, &str) {
    let rest = text.trim_start();
    let body = rest.trim_end();
    (&text[..text.len() - rest.len()], body, &rest[body.len()..])
}

/// The name of the tags of the wrapper around a long paste.
const TAG: &str = "pasted_content";

/// The text with a `\` in whatever could be taken for such a tag. See claude/FACTS.md, "Folding".
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        escaped.push_str(before);
        escaped.push_str(if is_tag(after) { "<\\" } else { "<" });
        rest = after;
    }
    escaped + rest
}

/// Whether what stands behind a `<` is read as a tag of the wrapper.
fn is_tag(text: &str) -> bool {
    let name = text.trim_start_matches(|c: char| c == '/' || c.is_whitespace());
    let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    name.split_at_checked(TAG.len())
        .is_some_and(|(name, rest)| name.eq_ignore_ascii_case(TAG) && !rest.starts_with(goes_on))
}

/// The text inside `<pasted_content id="…">`, if there is nothing but blanks around it.
fn unwrapped(recorded: &str) -> Option<&str> {
    let rest = recorded.trim_start().strip_prefix("<pasted_content id=\"")?;
    let (id, rest) = rest.split_once("\">\n")?;
    rest.trim_end().strip_suffix(&format!("</pasted_content id=\"{id}\">"))?.strip_suffix('\n')
}

/// Whether the last turn in a transcript has begun and not ended.
pub(crate) fn turn_is_open(transcript: &Path) -> Result<bool> {
    let note = |ledger: &mut Ledger, line: Line<'_>| {
        let events = validate::records(line.bytes).into_iter().flat_map(parse_record);
        events.for_each(|event| ledger.note(&event));
    };
    let is_told = |ledger: &Ledger| ledger.last_end().is_some() || !ledger.is_empty();
    let ledger = last_lines(transcript, note, is_told)?;
    Ok(!ledger.is_empty() && (ledger.has_queued() || ledger.last_end().is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_whose_sub_agents_still_work_says_so() {
        let pending = |more: &str| {
            let line = format!(r#"{{"type":"system","subtype":"turn_duration"{more}}}"#);
            parse_record(line.as_bytes())[0].pending
        };
        assert_eq!(pending(r#","pendingBackgroundAgentCount":1"#), Some(true));
        assert_eq!(pending(r#","pendingBackgroundAgentCount":null"#), Some(false));
        assert_eq!(pending(""), Some(false));
    }

    #[test]
    fn what_the_agent_does_to_every_prompt_is_named() {
        let named = |sent, recorded| compare(sent, recorded).unwrap();
        assert_eq!(named("a", "a"), [""; 0]);
        assert_eq!(named(" a\n", " a\n"), [""; 0]);
        assert_eq!(named("a\tb\n", "a    b"), ["tabs", "trailing_blanks"]);
        assert_eq!(named("e\u{301}", "é"), ["nfc"]);
        assert_eq!(named("e\u{301}", "e\u{301}"), [""; 0]);
        assert_eq!(named("\n a", "a"), ["leading_blanks"]);
        let wrapped = "\n\n<pasted_content id=\"e2\">\na\n\nb \n</pasted_content id=\"e2\">\n";
        assert_eq!(named("a\n\nb ", wrapped), ["pasted_content"]);
        assert_eq!(named("a\n\nb", wrapped), ["pasted_content", "trailing_blanks"]);
        assert_eq!(named("a </pasted_content b", "a <\\/pasted_content b"), ["pasted_content"]);
        assert_eq!(named("a <\\/pasted_content", "a <\\/pasted_content"), [""; 0]);
        let quoted =
            wrapped.replace("\na\n", "\n<\\PASTED_content id=\"1\">a <\\ / pasted_contenté\n");
        let sent = "<PASTED_content id=\"1\">a < / pasted_contenté\n\nb ";
        assert_eq!(named(sent, &quoted), ["pasted_content"]);
        for as_it_is in ["<pasted_content-x", "<pasted_contents", "<x pasted_content", wrapped] {
            assert_eq!(named(as_it_is, as_it_is), [""; 0]);
        }
        assert_eq!(named("a\u{200b}b\u{feff}", "a\u{200b}b\u{feff}"), [""; 0]);
        assert_eq!(named("\u{feff} a\u{200b}b👩\u{200d}👧", " ab👩\u{200d}👧"), ["invisible"]);
        assert_eq!(named("e\u{301}\u{200b}", "é\u{200b}"), ["nfc"]);
        assert_eq!(named("a\u{2028}b\u{2029}", "a\u{2028}b"), ["trailing_blanks"]);
        assert_eq!(named("\u{2028}a", "\na"), ["line_separators"]);
        for (sent, recorded) in
            [("a", "b"), ("a", "a and more"), ("a", " a"), ("  a", " a"), ("a", "a\u{200b}")]
        {
            assert!(compare(sent, recorded).is_err(), "{sent:?} {recorded:?}");
        }
    }

    #[test]
    fn where_two_texts_part_is_told_after_the_changes_that_are_known() {
        let wrapped = "\n\n<pasted_content id=\"e2\">\na    b!\n</pasted_content id=\"e2\">\n";
        let told = compare("a\tb?", wrapped).unwrap_err();
        assert!(told.contains("6 of 7 characters") && told.contains("\"!\""), "{told}");
    }
}
