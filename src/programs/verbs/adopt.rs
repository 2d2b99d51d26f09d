//! `aimax adopt`: an agent that a person started becomes a session.

use std::{ffi::OsString, path::PathBuf};

use serde_json::json;

use crate::programs::{
    options::{Field, NAMES, Target, has, target},
    spawn::{CONVERSATION, PLACE},
};
use crate::{
    cli::{Complete, Member, Opt, OptDoc, Output, RecordDoc, Tool, ToolDoc, Type, ValueDoc},
    config::Config,
    error::{Exit, Result},
    session::{self, Adoption, Session},
    tmux::Tmux,
};

/// The verb.
pub struct Adopt;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    target: Target,
    pane: Option<String>,
    flag_root: Option<PathBuf>,
}

has!(Args { target: Target });

/// What is not as with an agent that was started here.
const LIMITS: [&str; 2] = [
    "the flags are updated only when a program looks or waits, because the agent runs without our hooks",
    "aimax-kill closes the pane with the shell that the agent was started from",
];

impl Tool for Adopt {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-adopt",
        tagline: "turn a running agent into a session",
        synopsis: &["aimax adopt [-s] NAME [-t PANE] [OPTION]..."],
        about: "\
Turns an agent that was started by hand, in any pane of the tmux server,
into a session with that name: you can prompt it, read its transcript
and wait for its turns. Nothing is typed into it, and it keeps running
as it is.

Prints the record of `aimax-spawn`, with `cwd`, and with `limits`, which
lists how it differs from an agent started by `aimax-spawn`. Its flags
are updated only when a program looks, because it runs without our
hooks, and `aimax-kill` closes its pane with the shell it was started
from. A Codex whose title does not show its id is identified by the
transcript that it holds open.",
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        exits: &[
            (Exit::Refused, "also if the name or the agent already belongs to a session"),
            (Exit::Missing, "also if no agent was found in the pane"),
        ],
        examples: &[
            ("aimax adopt mine", "Adopt the only agent that is not a session yet."),
            ("aimax adopt mine -t %3", "Adopt the agent in this pane."),
        ],
        see_also: &[("aimax-spawn", 1), ("aimax-ls", 1), ("tmux", 1), ("aimax", 7)],
        ends: &[Exit::Refused, Exit::Missing],
        records: &[&ADOPTED],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        OptDoc::new(
            "pane",
            "The pane: `%N`",
            "\
The agent's pane, by its tmux id, as `echo $TMUX_PANE` prints it there.
The default is the only pane with an agent that is not a session yet.",
        )
        .value("PANE", Complete::Run("tmux list-panes -a -F '#{pane_id}'"))
        .short('t')
        .sets(|args, given| args.pane.set(given)),
        OptDoc::new(
            "flag-root",
            "The folder for the flags",
            "The folder for `.imac/flags`. The default is the agent's own folder.",
        )
        .value("DIR", Complete::Dir)
        .sets(|args, given| args.flag_root.set(given)),
    ];

    fn run(mut args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        args.target.operand(operands)?;
        let config = Config::from_env()?;
        let order = Adoption {
            name: args.target.needed(&config)?,
            backend: args.target.backend(&config)?,
            pane: args.pane,
            flag_root: args.flag_root,
        };
        let tmux = Tmux::new(&config)?;
        let (session, pane) = session::adopt(&config, &tmux, &order)?;
        let entry = &session.entry;
        let mut record = session.record();
        record["agentSessionId"] = json!(entry.agent_session_id());
        record["jsonlPath"] = json!(entry.jsonl_path());
        record["startedAt"] = json!(entry.started_at());
        record["pid"] = json!(pane.pid);
        record["windowId"] = json!(pane.window);
        record["paneId"] = json!(pane.id);
        record["cwd"] = json!(entry.cwd());
        record["limits"] = json!(LIMITS);
        out.record(&ADOPTED, &record)?;
        Ok(Exit::Done)
    }
}

const ADOPTED: RecordDoc = RecordDoc {
    name: "adopt",
    about: "`aimax adopt`",
    fields: &[
        Session::MEMBERS,
        CONVERSATION,
        PLACE,
        &[
            Member::new("cwd", Type::OrNull(&Type::Text), "Its folder"),
            Member::new("limits", Type::List(&Type::Text), "What is not as with other sessions"),
        ],
    ],
};
