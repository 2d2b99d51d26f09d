//! The options of `aimax-tail`, and how their values are read.

use std::{path::PathBuf, time::Duration};

use crate::cli::option::{Complete, Opt, OptDoc, ValueDoc};
use crate::tool::target::{self, Target, Targeted};

/// What its command line says.
#[derive(Clone, Debug, Default)]
pub struct Args {
    pub(super) target: Target,
    pub(super) from: Option<u64>,
    pub(super) lines: Option<u64>,
    pub(super) follow: bool,
    pub(super) offsets: bool,
    pub(super) max: Option<u64>,
    pub(super) timeout: Option<Duration>,
    pub(super) raw: bool,
    pub(super) all: bool,
    pub(super) events: bool,
    pub(super) text: bool,
    pub(super) cursor: Option<PathBuf>,
    pub(super) max_line: Option<usize>,
}

impl Targeted for Args {
    fn target(&mut self) -> &mut Target {
        &mut self.target
    }
}

/// The table.
pub(super) const TABLE: &[Opt<Args>] = &[
    target::session(),
    target::backend(),
    Opt {
        doc: OptDoc {
            short: None,
            long: "all",
            negated: None,
            value: None,
            brief: "All live sessions",
            full: "\
All live sessions, of one backend with `-b`. With `--follow`, sessions
that are started later join, and those that are ended leave.",
        },
        set: |args, _| {
            args.all = true;
            Ok(())
        },
    },
    Opt {
        doc: OptDoc {
            short: None,
            long: "from",
            negated: None,
            value: Some(ValueDoc { name: "OFFSET", complete: Complete::Nothing }),
            brief: "Begin at this offset",
            full: "\
Begin at this offset. It must be at the beginning of a line; one that is
not is refused, and the nearest that are are named. An object such as
`{\"primary\":4096}` is taken, too.",
        },
        set: |args, given| {
            args.from = Some(offset(&given.text()?)?);
            Ok(())
        },
    },
    Opt {
        doc: OptDoc {
            short: Some('n'),
            long: "lines",
            negated: None,
            value: Some(ValueDoc { name: "COUNT", complete: Complete::Nothing }),
            brief: "Begin so many lines before the end",
            full: "Begin so many whole lines before the end. 0 skips all that is there now.",
        },
        set: |args, given| {
            args.lines = Some(number(&given.text()?)?);
            Ok(())
        },
    },
    Opt {
        doc: OptDoc {
            short: Some('f'),
            long: "follow",
            negated: None,
            value: None,
            brief: "Wait for more",
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
            brief: "Wrap each record with its offsets",
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
            long: "events",
            negated: None,
            value: None,
            brief: "Print one schema for all agents",
            full: "\
Print what each record means, in one schema for all agents:
`{\"sessionId\",\"offset\",\"next\",\"kind\",\"time\",\"text\",\"type\"}`, where
`kind` is one of `prompt`, `queued`, `text`, `thinking`, `tool_call`,
`tool_result`, `turn_start`, `turn_end`, `interrupted`, `error`, `usage`
and `other`, and `type` is the agent's own name for the record. A record
that holds several things becomes several events with one offset. Of a
FILE, each line's shape tells the agent, unless `-b` does.

`turn` is added where the agent numbers its turns, and `queued` to a
prompt that had been queued before. What the agent does with its queue
besides is `other`.",
        },
        set: |args, _| {
            args.events = true;
            Ok(())
        },
    },
    Opt {
        doc: OptDoc {
            short: None,
            long: "text",
            negated: None,
            value: None,
            brief: "Print what was said, for people",
            full: "\
Print what the assistant said, for people, with prompts (`>`), tools
(`*`), their results (`|`) and errors (`!`) around it. On a terminal
these have colours, unless `NO_COLOR` is set.",
        },
        set: |args, _| {
            args.text = true;
            Ok(())
        },
    },
    Opt {
        doc: OptDoc {
            short: None,
            long: "cursor",
            negated: None,
            value: Some(ValueDoc { name: "FILE", complete: Complete::File }),
            brief: "Keep the place in this file",
            full: "\
Go on at the place that this file keeps, and keep it there: after each
record that was written, so that a run that was killed is gone on with
by the next one, and at most its last record comes twice. `--from` and
`--lines` count only while there is no such file. It also holds a hash
of what stands before the place: if the transcript is another one
meanwhile, this is said, and it is read from its beginning.",
        },
        set: |args, given| {
            args.cursor = Some(given.path());
            Ok(())
        },
    },
    Opt {
        doc: OptDoc {
            short: None,
            long: "max-line",
            negated: None,
            value: Some(ValueDoc { name: "BYTES", complete: Complete::Nothing }),
            brief: "The longest line that is taken",
            full: "\
The longest line that is taken. One that is longer ends the run with
status 74, and is named with its offset. Without it, a line may be as
long as memory allows.",
        },
        set: |args, given| {
            args.max_line = Some(given.parse()?);
            Ok(())
        },
    },
    Opt {
        doc: OptDoc {
            short: None,
            long: "max",
            negated: None,
            value: Some(ValueDoc { name: "COUNT", complete: Complete::Nothing }),
            brief: "End after so many records",
            full: "End after so many records.",
        },
        set: |args, given| {
            args.max = Some(number(&given.text()?)?);
            Ok(())
        },
    },
    Opt {
        doc: OptDoc {
            short: None,
            long: "timeout",
            negated: None,
            value: Some(ValueDoc { name: "TIME", complete: Complete::Nothing }),
            brief: "Give up after this long",
            full: "\
With `--follow`, the longest time of the whole run: `90`, `1.5m`,
`500ms`. It then ends with status 124.",
        },
        set: |args, given| {
            args.timeout = Some(given.seconds()?);
            Ok(())
        },
    },
    Opt {
        doc: OptDoc {
            short: None,
            long: "raw",
            negated: None,
            value: None,
            brief: "Pass lines through unread",
            full: "Print all whole lines as they are, also those that are no JSON objects.",
        },
        set: |args, _| {
            args.raw = true;
            Ok(())
        },
    },
];

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
