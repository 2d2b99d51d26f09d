//! `aimax list`: the sessions that have a window.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use crate::programs::options::{VerbArgs, output, target};
use crate::{
    agent::{Backend, Status},
    cli::{self, Member, Opt, Output, Paint, RecordDoc, Tool, ToolDoc, Type, exit::visible},
    config::Config,
    error::{Exit, Result},
    session::{self, Observed, Snapshot, State},
    time,
    tmux::Tmux,
};

/// The verb.
pub struct List;

impl Tool for List {
    type Args = VerbArgs;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-list",
        tagline: "list the sessions that have a window",
        synopsis: &["aimax list [-b BACKEND] [OPTION]..."],
        about: "\
Lists the windows of all backends, or of one, and what their agents are
doing. A narrow terminal gets fewer columns.

The document of `--json` has one list per backend. Each window has
`sessionId`, `agentSessionId`, `pid`, `index` (the window's number),
`lastActivityMs`, `lastActivityAt`, `tmuxOpen`, `paneDead` and
`paneCurrentCommand`. For states, and for sessions without a window, use
`aimax-ls`.",
        exits: &[(Exit::Done, "listed, even if there is none")],
        examples: &[("aimax list", "Show what is running.")],
        see_also: &[("aimax-status", 1), ("aimax-ls", 1)],
        ends: &[Exit::Missing],
        records: &[&LISTS],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<VerbArgs>] = &[target::backend(), output::json()];

    fn run(args: VerbArgs, _: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        let tmux = Tmux::new(&config)?;
        let asked = args.target.backend(&config)?;
        let backends = asked.map_or(Backend::ALL.to_vec(), |one| vec![one]);
        let mut all: Vec<(Backend, Vec<Observed>)> = session::windows(&config, &tmux, &backends)?;
        // The practice agent is shown only to people who use it.
        all.retain(|(backend, seen)| !seen.is_empty() || asked.is_some() || backend.is_real());
        if args.output.json {
            let list = |(backend, seen): &(Backend, Vec<Observed>)| {
                (backend.name().to_owned(), seen.iter().map(record).collect())
            };
            let lists: Map<String, Value> = all.iter().map(list).collect();
            return output::document(out, &LISTS, &lists.into()).map(|()| Exit::Done);
        }
        let seen: Vec<&Observed> = all.iter().flat_map(|(_, seen)| seen).collect();
        print(out, &config, &seen)?;
        Ok(Exit::Done)
    }
}

/// A list of windows for each backend.
const LISTS: RecordDoc = RecordDoc {
    name: "list",
    about: "`aimax list --json`: the windows, by backend",
    fields: &[&[
        Member::new("tmux-claude-code", WINDOWS, "Those of Claude Code").optional(),
        Member::new("tmux-codex", WINDOWS, "Those of Codex").optional(),
        Member::new("tmux-practice", WINDOWS, "Those of the practice agent").optional(),
    ]],
};

const WINDOWS: Type = Type::List(&Type::Object(&[&[
    Member::new("sessionId", Type::Text, "The session's name"),
    Member::new("agentSessionId", Type::OrNull(&Type::Text), "The conversation"),
    Member::new("pid", Type::OrNull(&Type::Count), "The agent's process"),
    Member::new("index", Type::OrNull(&Type::Count), "The window's number"),
    Member::new("lastActivityMs", Type::OrNull(&Type::Millis), "When it last wrote"),
    Member::new("lastActivityAt", Type::OrNull(&Type::Time), "The same for people"),
    Member::new("tmuxOpen", Type::Switch, "Whether it has a pane"),
    Member::new("paneDead", Type::Switch, "Whether the agent has ended"),
    Member::new("paneCurrentCommand", Type::OrNull(&Type::Text), "The program in the pane"),
]]));

fn record((session, snapshot): &Observed) -> Value {
    let pane = snapshot.pane.as_ref();
    let active = pane.map(|pane| pane.active_at * 1000).filter(|ms| *ms > 0);
    let command = pane.map(|pane| pane.command.as_str()).filter(|command| !command.is_empty());
    json!({
        "sessionId": session.name,
        "agentSessionId": session.entry.agent_session_id(),
        "pid": pane.map(|pane| pane.pid),
        "index": pane.map(|pane| pane.index),
        "lastActivityMs": active,
        // As the original writes it: tmux knows whole seconds only.
        "lastActivityAt": active.map(|ms| time::rfc3339(ms).replace(".000Z", "+00:00")),
        "tmuxOpen": pane.is_some(),
        "paneDead": pane.is_some_and(|pane| pane.dead),
        "paneCurrentCommand": command,
    })
}

/// What a session is doing, and the style in which that is shown.
pub(crate) fn state(snapshot: &Snapshot) -> (String, &'static str) {
    let state = snapshot.state();
    let style = match state {
        State::Dead | State::Failed => "31",
        State::Starting | State::Working | State::Unknown => "33",
        State::Waiting => "1;35",
        State::Idle => "32",
    };
    match &snapshot.status {
        Some(Status::Waiting(what)) if state == State::Waiting => (format!("asks: {what}"), style),
        _ => (state.name().to_owned(), style),
    }
}

const HEAD: [&str; 6] = ["SESSION", "BACKEND", "STATE", "PID", "ACTIVE", "FOLDER"];

/// The columns that go first where the terminal is too narrow for all.
const DROPPED: [usize; 4] = [5, 3, 4, 1];

/// The columns to show, by their widths: as many as the terminal has room for.
fn shown(widths: &[usize]) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..widths.len()).collect();
    let room = cli::output::stdout().window_size().map(|(columns, _)| usize::from(columns));
    for column in DROPPED {
        let width: usize = shown.iter().map(|&column| widths[column] + 2).sum();
        if room.is_none_or(|room| room == 0 || width <= room + 2) {
            break;
        }
        shown.retain(|&other| other != column);
    }
    shown
}

/// A folder as a person writes it: `~` for the home.
fn folder(config: &Config, path: &Path) -> String {
    let home = config.var("HOME").map(PathBuf::from);
    match home.as_ref().and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) if rest.as_os_str().is_empty() => "~".into(),
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

fn print(out: &mut Output, config: &Config, seen: &[&Observed]) -> Result<()> {
    let paint = Paint::stdout(config);
    if seen.is_empty() {
        return output::line(out, &paint.paint("2", "no sessions"));
    }
    let mut rows = vec![(HEAD.map(str::to_owned), "2")];
    rows.extend(seen.iter().map(|(session, snapshot)| {
        let (state, style) = state(snapshot);
        let pane = snapshot.pane.as_ref();
        let cells = [
            session.name.to_string(),
            session.backend.name().to_owned(),
            state,
            pane.map(|pane| pane.pid.to_string()).unwrap_or_default(),
            pane.map(|pane| age(pane.active_at)).unwrap_or_default(),
            session.entry.cwd().map(|path| folder(config, path)).unwrap_or_default(),
        ];
        (cells.map(|cell| visible(&cell).into_owned()), style)
    }));
    let width = |column: usize| rows.iter().map(|(cells, _)| cells[column].chars().count()).max();
    let widths: Vec<usize> = (0..HEAD.len()).map(|column| width(column).unwrap_or(0)).collect();
    let shown = shown(&widths);
    for (n, (cells, style)) in rows.iter().enumerate() {
        let mut text = String::new();
        for &column in &shown {
            let cell = &cells[column];
            let padded = format!("{cell:w$}", w = widths[column]);
            let style = match column {
                _ if n == 0 => "2",
                0 => "1",
                2 => style,
                _ => "",
            };
            text.push_str(&paint.paint(style, &padded));
            text.push_str("  ");
        }
        output::line(out, &text)?;
    }
    Ok(())
}

/// The age of a time in epoch seconds.
fn age(at: u64) -> String {
    let seconds = (time::now_ms() / 1000).saturating_sub(at);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}
