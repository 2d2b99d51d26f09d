//! `aimax`: the front. It runs the other programs, built in or found on PATH.

use std::{
    ffi::{OsStr, OsString},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, ExitCode},
};

use super::{
    Admin, Adopt, Ask, Create, Demo, Doctor, Flag, History, Kill, List, Ls, Paste, Pause, Revive,
    Schema, Send, Settings, Setup, Spawn, Stats, Status, Stop, Stream, Tail, Usage, Version,
};
use crate::{
    agent::Backend,
    cli::{self, Complete, Opt, Output, Page, Tool, ToolDoc, ValueDoc, VerbDoc},
    config::Config,
    error::{Error, Exit, Result},
    practice,
    session::{self, Session},
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

Claude Code and Codex run as interactive programs, each in a tmux window
that you can attach to. A prompt counts as delivered when the agent's
own transcript holds it.

Settings come from the environment and, below it, from a file; see
`aimax help config`.",
        verbs: &VERBS,
        operand: Some(ValueDoc { name: "ARG", complete: Complete::Nothing }),
        examples: &[
            ("aimax demo", "Show a whole session. Needs no account."),
            ("aimax ask -b tmux-codex 'What is this?'", "Ask Codex about this folder."),
            ("aimax create -b tmux-codex -s demo --cwd . -p 'Hi.'", "Start Codex."),
            ("aimax help create", "Show the help of a verb."),
            ("aimax help agent", "Show how a coding agent uses aimax."),
        ],
        see_also: &[
            ("aimax-ask", 1),
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
        ends: Ask::DOC.ends,
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
            "keep" => keep(&rest),
            "practice-agent" => practice::main(rest).map(|code| std::process::exit(code)),
            _ => program(&verb, rest, out),
        }
    }
}

/// A program of this package, as the front knows it.
pub(crate) struct BuiltIn {
    pub(crate) verb: VerbDoc,
    pub(crate) page: fn() -> Page,
    run: fn(&str, Vec<OsString>, &mut Output) -> Exit,
}

impl BuiltIn {
    const fn new<T: Tool>(name: &'static str, brief: &'static str) -> BuiltIn {
        BuiltIn {
            verb: VerbDoc { name, brief },
            page: cli::page::<T>,
            run: |name, args, out| cli::run::<T>(name, args, out),
        }
    }
}

/// All of them, in the order of the help.
pub(crate) const BUILT_IN: [BuiltIn; 26] = [
    BuiltIn::new::<Ask>("ask", "Deliver a prompt and print the answer"),
    BuiltIn::new::<Create>("create", "Start a session with its first prompt"),
    BuiltIn::new::<Send>("send", "Send a prompt to a session"),
    BuiltIn::new::<Pause>("pause", "Stop the current turn"),
    BuiltIn::new::<Stop>("stop", "End a session"),
    BuiltIn::new::<Revive>("revive", "Restart sessions after a reboot"),
    BuiltIn::new::<Adopt>("adopt", "Turn a running agent into a session"),
    BuiltIn::new::<List>("list", "List the sessions that have a window"),
    BuiltIn::new::<Status>("status", "Show the state of a session"),
    BuiltIn::new::<History>("history", "Print a conversation so far"),
    BuiltIn::new::<Stream>("stream", "Print a conversation as it happens"),
    BuiltIn::new::<Usage>("usage", "Count the tokens used by sessions"),
    BuiltIn::new::<Settings>("config", "Show all settings"),
    BuiltIn::new::<Admin>("admin", "Show and set the defaults of a backend"),
    BuiltIn::new::<Demo>("demo", "Show a whole session on the practice agent"),
    BuiltIn::new::<Spawn>("spawn", "Start an agent"),
    BuiltIn::new::<Paste>("paste", "Deliver a prompt"),
    BuiltIn::new::<Tail>("tail", "Print transcript records"),
    BuiltIn::new::<Flag>("flag", "Check whether a job is done, or wait for it"),
    BuiltIn::new::<Ls>("ls", "List sessions"),
    BuiltIn::new::<Kill>("kill", "End sessions"),
    BuiltIn::new::<Doctor>("doctor", "Look for problems"),
    BuiltIn::new::<Setup>("setup", "Install manual pages and completions"),
    BuiltIn::new::<Stats>("stats", "Count recent prompts"),
    BuiltIn::new::<Schema>("schema", "Print the JSON Schema of the records"),
    BuiltIn::new::<Version>("version", "Print the version"),
];

/// The verbs: the programs, and `help`.
const VERBS: [VerbDoc; BUILT_IN.len() + 1] = {
    let help = VerbDoc { name: "help", brief: "Show this help, or that of a verb" };
    let mut verbs = [help; BUILT_IN.len() + 1];
    let mut at = 0;
    while at < BUILT_IN.len() {
        verbs[at] = BUILT_IN[at].verb;
        at += 1;
    }
    verbs
};

/// `main` of the file that holds all programs: `aimax-ls` is another name of it, and the same as
/// `aimax ls`. By any name that is no program's, it is the front.
pub fn toolkit() -> ExitCode {
    cli::main_by_name(|name, args, out| {
        match name.strip_prefix("aimax-").and_then(|verb| built_in(verb.as_ref())) {
            Some(program) => (program.run)(name, args, out),
            None => cli::run::<Front>(Front::DOC.name, args, out),
        }
    })
}

fn built_in(verb: &OsStr) -> Option<&'static BuiltIn> {
    BUILT_IN.iter().find(|program| verb == program.verb.name)
}

/// Runs a program: one of this package in this process, or else `aimax-VERB` from PATH.
fn program(verb: &OsStr, args: Vec<OsString>, out: &mut Output) -> Result<Exit> {
    if let Some(program) = built_in(verb) {
        return Ok((program.run)(&format!("aimax {}", program.verb.name), args, out));
    }
    let mut name = OsString::from("aimax-");
    name.push(verb);
    let path = match name.to_str().filter(|name| !name.contains('/')) {
        Some(name) => Config::from_env()?.program(name),
        None => None,
    };
    match path {
        // Becomes that program, as git does with its own.
        Some(path) => Err(Error::io(path.display(), &Command::new(&path).args(args).exec())),
        None => {
            let error = Error::usage(verb.display(), "no such verb");
            let words = VERBS.iter().map(|verb| verb.name);
            Err(match cli::nearest(&verb.to_string_lossy(), words) {
                Some(near) => error.advise(format!("did you mean `{near}`?")),
                None => error,
            })
        }
    }
}

fn help(rest: Vec<OsString>, out: &mut Output) -> Result<Exit> {
    let Some(verb) = rest.into_iter().next() else {
        out.line(cli::help::full(&cli::page::<Front>()).trim_end().as_bytes())?;
        return Ok(Exit::Done);
    };
    if verb == "agent" {
        out.line(include_str!("help_agent.txt").trim_end().as_bytes())?;
        return Ok(Exit::Done);
    }
    program(&verb, vec!["--help".into()], out)
}

/// What tmux runs beside a session while a job of it runs.
fn keep(rest: &[OsString]) -> Result<Exit> {
    let words: Vec<&str> = rest.iter().filter_map(|word| word.to_str()).collect();
    let [backend, name] = words[..] else {
        return Err(Error::usage("keep", "BACKEND and NAME are needed"));
    };
    let config = Config::from_env()?;
    let session = Session::find(&config, &name.parse()?, Some(Backend::parse(backend)?))?;
    session::keep(&config, &session).map(|()| Exit::Done)
}

/// What tmux runs in a new window.
fn window(rest: Vec<OsString>) -> Result<Exit> {
    let spec = rest.into_iter().next().map(PathBuf::from);
    let spec = spec.ok_or_else(|| Error::usage("window", "no orders are given"))?;
    match session::enter_window(&spec)? {}
}
