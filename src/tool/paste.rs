//! `aimax-paste`: deliver a prompt, with proof.

use std::{ffi::OsString, time::Duration};

use serde_json::{Value, json};

use super::{
    target::{self, Target, Targeted},
    words::{self, Worded, Words},
};
use crate::{
    cli::{
        option::{Complete, Opt, OptDoc, Tool, ToolDoc, ValueDoc},
        output::Output,
    },
    config::Config,
    error::{Error, Exit, Kind, Result},
    session::{self, Delivery, Verdict},
    state::Name,
    time::Deadline,
    tmux::Tmux,
};

/// The program.
pub struct Paste;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    target: Target,
    words: Words,
    timeout: Option<Duration>,
}

impl Targeted for Args {
    fn target(&mut self) -> &mut Target {
        &mut self.target
    }
}

impl Worded for Args {
    fn words(&mut self) -> &mut Words {
        &mut self.words
    }
}

/// How long a proof may take, unless the caller says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

impl Tool for Paste {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-paste",
        tagline: "deliver a prompt to a session, with proof",
        synopsis: &["aimax-paste -s NAME [OPTION]... [-p TEXT | -f FILE]"],
        about: "\
Pastes a prompt into the session's input box, presses Enter, and waits
until the agent's own transcript holds the whole text. Prints one record
with the verdict, and the offset at which the transcript stood before:
`aimax-tail --from` that offset shows the prompt and all that follows.

The verdicts:
    submitted            recorded whole, given to the model
    queued               recorded whole, for after the present turn
    altered              recorded, but another text
    blocked              nothing typed: the reason names what forbids it
    typed_not_submitted  the text is in the input box
    unproven             nothing seen before the time was up

A prompt is never pasted twice. What an agent does to every prompt, such
as turning a tab into blanks, is named in `normalized`.",
        verbs: &[],
        operand: None,
        rest: None,
        exits: &[(Exit::Done, "the prompt is `submitted` or `queued`")],
        examples: &[
            ("aimax-paste -s demo -p 'Also add a README.'", "Delivers a prompt."),
            ("git diff | aimax-paste -s review", "Delivers what a program prints."),
        ],
        see_also: &[("aimax-spawn", 1), ("aimax-tail", 1), ("aimax-flag", 1)],
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        words::prompt(),
        words::prompt_file(),
        Opt {
            doc: OptDoc {
                short: None,
                long: "timeout",
                negated: None,
                value: Some(ValueDoc { name: "TIME", complete: Complete::Nothing }),
                brief: "Give up after this long",
                full: "\
The longest time to wait for other deliveries to this session and for
the proof: `90`, `1.5m`, `500ms`. 30 seconds by default.",
            },
            set: |args, given| {
                args.timeout = Some(given.seconds()?);
                Ok(())
            },
        },
    ];

    fn run(args: Args, _: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env();
        let mut session = args.target.find(&config)?;
        let prompt = args.words.read(session.agent())?.ok_or_else(|| {
            Error::usage("prompt", "none is given").advise("give -p TEXT, -f FILE, or pipe it in")
        })?;
        let tmux = Tmux::new(&config)?;
        let deadline = Deadline::after(args.timeout.unwrap_or(TIMEOUT));
        let delivery = session::deliver(&config, &tmux, &mut session, &prompt, deadline)?;
        let mut record = json!({ "sessionId": session.name, "backend": session.backend.name() });
        add_verdict(&mut record, &delivery);
        out.record(&record)?;
        conclude(&session.name, &delivery)
    }
}

/// Adds what became of the prompt to a record.
pub(super) fn add_verdict(record: &mut Value, delivery: &Delivery) {
    record["verdict"] = json!(delivery.verdict);
    record["offset"] = json!(delivery.offset);
    record["queued"] = json!(delivery.verdict == Verdict::Queued);
    record["normalized"] = json!(delivery.normalized);
    if !delivery.reason.is_empty() {
        record["reason"] = json!(delivery.reason);
    }
}

/// The status of a delivery; one that is not proven is an error too, with its reason.
pub(super) fn conclude(name: &Name, delivery: &Delivery) -> Result<Exit> {
    let kind = match delivery.exit() {
        Exit::Done => return Ok(Exit::Done),
        Exit::Person => Kind::Person,
        Exit::Refused => Kind::Refused,
        _ => Kind::Unproven,
    };
    Err(Error::new(kind, name, &delivery.reason).advise(&delivery.advice))
}
