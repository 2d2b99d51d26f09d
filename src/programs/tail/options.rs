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

impl Args {
    /// The longest line that is no error.
    pub(super) fn longest(&self) -> Option<usize> {
        self.max_line.filter(|_| !self.events && !self.text)
    }
}

/// `--max`.
pub(crate) const MAX: OptDoc = OptDoc::new(
    "max",
    "Stop after this many records",
    "Stops after this many records; 0 prints none.",
)
.value("COUNT", Complete::Nothing);

/// The table.
pub(crate) const TABLE: &[Opt<Args>] = &[
    target::session(),
    target::backend(),
    OptDoc::new(
        "all",
        "All live sessions",
        "\
All live sessions; with `-b`, those of one backend. With `--follow`,
sessions that start later join in, and those that end drop out.",
    )
    .sets(|args, given| args.all.set(given)),
    OptDoc::new(
        "from",
        "Start at this offset",
        "\
Starts at this offset, which must be at the beginning of a line. If it
is not, the error names the nearest ones that are. An object such as
`{\"primary\":4096}` is accepted, too.",
    )
    .value("OFFSET", Complete::Nothing)
    .sets(|args, given| {
        args.from = Some(offset(&given.text()?)?);
        Ok(())
    }),
    OptDoc::new(
        "lines",
        "Start this many records before the end",
        "\
Starts this many records before the end: complete lines, or with
`--events` and `--text` what these print. 0 skips what is there.",
    )
    .value("COUNT", Complete::Nothing)
    .short('n')
    .sets(|args, given| args.lines.set(given)),
    OptDoc::new(
        "follow",
        "Wait for more",
        "\
Waits for more: for new lines, for the file to appear, and for a new
file if it is replaced or removed. Each record is printed immediately.",
    )
    .short('f')
    .sets(|args, given| args.follow.set(given)),
    OptDoc::new(
        "offsets",
        "Wrap each record with its offsets",
        "\
Prints `{\"sessionId\",\"backend\",\"host\",\"offset\",\"next\",\"entry\"}` for
each record: where it begins, where the next one begins, and the record
itself, unchanged. For a FILE, `sessionId` is null, and there is no
`backend` or `host`.",
    )
    .sets(|args, given| args.offsets.set(given)),
    OptDoc::new(
        "events",
        "Print one schema for all agents",
        "\
Prints what each record means, in one schema for all agents:
`{\"sessionId\",\"backend\",\"host\",\"offset\",\"next\",\"kind\",\"time\",
\"text\",\"type\"}`. `kind` is one of `prompt`, `queued`, `text`,
`thinking`, `tool_call`, `tool_result`, `turn_start`, `turn_end`,
`interrupted`, `error`, `usage` and `other`, and `type` is the agent's
own name for the record. A record that holds several things becomes
several events with the same offset. In a FILE, the agent is recognized
by the shape of each line, unless `-b` names it.

Some events have more fields: `tool` for a `tool_call`, with its `name`
and, where that is JSON, its `input`; `usage` for a `usage`, the object
that the agent wrote; `turn` if the agent numbers its turns,
`queued` for a prompt that was queued before, `origin` for a turn that
nobody asked for (`peer`: a message from another session, `schedule`: a
timer, `task-notification`: work in the background, `goal`: a goal that
Codex pursues), `sidechain` for the records of a sub-agent in the
session's transcript, and `reason` (`usage_limit`) and `resetsAt` (epoch
milliseconds) for a usage limit.
Other operations on the agent's queue are `other`.

Something that the agent records twice is one event. Records on the same
line, as after a crash in the middle of a write, share its offsets.",
    )
    .sets(|args, given| args.events.set(given)),
    OptDoc::new(
        "text",
        "Print the conversation for people",
        "\
Prints the conversation for people: what the assistant said, with
prompts (`>`), tool calls (`*`), their results (`|`) and errors (`!`),
in color on a terminal unless `NO_COLOR` is set.",
    )
    .sets(|args, given| args.text.set(given)),
    OptDoc::new(
        "answer",
        "Print only the answer to a prompt",
        "\
Prints the assistant's last message in the turn that handled the prompt
at `--from`, by default the last prompt: the full text and nothing else.
With `--follow`, waits for the end of that turn; the status is then that
of `aimax ask`: 1 if the turn failed, 5 if the agent asks something.
Without it, prints what was said so far; 1 if there is nothing yet.",
    )
    .sets(|args, given| args.answer.set(given)),
    OptDoc::new(
        "each",
        "Run a command for each record",
        "\
Runs COMMAND with `sh` for each record instead of printing it, with the
record on standard input. If the command succeeds, the record is done.
If it fails, the run ends with status 74, and `--cursor` stays before
that record. The command's environment has `AIMAX_SESSION`,
`AIMAX_BACKEND` and `AIMAX_RECORD`, an id that is the same whenever this
record comes again, and that no other record has. It cannot be combined
with `--text`.",
    )
    .value("COMMAND", Complete::Nothing)
    .sets(|args, given| args.each.set(given)),
    OptDoc::new(
        "cursor",
        "Keep the position in this file",
        "\
Continues at the position stored in this file, and stores the new one
after each record that was printed. If a run is killed, the next one
continues from there, and at most one record is printed twice. `--from`
and `--lines` apply only if the file does not exist yet. The file also
holds a hash of what comes before the position: if the transcript has
been replaced, this is reported, and it is read from the beginning.

With several sessions, FILE is a folder with one such file for each.
With `--all`, a later run also prints what was written by sessions that
have started or ended since.

A record may still be in a pipe when its reader is killed. If none may
be lost, use `--each`.",
    )
    .value("FILE", Complete::File)
    .sets(|args, given| args.cursor.set(given)),
    OptDoc::new(
        "max-line",
        "The longest line to accept",
        "\
The longest line to accept. A longer one ends the run with status 74 and
an error with its offset. The default is no limit but memory, and not
even that where lines are printed as they are.

With `--events` and `--text`, a longer record is told without the most
of its long strings, and `cut` in its events, or a note on standard
error, says how many bytes were left out. The default is 1 MiB there.",
    )
    .value("BYTES", Complete::Nothing)
    .sets(|args, given| args.max_line.set(given)),
    MAX.sets(|args, given| args.max.set(given)),
    options::timeout(
        "\
With `--follow`, ends the run after this time with status 124: `90`,
`1.5m`, `500ms`.",
    )
    .sets(|args, given| args.timeout.set(given)),
    OptDoc::new(
        "raw",
        "Print lines unchecked",
        "Prints all complete lines, even those that are not JSON objects.",
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
