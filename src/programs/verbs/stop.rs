//! `aimax stop`: end a session.

use std::ffi::OsString;

use serde_json::json;

use crate::programs::{
    kill,
    options::{NAMES, VerbArgs, output, target},
};
use crate::{
    cli::{Member, Opt, Output, Paint, RecordDoc, Tool, ToolDoc, Type, ValueDoc},
    config::Config,
    error::{Exit, Result},
    session::{Ended, LOCK_WAIT},
    time::Deadline,
    tmux::Tmux,
};

/// The verb.
pub struct Stop;

impl Tool for Stop {
    type Args = VerbArgs;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-stop",
        tagline: "end a session and clean up",
        synopsis: &["aimax stop [-s] NAME [OPTION]..."],
        about: "\
Closes the session's window, makes sure that the agent and what it
started have ended, and removes the flags. The conversation stays. It is
no error if the session was ended before.

The document of `--json` has `sessionId`, `killed` and `wasWorking`.",
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        exits: &[
            (Exit::Done, "it is gone"),
            (Exit::Missing, "also if there never was such a session"),
        ],
        examples: &[("aimax stop -s demo", "End a session.")],
        see_also: &[("aimax-create", 1), ("aimax-kill", 1), ("aimax-list", 1)],
        ends: &[Exit::Refused, Exit::Missing],
        records: &[&STOPPED],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<VerbArgs>] = &[target::session(), target::backend(), output::json()];

    fn run(mut args: VerbArgs, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        args.target.operand(operands)?;
        let config = Config::from_env()?;
        let name = args.target.needed(&config)?;
        let tmux = Tmux::new(&config)?;
        let wait = Deadline::after(LOCK_WAIT);
        let (ended, _) = kill::end(&config, &tmux, &name, args.target.backend(&config)?, wait)?;
        if args.output.json {
            let Ended { killed, was_working } = ended;
            let record = json!({ "sessionId": name, "killed": killed, "wasWorking": was_working });
            output::document(out, &STOPPED, &record)?;
            return Ok(Exit::Done);
        }
        let paint = Paint::stdout(&config);
        let text = match ended {
            Ended { killed: false, .. } => output::nothing(paint, &name, "was not running"),
            Ended { was_working: true, .. } => {
                let how = paint.paint("33", "it was working");
                output::done(paint, &name, &format!("is ended; {how}"))
            }
            Ended { .. } => output::done(paint, &name, "is ended"),
        };
        output::line(out, &text)?;
        Ok(Exit::Done)
    }
}

const STOPPED: RecordDoc = RecordDoc {
    name: "stop",
    about: "`aimax stop --json`",
    fields: &[&[Member::new("sessionId", Type::Text, "The session's name")], kill::ENDED],
};
