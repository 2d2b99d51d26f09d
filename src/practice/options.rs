//! The command line of the practice agent, and the misbehaviour to show.
//!
//! The practice agent is a program of its own, started like any agent, so it reads its two
//! variables itself.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use lexopt::prelude::*;

use crate::config::process_variable;

/// The options of the command line and the environment.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// The conversation, as given; checked to be a UUID.
    pub(crate) session: Option<String>,
    /// The session must exist already.
    pub(crate) resume: bool,
    /// The settings file; the last one wins. See claude/FACTS.md, "Settings and options".
    pub(crate) settings: Option<PathBuf>,
    /// The folder of all its files.
    pub(crate) home: PathBuf,
    /// The model's name, which is only repeated.
    pub(crate) model: Option<String>,
    /// The misbehaviour to show.
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
            match argument {
                Long("settings") => options.settings = Some(parser.value().map_err(text)?.into()),
                Long("home") => home = Some(parser.value().map_err(text)?.into()),
                Long("model") => {
                    let model = parser.value().and_then(ValueExt::string);
                    options.model = Some(model.map_err(text)?);
                }
                Long("misbehave") => {
                    let spec = parser.value().and_then(ValueExt::string);
                    options.misbehave.add(&spec.map_err(text)?)?;
                }
                Long(name @ ("resume" | "session-id")) => {
                    options.resume = name == "resume";
                    let id = parser.value().map_err(text)?.into_string().ok();
                    let id = id
                        .filter(|id| id.len() == 36)
                        .and_then(|id| uuid::Uuid::parse_str(&id).ok())
                        .ok_or("Error: Invalid session ID. Must be a valid UUID.")?;
                    options.session = Some(id.to_string());
                }
                Long(name) => return Err(format!("error: unknown option '--{name}'")),
                Short(c) => return Err(format!("error: unknown option '-{c}'")),
                Value(value) => {
                    return Err(format!("error: unknown argument '{}'", value.display()));
                }
            }
        }
        options.home = home
            .filter(|home| !home.as_os_str().is_empty())
            .ok_or("Error: no home folder: give --home DIR or set AIMAX_PRACTICE_HOME")?;
        Ok(options)
    }
}

/// What the agent does wrong on purpose, so that a driver can be tested against it.
#[derive(Debug, Default)]
pub(crate) struct Misbehave {
    /// `swallow-enter=N`: the first N Enters in the box do nothing.
    pub(crate) swallow_enter: u32,
    /// `slow-start=MS`: waits this long before it does anything, raw mode included.
    pub(crate) slow_start: Duration,
    /// `slow-paste=MS`: a paste reaches the box this much later.
    pub(crate) slow_paste: Option<Duration>,
    /// `cut-paste=BYTES`: only that many bytes of a paste arrive.
    pub(crate) cut_paste: Option<usize>,
    /// `dialog-after-paste`: a dialog opens right after a paste, once.
    pub(crate) dialog_after_paste: bool,
    /// `die-at-start=CODE`: prints a line and exits.
    pub(crate) die_at_start: Option<i32>,
    /// `die-in-paste`: kills itself as soon as a paste begins.
    pub(crate) die_in_paste: bool,
    /// `no-images`: takes the path of an image for text.
    pub(crate) no_images: bool,
    /// `no-transcript`: writes no transcript.
    pub(crate) no_transcript: bool,
    /// `torn-write`: writes each transcript line in two parts.
    pub(crate) torn_write: bool,
    /// `trust=yes`: does not ask about the folder.
    pub(crate) trusted: bool,
    /// `unknown-dialog`: starts with a dialog that no screen profile knows.
    pub(crate) unknown_dialog: bool,
    /// `login`: starts on a screen that asks for a login.
    pub(crate) login: bool,
}

impl Misbehave {
    /// Adds the items of `spec`, which commas separate. The error is the line to print.
    fn add(&mut self, spec: &str) -> Result<(), String> {
        spec.split(',').map(str::trim).filter(|item| !item.is_empty()).try_for_each(|item| {
            self.set(item).ok_or_else(|| format!("error: unknown misbehaviour '{item}'"))
        })
    }

    fn set(&mut self, item: &str) -> Option<()> {
        let ms = |value: &str| value.parse().ok().map(Duration::from_millis);
        match item.split_once('=').map_or((item, None), |(name, value)| (name, Some(value))) {
            ("dialog-after-paste", None) => self.dialog_after_paste = true,
            ("die-in-paste", None) => self.die_in_paste = true,
            ("no-images", None) => self.no_images = true,
            ("no-transcript", None) => self.no_transcript = true,
            ("torn-write", None) => self.torn_write = true,
            ("unknown-dialog", None) => self.unknown_dialog = true,
            ("login", None) => self.login = true,
            ("trust", Some("yes")) => self.trusted = true,
            ("swallow-enter", Some(count)) => self.swallow_enter = count.parse().ok()?,
            ("slow-start", Some(span)) => self.slow_start = ms(span)?,
            ("slow-paste", Some(span)) => self.slow_paste = Some(ms(span)?),
            ("cut-paste", Some(bytes)) => self.cut_paste = Some(bytes.parse().ok()?),
            ("die-at-start", Some(code)) => self.die_at_start = Some(code.parse().ok()?),
            _ => return None,
        }
        Some(())
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
