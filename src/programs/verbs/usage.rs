//! `aimax usage`: the tokens that sessions have used.

use std::ffi::OsString;

use serde_json::{Value, json};

use crate::programs::{
    options::{Field, NAMES, OutputArgs, Target, has, output, target},
    spawn::CONVERSATION,
};
use crate::{
    cli::{Member, Opt, OptDoc, Output, Paint, RecordDoc, Tool, ToolDoc, Type, ValueDoc},
    config::Config,
    error::{Exit, Result},
    session::{Session, conversation::ConversationReader},
    transcript::{
        start::Start,
        usage::{Meter, Row, Tokens, Used},
    },
};

/// The verb.
pub struct Usage;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    target: Target,
    output: OutputArgs,
    all: bool,
}

has!(Args { target: Target, output: OutputArgs });

impl Tool for Usage {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-usage",
        tagline: "count the tokens used by sessions",
        synopsis: &["aimax usage [OPTION]... [NAME...]"],
        about: "\
Counts the tokens in the transcripts of all sessions, or of those named,
by day (UTC) and model: `input`, `output`, read from the cache, and
written to it. Each message counts once, however often it is recorded.
Earlier conversations of a session, and sub-agents with transcripts of
their own, are not counted.

With `--json`, prints one record per session: `sessionId`, `backend`,
`host`, `agentSessionId`, `jsonlPath`; `total` with `messages`, `input`,
`output`, `cacheRead` and `cacheWrite`; `days`, the same per `day` and
`model`; and `context`, if the transcript has it: the tokens in the
model's context (`used`) and its size (`window`, Codex only).",
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        exits: &[(Exit::Missing, "also if there is no such session")],
        examples: &[
            ("aimax usage", "Count the tokens of the current sessions."),
            (
                "aimax usage --all --json | jq '.total.output' | paste -sd+ | bc",
                "Print the total output of all sessions.",
            ),
        ],
        see_also: &[("aimax-list", 1), ("aimax-tail", 1), ("aimax", 7)],
        ends: &[Exit::Missing],
        records: &[&USED],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        OptDoc::new(
            "all",
            "Include ended sessions",
            "Includes sessions that were ended. A named session is counted either
way.",
        )
        .sets(|args, given| args.all.set(given)),
        OptDoc::new("json", "Print records", "Prints records, one per line.")
            .sets(|args, given| args.output.json.set(given)),
    ];

    fn run(args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        let backend = args.target.backend(&config)?;
        let mut sessions = Vec::new();
        if operands.is_empty() && !args.target.is_given() {
            sessions.extend(Session::all(&config, backend)?);
            if args.all {
                sessions.extend(Session::past(&config, backend)?);
            }
        } else {
            for name in args.target.names(&config, &operands)? {
                sessions.push(Session::find_any(&config, &name, backend)?);
            }
        }
        let mut table = vec![HEAD.map(str::to_owned)];
        for session in &sessions {
            let meter = measure(&config, session)?;
            if args.output.json {
                out.record(&USED, &record(session, &meter))?;
            }
            table.extend(meter.rows().into_iter().map(|row| cells(session, row)));
        }
        if !args.output.json {
            print(&table, Paint::stdout(&config), out)?;
        }
        Ok(Exit::Done)
    }
}

/// Counts the tokens of the session's conversation.
fn measure(config: &Config, session: &Session) -> Result<Meter> {
    let mut meter = Meter::default();
    read(config, session, |_, used| meter.note(used))?;
    Ok(meter)
}

/// What the conversation has used from `offset` on. It is read from the beginning, for some agents record
/// only what all of it has used.
pub(super) fn since(config: &Config, session: &Session, offset: u64) -> Result<Value> {
    let mut meter = Meter::default();
    let mut before = None;
    read(config, session, |at, used| {
        if at >= offset {
            before.get_or_insert_with(|| meter.total());
        }
        meter.note(used);
    })?;
    let (messages, tokens) = meter.total();
    let (earlier, used) = before.unwrap_or((messages, tokens));
    Ok(counted(messages.saturating_sub(earlier), tokens - used))
}

/// Passes what each record says of tokens to `note`, with the record's offset.
fn read(config: &Config, session: &Session, mut note: impl FnMut(u64, Used)) -> Result<()> {
    let path = session.kept_conversation(config).transcript;
    let mut reader = ConversationReader::new(session.places(config), path, Start::Offset(0));
    reader.read_condensed(|line| {
        session.agent().used(line.bytes).into_iter().for_each(|used| note(line.offset, used));
    })
}

const USED: RecordDoc = RecordDoc {
    name: "usage",
    about: "`aimax usage --json`: the tokens of a session",
    fields: &[
        Session::MEMBERS,
        CONVERSATION,
        &[
            Member::new("total", Type::Object(&[TOKENS]), "All in all"),
            Member::new("days", Type::List(&Type::Object(&[DAY, TOKENS])), "By day and model"),
            Member::new("context", Type::Object(&[CONTEXT]), "The model's context").optional(),
        ],
    ],
};

const DAY: &[Member] = &[
    Member::new("day", Type::Text, "The day, in UTC; empty where no record says it"),
    Member::new("model", Type::Text, "The model; empty where no record says it"),
];

pub(super) const TOKENS: &[Member] = &[
    Member::new("messages", Type::Count, "Answers of the model"),
    Member::new("input", Type::Count, "Tokens read"),
    Member::new("output", Type::Count, "Tokens written"),
    Member::new("cacheRead", Type::Count, "Tokens read from the cache"),
    Member::new("cacheWrite", Type::Count, "Tokens put into the cache"),
];

const CONTEXT: &[Member] = &[
    Member::new("used", Type::Count, "Tokens in it"),
    Member::new("window", Type::Count, "How many it holds").optional(),
];

/// Answers of the model, and their tokens.
fn counted(messages: u64, tokens: Tokens) -> Value {
    let mut counted = json!(tokens);
    counted["messages"] = json!(messages);
    counted
}

fn record(session: &Session, meter: &Meter) -> Value {
    let mut record = session.record();
    record["agentSessionId"] = json!(session.entry.agent_session_id());
    record["jsonlPath"] = json!(session.entry.jsonl_path());
    let (messages, tokens) = meter.total();
    record["total"] = counted(messages, tokens);
    record["days"] = json!(meter.rows());
    if let Some(context) = meter.context() {
        record["context"] = json!(context);
    }
    record
}

const HEAD: [&str; 8] =
    ["SESSION", "DAY", "MODEL", "MESSAGES", "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE"];

/// How many columns hold words; numbers are aligned on the right.
const WORDS: usize = 3;

fn cells(session: &Session, row: Row) -> [String; 8] {
    let Tokens { input, output, cache_read, cache_write } = row.tokens;
    let counts = [row.messages, input, output, cache_read, cache_write];
    let [messages, input, output, read, write] = counts.map(|count| count.to_string());
    [session.name.to_string(), row.day, row.model, messages, input, output, read, write]
}

fn print(table: &[[String; 8]], paint: Paint, out: &mut Output) -> Result<()> {
    if table.len() == 1 {
        return output::line(out, &paint.paint("2", "nothing was used"));
    }
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max();
    for (n, row) in table.iter().enumerate() {
        let cell = |(column, text): (usize, &String)| {
            let width = width(column).unwrap_or_default();
            if column < WORDS { format!("{text:width$}") } else { format!("{text:>width$}") }
        };
        let cells: Vec<String> = row.iter().enumerate().map(cell).collect();
        let style = if n == 0 { "2" } else { "" };
        output::line(out, &paint.paint(style, cells.join("  ").trim_end()))?;
    }
    Ok(())
}
