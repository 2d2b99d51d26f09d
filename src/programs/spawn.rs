//! `aimax-spawn`: start an agent, wait until it is ready, deliver the first prompt.

use std::{ffi::OsString, time::Duration};

use serde_json::json;

use super::{
    options::{self, Field, NAMES, PromptArgs, Target, has, launch, prompt, target},
    paste,
};
use crate::{
    cli::{Complete, Member, Opt, OptDoc, Output, RecordDoc, Tool, ToolDoc, Type, ValueDoc},
    config::Config,
    error::{Error, Exit, Result},
    session::{self, START_WAIT, Session, StartOptions},
    sys::signals,
    tmux::Tmux,
};

/// The program.
pub struct Spawn;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    target: Target,
    prompt: PromptArgs,
    start: StartOptions,
    timeout: Option<Duration>,
}

has!(Args { target: Target, prompt: PromptArgs, start: StartOptions });

impl Tool for Spawn {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-spawn",
        tagline: "start an agent in a tmux window",
        synopsis: &["aimax-spawn -b BACKEND [-s] NAME [OPTION]... [-p TEXT] [-- ARG...]"],
        about: "\
Starts an agent in a window of its backend's tmux session, waits until
it is ready, and delivers the first prompt, if there is one. Prints one
record: the session, where its transcript is, and the verdict on the
prompt.

What the agent lets a caller settle for one start opens no dialog: the
folder is trusted, for you named it; another model and an update are
declined. Dialogs that open all the same are answered the same way. Any
other ends the start with status 5 and its name, and one that is not
known does with `unknown-dialog` and its first words.

An agent that is too old to be driven is not started: status 69 says its
version and the one that is needed.

Standard input is read only for `-f -`.

When the start fails, nothing is left behind. When only the prompt
fails, the session stays.",
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        rest: Some(ValueDoc { name: "ARG", complete: Complete::Nothing }),
        exits: &[
            (Exit::Done, "the agent is ready, and the prompt, if any, is proven"),
            (Exit::Refused, "also when a session of this name is running"),
        ],
        examples: &[
            (
                "aimax-spawn -b tmux-claude-code -s demo --cwd ~/p -p 'Make a hello.py.'",
                "Starts Claude Code with a first prompt.",
            ),
            (
                "aimax-spawn -b tmux-codex -s fix --cwd . -f task.txt",
                "Takes the prompt from a file.",
            ),
            (
                "aimax-spawn -b tmux-claude-code -s demo --resume ID",
                "Goes on in an old conversation.",
            ),
            ("aimax-spawn -b tmux-codex -s x -- --search", "Gives the agent an option of its own."),
        ],
        see_also: &[
            ("aimax-paste", 1),
            ("aimax-tail", 1),
            ("aimax-kill", 1),
            ("tmux", 1),
            ("aimax", 7),
        ],
        records: &[&READY, &PROMPTED],
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
        launch::cwd(),
        launch::flag_root(),
        launch::model(),
        launch::resume("resume"),
        OptDoc::new(
            "permissions",
            "`bypass` the agent's questions, or let it `ask`",
            "\
With `bypass`, the default, the agent does what it wants without asking.
With `ask` its own questions stay on; they show as the state `waiting`.",
        )
        .value("HOW", Complete::OneOf(&["bypass", "ask"]))
        .sets(|args, given| {
            args.start.ask_permission = Some(given.one_of(&["bypass", "ask"])? == "ask");
            Ok(())
        }),
        OptDoc::new(
            "inbox",
            "what becomes of other sessions' messages",
            "\
Claude Code lets the sessions of a user send messages to each other, and
a message starts a turn. With `refuse`, the default, none comes in. With
`hold` they wait for a person, and with `accept` they are taken.",
        )
        .value("HOW", Complete::OneOf(&["refuse", "hold", "accept"]))
        .sets(|args, given| {
            args.start.inbox = Some(given.one_of(&["refuse", "hold", "accept"])?.to_owned());
            Ok(())
        }),
        launch::use_proxy(),
        launch::display_name(),
        options::timeout(
            "\
The longest time until the agent is ready, and again until the prompt is
proven: `90`, `1.5m`, `500ms`. 60 seconds by default.",
        )
        .sets(|args, given| args.timeout.set(given)),
        prompt::explain(),
    ];

    fn rest(args: &mut Args, rest: Vec<OsString>) {
        args.start.rest = rest;
    }

    fn run(mut args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        args.target.operand(operands)?;
        let config = Config::from_env()?;
        args.prompt.begin_trace::<Self>(&config)?;
        let name = args.target.needed(&config)?;
        let backend = args.target.needed_backend(&config)?;
        let done_by = args.prompt.done_by();
        let prompt = args.prompt.read(backend.agent())?;
        let tmux = Tmux::new(&config)?;
        // From here on a signal must not leave half a session.
        signals::catch(&signals::ENDING).map_err(|e| Error::io("signals", &e))?;
        let order = session::Spawn {
            prompt,
            done_by,
            timeout: args.timeout.unwrap_or(START_WAIT),
            ..args.start.spawn(&name, backend)
        };
        let started = session::start_once(&config, &tmux, &order)?;
        let pane = started.pane.as_ref();
        let entry = &started.session.entry;
        let mut record = started.session.record();
        record["agentSessionId"] = json!(entry.agent_session_id());
        record["jsonlPath"] = json!(entry.jsonl_path());
        record["startedAt"] = json!(entry.started_at());
        record["pid"] = json!(pane.map(|pane| pane.pid));
        record["windowId"] = json!(pane.map(|pane| &pane.window));
        record["paneId"] = json!(pane.map(|pane| &pane.id));
        match &started.delivery {
            Some(delivery) => {
                paste::add_verdict(&mut record, delivery);
                paste::print(out, &PROMPTED, &record, delivery)?;
            }
            None => out.record(&READY, &record)?,
        }
        match &started.delivery {
            Some(delivery) => paste::conclude(Self::DOC.name, &name, delivery),
            None => Ok(Exit::Done),
        }
    }
}

const READY: RecordDoc = RecordDoc {
    name: "spawn",
    about: "`aimax-spawn` without a prompt",
    fields: &[Session::MEMBERS, CONVERSATION, PLACE],
};

const PROMPTED: RecordDoc = RecordDoc {
    name: "spawn-prompt",
    about: "`aimax-spawn` with a prompt",
    fields: &[Session::MEMBERS, CONVERSATION, PLACE, paste::VERDICT],
};

/// The conversation of a session.
pub(crate) const CONVERSATION: &[Member] = &[
    Member::new("agentSessionId", Type::OrNull(&Type::Text), "The agent's id of the conversation"),
    Member::new("jsonlPath", Type::OrNull(&Type::Text), "The transcript"),
];

/// Where a session runs, and since when.
pub(crate) const PLACE: &[Member] = &[
    Member::new("startedAt", Type::OrNull(&Type::Millis), "When it was started"),
    Member::new("pid", Type::OrNull(&Type::Count), "The agent's process"),
    Member::new("windowId", Type::OrNull(&Type::Text), "Its tmux window"),
    Member::new("paneId", Type::OrNull(&Type::Text), "Its tmux pane"),
];
