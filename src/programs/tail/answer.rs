//! `--answer`: what was said last in the turn that took a prompt.

use std::{ffi::OsString, fmt::Display, ops::ControlFlow, path::Path};

use super::{options::Args, plan::no_session};
use crate::{
    agent::{Agent, Backend},
    cli::Output,
    config::Config,
    error::{Error, Exit, Kind, Result},
    session::{self, Asked, Ending, Reply, Session, conversation::ConversationReader},
    time::Deadline,
    tmux::Tmux,
    transcript::start::Start,
};

pub(crate) fn run(args: &Args, operands: &[OsString], out: &mut Output) -> Result<Exit> {
    let is_given = [
        ("--all", args.all),
        ("--lines", args.lines.is_some()),
        ("--offsets", args.offsets),
        ("--events", args.events),
        ("--text", args.text),
        ("--raw", args.raw),
        ("--cursor", args.cursor.is_some()),
        ("--max", args.max.is_some()),
    ];
    if let Some((option, _)) = is_given.iter().find(|(_, given)| *given) {
        return Err(Error::usage(option, "it cannot be combined with --answer"));
    }
    if args.timeout.is_some() && !args.follow {
        return Err(Error::usage("--timeout", "it is for --follow"));
    }
    let asked = if args.from.is_some() { Asked::First } else { Asked::Last };
    let start = Start::Offset(args.from.unwrap_or(0));
    if let [file] = operands {
        no_session(file, args)?;
    }
    match operands {
        [] => of_session(args, asked, start, out),
        [file] if args.follow => {
            Err(Error::usage(file.display(), "a FILE does not show when a turn is over")
                .advise("give the session with -s, or omit --follow"))
        }
        [file] if !args.target.is_given() => {
            let path = Path::new(file);
            let backend = args.target.backend_given()?;
            let agent = backend.map_or_else(|| agent_of(path), |backend| Ok(backend.agent()))?;
            let mut reply = Reply::to(asked, agent);
            let mut reader =
                ConversationReader::of_file(path.to_owned(), start).longest(args.max_line);
            reply.read(&mut reader)?;
            print(&reply, &file.display(), out)
        }
        [file, ..] => Err(Error::usage(file.display(), "give either a session or a FILE")),
    }
}

fn of_session(args: &Args, asked: Asked, start: Start, out: &mut Output) -> Result<Exit> {
    let config = Config::from_env()?;
    let (name, backend) = (args.target.needed(&config)?, args.target.backend(&config)?);
    if args.target.all_names(&config)?.len() > 1 {
        return Err(Error::usage("--answer", "it works with only one session"));
    }
    let mut session = Session::find_any(&config, &name, backend)?;
    let mut reply = Reply::to(asked, session.agent());
    let places = session.places(&config);
    let reader = |path| ConversationReader::new(places, path, start).longest(args.max_line);
    if !args.follow {
        let now = session.find_conversation(&config)?;
        // An offset is one in the transcript that the state file names.
        reply.read(&mut reader(now.transcript))?;
        return print(&reply, &name, out);
    }
    let deadline = args.timeout.map_or(Deadline::NEVER, Deadline::after);
    let mut reader = reader(session.kept_conversation(&config).transcript);
    let tmux = Tmux::new(&config)?;
    let ending = session::await_reply(&config, &tmux, &session, &mut reply, &mut reader, deadline)?;
    if let Some(text) = reply.said() {
        out.line(text.trim_end_matches('\n').as_bytes())?;
    }
    ending.failure(&name).map_or(Ok(Exit::Done), Err)
}

/// Prints what was said so far.
fn print(reply: &Reply, subject: &dyn Display, out: &mut Output) -> Result<Exit> {
    let Some(text) = reply.said() else {
        let what =
            if reply.has_turn() { "nothing was said yet" } else { "there is no prompt in it" };
        return Err(Error::new(Kind::No, subject, what));
    };
    out.line(text.trim_end_matches('\n').as_bytes())?;
    let ending = reply.end().map(|end| Ending::Over(end.clone()));
    ending.and_then(|ending| ending.failure(subject)).map_or(Ok(Exit::Done), Err)
}

/// The agent that wrote a file, by the shape of its first line.
fn agent_of(path: &Path) -> Result<&'static dyn Agent> {
    let mut backend = None;
    ConversationReader::of_file(path.to_owned(), Start::Offset(0)).read(None, |line| {
        backend = Some(Backend::of_line(line.bytes));
        Ok(ControlFlow::Break(()))
    })?;
    let missing = || Error::missing(path.display(), "no such file, or nothing in it");
    Ok(backend.ok_or_else(missing)?.agent())
}
