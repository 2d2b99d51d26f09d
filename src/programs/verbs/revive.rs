//! `aimax revive`: start again what died with its tmux server.

use std::ffi::OsString;

use serde_json::{Value, json};

use crate::programs::options::{Field, NAMES, Target, has, target};
use crate::{
    cli::{self, Member, Opt, OptDoc, Output, RecordDoc, Tool, ToolDoc, Type, ValueDoc},
    config::Config,
    error::{Error, Exit, Kind, Result},
    session::{self, Recipient, Session, StartOptions, State},
    sys::signals,
    tmux::Tmux,
};

/// The verb.
pub struct Revive;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    target: Target,
    all: bool,
}

has!(Args { target: Target });

impl Tool for Revive {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-revive",
        tagline: "restart sessions after a reboot",
        synopsis: &["aimax revive [OPTION]... NAME...", "aimax revive [OPTION]... --all"],
        about: "\
Restarts the agent of each session whose agent has ended, in its
conversation and folder, with the options it had. A session that is
alive is left alone, so a second run changes nothing.

With `--all`, restarts the sessions that lost both their agent and their
window, as after a reboot or the end of the tmux server. If an agent
ended by itself, its window still shows why, and it is left alone; name
the session to restart it.

Prints one record per session: `revived`, its `state` before, and, if it
was restarted, `agentSessionId`, `jsonlPath`, `pid`, `windowId` and
`paneId`. A job that was running when the agent ended has failed;
nothing is typed.",
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        exits: &[
            (Exit::Done, "all are alive, or were left alone by `--all`"),
            (Exit::Missing, "also if there is no such session, or it cannot be seen"),
        ],
        examples: &[
            ("aimax revive --all", "Restart everything after a reboot."),
            ("@reboot aimax revive --all", "The same in a crontab."),
        ],
        see_also: &[("aimax-spawn", 1), ("aimax-ls", 1), ("aimax", 7)],
        ends: &[Exit::Refused, Exit::Person, Exit::Missing, Exit::Timeout],
        records: &[&REVIVED],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        OptDoc::new(
            "all",
            "All that ended with their tmux server",
            "All sessions that lost their agent and their window; with `-b`, those of
one backend.",
        )
        .sets(|args, given| args.all.set(given)),
    ];

    fn run(args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        let is_named = !operands.is_empty() || args.target.is_given();
        let backend = args.target.backend(&config)?;
        let sessions = match (args.all, is_named) {
            (true, true) => return Err(Error::usage("--all", "it cannot be combined with a NAME")),
            (false, false) => {
                return Err(Error::usage("session", "none is given").advise("give NAME, or --all"));
            }
            (true, false) => Session::all(&config, backend)?.into_iter().map(Ok).collect(),
            (false, true) => {
                let names = args.target.names(&config, &operands)?;
                names.iter().map(|name| Session::find(&config, name, backend)).collect::<Vec<_>>()
            }
        };
        let tmux = Tmux::new(&config)?;
        // A signal must not leave half a session.
        signals::catch(&signals::ENDING).map_err(|e| Error::io("signals", &e))?;
        let mut failed: Option<Error> = None;
        for session in sessions {
            match session.and_then(|session| revive(&config, &tmux, &session, args.all)) {
                Ok(record) => out.record(&REVIVED, &record)?,
                Err(error) if matches!(error.kind, Kind::Signal(_)) => return Err(error),
                // The others are still started; the first failure is the last word.
                Err(error) => match &failed {
                    Some(_) => cli::say("aimax revive", &error.to_string()),
                    None => failed = Some(error),
                },
            }
        }
        failed.map_or(Ok(Exit::Done), Err)
    }
}

/// Starts the session's agent if it has ended. Returns the record.
fn revive(config: &Config, tmux: &Tmux, session: &Session, all: bool) -> Result<Value> {
    let seen = session::snapshots(config, tmux, std::slice::from_ref(session))?.pop();
    let snapshot = seen.ok_or_else(|| Error::system(&session.name, "it was not looked at"))?;
    snapshot.seen()?;
    let mut record = session.record();
    record["revived"] = json!(false);
    record["state"] = json!(snapshot.state().name());
    if snapshot.state() != State::Dead || all && snapshot.pane.is_some() {
        return Ok(record);
    }
    let start = Recipient::find(config, tmux, &session.name, Some(session.backend))?
        .resumed(StartOptions::default());
    let started = match session::spawn(config, tmux, &start.spawn(&session.name, session.backend)) {
        // Another run of this program was faster.
        Err(error) if error.kind == Kind::Refused => {
            let now = session::snapshots(config, tmux, std::slice::from_ref(session))?.pop();
            match now {
                Some(now) if now.status.is_some() => return Ok(record),
                _ => return Err(error),
            }
        }
        started => started?,
    };
    let entry = &started.session.entry;
    record["revived"] = json!(true);
    record["agentSessionId"] = json!(entry.agent_session_id());
    record["jsonlPath"] = json!(entry.jsonl_path());
    if let Some(pane) = &started.pane {
        record["pid"] = json!(pane.pid);
        record["windowId"] = json!(pane.window);
        record["paneId"] = json!(pane.id);
    }
    Ok(record)
}

const REVIVED: RecordDoc = RecordDoc {
    name: "revive",
    about: "`aimax revive`: a session; where it runs, if it was started",
    fields: &[
        Session::MEMBERS,
        &[
            Member::new("revived", Type::Switch, "Whether it was started again"),
            Member::new("state", Type::OneOf(State::NAMES), "Its state before"),
            Member::new("agentSessionId", Type::OrNull(&Type::Text), "The conversation").optional(),
            Member::new("jsonlPath", Type::OrNull(&Type::Text), "The transcript").optional(),
            Member::new("pid", Type::Count, "The agent's process").optional(),
            Member::new("windowId", Type::Text, "Its tmux window").optional(),
            Member::new("paneId", Type::Text, "Its tmux pane").optional(),
        ],
    ],
};
