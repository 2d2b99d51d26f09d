//! `aimax`: the front. It runs the other programs, built in or found on PATH.

use std::{
    ffi::{OsStr, OsString},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::Command,
};

use super::{
    Admin, Create, Demo, Doctor, Flag, History, Kill, List, Ls, Paste, Pause, Send, Settings,
    Spawn, Stats, Status, Stop, Stream, Tail, Version,
};
use crate::{
    cli::{
        self,
        option::{Complete, Opt, Tool, ToolDoc, ValueDoc, VerbDoc},
        output::Output,
    },
    config::Config,
    error::{Error, Exit, Result},
    practice, session,
};

/// The program.
pub struct Front;

impl Tool for Front {
    type Args = ();

    const DOC: ToolDoc = ToolDoc {
        name: "aimax",
        tagline: "drive Claude Code and Codex in tmux, with proof",
        synopsis: &["aimax VERB [ARG...]"],
        about: "\
Runs one of the programs of this package, or any `aimax-VERB` on PATH.

Claude Code and Codex run as what they are, programs for a terminal,
each in a tmux window of its own that you may attach to. A prompt counts
as delivered when the agent's own transcript holds it.

Settings come from the environment, and below it from a file, of which
`aimax help config` tells.",
        verbs: &[
            VerbDoc { name: "create", brief: "Start a session with its first prompt" },
            VerbDoc { name: "send", brief: "Send a prompt to a session" },
            VerbDoc { name: "pause", brief: "Stop the present turn" },
            VerbDoc { name: "stop", brief: "End a session" },
            VerbDoc { name: "list", brief: "List the sessions that have a window" },
            VerbDoc { name: "status", brief: "Tell how a session is" },
            VerbDoc { name: "history", brief: "Print what a conversation holds" },
            VerbDoc { name: "stream", brief: "Print what happens, as it happens" },
            VerbDoc { name: "config", brief: "Show all settings" },
            VerbDoc { name: "admin", brief: "Show and set what holds for all sessions" },
            VerbDoc { name: "demo", brief: "Show a whole session with the practice agent" },
            VerbDoc { name: "spawn", brief: "Start an agent" },
            VerbDoc { name: "paste", brief: "Deliver a prompt" },
            VerbDoc { name: "tail", brief: "Print transcript records" },
            VerbDoc { name: "flag", brief: "Ask for the end of a job, or wait for it" },
            VerbDoc { name: "ls", brief: "List sessions" },
            VerbDoc { name: "kill", brief: "End sessions" },
            VerbDoc { name: "doctor", brief: "Find out what is not as it should be" },
            VerbDoc { name: "stats", brief: "Count the prompts of the last hours" },
            VerbDoc { name: "version", brief: "Print the version" },
            VerbDoc { name: "help", brief: "Show help, or that of a verb" },
        ],
        operand: Some(ValueDoc { name: "ARG", complete: Complete::Nothing }),
        examples: &[
            ("aimax demo", "Shows everything in a minute, without an account."),
            ("aimax create -b tmux-codex -s demo --cwd . -p 'Hi.'", "Starts Codex."),
            ("aimax help create", "Tells all of a verb."),
        ],
        see_also: &[
            ("aimax-create", 1),
            ("aimax-send", 1),
            ("aimax-list", 1),
            ("aimax-config", 1),
            ("aimax-spawn", 1),
            ("aimax-paste", 1),
            ("aimax-tail", 1),
            ("aimax-flag", 1),
            ("aimax-ls", 1),
            ("aimax-kill", 1),
            ("tmux", 1),
            ("aimax", 7),
        ],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<()>] = &[];
    const FRONT: bool = true;

    fn run((): (), operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let mut operands = operands.into_iter();
        let Some(verb) = operands.next() else {
            out.line(cli::help::brief(&cli::page::<Front>()).trim_end().as_bytes())?;
            return Ok(Exit::Usage);
        };
        let rest: Vec<OsString> = operands.collect();
        match verb.to_str().unwrap_or_default() {
            "help" => help(rest, out),
            "window" => window(rest),
            "practice-agent" => practice::main(rest).map(|code| std::process::exit(code)),
            name => built_in(name, rest, out).unwrap_or_else(|rest| elsewhere(&verb, &rest)),
        }
    }
}

/// Runs a program of this package in this process; gives the arguments back when it is none.
fn built_in(
    name: &str,
    rest: Vec<OsString>,
    out: &mut Output,
) -> std::result::Result<Result<Exit>, Vec<OsString>> {
    let under = format!("aimax {name}");
    Ok(Ok(match name {
        "create" => cli::run::<Create>(&under, rest, out),
        "send" => cli::run::<Send>(&under, rest, out),
        "pause" => cli::run::<Pause>(&under, rest, out),
        "stop" => cli::run::<Stop>(&under, rest, out),
        "list" => cli::run::<List>(&under, rest, out),
        "status" => cli::run::<Status>(&under, rest, out),
        "history" => cli::run::<History>(&under, rest, out),
        "stream" => cli::run::<Stream>(&under, rest, out),
        "config" => cli::run::<Settings>(&under, rest, out),
        "admin" => cli::run::<Admin>(&under, rest, out),
        "version" => cli::run::<Version>(&under, rest, out),
        "demo" => cli::run::<Demo>(&under, rest, out),
        "spawn" => cli::run::<Spawn>(&under, rest, out),
        "paste" => cli::run::<Paste>(&under, rest, out),
        "tail" => cli::run::<Tail>(&under, rest, out),
        "flag" => cli::run::<Flag>(&under, rest, out),
        "ls" => cli::run::<Ls>(&under, rest, out),
        "doctor" => cli::run::<Doctor>(&under, rest, out),
        "stats" => cli::run::<Stats>(&under, rest, out),
        "kill" => cli::run::<Kill>(&under, rest, out),
        _ => return Err(rest),
    }))
}

/// Becomes `aimax-VERB`, as git does with its own.
fn elsewhere(verb: &OsStr, rest: &[OsString]) -> Result<Exit> {
    let mut name = OsString::from("aimax-");
    name.push(verb);
    let path = match name.to_str().filter(|name| !name.contains('/')) {
        Some(name) => Config::from_env()?.program(name),
        None => None,
    };
    match path {
        Some(path) => Err(Error::io(path.display(), &Command::new(&path).args(rest).exec())),
        None => Err(Error::usage(verb.display(), "no such verb")),
    }
}

fn help(rest: Vec<OsString>, out: &mut Output) -> Result<Exit> {
    let Some(verb) = rest.into_iter().next() else {
        out.line(cli::help::full(&cli::page::<Front>()).trim_end().as_bytes())?;
        return Ok(Exit::Done);
    };
    let asked = vec![OsString::from("--help")];
    built_in(&verb.to_string_lossy(), asked, out).unwrap_or_else(|asked| elsewhere(&verb, &asked))
}

/// What tmux runs in a new window.
fn window(rest: Vec<OsString>) -> Result<Exit> {
    let orders = rest.into_iter().next().map(PathBuf::from);
    let orders = orders.ok_or_else(|| Error::usage("window", "no orders are given"))?;
    match session::enter_window(&orders)? {}
}
