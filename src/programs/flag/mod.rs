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
            VerbDoc { name: "check", brief: "Tell whether the job is done, without waiting" },
            VerbDoc { name: "wait", brief: "Wait until the job ends" },
            VerbDoc { name: "path", brief: "Print where the flag files are" },
            VerbDoc { name: "set", brief: "Record that a job is running" },
            VerbDoc { name: "clear", brief: "Record that no job is running or has failed" },
            VerbDoc { name: "fail", brief: "Record that the job failed" },
        ],
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        exits: &[
            (Exit::Done, "the job is done, or the verb succeeded"),
            (Exit::No, "the job failed; with `--older-than`, it has run too long"),
            (Exit::Person, "the agent is asking something"),
            (Exit::Timeout, "the job is still running"),
        ],
        examples: &[
            ("aimax-flag wait demo && echo done", "Wait for the end of the job."),
            ("aimax-flag check demo", "Tell by the exit status, as for cron."),
            (
                "aimax-flag wait a b c | jq -r 'select(.state!=\"done\").sessionId'",
                "Wait for three, and print those that did not succeed.",
            ),
            (
                "aimax-flag check --all --older-than 30m",
                "Report jobs that have been running for half an hour.",
            ),
        ],
        see_also: &[("aimax-paste", 1), ("aimax-ls", 1), ("aimax", 7)],
        ends: &[Exit::No, Exit::Refused, Exit::Person, Exit::Missing, Exit::Timeout],
        records: &[&wait::WAITED, &PATHS],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        OptDoc::new(
            "all",
            "All sessions",
            "\
With `check` or `wait` and no NAME: all sessions. With NAMEs, `wait`
waits for all of them in any case.",
        )
        .sets(|args, given| args.all.set(given)),
        OptDoc::new(
            "any",
            "Return when the first job ends",
            "\
With `wait`, returns when the first job ends, with its record and its
status only.",
        )
        .sets(|args, given| args.any.set(given)),
        OptDoc::new(
            "until",
            "`done`, `idle`, `quiet`, `waiting` or `reset`",
            "\
With `wait`, what to wait for:
    done     the job has ended; this is the default
    idle     the agent waits for a prompt, whatever became of the job
    quiet    the same, with nothing that it started in the background,
             and no turn that it began by itself
    waiting  the agent asks something: the status is 0, or 1 if the job
             ends without a question
    reset    the usage limit that ended the job is lifted, or there was
             none; the status is 1 if the agent does not say when it is
             lifted.",
        )
        .value("STATE", Complete::OneOf(Until::NAMES))
        .sets(|args, given| {
            args.until = Until::of(given.one_of(Until::NAMES)?);
            Ok(())
        }),
        options::timeout(
            "\
With `wait`, how long to wait: `90`, `1.5m`, `500ms`. The default is
forever.",
        )
        .sets(|args, given| args.timeout.set(given)),
        OptDoc::new(
            "older-than",
            "Tell whether the job has run longer than this",
            "\
With `check`, tells whether the job may be stuck: if it has been running
for longer than this since its last prompt, the status is 1, with a line
on standard error. Otherwise it is 0.",
        )
        .value("TIME", Complete::Nothing)
        .sets(|args, given| args.older_than.set(given)),
        OptDoc::new(
            "root",
            "Use only the flag files below this folder",
            "\
Uses only the flag files below this folder. A session without flags
there is missing (69). This needs neither tmux nor state files nor write
permission, so another user can watch. The flags are not updated first.",
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
                _ => Err(Error::usage("NAME", format!("{what} takes only one session"))),
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
    Error::missing(name, "no folder for its flags is recorded")
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
