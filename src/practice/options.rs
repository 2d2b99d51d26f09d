//! The command line of the practice agent, and the misbehaviour that it asks for.
//!
//! This is a program of its own, which our programs start as they start any agent: so it reads its
//! two variables itself.

use std::{ffi::OsString, path::PathBuf, str::FromStr, time::Duration};

use lexopt::prelude::*;

use crate::config::process_variable;

/// What the command line and the environment ask for.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// The conversation, as given; checked to be a UUID.
    pub(crate) session: Option<String>,
    /// The session must exist already.
    pub(crate) resume: bool,
    /// The settings file. The last one wins, as in the real program.
    pub(crate) settings: Option<PathBuf>,
    /// The folder of all its files.
    pub(crate) home: PathBuf,
    /// The model's name, which is only repeated.
    pub(crate) model: Option<String>,
    /// What to do wrong.
    pub(crate) misbehave: Misbehave,
}

impl Options {
    /// Reads the arguments after the program's name. The error is the line to print.
    pub(crate) fn parse(argv: Vec<OsString>) -> Result<Self, String> {
        let mut options = Options::default();
        let mut home = process_variable("AIMAX_PRACTICE_HOME").map(PathBuf::from);
        let spec = process_variable("AIMAX_PRACTICE");
        if let Some(spec) = spec.and_then(|spec| spec.into_string().ok()) {
            options.misbehave.add(&spec)?;
        }
        let mut parser = lexopt::Parser::from_args(argv);
        let text = |e: lexopt::Error| format!("error: {e}");
        while let Some(argument) = parser.next().map_err(text)? {
            let name = match argument {
                Long(name) => name.to_owned(),
                Short(c) => return Err(format!("error: unknown option '-{c}'")),
                Value(value) => {
                    return Err(format!("error: unknown argument '{}'", value.display()));
                }
            };
            let known = ["session-id", "resume", "settings", "home", "model", "misbehave"];
            if !known.contains(&name.as_str()) {
                return Err(format!("error: unknown option '--{name}'"));
            }
            let value = parser.value().map_err(text)?;
            match name.as_str() {
                "settings" => options.settings = Some(value.into()),
                "home" => home = Some(value.into()),
                "model" => options.model = Some(value.string().map_err(text)?),
                "misbehave" => options.misbehave.add(&value.string().map_err(text)?)?,
                "resume" | "session-id" => {
                    let id = value
                        .into_string()
                        .ok()
                        .filter(|id| id.len() == 36)
                        .and_then(|id| uuid::Uuid::parse_str(&id).ok())
                        .ok_or("Error: Invalid session ID. Must be a valid UUID.")?;
                    options.session = Some(id.to_string());
                    options.resume = name == "resume";
                }
                _ => {}
            }
        }
        options.home = home
            .filter(|home| !home.as_os_str().is_empty())
            .ok_or("Error: no home folder: give --home DIR or set AIMAX_PRACTICE_HOME")?;
        Ok(options)
    }
}

/// What it does wrong on purpose, so that a driver can be tested against it.
#[derive(Debug, Default)]
pub(crate) struct Misbehave {
    /// `swallow-enter=N`: the first N Enters in the box do nothing.
    pub(crate) swallow_enter: u32,
    /// `slow-start=MS`: nothing happens, not even raw mode, for so long.
    pub(crate) slow_start: Duration,
    /// `slow-paste=MS`: a paste stands in the box only so much later.
    pub(crate) slow_paste: Option<Duration>,
    /// `cut-paste=BYTES`: only that many bytes of a paste arrive.
    pub(crate) cut_paste: Option<usize>,
    /// `dialog-after-paste`: a dialog opens right after a paste, once.
    pub(crate) dialog_after_paste: bool,
    /// `die-at-start=CODE`: prints a line and exits.
    pub(crate) die_at_start: Option<i32>,
    /// `die-in-paste`: kills itself as soon as a paste begins.
    pub(crate) die_in_paste: bool,
    /// `no-transcript`: writes no transcript.
    pub(crate) no_transcript: bool,
    /// `torn-write`: writes each transcript line in two parts.
    pub(crate) torn_write: bool,
    /// `trust=yes`: does not ask about the folder.
    pub(crate) trusted: bool,
    /// `unknown-dialog`: starts with a question that nobody knows.
    pub(crate) unknown_dialog: bool,
    /// `login`: starts on a screen that asks for a login.
    pub(crate) login: bool,
}

impl Misbehave {
    fn add(&mut self, spec: &str) -> Result<(), String> {
        for item in spec.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let bad = || format!("error: unknown misbehaviour '{item}'");
            match item.split_once('=') {
                None => match item {
                    "dialog-after-paste" => self.dialog_after_paste = true,
                    "die-in-paste" => self.die_in_paste = true,
                    "no-transcript" => self.no_transcript = true,
                    "torn-write" => self.torn_write = true,
                    "unknown-dialog" => self.unknown_dialog = true,
                    "login" => self.login = true,
                    _ => return Err(bad()),
                },
                Some(("trust", "yes")) => self.trusted = true,
                Some((name, value)) => {
                    fn number<T: FromStr>(value: &str, bad: String) -> Result<T, String> {
                        value.parse().map_err(|_| bad)
                    }
                    let span = || number(value, bad()).map(Duration::from_millis);
                    match name {
                        "swallow-enter" => self.swallow_enter = number(value, bad())?,
                        "slow-start" => self.slow_start = span()?,
                        "slow-paste" => self.slow_paste = Some(span()?),
                        "cut-paste" => self.cut_paste = Some(number(value, bad())?),
                        "die-at-start" => self.die_at_start = Some(number(value, bad())?),
                        _ => return Err(bad()),
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(argv: &[&str]) -> Result<Options, String> {
        Options::parse(argv.iter().map(OsString::from).collect())
    }

    #[test]
    fn the_command_line() {
        let id = "00000000-0000-4000-8000-00000000000a";
        let options = parse(&[
            "--home",
            "/h",
            "--resume",
            id,
            "--settings=a",
            "--settings=b",
            "--misbehave",
            "trust=yes, swallow-enter=2,slow-paste=50",
        ])
        .unwrap();
        assert_eq!(options.session.as_deref(), Some(id));
        assert!(options.resume && options.misbehave.trusted);
        assert_eq!(options.settings, Some("b".into()));
        assert_eq!(options.misbehave.swallow_enter, 2);
        assert_eq!(options.misbehave.slow_paste, Some(Duration::from_millis(50)));
    }

    #[test]
    fn bad_command_lines() {
        for (argv, text) in [
            (&["--x"][..], "error: unknown option '--x'"),
            (&["--session-id", "x"], "Error: Invalid session ID. Must be a valid UUID."),
            (&["--misbehave", "nonsense"], "error: unknown misbehaviour 'nonsense'"),
            (&["--misbehave", "slow-start=x"], "error: unknown misbehaviour 'slow-start=x'"),
        ] {
            assert_eq!(parse(argv).unwrap_err(), text);
        }
    }
}
