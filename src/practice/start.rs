//! From the command line to a terminal in raw mode: everything before the first question.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs::File,
    io::{IsTerminal, Write},
    os::fd::AsFd,
    path::Path,
    time::Duration,
};

use super::{
    dialog::Question,
    draft::Draft,
    files::{Place, StateWriter},
    hook::Hooks,
    input::Parser,
    log::Log,
    options::{Misbehave, Options},
    screen::Screen,
    session::Session,
    tui::{Program, exit_status},
};
use crate::{
    cli::output,
    error::{At, Error, Result},
    sys::{self, Poll, signals},
    time::Deadline,
};

/// tmux may close the pane of a program that ends at once before it has read the program's last
/// words. Claude Code takes longer than this to end.
const LAST_WORDS: Duration = Duration::from_millis(30);

/// Runs the practice agent with the arguments after its name. Returns its exit status.
pub(crate) fn main(argv: Vec<OsString>) -> Result<i32> {
    let status = match prepare(argv)? {
        Prepared::Ready(mut program) => program.run()?,
        Prepared::Refused(text, status) => {
            writeln!(output::stdout(), "{text}").map_err(|e| Error::io("stdout", &e))?;
            status
        }
    };
    std::thread::sleep(LAST_WORDS);
    Ok(status)
}

/// A program that starts, or does not.
enum Prepared {
    /// It starts.
    Ready(Box<Program>),
    /// It prints this and exits with the status.
    Refused(String, i32),
}

/// Does everything that can fail before the screen is drawn.
fn prepare(argv: Vec<OsString>) -> Result<Prepared> {
    let options = match Options::parse(argv) {
        Ok(options) => options,
        Err(text) => return Ok(Prepared::Refused(text, 1)),
    };
    if let Some(status) = options.misbehave.die_at_start {
        return Ok(Prepared::Refused("Practice agent: told to die at its start".into(), status));
    }
    let cwd = Path::new(".").canonicalize().at(".")?;
    let home = std::path::absolute(&options.home).at(&options.home)?;
    let place = Place { home, cwd };
    let hooks = options.settings.as_deref().map_or(Ok(Hooks::default()), Hooks::load);
    let (hooks, id) = match hooks.and_then(|hooks| Ok((hooks, conversation(&options, &place)?))) {
        Ok(both) => both,
        Err(text) => return Ok(Prepared::Refused(text, 1)),
    };
    let stdin = terminal()?;
    let state = StateWriter::create(&place, &id)?;
    let wrong = options.misbehave;
    // Not raw yet during a slow start: the terminal keeps what is typed now.
    let over = wait(Deadline::after(wrong.slow_start))?;
    let raw = sys::RawMode::on().map_err(|e| Error::io("terminal", &e))?;
    let screen = Screen::open(Box::new(output::stdout()) as Box<dyn Write>)?;
    let model = options.model.as_deref().unwrap_or("practice");
    let log = Log::new(&place, &id, model, wrong.no_transcript, wrong.torn_write);
    let questions = questions(&wrong, &place);
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
        goes_on: None,
        over,
    };
    Ok(Prepared::Ready(Box::new(Program {
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
    })))
}

/// The conversation to begin or to go on with; the error is the line to print.
fn conversation(options: &Options, place: &Place) -> std::result::Result<String, String> {
    match &options.session {
        Some(id) if options.resume && !place.transcript(id).exists() => {
            Err(format!("No conversation found with session ID: {id}"))
        }
        Some(id) if !options.resume && place.in_use(id) => {
            Err(format!("Error: Session ID {id} is already in use."))
        }
        Some(id) => Ok(id.clone()),
        None => Ok(uuid::Uuid::new_v4().to_string()),
    }
}

/// The keyboard; from now on signals are caught.
fn terminal() -> Result<File> {
    if !std::io::stdin().is_terminal() || !output::stdout().is_terminal() {
        return Err(Error::usage("practice agent", "needs a terminal"));
    }
    let heard = [&[libc::SIGWINCH, libc::SIGCHLD], &signals::ENDING[..]].concat();
    signals::catch(&heard).map_err(|e| Error::io("signals", &e))?;
    let stdin = std::io::stdin().as_fd().try_clone_to_owned();
    stdin.map(File::from).map_err(|e| Error::io("terminal", &e))
}

/// Waits until `start`. Returns the exit status if a signal asks the program to end before.
fn wait(start: Deadline) -> Result<Option<i32>> {
    let mut over = None;
    while over.is_none() && !start.passed() {
        let mut ear: Vec<Poll> = signals::ear().map(Poll::readable).into_iter().collect();
        sys::poll(&mut ear, start.left()).map_err(|e| Error::io("signals", &e))?;
        over = std::iter::from_fn(signals::take).filter_map(exit_status).last();
    }
    Ok(over)
}

/// The questions to ask before the start.
fn questions(wrong: &Misbehave, place: &Place) -> VecDeque<Question> {
    let all = [
        (wrong.login, Question::Login),
        (wrong.unknown_dialog, Question::Unknown),
        (!wrong.trusted && !place.is_trusted(), Question::Trust),
    ];
    all.into_iter().filter_map(|(asked, question)| asked.then_some(question)).collect()
}
