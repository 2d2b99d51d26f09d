//! What a command line asks for: what is read, where that begins, and the form in which it is
//! printed.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use super::{
    cursor::Cursor,
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
    /// A note to print before the first record.
    pub(crate) note: Option<String>,
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
                let reader = reader.longest(args.max_line);
                streams.push(Tailed::of_file(args.target.backend_given()?, reader));
            }
            (None, None) => {
                let config = Config::from_env()?;
                let selection = selection(args, &config)?;
                many = !matches!(&selection, Selection::Named(names) if names.len() == 1);
                let set = SessionSet::new(config, selection, args, start)?;
                streams = set.sessions()?;
                sessions = Some(set);
            }
        }
        if many {
            refuse(args.from.is_some(), "--from", "an offset belongs to one transcript")?;
            refuse(args.cursor.is_some(), "--cursor", "it keeps one position")?;
            refuse(args.raw, "--raw", "the lines do not say which session they belong to")?;
        }
        let mut plan = Plan { streams, sessions, form: form(args, many)?, note: None };
        if let Some(file) = &args.cursor {
            plan.keep_place(file)?;
        }
        Ok(plan)
    }

    /// Begins where the cursor in `file` says, unless that is another transcript by now.
    fn keep_place(&mut self, file: &Path) -> Result<()> {
        let Some(stream) = self.streams.first_mut() else { return Ok(()) };
        let (cursor, mut at) = Cursor::open(file)?;
        if let Some((path, offset)) = &at {
            let now = stream.reader.now(path);
            let is_it = |own: &Path| std::path::absolute(own).is_ok_and(|own| own == *path);
            if stream.session.is_none() && !stream.reader.paths().any(is_it) {
                return Err(Error::usage(file.display(), "this cursor belongs to another file")
                    .advise(format!("that is {}", path.display())));
            }
            if let Some(why) = cursor.objection(&now)? {
                let anew =
                    format!("{why}: offset {offset} no longer applies, reading from the beginning");
                self.note = Some(format!("{}: {anew}", path.display()));
                at = stream.reader.paths().next().map(|own| (own.to_owned(), 0));
                stream.reader.start = Start::Offset(0);
            }
        }
        stream.cursor = Some(cursor);
        if let Some((path, offset)) = at {
            stream.reader.begin_at(path, offset);
        }
        Ok(())
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
        _ if forms > 1 => clash("only one of --offsets, --events and --text can be given"),
        _ if args.timeout.is_some() && !args.follow => clash("--timeout is for --follow"),
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
