//! `aimax-ls`: sessions and their states.

use std::ffi::OsString;

use serde_json::json;

use super::target::{self, NAMES, Target, Targeted};
use crate::{
    agent::{Backend, Status},
    cli::{
        self,
        option::{Opt, OptDoc, Tool, ToolDoc, ValueDoc},
        output::Output,
    },
    config::Config,
    error::{Error, Exit, Result},
    session::{self, Job, JobState, Question, Session},
    state::Name,
    tmux::{Pane, Tmux},
};

/// The program.
pub struct Ls;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    target: Target,
    names: bool,
}

impl Targeted for Args {
    fn target(&mut self) -> &mut Target {
        &mut self.target
    }
}

impl Tool for Ls {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-ls",
        tagline: "list sessions and their states",
        synopsis: &["aimax-ls [OPTION]... [NAME...]"],
        about: "\
Prints one record for each session, or for each that is named.

The states:
    starting  the agent is not ready yet
    idle      it waits for a prompt
    working   a turn runs
    waiting   it asks something: `waitingFor` and `choices` say what
    failed    it waits for a prompt, and the last job failed: `reason`
    dead      the agent has ended, or its window is gone

A `dead` session stays in the list until `aimax-kill` or a new start
with its name.",
        verbs: &[],
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        rest: None,
        exits: &[
            (Exit::Done, "listed; with names, all of them are alive"),
            (Exit::No, "a session that was named is dead"),
        ],
        examples: &[
            ("aimax-ls | jq -r 'select(.state==\"idle\").sessionId'", "The idle sessions."),
            ("aimax-ls demo >/dev/null && echo alive", "Asks whether a session lives."),
        ],
        see_also: &[("aimax-spawn", 1), ("aimax-flag", 1)],
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        Opt {
            doc: OptDoc {
                short: None,
                long: "names",
                negated: None,
                value: None,
                brief: "Print names only, one a line",
                full: "Prints names only, one a line, for completions and loops.",
            },
            set: |args, given| {
                args.names = given.on();
                Ok(())
            },
        },
    ];

    fn run(args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env();
        let backend = args.target.backend(&config)?;
        let named = match (operands.is_empty(), args.target.name(&config)?) {
            (true, None) => None,
            _ => Some(args.target.names(&config, &operands)?),
        };
        let sessions = sessions(&config, backend, named.as_deref())?;
        if args.names {
            for session in &sessions {
                out.line(session.name.as_str().as_bytes())?;
            }
            return Ok(Exit::Done);
        }
        let tmux = Tmux::new(&config)?;
        let mut alive = true;
        for backend in Backend::ALL {
            if !sessions.iter().any(|session| session.backend == backend) {
                continue;
            }
            let panes = tmux.panes(&backend.hub(&config))?;
            for session in sessions.iter().filter(|session| session.backend == backend) {
                let pane = panes.iter().find(|pane| pane.window_name == session.name.as_str());
                alive &= pane.is_some_and(|pane| !pane.dead);
                out.record(&record(&config, &tmux, session, pane)?)?;
            }
        }
        Ok(if named.is_some() && !alive { Exit::No } else { Exit::Done })
    }
}

fn sessions(
    config: &Config,
    backend: Option<Backend>,
    named: Option<&[Name]>,
) -> Result<Vec<Session>> {
    match named {
        None => Session::all(config, backend),
        Some(names) => names.iter().map(|name| Session::find(config, name, backend)).collect(),
    }
}

fn record(
    config: &Config,
    tmux: &Tmux,
    session: &Session,
    pane: Option<&Pane>,
) -> Result<serde_json::Value> {
    let live = pane.filter(|pane| !pane.dead);
    let job = Job::of(config, session).map(|mut job| job.look(config, pane)).transpose();
    // A folder for flags that has gone is the session's trouble, not the listing's.
    let job = job.unwrap_or_else(|error: Error| {
        cli::say(Ls::DOC.name, &format!("{}: {error}", session.name));
        None
    });
    let status = live.map(|pane| session.agent().status(config, pane)).transpose()?;
    let mut waiting_for = None;
    let failure = match job {
        Some(JobState::Failed(reason)) => Some(reason),
        _ => None,
    };
    let state = match status {
        None => "dead",
        Some(Status::Starting) => "starting",
        Some(Status::Busy) => "working",
        Some(Status::Waiting(what)) => {
            let question = session::question(config, tmux, session)?;
            waiting_for = question.or(Some(Question { name: what, choices: Vec::new() }));
            "waiting"
        }
        Some(Status::Idle(_)) if failure.is_some() => "failed",
        Some(Status::Idle(_)) => "idle",
    };
    let entry = &session.entry;
    let mut record = json!({
        "sessionId": session.name,
        "backend": session.backend.name(),
        "state": state,
        "agentSessionId": entry.agent_session_id(),
        "pid": live.map(|pane| pane.pid),
        "cwd": entry.cwd(),
        "jsonlPath": entry.jsonl_path(),
        "startedAt": entry.started_at(),
        "windowId": pane.map(|pane| &pane.window),
        "displayName": entry.fields().get("displayName"),
    });
    if let Some(Question { name, choices }) = waiting_for {
        record["waitingFor"] = name.into();
        record["choices"] = choices.into();
    }
    if let Some(reason) = failure {
        record["reason"] = reason.into();
    }
    Ok(record)
}
