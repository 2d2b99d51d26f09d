//! `aimax ask`: a prompt, and what the assistant says to it.

use std::{ffi::OsString, time::Duration};

use serde_json::{Value, json};

use super::usage;
use crate::programs::{
    options::{self, Field, OutputArgs, PromptArgs, Target, has, launch, output, prompt, target},
    paste,
    spawn::CONVERSATION,
};
use crate::{
    cli::{self, Complete, Member, Opt, OptDoc, Output, RecordDoc, Tool, ToolDoc, Type, ValueDoc},
    config::Config,
    error::{Error, Exit, Kind, Result},
    session::{
        self, Asked, Delivery, DeliveryOptions, Ending, LOCK_WAIT, OnceKey, PROOF_WAIT,
        Question as Asks, Recipient, Reply, RunDir, START_WAIT, SentPrompt, Session, StartOptions,
        conversation::ConversationReader,
    },
    state::Name,
    sys::signals,
    time::Deadline,
    tmux::Tmux,
    trace,
    transcript::start::Start,
};

/// The verb.
pub struct Ask;

/// What its command line says.
#[derive(Debug, Default)]
pub struct Args {
    target: Target,
    prompt: PromptArgs,
    start: StartOptions,
    output: OutputArgs,
    keep: bool,
    timeout: Option<Duration>,
}

has!(Args { target: Target, prompt: PromptArgs, start: StartOptions, output: OutputArgs });

impl Tool for Ask {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-ask",
        tagline: "deliver a prompt and print the answer",
        synopsis: &[
            "aimax ask -b BACKEND [OPTION]... [TEXT]",
            "aimax ask -s NAME [OPTION]... [TEXT]",
        ],
        about: "\
Delivers a prompt with proof, waits for the end of the turn that handles
it, and prints the assistant's last message of that turn, and nothing
else. The prompt is TEXT, or comes from `-p`, `-f` or a pipe.

Without `-s`, the question gets a session of its own, which is ended
afterwards, even after a signal; `--keep` keeps it. With `-s`, the
session stays. If it is not running, it is started in `--cwd`: a new one
needs `-b`; a known one resumes its own conversation in its own folder.

The record of `--json` has `sessionId`, `backend`, `host`,
`agentSessionId`, `jsonlPath`, the verdict on the prompt as
`aimax-paste` prints it, and, once the prompt is proven:
    state   `done`, `failed`, `waiting` (for you), `working` (timed out)
    answer  the text; null if there is none
    next    the offset where the transcript ended
    usage   the tokens since the prompt, as `aimax usage` counts them

If the agent asks something, there are also `waitingFor`, `question` and
`choices`, as in `aimax-ls`.",
        operand: Some(ValueDoc { name: "TEXT", complete: Complete::Nothing }),
        exits: &[
            (Exit::Done, "the turn succeeded, and its answer was printed"),
            (Exit::No, "the turn failed, or was interrupted"),
            (Exit::Person, "the agent is asking something"),
            (Exit::Timeout, "the turn did not end within `--timeout`"),
        ],
        examples: &[
            ("aimax ask -b tmux-codex 'What does this project do?'", "Ask once."),
            ("git diff | aimax ask -s review -b tmux-claude-code", "Ask in a session that stays."),
            (
                "ls *.md | xargs -P 4 -I{} aimax ask -b tmux-codex 'Proofread {}.'",
                "Ask about each file, four at a time.",
            ),
        ],
        see_also: &[("aimax-send", 1), ("aimax-tail", 1), ("aimax-flag", 1), ("aimax", 7)],
        ends: &[
            Exit::No,
            Exit::Refused,
            Exit::Unproven,
            Exit::Person,
            Exit::Missing,
            Exit::Timeout,
        ],
        records: &[&ANSWER],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        prompt::prompt(),
        prompt::prompt_file(),
        prompt::strip_control(),
        prompt::once(),
        prompt::attach(),
        launch::cwd(),
        launch::flag_root(),
        launch::model(),
        launch::use_proxy(),
        OptDoc::new(
            "keep",
            "Keep the session made for the question",
            "Keeps the session made for the question, and reports its name.",
        )
        .sets(|args, given| args.keep.set(given)),
        options::timeout(
            "\
How long the whole run may take: `90`, `1.5m`, `500ms`. The default is
no limit.",
        )
        .sets(|args, given| args.timeout.set(given)),
        output::json(),
        prompt::explain(),
    ];

    fn run(args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        let tmux = Tmux::new(&config)?;
        let question = Question::of(args, operands, &config)?;
        // From here on a signal must not leave half a session.
        signals::catch(&signals::ENDING).map_err(|e| Error::io("signals", &e))?;
        let done = question.put(&config, &tmux, out);
        if !question.is_own || question.args.keep {
            return done;
        }
        let mut ended = question.end(&config, &tmux);
        if matches!(&ended, Err(error) if matches!(error.kind, Kind::Signal(_))) {
            ended = question.end(&config, &tmux);
        }
        done.and_then(|exit| ended.map(|()| exit))
    }
}

/// A name for the session that is made for a question: the key's, so that a retry finds it.
fn own_name(key: Option<&OnceKey>) -> Result<Name> {
    let id = match key {
        Some(key) => key.file_name().replace('%', "."),
        None => uuid::Uuid::new_v4().simple().to_string()[..12].to_owned(),
    };
    format!("ask-{id}").parse().map_err(|error: Error| error.advise("choose a name with -s"))
}

/// A question, and the session that it is for.
struct Question {
    args: Args,
    name: Name,
    /// Whether the session is made for it.
    is_own: bool,
    deadline: Deadline,
}

impl Question {
    fn of(mut args: Args, operands: Vec<OsString>, config: &Config) -> Result<Question> {
        args.prompt.operand(operands)?;
        let deadline = args.timeout.map_or(Deadline::NEVER, Deadline::after);
        let (name, is_own) = match args.target.name(config)? {
            Some(name) => (name, false),
            None => {
                args.target.needed_backend(config)?;
                (own_name(args.prompt.key())?, true)
            }
        };
        if args.keep && !is_own {
            return Err(Error::usage("--keep", "a session given with -s is kept anyway"));
        }
        Ok(Question { args, name, is_own, deadline })
    }

    /// What is left of the time that a step may take.
    fn left(&self, most: Duration) -> Duration {
        self.deadline.left().map_or(most, |left| left.min(most))
    }

    /// Ends the session that was made for it, if it is there.
    fn end(&self, config: &Config, tmux: &Tmux) -> Result<()> {
        let backend = self.args.target.needed_backend(config)?;
        match Session::find(config, &self.name, Some(backend)) {
            Ok(session) => {
                session::end(config, tmux, &session, Deadline::after(LOCK_WAIT))?;
            }
            Err(error) if error.kind == Kind::Missing => {}
            Err(error) => return Err(error),
        }
        match self.args.prompt.key() {
            // A retry finds the answer by what is noted there.
            Some(_) => Ok(()),
            // A hook that is late may make the folder again, which harms nobody.
            None => RunDir::of(config, backend, &self.name).remove(),
        }
    }

    /// Delivers the prompt, waits for the end of its turn, and prints the answer.
    fn put(&self, config: &Config, tmux: &Tmux, out: &mut Output) -> Result<Exit> {
        let line = if self.args.prompt.explains() {
            self.args.prompt.begin_trace::<Ask>(config)?;
            None
        } else {
            output::progress(config, &self.name)?
        };
        let (SentPrompt { session, delivery, .. }, text) = self.send(config, tmux)?;
        if self.args.keep && !self.args.output.json {
            cli::say(Ask::DOC.name, &format!("the session is {}", self.name));
        }
        if delivery.exit() != Exit::Done {
            drop(line);
            if self.args.output.json {
                out.record(&ANSWER, &record(&session, &delivery))?;
            }
            return paste::conclude(Ask::DOC.name, &self.name, &delivery);
        }
        trace::step("waiting for the end of the turn", || json!(null));
        let (text, path) = match &delivery.repeated {
            Some(first) => (first.text.clone(), first.transcript.clone()),
            None => (text, session.entry.jsonl_path().map(ToOwned::to_owned)),
        };
        let (places, start) = (session.places(config), Start::Offset(delivery.offset));
        let mut reader = ConversationReader::new(places, path, start);
        let mut reply = Reply::to(Asked::Text(text), session.agent());
        let ending =
            session::await_reply(config, tmux, &session, &mut reply, &mut reader, self.deadline)?;
        drop(line);
        if self.args.output.json {
            let mut record = record(&session, &delivery);
            record["state"] = json!(ending.name());
            record["answer"] = json!(reply.said());
            record["next"] = json!(reader.offset());
            record["usage"] = usage::since(config, &session, delivery.offset)?;
            if let Ending::Asks(question) = &ending {
                question.add_to(&mut record);
            }
            out.record(&ANSWER, &record)?;
        } else if let Some(text) = reply.said() {
            out.line(text.trim_end_matches('\n').as_bytes())?;
        }
        ending.failure(&self.name).map_or(Ok(Exit::Done), Err)
    }

    /// Delivers the prompt; also returns its text.
    fn send(&self, config: &Config, tmux: &Tmux) -> Result<(SentPrompt, String)> {
        let Args { target, prompt, start, .. } = &self.args;
        let to = Recipient::find(config, tmux, &self.name, target.backend(config)?).map_err(
            |error| {
                let is_missing = error.kind == Kind::Missing;
                if is_missing { error.advise("use -b BACKEND to start it") } else { error }
            },
        )?;
        to.same_folder(start.cwd.as_deref(), "omit --cwd")?;
        let start =
            StartOptions { timeout: Some(self.left(START_WAIT)), ..to.resumed(start.clone()) };
        let options = DeliveryOptions {
            timeout: self.left(PROOF_WAIT),
            lock_wait: self.left(LOCK_WAIT),
            ..DeliveryOptions::default()
        };
        let prompt = prompt.clone().needed(to.session.agent())?;
        let text = prompt.text().to_owned();
        Ok((to.send(prompt, start, &options)?, text))
    }
}

const ANSWER: RecordDoc = RecordDoc {
    name: "ask",
    about: "`aimax ask --json`",
    fields: &[
        Session::MEMBERS,
        CONVERSATION,
        paste::VERDICT,
        &[
            Member::new("state", Type::OneOf(Ending::NAMES), "How the turn ended").optional(),
            Member::new("answer", Type::OrNull(&Type::Text), "What was said last").optional(),
            Member::new("next", Type::Count, "Where the transcript stood at the end").optional(),
            Member::new("usage", Type::Object(&[usage::TOKENS]), "Tokens since the prompt")
                .optional(),
        ],
        Asks::MEMBERS,
    ],
};

/// The session, and the verdict on the prompt.
fn record(session: &Session, delivery: &Delivery) -> Value {
    let mut record = session.record();
    record["agentSessionId"] = json!(session.entry.agent_session_id());
    record["jsonlPath"] = json!(session.entry.jsonl_path());
    paste::add_verdict(&mut record, delivery);
    record
}
