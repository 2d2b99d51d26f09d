//! `aimax send`: a prompt for a session, which is started again when it does not run.

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
    error::{Error, Exit, Result},
    session::Verdict,
    tmux::Tmux,
};

/// The verb.
pub struct Send;

impl Tool for Send {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-send",
        tagline: "send a prompt to a session",
        synopsis: &["aimax send -s NAME [OPTION]... [-p TEXT | -f FILE]"],
        about: "\
Delivers a prompt, without stopping what runs, and waits until the
agent's own transcript holds it. A session whose window is gone is
started again, and goes on in its conversation; one that is not known is
started when `-b` and `--cwd` are given. The options of a start count
only then.

The document of `--json` has `ok`, `sessionId` and `promptLength`, in
characters.",
        verbs: &[],
        operand: None,
        rest: None,
        exits: &[(Exit::Done, "the prompt is proven")],
        examples: &[
            ("aimax send -s demo -p 'Also add a README.'", "Sends a prompt."),
            ("git diff | aimax send -s review", "Sends what a program prints."),
        ],
        see_also: &[("aimax-create", 1), ("aimax-paste", 1), ("aimax-pause", 1)],
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        prompt::prompt(),
        prompt::prompt_file(),
        launch::cwd(),
        launch::flag_root(),
        launch::model(),
        launch::display_name(),
        launch::use_proxy(),
        launch::resume("agent-session-id"),
        output::json(),
    ];

    fn run(args: Args, _: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        let name = args.target.needed(&config)?;
        let tmux = Tmux::new(&config)?;
        let to = Dispatch::to(&config, &tmux, &name, args.target.backend(&config)?)?;
        let start = match &to.session {
            Some(session) => args.start.again(&session.entry),
            None => args.start,
        };
        if start.cwd.is_none() && !to.runs {
            return Err(Error::missing(&name, "no such session").advise("with --cwd it is started"));
        }
        let line = output::progress(&config, &name)?;
        let sent = to.send(args.words, start, false)?;
        drop(line);
        if args.json {
            output::document(
                out,
                &json!({
                    "ok": sent.is_proven(),
                    "sessionId": name,
                    "promptLength": sent.length,
                }),
            )?;
        } else if sent.is_proven() {
            let how = match (sent.started, sent.delivery.verdict) {
                (true, _) => "was started again, and has the prompt",
                (_, Verdict::Queued) => "will get to it after the present turn",
                _ => "has the prompt",
            };
            let words = format!("{how} ({} characters)", sent.length);
            output::line(out, &output::done(Paint::stdout(&config), &name, &words))?;
        }
        sent.conclude(Self::DOC.name)
    }
}
