//! Three small programs to test the machinery with: a plain one, one with verbs, and a front.

use std::{ffi::OsString, time::Duration};

use super::{
    option::{Complete, Opt, OptDoc, Tool, ToolDoc, ValueDoc, VerbDoc},
    output::Output,
};
use crate::error::{Error, Exit, Kind, Result};

/// The arguments of all three.
#[derive(Debug, Default)]
pub(crate) struct Args {
    pub(crate) follow: bool,
    pub(crate) session: String,
    pub(crate) timeout: Option<Duration>,
    pub(crate) agent: &'static str,
    pub(crate) rest: Option<Vec<OsString>>,
}

const SESSION: ValueDoc = ValueDoc { name: "NAME", complete: Complete::Run("aimax-ls --names") };
const FILE: ValueDoc = ValueDoc { name: "FILE", complete: Complete::File };

const fn session(full: &'static str) -> Opt<Args> {
    OptDoc::new("session", "The session", full)
        .short('s')
        .value(SESSION.name, SESSION.complete)
        .sets(|args: &mut Args, given| {
            args.session = given.text()?;
            Ok(())
        })
}

/// Options and an operand, and every kind of completion.
pub(crate) enum Plain {}

impl Tool for Plain {
    type Args = Args;
    const DOC: ToolDoc = ToolDoc {
        name: "fake-tail",
        tagline: "print it's \"records\" [all of them]",
        synopsis: &["fake-tail [-f] [-s NAME]... [--agent=AGENT] [FILE...]", "fake-tail -t SPAN"],
        about: "\
Prints what FILE holds; see `--follow` and `C:\\dir`.
'Quotes' come first here. .dots too: a^b~c → d.

    cat FILE | fake-tail -
    .literal \\n

Well-known, it isn't new.",
        verbs: &[],
        operand: Some(FILE),
        rest: None,
        ends: &[Exit::No, Exit::Timeout],
        exits: &[(Exit::No, "also if nothing followed the offset"), (Exit::Timeout, "no more")],
        records: &[],
        examples: &[
            ("fake-tail -f 'my file' | jq .", "Follow a file whose name has a space."),
            ("fake-tail --no-follow No Ar Fl", "Words that roff would take."),
        ],
        see_also: &[("tmux", 1), ("fake-job", 1), ("inotify", 7)],
    };
    const OPTS: &'static [Opt<Args>] = &[
        OptDoc::new(
            "follow",
            "Wait for more: it's [not] a 'timer'",
            "Waits for more. Never polls, as `--timeout` shows.",
        )
        .short('f')
        .negated("no-follow")
        .sets(|args, given| {
            args.follow = given.on();
            Ok(())
        }),
        session("The session.\n\nMay be given again."),
        OptDoc::new("timeout", "Give up after this long", "Gives up after SPAN: `5m`.")
            .short('t')
            .negated("forever")
            .value("SPAN", Complete::Nothing)
            .sets(|args, given| {
                args.timeout = Some(given.seconds()?);
                Ok(())
            }),
        OptDoc::new("agent", "Whose transcript it is", "Whose transcript it is.")
            .value("AGENT", Complete::OneOf(&["claude", "codex"]))
            .sets(|args, given| {
                args.agent = given.one_of(&["claude", "codex"])?;
                Ok(())
            }),
        OptDoc::new("a-directory-to-go-to-first", "Go there first", "Goes there first.")
            .short('C')
            .value("DIR", Complete::Dir)
            .sets(|_, _| Ok(())),
        OptDoc::new("exec", "Run this", "Runs PROGRAM.")
            .value("PROGRAM", Complete::Command)
            .sets(|_, _| Ok(())),
        OptDoc::new("file", "Read this", "Reads FILE.")
            .value(FILE.name, FILE.complete)
            .sets(|_, _| Ok(())),
    ];

    fn run(args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        match args.session.as_str() {
            "gone" => Err(Error::new(Kind::ReaderGone, "stdout", "closed")),
            "dead" => Err(Error::new(Kind::No, "a\x1b[31m\nb", "not alive\u{9b}").advise("look")),
            "late" => {
                out.batch(true)?;
                out.line(b"late")?;
                Ok(Exit::No)
            }
            _ => {
                out.line(operands.len().to_string().as_bytes())?;
                Ok(Exit::Done)
            }
        }
    }
}

/// Verbs, no operand after them, and words to pass on.
pub(crate) enum Job {}

impl Tool for Job {
    type Args = Args;
    const DOC: ToolDoc = ToolDoc {
        name: "fake-job",
        tagline: "raise and lower flags",
        synopsis: &["fake-job set [-x] [-s NAME] [-- WORD...]", "fake-job {clear|check}"],
        about: "Raises and lowers flags.",
        verbs: &[
            VerbDoc { name: "set", brief: "Raise it: it's [up]" },
            VerbDoc { name: "clear", brief: "Lower it" },
        ],
        operand: None,
        rest: Some(ValueDoc { name: "WORD", complete: Complete::Nothing }),
        ends: &[],
        records: &[],
        exits: &[],
        examples: &[],
        see_also: &[],
    };
    const OPTS: &'static [Opt<Args>] = &[
        OptDoc::new("extra", "More of it", "More of it.").short('x').sets(|_, _| Ok(())),
        session("The session."),
    ];

    fn run(_: Args, _: Vec<OsString>, _: &mut Output) -> Result<Exit> {
        Ok(Exit::Done)
    }

    fn rest(args: &mut Args, rest: Vec<OsString>) {
        args.rest = Some(rest);
    }
}

/// Hands all but its own options on.
pub(crate) enum Front {}

impl Tool for Front {
    type Args = Args;
    const DOC: ToolDoc = ToolDoc {
        name: "fake",
        tagline: "all of it in one",
        synopsis: &["fake [-q] VERB [ARG...]"],
        about: "Runs the others.",
        verbs: &[
            VerbDoc { name: "tail", brief: "Print records" },
            VerbDoc { name: "job", brief: "Flags" },
            VerbDoc { name: "send", brief: "Send it" },
        ],
        operand: Some(SESSION),
        rest: None,
        ends: &[],
        records: &[],
        exits: &[],
        examples: &[("fake tail -f demo", "Follow it.")],
        see_also: &[("fake-tail", 1), ("fake-job", 1)],
    };
    const OPTS: &'static [Opt<Args>] =
        &[OptDoc::new("quiet", "Say less", "Says less.").short('q').sets(|args, given| {
            args.follow = given.on();
            Ok(())
        })];
    const FRONT: bool = true;

    fn run(_: Args, _: Vec<OsString>, _: &mut Output) -> Result<Exit> {
        Ok(Exit::Done)
    }
}
