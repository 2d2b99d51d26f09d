//! The options of `aimax-tail`, and how their values are read.

use std::time::Duration;

use crate::cli::option::{Complete, Given, Opt, OptDoc, ValueDoc};

/// What its command line says.
#[derive(Clone, Debug, Default)]
pub struct Args {
    pub(super) session: Option<String>,
    pub(super) backend: Option<String>,
    pub(super) from: Option<u64>,
    pub(super) lines: Option<u64>,
    pub(super) follow: bool,
    pub(super) offsets: bool,
    pub(super) max: Option<u64>,
    pub(super) timeout: Option<Duration>,
    pub(super) raw: bool,
}

/// The table.
pub(super) const TABLE: &[Opt<Args>] = &[
    Opt {
        doc: OptDoc {
            short: Some('s'),
            long: "session",
            negated: None,
            value: Some(ValueDoc { name: "NAME", complete: Complete::Run("aimax-ls --names") }),
            brief: "the session whose transcript to print",
            full: "The session whose transcript to print. `AIMAX_SESSION` stands in for it.",
        },
        set: |args, given| {
            args.session = Some(text(given)?);
            Ok(())
        },
    },
    Opt {
        doc: OptDoc {
            short: Some('b'),
            long: "backend",
            negated: None,
            value: Some(ValueDoc {
                name: "BACKEND",
                complete: Complete::OneOf(&["tmux-claude-code", "tmux-codex", "tmux-practice"]),
            }),
            brief: "the backend of the session",
            full: "\
The backend of the session; needed only when several have a session of
that name. `AIMAX_BACKEND` stands in for it.",
        },
        set: |args, given| {
            args.backend = Some(text(given)?);
            Ok(())
        },
    },
    Opt {
        doc: OptDoc {
            short: None,
            long: "from",
            negated: None,
            value: Some(ValueDoc { name: "OFFSET", complete: Complete::Nothing }),
            brief: "begin at this offset",
            full: "\
Begin at this offset. It must be at the beginning of a line; one that is
not is refused, and the nearest that are are named. An object such as
`{\"primary\":4096}` is taken, too.",
        },
        set: |args, given| {
            args.from = Some(offset(&text(given)?)?);
            Ok(())
        },
    },
    Opt {
        doc: OptDoc {
            short: Some('n'),
            long: "lines",
            negated: None,
            value: Some(ValueDoc { name: "COUNT", complete: Complete::Nothing }),
            brief: "begin so many lines before the end",
            full: "Begin so many whole lines before the end. 0 skips all that is there now.",
        },
        set: |args, given| {
            args.lines = Some(number(&text(given)?)?);
            Ok(())
        },
    },
    Opt {
        doc: OptDoc {
            short: Some('f'),
            long: "follow",
            negated: None,
            value: None,
            brief: "wait for more",
            full: "\
Wait for more, for the file to appear, and for a new file when it is
replaced or removed. Each record is written at once.",
        },
        set: |args, _| {
            args.follow = true;
            Ok(())
        },
    },
    Opt {
        doc: OptDoc {
            short: None,
            long: "offsets",
            negated: None,
            value: None,
            brief: "wrap each record with its offsets",
            full: "\
Print `{\"sessionId\",\"offset\",\"next\",\"entry\"}` for each record: where it
begins, where the next one begins, and the record itself, unchanged. For
a FILE, `sessionId` is null.",
        },
        set: |args, _| {
            args.offsets = true;
            Ok(())
        },
    },
    Opt {
        doc: OptDoc {
            short: None,
            long: "max",
            negated: None,
            value: Some(ValueDoc { name: "COUNT", complete: Complete::Nothing }),
            brief: "end after so many records",
            full: "End after so many records.",
        },
        set: |args, given| {
            args.max = Some(number(&text(given)?)?);
            Ok(())
        },
    },
    Opt {
        doc: OptDoc {
            short: None,
            long: "timeout",
            negated: None,
            value: Some(ValueDoc { name: "SECONDS", complete: Complete::Nothing }),
            brief: "end a follow after so many seconds",
            full: "With `--follow`: end the whole run after so many seconds, with status 124.",
        },
        set: |args, given| {
            args.timeout = Some(seconds(&text(given)?)?);
            Ok(())
        },
    },
    Opt {
        doc: OptDoc {
            short: None,
            long: "raw",
            negated: None,
            value: None,
            brief: "pass lines through unread",
            full: "Print all whole lines as they are, also those that are no JSON objects.",
        },
        set: |args, _| {
            args.raw = true;
            Ok(())
        },
    },
];

fn text(given: Given) -> std::result::Result<String, String> {
    match given {
        Given::Value(value) => value.into_string().map_err(|_| "is not UTF-8".to_owned()),
        Given::On | Given::Off => Err("needs a value".to_owned()),
    }
}

fn number(text: &str) -> std::result::Result<u64, String> {
    text.parse().map_err(|_| format!("{text:?} is not a whole number"))
}

/// A plain number, or the object that holds it as `primary`.
pub(super) fn offset(text: &str) -> std::result::Result<u64, String> {
    #[derive(serde::Deserialize)]
    struct Offsets {
        primary: u64,
    }
    if !text.trim_start().starts_with('{') {
        return number(text);
    }
    serde_json::from_str::<Offsets>(text)
        .map(|offsets| offsets.primary)
        .map_err(|_| format!("{text:?} has no whole number `primary`"))
}

pub(super) fn seconds(text: &str) -> std::result::Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("{text:?} is not a number of seconds"))
}
