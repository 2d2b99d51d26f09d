//! `aimax-kill`: end sessions and tidy up.

use std::{ffi::OsString, time::Duration};

use serde_json::json;

use super::options::{self, Field, NAMES, Target, has, target};
use crate::{
    agent::Backend,
    cli::{Member, Opt, Output, RecordDoc, Tool, ToolDoc, Type, ValueDoc},
    config::Config,
    error::{Exit, Kind, Result},
    session::{self, Ended, LOCK_WAIT, Session},
    state::Name,
    time::Deadline,
    tmux::Tmux,
};

/// The program.
pub struct Kill;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    target: Target,
    lock_wait: Option<Duration>,
}

has!(Args { target: Target });

impl Tool for Kill {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-kill",
        tagline: "end sessions and clean up",
        synopsis: &["aimax-kill [OPTION]... NAME..."],
        about: "\
Closes the window of each session, makes sure that the agent and the
processes it started have ended, and removes the flags and everything
that was made for the session. The conversation stays: use
`aimax-spawn --resume` to continue it. Prints one record per session.",
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        exits: &[
            (Exit::Done, "all of them are gone"),
            (Exit::Missing, "also if there is no such session"),
        ],
        examples: &[("aimax-kill demo", "End a session.")],
        see_also: &[("aimax-spawn", 1), ("aimax-ls", 1), ("aimax", 7)],
        ends: &[Exit::Refused, Exit::Missing],
        records: &[&KILLED],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        options::LOCK_WAIT.sets(|args, given| args.lock_wait.set(given)),
    ];

    fn run(args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        let tmux = Tmux::new(&config)?;
        let backend = args.target.backend(&config)?;
        let mut failed = None;
        for name in args.target.names(&config, &operands)? {
            let wait = Deadline::after(args.lock_wait.unwrap_or(LOCK_WAIT));
            match end(&config, &tmux, &name, backend, wait) {
                Ok((ended, session)) => {
                    let mut record = session.record();
                    record["killed"] = json!(ended.killed);
                    record["wasWorking"] = json!(ended.was_working);
                    out.record(&KILLED, &record)?;
                }
                // The other sessions are still ended; the first failure is reported.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(Exit::Done), Err)
    }
}

const KILLED: RecordDoc =
    RecordDoc { name: "kill", about: "`aimax-kill`", fields: &[Session::MEMBERS, ENDED] };

/// What ending a session tells.
pub(crate) const ENDED: &[Member] = &[
    Member::new("killed", Type::Switch, "Whether its agent was alive until now"),
    Member::new("wasWorking", Type::Switch, "Whether a turn ran"),
];

/// Ends the session of that name. One that was ended before is as good as one that is ended now.
///
/// # Errors
/// [`Kind::Missing`] when there never was one.
pub(crate) fn end(
    config: &Config,
    tmux: &Tmux,
    name: &Name,
    backend: Option<Backend>,
    wait: Deadline,
) -> Result<(Ended, Session)> {
    match target::session_or_window(config, tmux, name, backend) {
        Ok(session) => Ok((session::end(config, tmux, &session, wait)?, session)),
        Err(error) if error.kind == Kind::Missing => {
            let past = Session::find_any(config, name, backend)?;
            Ok((Ended { killed: false, was_working: false }, past))
        }
        Err(error) => Err(error),
    }
}
