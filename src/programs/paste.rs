//! `aimax-paste`: deliver a prompt, stop a turn, answer a question; each with proof.

use std::ffi::OsString;

use serde_json::{Value, json};

use super::options::{self, Field, NAMES, PromptArgs, Target, has, prompt, target};
use crate::{
    cli::{self, Complete, Member, Opt, OptDoc, Output, RecordDoc, Tool, ToolDoc, Type, ValueDoc},
    config::Config,
    error::{Error, Exit, Kind, Result},
    session::{self, Delivery, DeliveryOptions, Interruption, Once, Session, Verdict, When},
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
    prompt: PromptArgs,
    delivery: DeliveryOptions,
    answer: Option<String>,
    expect: Option<String>,
}

has!(Args { target: Target, prompt: PromptArgs });

impl Tool for Paste {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-paste",
        tagline: "deliver a prompt to a session, with proof",
        synopsis: &[
            "aimax-paste [-s] NAME [OPTION]... [-p TEXT | -f FILE]",
            "aimax-paste [-s] NAME --interrupt [OPTION]... [-p TEXT | -f FILE]",
            "aimax-paste [-s] NAME --answer KEY --expect DIALOG",
        ],
        about: "\
Pastes a prompt into the session's input box, presses Enter, and waits
until the agent's own transcript holds the whole text. Prints one record
with the verdict and the `offset` of the transcript before the prompt:
`aimax-tail --from` that offset shows the prompt and all that follows.

The verdicts:
    submitted            recorded in full and given to the model
    queued               recorded in full, waiting for the current turn
    altered              recorded, but with different text
    blocked              refused, and nothing is left of it: `reason`
    typed_not_submitted  the text is still in the input box
    unproven             nothing was seen before the timeout

A prompt is never pasted twice. Changes that the agent makes to every
prompt, such as replacing tabs with blanks, are named in `normalized`.

With `--interrupt` and no prompt, the verdict is `interrupted`, `idle`
if there was nothing to stop, or `unproven`. If the agent is asking for
permission at that moment, it is denied, which stops the turn too.",
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        exits: &[(Exit::Done, "the delivery, the stop or the answer is proven")],
        examples: &[
            ("aimax-paste -s demo -p 'Also add a README.'", "Deliver a prompt."),
            ("git diff | aimax-paste -s review", "Deliver the output of a program."),
            ("aimax-paste -s demo --interrupt -p 'Stop. Do this:'", "Stop the current turn first."),
            ("aimax-paste -s demo --answer 1 --expect permission", "Answer a question."),
            ("aimax-paste -s demo --command -p /compact", "Run one of the agent's own commands."),
        ],
        see_also: &[("aimax-spawn", 1), ("aimax-tail", 1), ("aimax-flag", 1), ("aimax", 7)],
        ends: prompt::ENDS,
        records: &[&DELIVERED, &INTERRUPTED, &ANSWERED],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        prompt::prompt(),
        prompt::prompt_file(),
        prompt::strip_control(),
        prompt::done(),
        prompt::once(),
        prompt::attach(),
        prompt::command(),
        OptDoc::new(
            "when",
            "`now`, when it is `idle`, or after a `reset`",
            "\
With `now`, the default, the prompt is delivered even during a turn; the
agent queues it or takes it into the turn. With `idle`, the end of the
job is waited for first. If that takes longer than `--timeout`, nothing
is typed, and the status is 124. With `reset`, if a usage limit ended
the last job, the prompt waits until the limit is lifted: for as long as
the agent has said, or for `--timeout` if that is given.",
        )
        .value("MOMENT", Complete::OneOf(When::NAMES))
        .sets(|args, given| {
            args.delivery.when = When::of(given.one_of(When::NAMES)?);
            Ok(())
        }),
        OptDoc::new(
            "interrupt",
            "Stop the current turn first",
            "\
Stops the current turn, and proves that it stopped, before it delivers
the prompt, if there is one.",
        )
        .sets(|args, given| args.delivery.interrupt.set(given)),
        OptDoc::new(
            "replace-draft",
            "Clear a draft from the input box first",
            "\
Clears a draft from the input box. Without this option a draft blocks
the delivery, because the two texts would become one.",
        )
        .sets(|args, given| args.delivery.replace_draft.set(given)),
        OptDoc::new(
            "wait-ready",
            "How long to wait for obstacles to go away",
            "\
How long to wait for a dialog, a draft or a starting agent before the
delivery is refused. The default is half a second, because a screen that
is still being drawn can look like any of these.",
        )
        .value("TIME", Complete::Nothing)
        .sets(|args, given| args.delivery.wait_ready.set(given)),
        OptDoc::new(
            "answer",
            "Answer the open dialog with this choice or key",
            "\
Answers the dialog that `--expect` names, if it is open, and waits until
it closes. If KEY is the `key` of one of its `choices`, as `aimax-ls`
shows them, the pointer is moved there before Enter is pressed. Any
other KEY is pressed as it is, by its tmux name (`y`, `Enter`).",
        )
        .value("KEY", Complete::Nothing)
        .sets(|args, given| args.answer.set(given)),
        OptDoc::new(
            "expect",
            "The dialog that must be open for the answer",
            "The name of the dialog that must be open for `--answer`.",
        )
        .value("DIALOG", Complete::Nothing)
        .sets(|args, given| args.expect.set(given)),
        options::LOCK_WAIT.sets(|args, given| args.delivery.lock_wait.set(given)),
        options::timeout(
            "\
How long to wait for the proof: `90`, `1.5m`, `500ms`. The default is
30 seconds.",
        )
        .sets(|args, given| {
            args.delivery.timeout.set(given)?;
            args.delivery.reset_wait = Some(args.delivery.timeout);
            Ok(())
        }),
        prompt::explain(),
    ];

    fn run(mut args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        args.target.operand(operands)?;
        let config = Config::from_env()?;
        args.prompt.begin_trace::<Self>(&config)?;
        let mut session = args.session(&config)?;
        let mut record = session.record();
        let DeliveryOptions { lock_wait, timeout, .. } = args.delivery;
        if let Some(key) = &args.answer {
            let expected = args.expect.as_deref().ok_or_else(|| {
                Error::usage("--answer", "it needs --expect with the name of the dialog")
            })?;
            let tmux = Tmux::new(&config)?;
            let wait = Deadline::after(lock_wait);
            session::answer(&config, &tmux, &session, key, expected, wait, timeout)?;
            record["verdict"] = json!("answered");
            record["dialog"] = json!(expected);
            return out.record(&ANSWERED, &record).map(|()| Exit::Done);
        }
        if args.expect.is_some() {
            return Err(Error::usage("--expect", "it is for --answer"));
        }
        if args.delivery.interrupt && !args.prompt.is_given() {
            let tmux = Tmux::new(&config)?;
            let wait = Deadline::after(lock_wait);
            let verdict = session::interrupt(&config, &tmux, &mut session, wait, timeout)?;
            record["verdict"] = json!(verdict);
            out.record(&INTERRUPTED, &record)?;
            return verdict.failure(&session.name).map_or(Ok(Exit::Done), Err);
        }
        let options = DeliveryOptions { done_by: args.prompt.done_by(), ..args.delivery };
        let prompt = args.prompt.needed(session.agent())?;
        let tmux = Tmux::new(&config)?;
        let delivery = session::deliver(&config, &tmux, &mut session, &prompt, &options)?;
        add_verdict(&mut record, &delivery);
        print(out, &DELIVERED, &record, &delivery)?;
        conclude(Self::DOC.name, &session.name, &delivery)
    }
}

impl Args {
    /// The session. One that was ended will do where something is known of the key: the record of a
    /// delivery outlives its session.
    fn session(&self, config: &Config) -> Result<Session> {
        match (self.target.find(config), self.prompt.key()) {
            (Err(error), Some(key)) if error.kind == Kind::Missing => {
                let (name, backend) = (self.target.needed(config)?, self.target.backend(config)?);
                let past = Session::find_any(config, &name, backend)?;
                let once = Once::open(&past.run_dir(config), key)?;
                once.stage().map_or(Err(error), |_| Ok(past))
            }
            (found, _) => found,
        }
    }
}

const DELIVERED: RecordDoc = RecordDoc {
    name: "paste",
    about: "`aimax-paste`: the verdict on a prompt",
    fields: &[Session::MEMBERS, VERDICT],
};

const INTERRUPTED: RecordDoc = RecordDoc {
    name: "paste-interrupt",
    about: "`aimax-paste --interrupt` without a prompt",
    fields: &[
        Session::MEMBERS,
        &[Member::new("verdict", Type::OneOf(Interruption::NAMES), "What became of the turn")],
    ],
};

const ANSWERED: RecordDoc = RecordDoc {
    name: "paste-answer",
    about: "`aimax-paste --answer`",
    fields: &[
        Session::MEMBERS,
        &[
            Member::new("verdict", Type::OneOf(&["answered"]), "That the dialog is gone"),
            Member::new("dialog", Type::Text, "The dialog's name"),
        ],
    ],
};

/// What [`add_verdict`] adds.
pub(crate) const VERDICT: &[Member] = &[
    Member::new("verdict", Type::OneOf(Verdict::NAMES), "What became of the prompt"),
    Member::new("offset", Type::Count, "Where the transcript stood before the prompt"),
    Member::new("queued", Type::Switch, "Whether it waits for the end of the turn"),
    Member::new("normalized", Type::List(&Type::Text), "What the agent does to every prompt"),
    Member::new("repeated", Type::Switch, "Whether it was delivered before, by `--once`")
        .optional(),
    Member::new("reason", Type::Text, "Why it is not proven").optional(),
];

/// Adds the verdict on a prompt to a record.
pub(crate) fn add_verdict(record: &mut Value, delivery: &Delivery) {
    record["verdict"] = json!(delivery.verdict.name());
    record["offset"] = json!(delivery.offset);
    record["queued"] = json!(delivery.verdict == Verdict::Queued);
    record["normalized"] = json!(delivery.normalized);
    if delivery.repeated.is_some() {
        record["repeated"] = json!(true);
    }
    if !delivery.reason.is_empty() {
        record["reason"] = json!(delivery.reason);
    }
}

/// Prints the record of a delivery.
///
/// # Errors
/// Says what became of the prompt when that cannot be printed.
pub(crate) fn print(
    out: &mut Output,
    doc: &RecordDoc,
    record: &Value,
    delivery: &Delivery,
) -> Result<()> {
    out.record(doc, record).map_err(|error| match error.kind {
        Kind::System => {
            let verdict = delivery.verdict.name();
            let what = match delivery.exit() {
                Exit::Done => format!("the prompt was delivered ({verdict})"),
                _ => format!("the prompt was not delivered ({verdict})"),
            };
            let cause = format!("{what}, but its record cannot be printed: {}", error.cause);
            Error { cause, ..error }.advise("a retry is safe only with the same --once")
        }
        _ => error,
    })
}

/// The exit status of a delivery; one that is not proven is an error with its reason. Notes are
/// printed under the name of the program.
pub(crate) fn conclude(program: &str, name: &Name, delivery: &Delivery) -> Result<Exit> {
    if let Some(error) = &delivery.unrecorded {
        cli::say(program, &format!("cannot log the delivery: {error}"));
    }
    delivery.failure(name).map_or(Ok(Exit::Done), Err)
}
