//! `aimax-flag`: the flag files, and waiting for them.

use std::{ffi::OsString, time::Duration};

use serde_json::json;

use super::target::{self, NAMES, Target, Targeted};
use crate::{
    cli::{
        option::{Complete, Opt, OptDoc, Tool, ToolDoc, ValueDoc, VerbDoc},
        output::Output,
    },
    config::Config,
    error::{Error, Exit, Kind, Result},
    flag::Flags,
    session::{Job, JobState, Session},
    time::Deadline,
    tmux::Tmux,
    watch::{Watch, Woke},
};

/// The program.
pub struct Flag;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    target: Target,
    timeout: Option<Duration>,
    reason: Option<String>,
}

impl Targeted for Args {
    fn target(&mut self) -> &mut Target {
        &mut self.target
    }
}

impl Tool for Flag {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-flag",
        tagline: "read, set and wait for a session's flag files",
        synopsis: &["aimax-flag VERB [OPTION]... NAME"],
        about: "\
Every prompt puts `running.flag` into `ROOT/.imac/flags/NAME/`, where
ROOT is the session's folder. When the work has ended the file is
removed; when it failed, `failed.flag` is put there first, with the
reason. So any process that can read the folder knows how the job
stands.

The work has ended when the transcript shows the end of the turn that
took the last prompt, nothing is queued, and the agent is idle. The
program that sees that first sets the flags right: a hook in the agent
or in tmux, `wait`, `check`, or `aimax-ls`.

`wait` and `check` answer by their status; `check` is a `wait` that does
not wait.",
        verbs: &[
            VerbDoc { name: "check", brief: "Answer at once whether the job is done" },
            VerbDoc { name: "wait", brief: "Wait until the job has ended" },
            VerbDoc { name: "path", brief: "Print where the flag files are" },
            VerbDoc { name: "set", brief: "Say that a job runs" },
            VerbDoc { name: "clear", brief: "Say that no job runs" },
            VerbDoc { name: "fail", brief: "Say that the job failed" },
        ],
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        rest: None,
        exits: &[
            (Exit::Done, "the job is done; or the flag was set, cleared, printed"),
            (Exit::No, "the job failed"),
            (Exit::Person, "the agent asks something"),
            (Exit::Timeout, "the job still runs"),
        ],
        examples: &[
            ("aimax-flag wait demo && echo done", "Waits for the end of the job."),
            ("aimax-flag check demo", "For cron: answers at once, by its status."),
        ],
        see_also: &[("aimax-paste", 1), ("aimax-ls", 1)],
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        Opt {
            doc: OptDoc {
                short: None,
                long: "timeout",
                negated: None,
                value: Some(ValueDoc { name: "TIME", complete: Complete::Nothing }),
                brief: "Give up after this long",
                full: "\
With `wait`, the longest time to wait: `90`, `1.5m`, `500ms`. Without it
there is no end.",
            },
            set: |args, given| {
                args.timeout = Some(given.seconds()?);
                Ok(())
            },
        },
        Opt {
            doc: OptDoc {
                short: None,
                long: "reason",
                negated: None,
                value: Some(ValueDoc { name: "TEXT", complete: Complete::Nothing }),
                brief: "Why the job failed",
                full: "With `fail`, why the job failed.",
            },
            set: |args, given| {
                args.reason = Some(given.text()?);
                Ok(())
            },
        },
    ];

    fn run(args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env();
        let mut operands = operands.into_iter();
        let Some(verb) = operands.next() else {
            return Err(Error::usage("verb", "none is given"));
        };
        let names = args.target.names(&config, &operands.collect::<Vec<_>>())?;
        let [name] = &names[..] else {
            return Err(Error::usage("NAME", "one session only"));
        };
        let session = Session::find(&config, name, args.target.backend(&config)?)?;
        let flags = session
            .flags()
            .ok_or_else(|| Error::missing(name, "the state says no folder for its flags"))?;
        match verb.to_str() {
            Some("wait") => {
                let deadline = args.timeout.map_or(Deadline::NEVER, Deadline::after);
                let state = wait(&config, &session, deadline)?;
                out.record(&record(&session, &state))?;
                answer(&session, &state)
            }
            Some("check") => Ok(status(&look(&config, &session)?)),
            Some("path") => out.record(&paths(&session, &flags)).map(|()| Exit::Done),
            Some("set") => flags.set(&[]).map(|()| Exit::Done),
            Some("clear") => flags.clear().map(|_| Exit::Done),
            Some("fail") => {
                flags.fail(args.reason.as_deref().unwrap_or("unknown")).map(|()| Exit::Done)
            }
            _ => Err(Error::usage(verb.display(), "no such verb")),
        }
    }
}

fn paths(session: &Session, flags: &Flags) -> serde_json::Value {
    json!({
        "sessionId": session.name,
        "backend": session.backend.name(),
        "running": flags.running(),
        "failed": flags.failed(),
    })
}

/// How the job stands now.
fn look(config: &Config, session: &Session) -> Result<JobState> {
    let Some(mut job) = Job::of(config, session) else { return Ok(JobState::Done) };
    let tmux = Tmux::new(config)?;
    job.look(config, session.pane(config, &tmux)?.as_ref())
}

/// Waits until the job has ended, or needs a person, or `deadline`.
fn wait(config: &Config, session: &Session, deadline: Deadline) -> Result<JobState> {
    let Some(mut job) = Job::of(config, session) else { return Ok(JobState::Done) };
    let tmux = Tmux::new(config)?;
    let mut watch = Watch::new()?;
    watch.path(&job.flags().running())?;
    watch.path(&job.flags().failed())?;
    watch.reader_of(&1);
    let mut pane = session.pane(config, &tmux)?;
    if let Some(live) = pane.as_ref().filter(|pane| !pane.dead) {
        watch.process(live.pid)?;
        for path in session.agent().witnesses(config, live) {
            watch.path(&path)?;
        }
    }
    loop {
        if let Some(path) = job.transcript(config, pane.as_ref())? {
            watch.path(&path)?;
        }
        let state = job.look(config, pane.as_ref())?;
        if state != JobState::Running {
            return Ok(state);
        }
        if watch.wait(deadline)? == Woke::Deadline {
            return Ok(state);
        }
        pane = session.pane(config, &tmux)?;
    }
}

fn status(state: &JobState) -> Exit {
    match state {
        JobState::Done => Exit::Done,
        JobState::Failed(_) => Exit::No,
        JobState::Waiting(_) => Exit::Person,
        JobState::Running => Exit::Timeout,
    }
}

fn record(session: &Session, state: &JobState) -> serde_json::Value {
    let (word, reason) = match state {
        JobState::Done => ("done", None),
        JobState::Failed(reason) => ("failed", Some(reason)),
        JobState::Waiting(what) => ("waiting", Some(what)),
        JobState::Running => ("running", None),
    };
    let mut record =
        json!({ "sessionId": session.name, "backend": session.backend.name(), "state": word });
    if let Some(reason) = reason {
        record["reason"] = json!(reason);
    }
    record
}

fn answer(session: &Session, state: &JobState) -> Result<Exit> {
    let error = |kind, cause: String| Err(Error::new(kind, &session.name, cause));
    match state {
        JobState::Done => Ok(Exit::Done),
        JobState::Failed(reason) => error(Kind::No, format!("the job failed: {reason}")),
        JobState::Waiting(what) => error(Kind::Person, format!("the agent asks: {what}")),
        JobState::Running => error(Kind::Timeout, "the job still runs".into()),
    }
}
