//! `aimax stats`: how many prompts were typed, where.

use std::{ffi::OsString, path::PathBuf};

use serde_json::json;

use crate::programs::options::Field;
use crate::{
    cli::{Complete, Member, Opt, OptDoc, Output, RecordDoc, Tool, ToolDoc, Type},
    config::Config,
    error::{Error, Exit, Result},
    recorder::{self, DEFAULT_HOURS, MOST_HOURS},
};

/// The program.
pub struct Stats;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    hours: Option<u32>,
    json: bool,
    file: Option<PathBuf>,
}

impl Tool for Stats {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-stats",
        tagline: "count recent prompts",
        synopsis: &["aimax stats [OPTION]..."],
        about: "\
Counts the prompts typed in the last hours: in total, per backend, and
per session. A blocked delivery typed nothing and is not counted.

Deliveries are logged to the SQLite file that `AIMAX_PROMPT_EVENTS`
names, one row each in the table `prompt_events`: at_ms, backend,
session, length, verdict, ms. The prompt itself is not logged.",
        exits: &[(Exit::Missing, "also if there is no delivery log")],
        examples: &[
            ("aimax stats --hours 24", "Count the prompts of a day."),
            ("aimax stats --json | jq .by_session", "Print JSON for a program."),
        ],
        see_also: &[("aimax", 1), ("aimax-paste", 1)],
        ends: &[Exit::Missing],
        records: &[&COUNTED],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = &[
        OptDoc::new(
            "hours",
            "How many hours back to count",
            "How many hours back to count, 1 to 168. The default is 5.",
        )
        .value("N", Complete::Nothing)
        .sets(|args, given| {
            let hours = given.parse()?;
            if !(1..=MOST_HOURS).contains(&hours) {
                return Err(format!("{hours} is not from 1 to {MOST_HOURS}"));
            }
            args.hours = Some(hours);
            Ok(())
        }),
        OptDoc::new("json", "Print one JSON document", "Prints one JSON document.")
            .sets(|args, given| args.json.set(given)),
        OptDoc::new(
            "file",
            "The delivery log",
            "The delivery log. The default is that of `AIMAX_PROMPT_EVENTS`.",
        )
        .value("FILE", Complete::File)
        .sets(|args, given| args.file.set(given)),
    ];

    fn run(args: Args, _: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        let path = args.file.or(config.prompt_events).ok_or_else(|| {
            Error::missing("AIMAX_PROMPT_EVENTS", "not set, so deliveries are not logged")
                .advise("set it to a file name, both here and where prompts are delivered")
        })?;
        let hours = args.hours.unwrap_or(DEFAULT_HOURS);
        let stats = recorder::stats_since(&path, hours)?;
        let by_session = recorder::counts_by_session_since(&path, hours)?;
        if args.json {
            let mut document = json!(stats);
            document["by_session"] = json!(by_session);
            return out.record(&COUNTED, &document).map(|()| Exit::Done);
        }
        let recorder::Stats { window_hours, since, total, by_backend } = stats;
        let prompts = if total == 1 { "prompt" } else { "prompts" };
        let spell = if window_hours == 1 { "hour".into() } else { format!("{window_hours} hours") };
        out.line(format!("{total} {prompts} in the last {spell}, since {since}").as_bytes())?;
        for (title, counts) in [("backend", by_backend), ("session", by_session)] {
            for (name, count) in counts {
                out.line(format!("  {title}  {count:>6}  {name}").as_bytes())?;
            }
        }
        Ok(Exit::Done)
    }
}

const COUNTED: RecordDoc = RecordDoc {
    name: "stats",
    about: "`aimax stats --json`",
    fields: &[&[
        Member::new("window_hours", Type::Count, "The hours that are counted"),
        Member::new("since", Type::Time, "Their beginning"),
        Member::new("total", Type::Count, "Prompts in all"),
        Member::new("by_backend", Type::Map(&Type::Count), "By backend"),
        Member::new("by_session", Type::Map(&Type::Count), "By session"),
    ]],
};
