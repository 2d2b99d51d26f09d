//! `aimax-kill`: end sessions and tidy up.

use std::{ffi::OsString, time::Duration};

use serde_json::json;

use super::options::target::{self, NAMES, Target, Targeted};
use crate::{
    cli::{
        option::{Complete, Opt, OptDoc, Tool, ToolDoc, ValueDoc},
        output::Output,
    },
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

impl Targeted for Args {
    fn target(&mut self) -> &mut Target {
        &mut self.target
    }
}

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
        verbs: &[],
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        rest: None,
        exits: &[
            (Exit::Done, "all of them are gone"),
            (Exit::Missing, "also when there is no such session"),
        ],
        examples: &[("aimax-kill demo", "Ends a session.")],
        see_also: &[("aimax-spawn", 1), ("aimax-ls", 1), ("aimax", 7)],
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        OptDoc::new(
            "lock-wait",
            "Wait this long for other programs",
            "\
How long to wait for another program that is busy with the session. 60
seconds by default.",
        )
        .value("TIME", Complete::Nothing)
        .sets(|args, given| {
            args.lock_wait = Some(given.seconds()?);
            Ok(())
        }),
    ];

    fn run(args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        let tmux = Tmux::new(&config)?;
        let backend = args.target.backend(&config)?;
        let mut failed = None;
        for name in args.target.names(&config, &operands)? {
            let wait = Deadline::after(args.lock_wait.unwrap_or(LOCK_WAIT));
            let done = target::find(&config, &tmux, &name, backend)
                .and_then(|session| Ok((session::end(&config, &tmux, &session, wait)?, session)));
            match done {
                Ok((ended, session)) => out.record(&json!({
                    "sessionId": name,
                    "backend": session.backend.name(),
                    "killed": ended.killed,
                    "wasWorking": ended.was_working,
                }))?,
                // The others are ended all the same; the first failure is the one to report.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(Exit::Done), Err)
    }
}
