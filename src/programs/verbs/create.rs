//! `aimax create`: start a session with its first prompt.

use std::ffi::OsString;

use serde_json::json;

use super::dispatch::{Args, Dispatch};
use crate::programs::options::{launch, output, prompt, target};
use crate::{
    agent::Backend,
    cli::{
        option::{Opt, Tool, ToolDoc},
        output::Output,
        paint::Paint,
    },
    config::Config,
    error::{Error, Exit, Result},
    tmux::Tmux,
};

/// The verb.
pub struct Create;

impl Tool for Create {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-create",
        tagline: "start a session with its first prompt",
        synopsis: &["aimax create -b BACKEND -s NAME [OPTION]... [-p TEXT | -f FILE]"],
        about: "\
Starts an agent in a tmux window, waits until it is ready, delivers the
first prompt, and says where the conversation is. A session of that name
that runs already in that folder gets the prompt.

The document of `--json` has `sessionId`, `agentSessionId`, `jsonlPath`
and `startedAt`. `aimax-spawn` has more options, and more to tell.",
        verbs: &[],
        operand: None,
        rest: None,
        exits: &[
            (Exit::Done, "the agent is ready, and the prompt is proven"),
            (Exit::Refused, "also when the session runs in another folder"),
        ],
        examples: &[(
            "aimax create -b tmux-codex -s demo --cwd ~/proj -p 'Say hi.'",
            "Starts Codex.",
        )],
        see_also: &[("aimax-send", 1), ("aimax-spawn", 1), ("aimax-stop", 1)],
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        launch::cwd(),
        prompt::prompt(),
        prompt::prompt_file(),
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
        let backend = args.target.backend(&config)?.ok_or_else(|| {
            Error::usage("backend", "none is named").advise("give -b BACKEND, or set AIMAX_BACKEND")
        })?;
        let tmux = Tmux::new(&config)?;
        let to = Dispatch::to(&config, &tmux, &name, Some(backend))?;
        if let Some(session) = to.session.as_ref().filter(|_| to.runs) {
            session.same_folder(args.start.cwd.as_deref(), "end it with `aimax stop`")?;
        }
        let line = output::progress(&config, &name)?;
        let sent = to.send(args.words, args.start, false)?;
        drop(line);
        let entry = &sent.session.entry;
        if args.json {
            output::document(
                out,
                &json!({
                    "sessionId": name,
                    "agentSessionId": entry.agent_session_id(),
                    "jsonlPath": entry.jsonl_path(),
                    "startedAt": entry.started_at(),
                }),
            )?;
        } else if sent.is_proven() {
            let paint = Paint::stdout(&config);
            let how = if sent.started { "runs" } else { "ran already" };
            let words = format!("{how}; it has the prompt ({})", backend.name());
            output::line(out, &output::done(paint, &name, &words))?;
            let path = |path: Option<&std::path::Path>| path.map(|path| path.display().to_string());
            for (what, value) in [
                ("folder", path(entry.cwd())),
                ("conversation", entry.agent_session_id().map(str::to_owned)),
                ("transcript", path(entry.jsonl_path())),
                ("look at it", Some(attach(&config, backend))),
            ] {
                if let Some(value) = value {
                    output::line(out, &paint.paint("2", &format!("  {what:12}  {value}")))?;
                }
            }
        }
        sent.conclude(Self::DOC.name)
    }
}

/// How a person gets to the windows of a backend.
fn attach(config: &Config, backend: Backend) -> String {
    let server = config.tmux_socket.as_ref().map(|name| format!("-L {} ", name.display()));
    format!("tmux {}attach -t {}", server.unwrap_or_default(), backend.hub(config))
}
