//! What a command line asks for: what is read, where that begins, and the form in which it is
//! printed.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use super::{
    cursor::CursorFolder,
    options::Args,
    printer::Form,
    session_set::{Selection, SessionSet},
    tailed::Tailed,
    text::Transcription,
};
use crate::{
    cli::Paint,
    config::Config,
    error::{Error, Result},
    session::{Session, conversation::ConversationReader},
    transcript::start::Start,
};

/// What is to be read, and the form in which it is printed.
pub(crate) struct Plan {
    pub(crate) streams: Vec<Tailed>,
    /// `None` where a plain file is read.
    pub(crate) sessions: Option<SessionSet>,
    pub(crate) form: Form,
}

impl Plan {
    pub(crate) fn new(args: &Args, operands: Vec<OsString>) -> Result<Plan> {
        let mut operands = operands.into_iter();
        let start = start(args)?;
        let (mut streams, mut sessions, mut many) = (Vec::new(), None, false);
        match (operands.next(), operands.next()) {
            (_, Some(more)) => {
                return Err(Error::usage(more.display(), "one FILE only")
                    .advise("run one aimax-tail for each file"));
            }
            (Some(file), None) if args.target.is_given() || args.all => {
                return Err(Error::usage(file.display(), "give either sessions or a FILE"));
            }
            (Some(file), None) => {
                no_session(&file, args)?;
                let reader = ConversationReader::of_file(file.into(), start);
                let reader = reader.longest(args.longest());
                streams.push(Tailed::of_file(args.target.backend_given()?, reader));
            }
            (None, None) => {
                let config = Config::from_env()?;
                let selection = selection(args, &config)?;
                many = !matches!(&selection, Selection::Named(names) if names.len() == 1);
                let cursors = args.cursor.as_deref().filter(|_| many);
                let cursors = cursors.map(CursorFolder::open).transpose()?;
                let set = SessionSet::new(config, selection, args, start, cursors)?;
                streams = set.sessions()?;
                sessions = Some(set);
            }
        }
        if many {
            refuse(args.from.is_some(), "--from", "an offset is one of one transcript")?;
            refuse(args.raw, "--raw", "which line is whose could not be told")?;
        }
        if let (Some(file), false, Some(stream)) = (&args.cursor, many, streams.first_mut()) {
            stream.keep_place(file)?;
        }
        Ok(Plan { streams, sessions, form: form(args, many)? })
    }
}

/// Refuses a FILE that is not there while a session has that name.
pub(crate) fn no_session(file: &OsStr, args: &Args) -> Result<()> {
    let Some(Ok(name)) = file.to_str().map(str::parse).filter(|_| !Path::new(file).exists()) else {
        return Ok(());
    };
    let config = Config::from_env()?;
    match Session::find_any(&config, &name, args.target.backend(&config)?) {
        Ok(_) => {
            Err(Error::missing(&name, "no such file").advise(format!("did you mean `-s {name}`?")))
        }
        Err(_) => Ok(()),
    }
}

/// Refuses an option that is for one transcript only.
fn refuse(given: bool, option: &str, why: &str) -> Result<()> {
    if given {
        Err(Error::usage(option, format!("it works with only one session: {why}")))
    } else {
        Ok(())
    }
}

/// Where to begin. Refuses options that do not go together.
fn start(args: &Args) -> Result<Start> {
    let forms = [args.offsets, args.events, args.text].into_iter().filter(|&on| on).count();
    let clash = |cause| Err(Error::usage("", cause));
    match (args.from, args.lines) {
        (Some(_), Some(_)) => clash("--from cannot be combined with --lines"),
        _ if args.raw && forms > 0 => {
            clash("--raw cannot be combined with --offsets, --events or --text")
        }
        _ if args.text && args.each.is_some() => {
            clash("--text is for people, and --each hands over records")
        }
        _ if forms > 1 => clash("only one of --offsets, --events and --text"),
        _ if args.timeout.is_some() && !args.follow => clash("--timeout is for --follow"),
        // Many records have no text: how far back the last texts are, only reading tells.
        (_, Some(1..)) if args.text => Ok(Start::Offset(0)),
        (_, Some(count)) => Ok(Start::Last(count)),
        (from, None) => Ok(Start::Offset(from.unwrap_or(0))),
    }
}

/// Which sessions are asked for.
fn selection(args: &Args, config: &Config) -> Result<Selection> {
    if args.all && args.target.is_given() {
        return Err(Error::usage("--all", "it cannot be combined with -s"));
    }
    if args.all {
        return Ok(Selection::All);
    }
    match args.target.all_names(config)? {
        names if names.is_empty() => Err(Error::usage("", "no session and no FILE is given")),
        names => Ok(Selection::Named(names)),
    }
}

fn form(args: &Args, many: bool) -> Result<Form> {
    Ok(if args.events {
        Form::Events
    } else if args.text {
        Form::Text(Transcription::new(Paint::stdout(&Config::from_env()?), many))
    } else if args.offsets || many {
        Form::Wrapped
    } else {
        Form::Plain
    })
}
