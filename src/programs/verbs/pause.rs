//! `aimax pause`: stop the present turn, and perhaps give another prompt.

use std::ffi::OsString;

use serde_json::json;

use super::dispatch::{Args, Dispatch};
use crate::programs::options::{launch, output, prompt, target};
use crate::{
    cli::{
        option::{Opt, Tool, ToolDoc},
        output::Output,
        paint::Paint,
    },
    config::Config,
    error::{Exit, Result},
    session::{self, Interruption, LOCK_WAIT, PROOF_WAIT, Session},
    time::Deadline,
    tmux::Tmux,
};

/// The verb.
pub struct Pause;

impl Tool for Pause {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-pause",
        tagline: "stop the present turn, and perhaps give another prompt",
        synopsis: &["aimax pause -s NAME [OPTION]... [-p TEXT | -f FILE]"],
        about: "\
Stops the present turn by the key that the agent is known to survive,
and waits for the proof. A prompt, if there is one, is delivered after
that; a session that does not run is started again for it. When no turn
runs, there is nothing to stop, which is no failure.

The document of `--json` has `ok`, `sessionId` and `resentPrompt`.",
        verbs: &[],
        operand: None,
        rest: None,
        exits: &[(Exit::Done, "no turn runs, and the prompt, if any, is proven")],
        examples: &[
            ("aimax pause -s demo", "Stops the turn."),
            ("aimax pause -s demo -p 'In Python, please.'", "Gives another prompt instead."),
        ],
        see_also: &[("aimax-send", 1), ("aimax-paste", 1), ("aimax-stop", 1)],
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        prompt::prompt(),
        prompt::prompt_file(),
        launch::cwd(),
        launch::flag_root(),
        output::json(),
    ];

    fn run(mut args: Args, _: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        let mut session = args.target.find(&config)?;
        let name = session.name.clone();
        let tmux = Tmux::new(&config)?;
        let paint = Paint::stdout(&config);
        let line = output::progress(&config, &name)?;
        if args.words.is_there()? {
            let start = args.start.again(&session.entry);
            let to = Dispatch::to(&config, &tmux, &name, Some(session.backend))?;
            let sent = to.send(args.words, start, true)?;
            drop(line);
            let done = sent.is_proven();
            if args.json {
                let record = json!({ "ok": done, "sessionId": name, "resentPrompt": true });
                output::document(out, &record)?;
            } else if done {
                let words = format!("was stopped, and has the prompt ({} characters)", sent.length);
                output::line(out, &output::done(paint, &name, &words))?;
            }
            return sent.conclude(Self::DOC.name);
        }
        let verdict = stop(&config, &tmux, &mut session)?;
        drop(line);
        let done = verdict != Interruption::Unproven;
        if args.json {
            let record = json!({ "ok": done, "sessionId": name, "resentPrompt": false });
            output::document(out, &record)?;
        } else if verdict == Interruption::Interrupted {
            output::line(out, &output::done(paint, &name, "was stopped"))?;
        } else if done {
            output::line(out, &output::nothing(paint, &name, "had no turn to stop"))?;
        }
        verdict.failure(&name).map_or(Ok(Exit::Done), Err)
    }
}

fn stop(config: &Config, tmux: &Tmux, session: &mut Session) -> Result<Interruption> {
    session::interrupt(config, tmux, session, Deadline::after(LOCK_WAIT), PROOF_WAIT)
}
