//! The options of `aimax-tail`, and how their values are read.

use std::{path::PathBuf, time::Duration};

use crate::cli::{Complete, Opt, OptDoc};
use crate::programs::options::{self, Field, Target, has, number, target};

/// What its command line says.
#[derive(Clone, Debug, Default)]
pub struct Args {
    pub(crate) target: Target,
    pub(crate) from: Option<u64>,
    pub(crate) lines: Option<u64>,
    pub(crate) follow: bool,
    pub(crate) offsets: bool,
    pub(crate) max: Option<u64>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) raw: bool,
    pub(crate) all: bool,
    pub(crate) events: bool,
    pub(crate) text: bool,
    pub(crate) answer: bool,
    pub(crate) cursor: Option<PathBuf>,
    pub(crate) each: Option<String>,
    pub(crate) max_line: Option<usize>,
}

has!(Args { target: Target });

/// `--max`.
pub(crate) const MAX: OptDoc =
    OptDoc::new("max", "End after so many records", "End after so many records.")
        .value("COUNT", Complete::Nothing);

/// The table.
pub(crate) const TABLE: &[Opt<Args>] = &[
    target::session(),
    target::backend(),
    OptDoc::new(
        "all",
        "All live sessions",
        "\
All live sessions, of one backend with `-b`. With `--follow`, sessions
that are started later join, and those that are ended leave.",
    )
    .sets(|args, given| args.all.set(given)),
    OptDoc::new(
        "from",
        "Begin at this offset",
        "\
Begin at this offset. It must be at the beginning of a line; one that is
not is refused, and the nearest that are are named. An object such as
`{\"primary\":4096}` is taken, too.",
    )
    .value("OFFSET", Complete::Nothing)
    .sets(|args, given| {
        args.from = Some(offset(&given.text()?)?);
        Ok(())
    }),
    OptDoc::new(
        "lines",
        "Begin so many lines before the end",
        "Begin so many whole lines before the end. 0 skips all that is there now.",
    )
    .value("COUNT", Complete::Nothing)
    .short('n')
    .sets(|args, given| args.lines.set(given)),
    OptDoc::new(
        "follow",
        "Wait for more",
        "\
Wait for more, for the file to appear, and for a new file when it is
replaced or removed. Each record is written at once.",
    )
    .short('f')
    .sets(|args, given| args.follow.set(given)),
    OptDoc::new(
        "offsets",
        "Wrap each record with its offsets",
        "\
Print `{\"sessionId\",\"backend\",\"host\",\"offset\",\"next\",\"entry\"}` for
each record: where it begins, where the next one begins, and the record
itself, unchanged. For a FILE, `sessionId` is null, and `backend` and
`host` are not there.",
    )
    .sets(|args, given| args.offsets.set(given)),
    OptDoc::new(
        "events",
        "Print one schema for all agents",
        "\
Print what each record means, in one schema for all agents:
`{\"sessionId\",\"backend\",\"host\",\"offset\",\"next\",\"kind\",\"time\",
\"text\",\"type\"}`. `kind` is one of `prompt`, `queued`, `text`,
`thinking`, `tool_call`, `tool_result`, `turn_start`, `turn_end`,
`interrupted`, `error`, `usage` and `other`, and `type` is the agent's
own name for the record. A record that holds several things becomes
several events with one offset. Of a FILE, each line's shape tells the
agent, unless `-b` does.

`tool` is added to a `tool_call`: its `name`, and its `input` where that
is JSON; and `usage` to a `usage`: the object that the agent wrote.
`turn` is added where the agent numbers its turns, and `queued` to a
prompt that had been queued before. What the agent does with its queue
besides is `other`. `origin` is added to a turn that nobody asked for:
`peer` for a message of another session, `schedule` for a timer,
`task-notification` for work in the background. `sidechain` is added where a sub-agent's records
stand in the session's transcript; `reason` (`usage_limit`) and
`resetsAt`, in epoch milliseconds, where a usage limit was reached.

What an agent records twice is one event. Records that share a line, as
behind one that a crash cut off, share its offsets.",
    )
    .sets(|args, given| args.events.set(given)),
    OptDoc::new(
        "text",
        "Print what was said, for people",
        "\
Print what the assistant said, for people, with prompts (`>`), tools
(`*`), their results (`|`) and errors (`!`) around it. On a terminal
these have colours, unless `NO_COLOR` is set.",
    )
    .sets(|args, given| args.text.set(given)),
    OptDoc::new(
        "answer",
        "Print the answer to a prompt, and no more",
        "\
Print what the assistant said last in the turn that took the prompt at
`--from`, or else the last prompt: the text, whole, and nothing else.
With `--follow`, wait for the end of that turn; the status is then that
of `aimax ask`: 1 when the turn failed, 5 when the agent asks. Without
it, what was said so far; 1 when nothing was.",
    )
    .sets(|args, given| args.answer.set(given)),
    OptDoc::new(
        "each",
        "Run a command for each record",
        "\
Run COMMAND with `sh` for each record, which is its standard input,
instead of printing it. The record is taken when the command ends with
status 0. Any other status ends the run with status 74, and `--cursor`
stays before that record. The command finds in its environment
`AIMAX_SESSION`, `AIMAX_BACKEND`, and `AIMAX_RECORD`: an id that the
record has whenever it comes, and that no other record has. Not with
`--text`.",
    )
    .value("COMMAND", Complete::Nothing)
    .sets(|args, given| args.each.set(given)),
    OptDoc::new(
        "cursor",
        "Keep the place in this file",
        "\
Go on at the place that this file keeps, and keep it there: after each
record that was written, so that a run that was killed is gone on with
by the next one, and at most its last record comes twice. `--from` and
`--lines` count only while there is no such file. It also holds a hash
of what stands before the place: if the transcript is another one
meanwhile, this is said, and it is read from its beginning.

With several sessions it is a folder with such a file for each. With
`--all`, a later run also prints what sessions wrote that have ended
since, and all of those that began since.

A record that was written may still be in a pipe when its reader is
killed. Where none may be lost, use `--each`.",
    )
    .value("FILE", Complete::File)
    .sets(|args, given| args.cursor.set(given)),
    OptDoc::new(
        "max-line",
        "The longest line that is taken",
        "\
The longest line that is taken. One that is longer ends the run with
status 74, and is named with its offset. Without it, a line may be as
long as memory allows.",
    )
    .value("BYTES", Complete::Nothing)
    .sets(|args, given| args.max_line.set(given)),
    MAX.sets(|args, given| args.max.set(given)),
    options::timeout(
        "\
With `--follow`, the longest time of the whole run: `90`, `1.5m`,
`500ms`. It then ends with status 124.",
    )
    .sets(|args, given| args.timeout.set(given)),
    OptDoc::new(
        "raw",
        "Pass lines through unread",
        "Print all whole lines as they are, also those that are no JSON objects.",
    )
    .sets(|args, given| args.raw.set(given)),
];

/// A plain number, or the object that holds it as `primary`.
pub(crate) fn offset(text: &str) -> Result<u64, String> {
    #[derive(serde::Deserialize)]
    struct Offsets {
        #[serde(alias = "primarySize", alias = "size")]
        primary: u64,
    }
    if !text.trim_start().starts_with('{') {
        return number(text);
    }
    serde_json::from_str::<Offsets>(text)
        .map(|offsets| offsets.primary)
        .map_err(|_| format!("{text:?} has no whole number `primary`"))
}
