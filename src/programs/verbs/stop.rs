//! `aimax stop`: end a session.

use std::ffi::OsString;

use serde_json::json;

use crate::programs::options::{VerbArgs, output, target};
use crate::{
    cli::{Opt, Output, Paint, Tool, ToolDoc},
    config::Config,
    error::{Exit, Kind, Result},
    session::{self, Ended, LOCK_WAIT},
    time::Deadline,
    tmux::Tmux,
};

/// The verb.
pub struct Stop;

impl Tool for Stop {
    type Args = VerbArgs;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-stop",
        tagline: "end a session and tidy up",
        synopsis: &["aimax stop -s NAME [OPTION]..."],
        about: "\
Closes the session's window, sees that the agent and what it started
end, and removes the flags. The conversation itself stays. A session
that does not run is as good as one that was ended.

The document of `--json` has `sessionId`, `killed` and `wasWorking`.",
        exits: &[(Exit::Done, "it is gone, or was not there")],
        examples: &[("aimax stop -s demo", "Ends a session.")],
        see_also: &[("aimax-create", 1), ("aimax-kill", 1), ("aimax-list", 1)],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<VerbArgs>] = &[target::session(), target::backend(), output::json()];

    fn run(args: VerbArgs, _: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        let name = args.target.needed(&config)?;
        let tmux = Tmux::new(&config)?;
        let found = target::session_or_window(&config, &tmux, &name, args.target.backend(&config)?);
        let ended = match found {
            Ok(session) => session::end(&config, &tmux, &session, Deadline::after(LOCK_WAIT))?,
            Err(error) if error.kind == Kind::Missing => {
                Ended { killed: false, was_working: false }
            }
            Err(error) => return Err(error),
        };
        if args.output.json {
            let Ended { killed, was_working } = ended;
            let record = json!({ "sessionId": name, "killed": killed, "wasWorking": was_working });
            output::document(out, &record)?;
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
