//! `aimax-ls`: sessions and their states.

use std::ffi::OsString;

use serde_json::json;

use super::{
    options::{Field, NAMES, Target, has, target},
    spawn::CONVERSATION,
};
use crate::{
    agent::Backend,
    cli::{self, Member, Opt, OptDoc, Output, RecordDoc, Tool, ToolDoc, Type, ValueDoc},
    config::Config,
    error::{Exit, Kind, Result},
    flag::Failure,
    session::{self, JobState, Question, Session, Shown, Snapshot, State},
    state::Name,
    tmux::Tmux,
};

mod watch;

/// The program.
pub struct Ls;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    target: Target,
    names: bool,
    ids: bool,
    all: bool,
    watch: bool,
}

has!(Args { target: Target });

impl Tool for Ls {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-ls",
        tagline: "list sessions and their states",
        synopsis: &["aimax-ls [OPTION]... [NAME...]"],
        about: "\
Prints one record per session, or one for each that is named.

The states:
    starting  the agent is not ready yet
    idle      it is waiting for a prompt
    working   a turn is running
    waiting   it asks something: `waitingFor`, `question`, `choices`
    failed    it is idle, but the last job failed: `reason`
    dead      the agent has ended
    unknown   the agent may be alive, but cannot be seen: `reason`
    archived  the session was ended; `aimax-spawn --resume` continues it

For a question, `waitingFor` is the name that `aimax-paste --expect`
takes, and `question` its text. Each of the `choices` has a `label`, and
a `key` for `aimax-paste --answer`.

`background` counts what the agent has started and does not wait for,
such as a shell or a monitor. It is missing if the agent does not say,
as in most turns.

While the agent retries a request, the record has `retrying`, and in
`shows` what the screen says. A `reason` of `usage_limit` comes with the
agent's `message`, and with `resetsAt` in epoch milliseconds if it says
when the limit is lifted.

A `dead` session stays in the list until `aimax-kill`, or until a new
session takes its name.",
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        exits: &[
            (Exit::Done, "listed; if names were given, all are alive"),
            (Exit::No, "a named session is dead"),
            (Exit::Missing, "a named session is `unknown`, or does not exist"),
        ],
        examples: &[
            ("aimax-ls | jq -r 'select(.state==\"idle\").sessionId'", "Print the idle sessions."),
            ("aimax-ls demo >/dev/null && echo alive", "Test whether a session is alive."),
            (
                "aimax-ls --watch | jq --unbuffered -r '[.sessionId,.state]|@tsv'",
                "Print each change as it happens.",
            ),
        ],
        see_also: &[("aimax-spawn", 1), ("aimax-flag", 1), ("aimax", 7)],
        ends: &[Exit::No, Exit::Missing],
        records: &[&LISTED],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        OptDoc::new(
            "names",
            "Print only names, one per line",
            "Prints only names, one per line, for completion and loops.",
        )
        .sets(|args, given| args.names.set(given)),
        OptDoc::new(
            "ids",
            "Print the agents' ids only, one a line",
            "Prints only the ids of the conversations, one a line, to resume by.",
        )
        .sets(|args, given| args.ids.set(given)),
        OptDoc::new(
            "all",
            "List ended sessions too",
            "\
Includes sessions that were ended, with the state `archived` and what
`aimax-spawn --resume` needs: `agentSessionId` and `cwd`.",
        )
        .sets(|args, given| args.all.set(given)),
        OptDoc::new(
            "watch",
            "Keep running, and print each change",
            "\
Keeps running, and prints a record whenever a session changes: its
state, its conversation or its window. One that is ended becomes
`archived`. A list that a person opens in Codex, such as that of
`/model`, is noticed only with the next change.",
        )
        .sets(|args, given| args.watch.set(given)),
    ];

    fn run(args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        let backend = args.target.backend(&config)?;
        let named = match (operands.is_empty(), args.target.name(&config)?) {
            (true, None) => None,
            _ => Some(args.target.names(&config, &operands)?),
        };
        if args.watch {
            return watch::run(&config, backend, named.as_deref(), out);
        }
        let mut sessions = sessions(&config, backend, named.as_deref(), args.all)?;
        let mut past = if args.all { Session::past(&config, backend)? } else { Vec::new() };
        past.retain(|session| named.as_ref().is_none_or(|names| names.contains(&session.name)));
        if args.names || args.ids {
            for session in sessions.iter().chain(&past) {
                let id = session.entry.agent_session_id();
                let word = if args.ids { id } else { Some(session.name.as_str()) };
                word.map_or(Ok(()), |word| out.line(word.as_bytes()))?;
            }
            return Ok(Exit::Done);
        }
        let tmux = Tmux::new(&config)?;
        let (mut alive, mut unseen) = (true, None);
        let snapshots = session::snapshots(&config, &tmux, &sessions)?;
        for (session, seen) in sessions.iter_mut().zip(&snapshots) {
            if seen.holds.as_ref().is_some_and(|told| session.keeps(told)) {
                continue;
            }
            // A conversation that the agent does not tell is shown as it was kept.
            drop(session.keep_up(&config, seen.pane.as_ref()));
        }
        let seen: Vec<(&Session, &Snapshot)> = sessions.iter().zip(&snapshots).collect();
        out.batch(true)?;
        let shown = session::shown(&config, &tmux, &seen)?;
        for ((session, snapshot), shown) in seen.into_iter().zip(shown) {
            alive &= snapshot.status.is_some();
            unseen = unseen.or_else(|| snapshot.unseen.clone());
            let record = match record(&config, &tmux, session, snapshot, shown)? {
                Some(record) => record,
                None => record_now(&config, &tmux, session)?,
            };
            out.record(&LISTED, &record)?;
        }
        for session in &past {
            out.record(&LISTED, &basics(session, "archived"))?;
        }
        match unseen {
            Some(why) if named.is_some() => Err(why),
            _ if named.is_none() || alive && past.is_empty() => Ok(Exit::Done),
            _ => Ok(Exit::No),
        }
    }
}

fn sessions(
    config: &Config,
    backend: Option<Backend>,
    named: Option<&[Name]>,
    all: bool,
) -> Result<Vec<Session>> {
    let Some(names) = named else { return Session::all(config, backend) };
    let mut sessions = Vec::new();
    for name in names {
        match Session::find(config, name, backend) {
            // Among those that were ended, which are listed apart.
            Err(error) if all && error.kind == Kind::Missing => {
                Session::find_any(config, name, backend).map(drop)?;
            }
            found => sessions.push(found?),
        }
    }
    Ok(sessions)
}

/// The record of a session as it was seen; `None` when its question has been answered since, so that it is
/// to be looked at again.
fn record(
    config: &Config,
    tmux: &Tmux,
    session: &Session,
    snapshot: &Snapshot,
    shown: Shown,
) -> Result<Option<serde_json::Value>> {
    let question = match snapshot.state() {
        State::Waiting => match session::question(config, tmux, session)? {
            None => return Ok(None),
            asked => asked,
        },
        _ => None,
    };
    let failure = match &snapshot.job {
        _ if snapshot.unseen.is_some() => {
            snapshot.unseen.as_ref().map(|why| Failure::new(&why.cause))
        }
        Ok(JobState::Failed(why)) => Some(why.clone()),
        Ok(_) => None,
        // A missing folder for flags is a fault of the session, not of the listing.
        Err(error) => {
            let (name, text) = (format!("{}: ", session.name), error.to_string());
            cli::say(Ls::DOC.name, &format!("{name}{}", text.strip_prefix(&name).unwrap_or(&text)));
            None
        }
    };
    let mut record = basics(session, snapshot.state().name());
    if let Some(question) = question {
        question.add_to(&mut record);
    }
    let live = snapshot.pane.as_ref().filter(|pane| !pane.dead);
    record["pid"] = live.map(|pane| pane.pid).into();
    record["windowId"] = snapshot.pane.as_ref().map(|pane| pane.window.as_str()).into();
    if let Some(text) = shown.retrying {
        record["retrying"] = true.into();
        record["shows"] = text.into();
    }
    if let Some(count) = shown.background {
        record["background"] = count.into();
    }
    if let Some(why) = failure {
        why.add_to(&mut record);
    }
    Ok(Some(record))
}

/// The record of a session now.
fn record_now(config: &Config, tmux: &Tmux, session: &Session) -> Result<serde_json::Value> {
    loop {
        let one = std::slice::from_ref(session);
        let snapshot = session::snapshots(config, tmux, one)?.remove(0);
        let shown = session::shown(config, tmux, &[(session, &snapshot)])?.remove(0);
        if let Some(record) = record(config, tmux, session, &snapshot, shown)? {
            return Ok(record);
        }
    }
}

const LISTED: RecordDoc = RecordDoc {
    name: "ls",
    about: "`aimax-ls`: a session",
    fields: &[
        Session::MEMBERS,
        &[Member::new("state", Type::AnyOf(&[State::NAMES, &["archived"]]), "What it does")],
        CONVERSATION,
        &[
            Member::new("pid", Type::OrNull(&Type::Count), "The agent's process"),
            Member::new("cwd", Type::OrNull(&Type::Text), "Its folder"),
            Member::new("startedAt", Type::OrNull(&Type::Millis), "When it was started"),
            Member::new("windowId", Type::OrNull(&Type::Text), "Its tmux window"),
            Member::new("displayName", Type::OrNull(&Type::Text), "A label for people"),
            Member::new("background", Type::Count, "What of the agent's runs beside a turn")
                .optional(),
            Member::new("retrying", Type::Switch, "Whether a request is tried again").optional(),
            Member::new("shows", Type::Text, "What the agent shows of that").optional(),
        ],
        Question::MEMBERS,
        Failure::MEMBERS,
    ],
};

/// The record of a session by the state files alone.
fn basics(session: &Session, state: &str) -> serde_json::Value {
    let entry = &session.entry;
    let mut record = session.record();
    let rest = [
        ("state", json!(state)),
        ("agentSessionId", json!(entry.agent_session_id())),
        ("pid", json!(null)),
        ("cwd", json!(entry.cwd())),
        ("jsonlPath", json!(entry.jsonl_path())),
        ("startedAt", json!(entry.started_at())),
        ("windowId", json!(null)),
        ("displayName", json!(entry.fields().get("displayName"))),
    ];
    for (key, value) in rest {
        record[key] = value;
    }
    record
}
