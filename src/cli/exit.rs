//! From a command line to an exit status. Errors are printed here and nowhere else.

use std::{
    borrow::Cow,
    ffi::{OsStr, OsString},
    io::Write,
    path::PathBuf,
    process::ExitCode,
};

use super::{
    Output, Tool, help, page,
    parse::{Parsed, parse},
    status::can_end,
};
use crate::{
    error::{Error, Exit, Kind, Result},
    sys::{die_by, signals},
};

/// The whole of a program's `main`.
pub fn main<T: Tool>() -> ExitCode {
    main_by_name(|_, argv, out| run::<T>(T::DOC.name, argv, out))
}

/// The same for a file with several names: `run` gets the one by which it was called, and what
/// follows it.
pub(crate) fn main_by_name(run: impl FnOnce(&str, Vec<OsString>, &mut Output) -> Exit) -> ExitCode {
    let mut argv = std::env::args_os();
    let called = PathBuf::from(argv.next().unwrap_or_default());
    let name = called.file_name().and_then(OsStr::to_str).unwrap_or_default();
    ExitCode::from(run(name, argv.collect(), &mut Output::stdout()) as u8)
}

/// Runs `T` on `argv`, which begins after the program's name, and prints its error, if any, under
/// `name`. A front runs other programs in its own process with this. Does not return when a signal
/// stopped `T`.
pub(crate) fn run<T: Tool>(
    name: &str,
    argv: impl IntoIterator<Item = OsString>,
    out: &mut Output,
) -> Exit {
    let error = match attempt::<T>(argv, out) {
        Ok(exit) => return listed::<T>(exit),
        Err(error) => error,
    };
    // A failure after a signal is due to the signal: ^C also reaches the tmux clients that we run,
    // and the reader of our output.
    let kind = signals::asked_to_end().map_or(error.kind, Kind::Signal);
    match kind {
        Kind::ReaderGone => {}
        Kind::Signal(signal) => die_by(signal),
        _ => say(name, &line(name, &error)),
    }
    listed::<T>(kind.exit())
}

/// The status, which the manual must list.
fn listed<T: Tool>(exit: Exit) -> Exit {
    debug_assert!(can_end(&T::DOC, exit), "{}: {exit:?} is not in its manual", T::DOC.name);
    exit
}

/// Prints one line on standard error, under `name`: a warning in a run that goes on.
pub(crate) fn say(name: &str, text: &str) {
    let line = format!("{name}: {}\n", visible(text));
    // If standard error is closed there is nowhere to report to; the exit status still tells.
    _ = std::io::stderr().write_all(line.as_bytes());
}

fn attempt<T: Tool>(argv: impl IntoIterator<Item = OsString>, out: &mut Output) -> Result<Exit> {
    let text = match parse::<T>(argv)? {
        Parsed::Run(args, operands) => {
            let done = T::run(args, operands, out);
            // Records that were gathered before a failure are whole, so they are still written.
            let written = out.flush();
            return done.and_then(|exit| written.map(|()| exit));
        }
        Parsed::HelpShort => help::brief(&page::<T>()),
        Parsed::HelpLong => help::full(&page::<T>()),
        Parsed::Version => format!("{} {}", T::DOC.name, env!("CARGO_PKG_VERSION")),
    };
    out.line(text.trim_end().as_bytes())?;
    Ok(Exit::Done)
}

/// An error in one line. A usage error without advice of its own points to the help.
fn line(name: &str, error: &Error) -> String {
    if error.kind == Kind::Usage && error.advice.is_empty() {
        format!("{error}: see `{name} --help`")
    } else {
        error.to_string()
    }
}

/// `text` made safe for a terminal: control characters, and those that change the direction of
/// writing, are escaped.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    let hidden =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if hidden(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        os::unix::process::ExitStatusExt,
        process::Command,
        sync::{Arc, Mutex},
    };

    use super::*;
    use crate::cli::fake::Plain;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn fake(line: &[&str]) -> (Exit, String) {
        let sink = Sink::default();
        let mut out = Output::to(Box::new(sink.clone()));
        let done = attempt::<Plain>(line.iter().map(OsString::from), &mut out);
        let exit = done.unwrap_or_else(|error| error.kind.exit());
        let bytes = sink.0.lock().unwrap().clone();
        (exit, String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn statuses() {
        assert_eq!(fake(&["a", "b"]), (Exit::Done, "2\n".into()));
        assert_eq!(fake(&["-s", "late"]), (Exit::No, "late\n".into()));
        assert_eq!(fake(&["-s", "gone"]), (Exit::Done, String::new()));
        assert_eq!(fake(&["-s", "dead"]), (Exit::No, String::new()));
        assert_eq!(fake(&["--bogus"]), (Exit::Usage, String::new()));
    }

    #[test]
    fn help_goes_to_stdout_and_a_closed_pipe_is_quiet() {
        let (exit, text) = fake(&["-h"]);
        assert!(exit == Exit::Done && text.starts_with("fake-tail: ") && text.ends_with('\n'));
        let (exit, text) = fake(&["--version"]);
        assert_eq!(text, format!("fake-tail {}\n", env!("CARGO_PKG_VERSION")));
        assert_eq!(exit, Exit::Done);
        let closed = |word: &str| {
            run::<Plain>("fake-tail", [OsString::from(word)], &mut Output::to(Box::new(Closed)))
        };
        assert_eq!(closed("--help"), Exit::Done);
        assert_eq!(closed("operand"), Exit::Done);
        assert_eq!(closed("-sgone"), Exit::Done);
    }

    #[test]
    fn messages_are_one_visible_line() {
        let error = Error::new(Kind::No, "a\x1b[31m\nb", "gone\u{9b}\x7f\t").advise("look");
        let text = line("fake-tail", &error);
        assert_eq!(visible(&text), "a\\u{1b}[31m\\nb: gone\\u{9b}\\u{7f}\\t: look");
        let text = line("fake tail", &Error::usage("--x", "no such option"));
        assert_eq!(text, "--x: no such option: see `fake tail --help`");
        let text = line("fake-tail", &Error::usage("--x", "bad").advise("do y"));
        assert_eq!(text, "--x: bad: do y");
        assert!(matches!(visible("plain ü 日本"), Cow::Borrowed(_)));
        assert_eq!(visible("a\u{202e}b"), "a\\u{202e}b");
    }

    #[test]
    fn a_signal_is_raised_again() {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "cli::exit::tests::raises", "--ignored", "--test-threads=1"])
            .output()
            .unwrap();
        assert_eq!(child.status.signal(), Some(libc::SIGTERM), "{child:?}");
    }

    #[test]
    #[ignore = "ends the process; run by a_signal_is_raised_again"]
    fn raises() {
        crate::sys::die_by(libc::SIGTERM);
    }
}
