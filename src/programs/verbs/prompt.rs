//! `aimax create`, `aimax send` and `aimax pause`: a prompt for a session, which is started when it
//! does not run.

use std::{ffi::OsString, path::Path};

use serde_json::json;

use crate::programs::{
    options::{NAMES, OutputArgs, PromptArgs, Target, has, launch, output, prompt, target},
    paste,
    spawn::CONVERSATION,
};
use crate::{
    agent::Backend,
    cli::{Member, Opt, Output, Paint, RecordDoc, Tool, ToolDoc, Type, ValueDoc},
    config::Config,
    error::{Error, Exit, Result},
    session::{
        self, DeliveryOptions, Interruption, LOCK_WAIT, PROOF_WAIT, Recipient, SentPrompt,
        StartOptions, Verdict,
    },
    state::Name,
    sys::signals,
    time::Deadline,
    tmux::Tmux,
};

/// `aimax create`.
pub struct Create;

/// `aimax send`.
pub struct Send;

/// `aimax pause`.
pub struct Pause;

/// What their command lines say.
#[derive(Debug, Default)]
pub struct Args {
    target: Target,
    prompt: PromptArgs,
    start: StartOptions,
    output: OutputArgs,
}

has!(Args { target: Target, prompt: PromptArgs, start: StartOptions, output: OutputArgs });

/// The options of a verb that may start a session. Those of the prompt and the folder come first,
/// in an order of the verb's own.
macro_rules! starting {
    [$($first:expr),+] => {
        &[
            target::session(),
            target::backend(),
            $($first,)+
            launch::flag_root(),
            launch::model(),
            launch::display_name(),
            launch::use_proxy(),
            launch::resume(),
            launch::agent_session_id(),
            output::json(),
        ]
    };
}

impl Tool for Create {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-create",
        tagline: "start a session with its first prompt",
        synopsis: &["aimax create -b BACKEND [-s] NAME [OPTION]... [-p TEXT | -f FILE]"],
        about: "\
Starts an agent in a tmux window, waits until it is ready, delivers the
first prompt, and prints where the conversation is. If a session with
that name is already running in that folder, it gets the prompt.

The document of `--json` has `sessionId`, `agentSessionId`, `jsonlPath`
and `startedAt`. `aimax-spawn` has more options and prints more.",
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        exits: &[
            (Exit::Done, "the agent is ready, and the prompt was delivered"),
            (Exit::Refused, "also if the session is running in another folder"),
        ],
        examples: &[(
            "aimax create -b tmux-codex -s demo --cwd ~/proj -p 'Say hi.'",
            "Start Codex.",
        )],
        see_also: &[("aimax-send", 1), ("aimax-spawn", 1), ("aimax-stop", 1)],
        ends: prompt::ENDS,
        records: &[&CREATED],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] =
        starting![launch::cwd(), prompt::prompt(), prompt::prompt_file(), prompt::attach()];

    fn run(mut args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        args.target.operand(operands)?;
        let config = Config::from_env()?;
        let name = args.target.needed(&config)?;
        let backend = args.target.needed_backend(&config)?;
        let tmux = Tmux::new(&config)?;
        let to = Recipient::find(&config, &tmux, &name, Some(backend))?;
        let else_end = format!("end it with `aimax stop {name}`");
        to.same_folder(args.start.cwd.as_deref(), &else_end)?;
        let line = output::progress(&config, &name)?;
        let (sent, _) = send(to, args.prompt, args.start, false)?;
        drop(line);
        let entry = &sent.session.entry;
        if args.output.json {
            let record = json!({
                "sessionId": name,
                "agentSessionId": entry.agent_session_id(),
                "jsonlPath": entry.jsonl_path(),
                "startedAt": entry.started_at(),
            });
            output::document(out, &CREATED, &record)?;
        } else if sent.delivery.exit() == Exit::Done {
            let paint = Paint::stdout(&config);
            let how = if sent.started { "runs" } else { "was already running" };
            let words = format!("{how}; it has the prompt ({})", backend.name());
            output::line(out, &output::done(paint, &name, &words))?;
            let path = |path: Option<&Path>| path.map(|path| path.display().to_string());
            for (what, value) in [
                ("folder", path(entry.cwd())),
                ("conversation", entry.agent_session_id().map(str::to_owned)),
                ("transcript", path(entry.jsonl_path())),
                ("look at it", Some(attach(&config, backend, &name))),
            ] {
                if let Some(value) = value {
                    output::line(out, &paint.paint("2", &format!("  {what:12}  {value}")))?;
                }
            }
        }
        paste::conclude(Self::DOC.name, &name, &sent.delivery)
    }
}

impl Tool for Send {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-send",
        tagline: "send a prompt to a session",
        synopsis: &["aimax send [-s] NAME [OPTION]... [-p TEXT | -f FILE]"],
        about: "\
Delivers a prompt without stopping the current turn, and waits until the
agent's own transcript holds it. A session that is not running is
restarted in its conversation; an unknown one is started if `-b` and
`--cwd` are given. Start options apply only then.

The document of `--json` has `ok`, `sessionId`, `backend`,
`promptLength` in characters, and the verdict as `aimax-paste` prints
it, with the `offset` before the prompt.",
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        exits: &[(Exit::Done, "the prompt was delivered")],
        examples: &[
            ("aimax send -s demo -p 'Also add a README.'", "Send a prompt."),
            ("git diff | aimax send -s review", "Send the output of a program."),
        ],
        see_also: &[("aimax-create", 1), ("aimax-paste", 1), ("aimax-pause", 1)],
        ends: prompt::ENDS,
        records: &[&SENT],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] =
        starting![prompt::prompt(), prompt::prompt_file(), prompt::attach(), launch::cwd()];

    fn run(mut args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        args.target.operand(operands)?;
        let config = Config::from_env()?;
        let name = args.target.needed(&config)?;
        let tmux = Tmux::new(&config)?;
        let to = Recipient::find(&config, &tmux, &name, args.target.backend(&config)?)?;
        let start = to.resumed(args.start);
        to.can_be_reached(&start, "use --cwd to start it")?;
        let line = output::progress(&config, &name)?;
        let (sent, length) = send(to, args.prompt, start, false)?;
        drop(line);
        let done = sent.delivery.exit() == Exit::Done;
        if args.output.json {
            let backend = sent.session.backend.name();
            let mut record = json!({
                "ok": done, "sessionId": name, "backend": backend, "promptLength": length,
            });
            paste::add_verdict(&mut record, &sent.delivery);
            output::document(out, &SENT, &record)?;
        } else if done {
            let how = match (sent.started, sent.delivery.verdict) {
                (true, _) => "was restarted and has the prompt",
                (_, Verdict::Queued) => "will get to it after the current turn",
                _ => "has the prompt",
            };
            let words = format!("{how} ({length} characters)");
            output::line(out, &output::done(Paint::stdout(&config), &name, &words))?;
        }
        paste::conclude(Self::DOC.name, &name, &sent.delivery)
    }
}

impl Tool for Pause {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-pause",
        tagline: "stop the current turn",
        synopsis: &["aimax pause [-s] NAME [OPTION]... [-p TEXT | -f FILE]"],
        about: "\
Stops the current turn with the one key that the agent is known to
survive, and waits for the proof. Then delivers the prompt, if there is
one; a session that is not running is restarted for it. It is no error
if no turn is running.

The document of `--json` has `ok`, `sessionId` and `resentPrompt`.",
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        exits: &[(Exit::Done, "no turn is running, and the prompt, if any, was delivered")],
        examples: &[
            ("aimax pause -s demo", "Stop the turn."),
            (
                "aimax pause -s demo -p 'In Python, please.'",
                "Stop the turn and send another prompt.",
            ),
        ],
        see_also: &[("aimax-send", 1), ("aimax-paste", 1), ("aimax-stop", 1)],
        ends: prompt::ENDS,
        records: &[&PAUSED],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        prompt::prompt(),
        prompt::prompt_file(),
        launch::cwd(),
        launch::flag_root(),
        output::json(),
    ];

    fn run(mut args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        args.target.operand(operands)?;
        let config = Config::from_env()?;
        let mut session = args.target.find(&config)?;
        let name = session.name.clone();
        let tmux = Tmux::new(&config)?;
        let paint = Paint::stdout(&config);
        let line = output::progress(&config, &name)?;
        if args.prompt.is_given() {
            let to = Recipient::find(&config, &tmux, &name, Some(session.backend))?;
            let start = to.resumed(args.start);
            let (sent, length) = send(to, args.prompt, start, true)?;
            drop(line);
            let done = sent.delivery.exit() == Exit::Done;
            if args.output.json {
                let record = json!({ "ok": done, "sessionId": name, "resentPrompt": true });
                output::document(out, &PAUSED, &record)?;
            } else if done {
                let words = format!("was stopped, and has the prompt ({length} characters)");
                output::line(out, &output::done(paint, &name, &words))?;
            }
            return paste::conclude(Self::DOC.name, &name, &sent.delivery);
        }
        let wait = Deadline::after(LOCK_WAIT);
        let verdict = session::interrupt(&config, &tmux, &mut session, wait, PROOF_WAIT)?;
        drop(line);
        let done = verdict != Interruption::Unproven;
        if args.output.json {
            let record = json!({ "ok": done, "sessionId": name, "resentPrompt": false });
            output::document(out, &PAUSED, &record)?;
        } else if verdict == Interruption::Interrupted {
            output::line(out, &output::done(paint, &name, "was stopped"))?;
        } else if done {
            output::line(out, &output::nothing(paint, &name, "had no turn to stop"))?;
        }
        verdict.failure(&name).map_or(Ok(Exit::Done), Err)
    }
}

/// Sends the prompt that is given; also returns its length in characters.
fn send(
    to: Recipient<'_>,
    prompt: PromptArgs,
    start: StartOptions,
    interrupt: bool,
) -> Result<(SentPrompt, usize)> {
    let prompt = prompt.needed(to.session.agent())?;
    let length = prompt.text().chars().count();
    if !to.runs {
        // From here on a signal must not leave half a session.
        signals::catch(&signals::ENDING).map_err(|e| Error::io("signals", &e))?;
    }
    let options = DeliveryOptions { interrupt, ..DeliveryOptions::default() };
    Ok((to.send(prompt, start, &options)?, length))
}

/// The command that attaches a terminal to the window of a session.
fn attach(config: &Config, backend: Backend, name: &Name) -> String {
    let server =
        config.tmux_server().map(|(option, server)| format!("{option} {} ", server.display()));
    let window = format!("{}:{name}", backend.hub(config));
    format!("tmux {}attach -t {window}", server.unwrap_or_default())
}

const NAMED: Member = Member::new("sessionId", Type::Text, "The session's name");
const OK: Member = Member::new("ok", Type::Switch, "Whether it is proven");

const CREATED: RecordDoc = RecordDoc {
    name: "create",
    about: "`aimax create --json`",
    fields: &[
        &[NAMED],
        CONVERSATION,
        &[Member::new("startedAt", Type::OrNull(&Type::Millis), "When it was started")],
    ],
};

const SENT: RecordDoc = RecordDoc {
    name: "send",
    about: "`aimax send --json`",
    fields: &[
        &[
            OK,
            NAMED,
            Member::new("backend", Type::OneOf(Backend::NAMES), "The agent's backend"),
            Member::new("promptLength", Type::Count, "The prompt's characters"),
        ],
        paste::VERDICT,
    ],
};

const PAUSED: RecordDoc = RecordDoc {
    name: "pause",
    about: "`aimax pause --json`",
    fields: &[&[
        OK,
        NAMED,
        Member::new("resentPrompt", Type::Switch, "Whether a prompt was to follow"),
    ]],
};
