//! `aimax-flag`: the flag files, and waiting for them.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use serde_json::json;

use super::options::{self, Field, NAMES, Target, has, target};
use crate::{
    agent::Backend,
    cli::{
        Complete, Member, Opt, OptDoc, Output, RecordDoc, Tool, ToolDoc, Type, ValueDoc, VerbDoc,
    },
    config::Config,
    error::{Error, Exit, Result},
    flag::Flags,
    session::{self, Job, JobState, Session},
    state::Name,
    time,
    transcript::ledger::End,
};

mod about;
mod check;
mod wait;

use wait::Until;

/// The program.
pub struct Flag;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    target: Target,
    all: bool,
    any: bool,
    until: Until,
    timeout: Option<Duration>,
    older_than: Option<Duration>,
    root: Option<PathBuf>,
    reason: Option<String>,
}

has!(Args { target: Target });

impl Tool for Flag {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-flag",
        tagline: "read, set and wait for a session's flag files",
        synopsis: &["aimax-flag VERB [OPTION]... [NAME...]"],
        about: about::ABOUT,
        verbs: &[
            VerbDoc { name: "check", brief: "Answer at once whether the job is done" },
            VerbDoc { name: "wait", brief: "Wait until the job has ended" },
            VerbDoc { name: "path", brief: "Print where the flag files are" },
            VerbDoc { name: "set", brief: "Say that a job runs" },
            VerbDoc { name: "clear", brief: "Say that no job runs, and none failed" },
            VerbDoc { name: "fail", brief: "Say that the job failed" },
        ],
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        exits: &[
            (Exit::Done, "the job is done; or the flag was set, cleared, printed"),
            (Exit::No, "the job failed; `--older-than`: it runs for too long"),
            (Exit::Person, "the agent asks something"),
            (Exit::Timeout, "the job still runs"),
        ],
        examples: &[
            ("aimax-flag wait demo && echo done", "Waits for the end of the job."),
            ("aimax-flag check demo", "For cron: answers at once, by its status."),
            (
                "aimax-flag wait a b c | jq -r 'select(.state!=\"done\").sessionId'",
                "Waits for three, and names those that did not go well.",
            ),
            (
                "aimax-flag check --all --older-than 30m",
                "Says which jobs have been running for half an hour.",
            ),
        ],
        see_also: &[("aimax-paste", 1), ("aimax-ls", 1), ("aimax", 7)],
        records: &[&wait::WAITED, &PATHS],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        OptDoc::new(
            "all",
            "All sessions, or all that are named",
            "\
With `wait`, waits for the end of all that are named, as it does without
this option. With `wait` and `check`, and no NAME, all sessions.",
        )
        .sets(|args, given| args.all.set(given)),
        OptDoc::new(
            "any",
            "Return with the first that ends",
            "\
With `wait`, returns with the first that ends: its record and its status
are the only ones.",
        )
        .sets(|args, given| args.any.set(given)),
        OptDoc::new(
            "until",
            "What to wait for: `done`, `idle`, `quiet`, ...",
            "\
With `wait`, what to wait for. `done`, the default: the job has ended.
`idle`: the agent waits for a prompt, whatever became of the job.
`quiet`: it does, and nothing that it has started runs in the
background, nor has it begun a turn by itself since. `waiting`: the
agent asks something; then the status is 0, and it is 1 when the job
ends without a question. `reset`: no usage limit holds, so a job that
did not fail by one is over at once; 1 when the agent does not say when
its limit ends.",
        )
        .value("STATE", Complete::OneOf(Until::NAMES))
        .sets(|args, given| {
            args.until = Until::of(given.one_of(Until::NAMES)?);
            Ok(())
        }),
        options::timeout(
            "\
With `wait`, the longest time to wait: `90`, `1.5m`, `500ms`. Without it
there is no end.",
        )
        .sets(|args, given| args.timeout.set(given)),
        OptDoc::new(
            "older-than",
            "Ask whether the job runs for longer than this",
            "\
With `check`, asks another question: is the job stuck? The status is 1,
with a line on standard error, when it has been running for longer than
this since its last prompt, and else 0.",
        )
        .value("TIME", Complete::Nothing)
        .sets(|args, given| args.older_than.set(given)),
        OptDoc::new(
            "root",
            "Judge by the files in this folder alone",
            "\
Judges by the files in this folder alone: a session that has no folder
for flags in it is missing (69). It needs no tmux, no state and no write
permission, so another user can watch. Nobody sets the flags right then.",
        )
        .value("DIR", Complete::Dir)
        .sets(|args, given| args.root.set(given)),
        OptDoc::new("reason", "Why the job failed", "With `fail`, why the job failed.")
            .value("TEXT", Complete::Nothing)
            .sets(|args, given| args.reason.set(given)),
    ];

    fn run(args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        let mut operands = operands.into_iter();
        let Some(verb) = operands.next() else {
            return Err(Error::usage("verb", "none is given"));
        };
        let operands: Vec<OsString> = operands.collect();
        let one = |what: &str| -> Result<Name> {
            match &args.target.names(&config, &operands)?[..] {
                [name] => Ok(name.clone()),
                _ => Err(Error::usage("NAME", format!("one session only to {what}"))),
            }
        };
        match verb.to_str() {
            Some("wait") => wait::run(&config, &args, &operands, out),
            Some("check") => check::run(&config, &args, &operands),
            Some("path") => {
                let name = one("path")?;
                let flags = args.flags(&config, &name)?;
                let mut record = match args.root {
                    Some(_) => json!({ "sessionId": name }),
                    None => Session::find(&config, &name, args.target.backend(&config)?)?.record(),
                };
                record["running"] = json!(flags.running());
                record["failed"] = json!(flags.failed());
                out.record(&PATHS, &record).map(|()| Exit::Done)
            }
            Some("set") => args.say(&config, &one("set")?, None),
            Some("clear") => args.say(&config, &one("clear")?, Some(End::Done)),
            Some("fail") => {
                let reason = args.reason.clone().unwrap_or_else(|| "unknown".into());
                args.say(&config, &one("fail")?, Some(End::Failed(reason)))
            }
            _ => Err(Error::usage(verb.display(), "no such verb")),
        }
    }
}

impl Args {
    /// The sessions that are named, or all.
    fn sessions(&self, config: &Config, operands: &[OsString]) -> Result<Vec<Session>> {
        let backend = self.target.backend(config)?;
        if self.all && operands.is_empty() && !self.target.is_given() {
            return Session::all(config, backend);
        }
        let names = self.target.names(config, operands)?;
        names.iter().map(|name| Session::find(config, name, backend)).collect()
    }

    /// Says by hand that a job runs, or how it ended: to the session, or in the folder of `--root`.
    fn say(&self, config: &Config, name: &Name, end: Option<End>) -> Result<Exit> {
        if self.root.is_some() {
            let (flags, now) = (self.flags(config, name)?, time::now_ms());
            match end {
                None => flags.set(now, &[])?,
                Some(End::Done) => flags.remove_files()?,
                Some(end) => flags.fail(now, &session::failure(&end))?,
            }
            return Ok(Exit::Done);
        }
        let session = Session::find(config, name, self.target.backend(config)?)?;
        let job = Job::of(config, &session).ok_or_else(|| no_folder(name))?;
        end.map_or_else(|| job.set(), |end| job.finish(end)).map(|()| Exit::Done)
    }

    /// The flags of one session: in the folder of `--root`, or else in that of the state file.
    fn flags(&self, config: &Config, name: &Name) -> Result<Flags> {
        if let Some(root) = &self.root {
            return Ok(Flags::new(root, name));
        }
        let session = Session::find(config, name, self.target.backend(config)?)?;
        session.flags().ok_or_else(|| no_folder(name))
    }
}

const PATHS: RecordDoc = RecordDoc {
    name: "flag-path",
    about: "`aimax-flag path`",
    fields: &[&[
        Member::new("sessionId", Type::Text, "The session's name"),
        Member::new("backend", Type::OneOf(Backend::NAMES), "Its backend; not with `--root`")
            .optional(),
        Member::new("host", Type::Text, "The machine's name; not with `--root`").optional(),
        Member::new("running", Type::Text, "The path of `running.flag`"),
        Member::new("failed", Type::Text, "The path of `failed.flag`"),
    ]],
};

fn no_folder(name: &Name) -> Error {
    Error::missing(name, "the state says no folder for its flags")
}

/// The exit status for a job's state.
fn status(state: &JobState) -> Exit {
    match state {
        JobState::Done => Exit::Done,
        JobState::Failed(_) => Exit::No,
        JobState::Waiting(_) => Exit::Person,
        JobState::Running => Exit::Timeout,
    }
}

/// The status for two sessions together: the higher of theirs.
fn worse(a: Exit, b: Exit) -> Exit {
    if b as u8 > a as u8 { b } else { a }
}
