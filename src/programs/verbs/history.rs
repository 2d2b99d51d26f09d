//! `aimax history`: what a conversation holds so far.

use std::{ffi::OsString, fs, path::Path};

use serde_json::{Value, json};

use crate::programs::{
    options::{Field, NAMES, OutputArgs, Target, has, output, target},
    tail,
};
use crate::{
    cli::{self, Complete, Member, Opt, OptDoc, Output, RecordDoc, Tool, ToolDoc, Type, ValueDoc},
    config::Config,
    error::{Exit, Result},
    session::{
        Session,
        conversation::{Newest, newest},
    },
    time,
    transcript::{
        condense::Condensed,
        field,
        long::{LONG, Long},
        validate,
    },
};

/// The verb.
pub struct History;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    target: Target,
    tail: Option<u64>,
    output: OutputArgs,
}

has!(Args { target: Target, output: OutputArgs });

/// How many records a document holds at most: the newest. It says when there are more.
const MOST: usize = 10_000;

impl Tool for History {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-history",
        tagline: "print a conversation so far",
        synopsis: &["aimax history [-s] NAME [OPTION]..."],
        about: "\
Prints a conversation: formatted for people on a terminal, and otherwise
the records of the agent's own transcript, one per line.

The document of `--json` has `entries`, the records sorted by time, with
those without a time first; `total`, the number of lines; `truncated`,
true if only the newest 10000 are included; and `sentinel`, where the
transcript ends: `aimax stream` continues there. Its `primary` is the
offset; its `mobius` is for the PyPI package, see aimax-python(7).",
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        examples: &[
            ("aimax history -s demo --tail 20", "Print the last records."),
            ("aimax history -s demo --json | jq -c .sentinel", "Print where to continue."),
        ],
        see_also: &[("aimax-stream", 1), ("aimax-tail", 1)],
        ends: &[Exit::Missing],
        records: &[&HISTORY],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        OptDoc::new(
            "tail",
            "Print only this many of the last records",
            "Prints only this many of the last records; 0 prints none.",
        )
        .value("COUNT", Complete::Nothing)
        .sets(|args, given| args.tail.set(given)),
        output::json(),
    ];

    fn run(mut args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        args.target.operand(operands)?;
        let note = |words: &str| cli::say("aimax history", words);
        if !args.output.json {
            let asked = tail::Args {
                target: args.target,
                lines: args.tail,
                text: cli::output::stdout().is_terminal(),
                ..tail::Args::default()
            };
            return tail::print(&asked, Vec::new(), out, &mut { note }).0;
        }
        let config = Config::from_env()?;
        let name = args.target.needed(&config)?;
        let mut session = Session::find_any(&config, &name, args.target.backend(&config)?)?;
        match session.find_conversation(&config)?.transcript {
            Some(path) => document(&path, args.tail, out, note)?,
            None => output::document(
                out,
                &HISTORY,
                &json!({ "entries": [], "total": 0, "truncated": false, "sentinel": 0 }),
            )?,
        }
        Ok(Exit::Done)
    }
}

const HISTORY: RecordDoc = RecordDoc {
    name: "history",
    about: "`aimax history --json`",
    fields: &[&[
        Member::new("entries", Type::List(&Type::Any), "The agent's records"),
        Member::new("total", Type::Count, "How many lines there are"),
        Member::new("totalApproximate", Type::Switch, "Always false").optional(),
        Member::new("truncated", Type::Switch, "Whether older ones are left out"),
        Member::new("sentinel", Type::Any, "Where the transcript ends, for `aimax stream`"),
    ]],
};

/// Where a record of the transcript is, and when it was written.
struct Place {
    time: Option<u64>,
    offset: u64,
    length: usize,
}

/// Prints the document. The records are in it byte for byte, a line each: reading and writing them
/// anew could change them. Only their places are kept until they are sorted.
fn document(path: &Path, tail: Option<u64>, out: &mut Output, note: fn(&str)) -> Result<()> {
    let Newest { lines, total, follow } =
        newest(path, MOST, Long::Condensed(LONG), |line, left| {
            if let Some(Condensed { bytes, cut }) = left {
                let length = bytes.len() + usize::try_from(*cut).unwrap_or(usize::MAX);
                return Some(vec![Place { time: written_at(bytes), offset: line.offset, length }]);
            }
            if line.bytes.is_empty() {
                return None;
            }
            let place = |record: &[u8]| {
                // A record is a part of its line.
                let before = record.as_ptr().addr() - line.bytes.as_ptr().addr();
                let offset = line.offset + before as u64;
                Place { time: written_at(record), offset, length: record.len() }
            };
            let records = validate::whole_records(path, line, &mut { note });
            Some(records.into_iter().map(place).collect::<Vec<_>>())
        })?;
    let truncated = total > lines.len();
    let mut records: Vec<Place> = lines.into_iter().flatten().collect();
    records.sort_by_key(|record| record.time);
    let wanted = tail.and_then(|count| usize::try_from(count).ok());
    let skipped = wanted.map_or(0, |count| records.len().saturating_sub(count));
    let rest = json!({
        "total": total,
        "totalApproximate": false,
        "truncated": truncated,
        "sentinel": { "primary": follow.offset(), "mobius": capture_size(path) },
    });
    out.batch(true)?;
    out.line(b"{")?;
    let records = &records[skipped..];
    out.line(if records.is_empty() { b"  \"entries\": []," } else { b"  \"entries\": [" })?;
    for (n, &Place { offset, length, .. }) in records.iter().enumerate() {
        let comma: &[u8] = if n + 1 < records.len() { b"," } else { b"" };
        if length > LONG {
            out.lines(b"    ")?;
            follow.again_in_pieces(offset, length, |piece| out.lines(piece))?;
            out.line(comma)?;
        } else {
            let record = follow.again(offset, length)?;
            out.line(&[b"    ", &record[..], comma].concat())?;
        }
    }
    if !records.is_empty() {
        out.line(b"  ],")?;
    }
    out.line(members(&rest).as_bytes())?;
    out.batch(false)
}

/// When a record was written, if it says so. In the document, records without a time come first, as
/// in that of the original.
fn written_at(record: &[u8]) -> Option<u64> {
    let names = ["timestamp", "created_at", "payload", "message"];
    let [at, created_at, payload, message] = field::Field::whole(record).fields(names);
    let places = [at, created_at, payload.get("timestamp"), message.get("created_at")];
    places.into_iter().find_map(|place| time::parse_rfc3339(&place.text()?))
}

/// An object's text without its opening brace and newline.
fn members(object: &Value) -> String {
    format!("{object:#}").split_off("{\n".len())
}

/// The size of the file beside the transcript in which the original captures prompts, so that the
/// original can go on from there as well.
fn capture_size(path: &Path) -> u64 {
    fs::metadata(path.with_extension("mobius.jsonl")).map_or(0, |data| data.len())
}
