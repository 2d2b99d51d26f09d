//! `aimax-kill`: end sessions and tidy up.

use std::{ffi::OsString, time::Duration};

use serde_json::json;

use super::options::{self, Field, NAMES, Target, has, target};
use crate::{
    cli::{Opt, Output, Tool, ToolDoc, ValueDoc},
    config::Config,
    error::{Exit, Result},
    session::{self, LOCK_WAIT},
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
        tagline: "end sessions and tidy up",
        synopsis: &["aimax-kill [OPTION]... NAME..."],
        about: "\
Closes the window of each session, sees that the agent and the processes
that it started end, and removes the flags and what was made for the
session. The conversation itself stays: `aimax-spawn --resume` goes on
with it. Prints one record for each session.",
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        exits: &[
            (Exit::Done, "all of them are gone"),
            (Exit::Missing, "also when there is no such session"),
        ],
        examples: &[("aimax-kill demo", "Ends a session.")],
        see_also: &[("aimax-spawn", 1), ("aimax-ls", 1), ("aimax", 7)],
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
            let done = target::session_or_window(&config, &tmux, &name, backend)
                .and_then(|session| Ok((session::end(&config, &tmux, &session, wait)?, session)));
            match done {
                Ok((ended, session)) => out.record(&json!({
                    "sessionId": name,
                    "backend": session.backend.name(),
                    "killed": ended.killed,
                    "wasWorking": ended.was_working,
                }))?,
                // The other sessions are still ended; the first failure is reported.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(Exit::Done), Err)
    }
}
