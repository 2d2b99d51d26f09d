//! From the command line to a terminal that is ours: all that comes before the first question.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs::File,
    io::{IsTerminal, Write},
    os::fd::AsFd,
};

use super::{
    dialog::Question,
    draft::Draft,
    files::{Place, StateFile},
    hook::Hooks,
    input::Parser,
    log::Log,
    options::Options,
    screen::Screen,
    session::Session,
    tui::Program,
};
use crate::{
    cli::output,
    error::{At, Error, Result},
    sys::{self, Poll, signals},
    time::Deadline,
};

/// All that can fail before the screen is ours. The inner error is what to print, and the status.
pub(crate) fn prepare(argv: Vec<OsString>) -> Result<std::result::Result<Program, (String, i32)>> {
    let options = match Options::parse(argv) {
        Ok(options) => options,
        Err(text) => return Ok(Err((text, 1))),
    };
    if let Some(status) = options.misbehave.die_at_start {
        return Ok(Err(("Practice agent: told to die at its start".into(), status)));
    }
    let cwd = std::env::current_dir().and_then(|cwd| cwd.canonicalize()).at(".")?;
    let home = std::path::absolute(&options.home).at(&options.home)?;
    let place = Place { home, cwd };
    let hooks = match options.settings.as_deref().map_or(Ok(Hooks::default()), Hooks::load) {
        Ok(hooks) => hooks,
        Err(text) => return Ok(Err((text, 1))),
    };
    let id = match options.session {
        Some(id) if options.resume && !place.transcript(&id).exists() => {
            return Ok(Err((format!("No conversation found with session ID: {id}"), 1)));
        }
        Some(id) if !options.resume && place.in_use(&id) => {
            return Ok(Err((format!("Error: Session ID {id} is already in use."), 1)));
        }
        Some(id) => id,
        None => uuid::Uuid::new_v4().to_string(),
    };
    if !std::io::stdin().is_terminal() || !output::stdout().is_terminal() {
        return Err(Error::usage("practice agent", "needs a terminal"));
    }
    let heard = [&[libc::SIGWINCH, libc::SIGCHLD], &signals::ENDING[..]].concat();
    signals::catch(&heard).map_err(|e| Error::io("signals", &e))?;
    let stdin = std::io::stdin().as_fd().try_clone_to_owned();
    let stdin = File::from(stdin.map_err(|e| Error::io("terminal", &e))?);
    let state = StateFile::create(&place, &id)?;
    let wrong = options.misbehave;
    // Not raw yet while it is slow to start: what is typed now is kept by the terminal.
    let start = Deadline::after(wrong.slow_start);
    let mut over = None;
    while over.is_none() && !start.passed() {
        let mut ear: Vec<Poll> = signals::ear().map(Poll::readable).into_iter().collect();
        sys::poll(&mut ear, start.left()).map_err(|e| Error::io("signals", &e))?;
        over = std::iter::from_fn(signals::take).filter_map(exit_status).last();
    }
    let raw = sys::RawMode::on().map_err(|e| Error::io("terminal", &e))?;
    let screen = Screen::open(Box::new(output::stdout()) as Box<dyn Write>)?;
    let model = options.model.as_deref().unwrap_or("practice");
    let log = Log::new(&place, &id, model, wrong.no_transcript, wrong.torn_write);
    let mut questions = VecDeque::new();
    for (asked, question) in [
        (wrong.login, Question::Login),
        (wrong.unknown_dialog, Question::Unknown),
        (!wrong.trusted && !place.is_trusted(), Question::Trust),
    ] {
        if asked {
            questions.push_back(question);
        }
    }
    let session = Session {
        place,
        log,
        state,
        hooks,
        screen,
        dialog: None,
        queue: Vec::new(),
        turn: None,
        next_turn: None,
        over,
    };
    Ok(Ok(Program {
        session,
        questions,
        source: if options.resume { "resume" } else { "startup" },
        started: false,
        draft: Draft::default(),
        parser: Parser::default(),
        escape: None,
        armed: None,
        pastes: VecDeque::new(),
        wrong,
        stdin,
        _raw: raw,
    }))
}

/// The exit status that a signal asks for, if it asks for an end; SIGINT's is as measured.
pub(crate) fn exit_status(signal: i32) -> Option<i32> {
    match signal {
        libc::SIGTERM | libc::SIGHUP => Some(128 + signal),
        libc::SIGINT => Some(0),
        _ => None,
    }
}
