//! Parses a command line by a program's option table.
//!
//! The grammar is POSIX's with long options: `-ab`, `-oVALUE`, `-o VALUE`, `--opt=VALUE`,
//! `--opt VALUE`, options and operands in any order, `--` ends the options. A value may begin with
//! a dash. `-o=VALUE` gives `=VALUE`, as getopt has it: a prompt that begins with `=` stays whole.

use std::ffi::OsString;

use lexopt::Arg;

use super::{
    option::{Given, Opt, Tool},
    suggest::nearest,
};
use crate::error::{Error, Result};

/// What a command line asks for.
#[derive(Debug)]
pub enum Parsed<A> {
    /// To run with these arguments and operands.
    Run(A, Vec<OsString>),
    /// `-h`.
    HelpShort,
    /// `--help`.
    HelpLong,
    /// `-V`, `--version`.
    Version,
}

/// Reads `argv`, which begins after the program's name.
///
/// Help and version win over a bad value before or after them. They do not win over an unknown
/// option before them: nobody knows whether it takes a value, so a `-h` behind it may be text, and
/// answering text with success would be wrong.
pub fn parse<T: Tool>(argv: impl IntoIterator<Item = OsString>) -> Result<Parsed<T::Args>> {
    let mut parser = lexopt::Parser::from_args(argv);
    parser.set_short_equals(false);
    let mut args = T::Args::default();
    let mut operands = Vec::new();
    let mut wrong: Option<Error> = None;
    loop {
        if let Some(rest) = after_dashes(&mut parser) {
            if T::DOC.rest.is_some() {
                T::rest(&mut args, rest);
            } else {
                operands.extend(rest);
            }
            break;
        }
        let (found, shown) = match parser.next() {
            Ok(None) => break,
            Ok(Some(Arg::Value(word))) => {
                operands.push(word);
                if T::FRONT {
                    operands.extend(parser.try_raw_args().into_iter().flatten());
                }
                continue;
            }
            Ok(Some(Arg::Short('h'))) => return Ok(Parsed::HelpShort),
            Ok(Some(Arg::Long("help"))) => return Ok(Parsed::HelpLong),
            Ok(Some(Arg::Short('V') | Arg::Long("version"))) => return Ok(Parsed::Version),
            Ok(Some(Arg::Short(c))) => (by_short(T::OPTS, c), format!("-{c}")),
            Ok(Some(Arg::Long(name))) => (by_long(T::OPTS, name), format!("--{name}")),
            Err(error) => {
                wrong.get_or_insert(lexer_error(&error));
                continue;
            }
        };
        let Some((opt, off)) = found else {
            return Err(wrong.unwrap_or_else(|| unknown(T::OPTS, &shown)));
        };
        let given = match opt.doc.value {
            _ if off => Given::Off,
            None => Given::On,
            Some(value) => match parser.value() {
                Ok(text) => Given::Value(text),
                Err(_) => {
                    let cause = format!("needs a value: {}", value.name);
                    wrong.get_or_insert(Error::usage(shown, cause));
                    break;
                }
            },
        };
        if let Err(cause) = (opt.set)(&mut args, given) {
            wrong.get_or_insert(Error::usage(shown, cause));
        }
    }
    match wrong {
        Some(error) => Err(error),
        None => check_operands::<T>(&operands).map(|()| Parsed::Run(args, operands)),
    }
}

/// What follows `--`, if that is the next argument.
fn after_dashes(parser: &mut lexopt::Parser) -> Option<Vec<OsString>> {
    let raw = parser.try_raw_args()?;
    if raw.peek()? != "--" {
        return None;
    }
    Some(raw.skip(1).collect())
}

/// An option of the table, and whether it was named by its negation.
type Found<A> = Option<(&'static Opt<A>, bool)>;

fn by_short<A>(opts: &'static [Opt<A>], short: char) -> Found<A> {
    opts.iter().find(|opt| opt.doc.short == Some(short)).map(|opt| (opt, false))
}

fn by_long<A>(opts: &'static [Opt<A>], name: &str) -> Found<A> {
    opts.iter().find_map(|opt| match opt.doc {
        doc if doc.long == name => Some((opt, false)),
        doc if doc.negated == Some(name) => Some((opt, true)),
        _ => None,
    })
}

fn unknown<A>(opts: &'static [Opt<A>], shown: &str) -> Error {
    let longs = opts.iter().flat_map(|opt| [Some(opt.doc.long), opt.doc.negated]).flatten();
    let near =
        shown.strip_prefix("--").and_then(|typed| nearest(typed, longs.chain(["help", "version"])));
    let error = Error::usage(shown, "no such option");
    match near {
        Some(long) => error.advise(format_args!("did you mean `--{long}`?")),
        None => error,
    }
}

/// The only error of the lexer itself: `--opt=VALUE` for an option that takes no value.
fn lexer_error(error: &lexopt::Error) -> Error {
    match error {
        lexopt::Error::UnexpectedValue { option, .. } => Error::usage(option, "takes no value"),
        other => Error::usage("", other),
    }
}

/// Refuses operands where the program takes none. It checks their number itself.
fn check_operands<T: Tool>(operands: &[OsString]) -> Result<()> {
    let verbs = T::DOC.verbs;
    let (first, second) = (operands.first(), operands.get(1));
    if let Some(word) = first
        && !verbs.is_empty()
        && !T::FRONT
        && !verbs.iter().any(|verb| *word == *verb.name)
    {
        let word = word.to_string_lossy();
        let error = Error::usage(&word, "no such verb");
        return Err(match nearest(&word, verbs.iter().map(|verb| verb.name)) {
            Some(near) => error.advise(format_args!("did you mean `{near}`?")),
            None => error,
        });
    }
    let surplus = if verbs.is_empty() { first } else { second };
    match surplus {
        Some(word) if T::DOC.operand.is_none() && !T::FRONT => {
            Err(Error::usage(word.display(), "unexpected operand"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;
    use crate::cli::fake::{Args, Front, Job, Plain};

    fn run(line: &[&str]) -> (Args, Vec<OsString>) {
        match parse::<Plain>(line.iter().map(OsString::from)) {
            Ok(Parsed::Run(args, operands)) => (args, operands),
            other => panic!("{line:?}: {other:?}"),
        }
    }

    fn refusal<T: Tool>(line: &[&str]) -> String
    where
        T::Args: std::fmt::Debug,
    {
        parse::<T>(line.iter().map(OsString::from)).unwrap_err().to_string()
    }

    #[test]
    fn all_spellings() {
        for line in [
            &["-fs", "demo"][..],
            &["-fsdemo"],
            &["-f", "--session", "demo"],
            &["--session=demo", "--follow"],
            &["--no-follow", "--session=other", "-sdemo", "--follow"],
        ] {
            let (args, operands) = run(line);
            assert_eq!((args.follow, args.session.as_str()), (true, "demo"), "{line:?}");
            assert!(operands.is_empty());
        }
        assert!(!run(&["-f", "--no-follow"]).0.follow);
    }

    #[test]
    fn values_are_taken_as_they_are() {
        assert_eq!(run(&["-s=demo"]).0.session, "=demo");
        assert_eq!(run(&["--session="]).0.session, "");
        assert_eq!(run(&["-s", "--", "a"]).0.session, "--");
        assert_eq!(run(&["--session", "-h"]).0.session, "-h");
        assert_eq!(run(&["--session=a=b"]).0.session, "a=b");
    }

    #[test]
    fn operands_and_dashes() {
        assert_eq!(run(&["a", "-f", "-", "--", "-f", "--"]).1, ["a", "-", "-f", "--"]);
        let parsed = parse::<Job>(["set", "-x", "--", "-x", "--", ""].map(OsString::from));
        let Ok(Parsed::Run(args, operands)) = parsed else { panic!() };
        assert_eq!(operands, ["set"]);
        assert_eq!(args.rest.unwrap(), ["-x", "--", ""]);
        let parsed = parse::<Job>(["--"].map(OsString::from));
        let Ok(Parsed::Run(args, _)) = parsed else { panic!() };
        assert_eq!(args.rest.unwrap().len(), 0);
        let Ok(Parsed::Run(args, _)) = parse::<Job>([]) else { panic!() };
        assert_eq!(args.rest, None);
    }

    #[test]
    fn a_front_leaves_the_rest_alone() {
        let line = ["-q", "tail", "-f", "--help", "--", "x"];
        let Ok(Parsed::Run(args, operands)) = parse::<Front>(line.map(OsString::from)) else {
            panic!()
        };
        assert!(args.follow);
        assert_eq!(operands, ["tail", "-f", "--help", "--", "x"]);
        assert!(matches!(parse::<Front>(["-h".into(), "tail".into()]), Ok(Parsed::HelpShort)));
    }

    #[test]
    fn help_is_answered_first() {
        let ask = |line: &[&str]| parse::<Plain>(line.iter().map(OsString::from));
        assert!(matches!(ask(&["-h"]), Ok(Parsed::HelpShort)));
        assert!(matches!(ask(&["-fh"]), Ok(Parsed::HelpShort)));
        assert!(matches!(ask(&["--timeout", "soon", "--help"]), Ok(Parsed::HelpLong)));
        assert!(matches!(ask(&["--follow=1", "--version"]), Ok(Parsed::Version)));
        assert!(matches!(ask(&["--help", "--bogus"]), Ok(Parsed::HelpLong)));
        assert!(ask(&["--bogus", "-h"]).is_err());
        assert!(matches!(ask(&["--", "-h"]), Ok(Parsed::Run(..))));
    }

    #[test]
    fn refusals() {
        for (line, text) in [
            (&["--folow"][..], "--folow: no such option: did you mean `--follow`?"),
            (&["--nofollow"], "--nofollow: no such option: did you mean `--no-follow`?"),
            (&["--verison"], "--verison: no such option: did you mean `--version`?"),
            (&["--bogus=1"], "--bogus: no such option"),
            (&["-x"], "-x: no such option"),
            (&["-fx"], "-x: no such option"),
            (&["--session"], "--session: needs a value: NAME"),
            (&["-fs"], "-s: needs a value: NAME"),
            (&["--follow=1"], "--follow: takes no value"),
            (&["--no-follow="], "--no-follow: takes no value"),
            (
                &["--timeout=1", "-tx", "-tz"],
                "-t: `x` is not a time span such as `1.5`, `30s`, `500ms`, `5m` or `2h`",
            ),
        ] {
            assert_eq!(refusal::<Plain>(line), text);
        }
        assert_eq!(refusal::<Job>(&["sett"]), "sett: no such verb: did you mean `set`?");
        assert_eq!(refusal::<Job>(&["remove"]), "remove: no such verb");
        assert_eq!(refusal::<Job>(&["set", "a"]), "a: unexpected operand");
    }

    #[test]
    fn no_bytes_panic() {
        let word = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        assert!(parse::<Plain>([word(b"--\xff=\xff")]).is_err());
        assert!(parse::<Plain>([word(b"-\xff")]).is_err());
        assert!(parse::<Plain>([word(b"-t\xff")]).is_err());
        assert!(parse::<Job>([word(b"\xff")]).is_err());
        assert!(matches!(parse::<Plain>([word(b"\xff")]), Ok(Parsed::Run(..))));
    }
}
