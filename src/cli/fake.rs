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
        exits: &[(Exit::No, "Nothing followed the offset."), (Exit::Timeout, "no more")],
        examples: &[
            ("fake-tail -f 'my file' | jq .", "Follow a file whose name has a space."),
            ("fake-tail --no-follow No Ar Fl", "Words that roff would take."),
        ],
        see_also: &[("tmux", 1), ("fake-job", 1), ("inotify", 7)],
    };
    const OPTS: &'static [Opt<Args>] = &[
        Opt {
            doc: OptDoc {
                short: Some('f'),
                long: "follow",
                negated: Some("no-follow"),
                value: None,
                brief: "Wait for more: it's [not] a 'timer'",
                full: "Waits for more. Never polls, as `--timeout` shows.",
            },
            set: |args, given| {
                args.follow = given.on();
                Ok(())
            },
        },
        Opt {
            doc: OptDoc {
                short: Some('s'),
                long: "session",
                negated: None,
                value: Some(SESSION),
                brief: "The session",
                full: "The session.\n\nMay be given again.",
            },
            set: |args, given| {
                args.session = given.text()?;
                Ok(())
            },
        },
        Opt {
            doc: OptDoc {
                short: Some('t'),
                long: "timeout",
                negated: Some("forever"),
                value: Some(ValueDoc { name: "SPAN", complete: Complete::Nothing }),
                brief: "Give up after this long",
                full: "Gives up after SPAN: `5m`.",
            },
            set: |args, given| {
                args.timeout = Some(given.seconds()?);
                Ok(())
            },
        },
        Opt {
            doc: OptDoc {
                short: None,
                long: "agent",
                negated: None,
                value: Some(ValueDoc {
                    name: "AGENT",
                    complete: Complete::OneOf(&["claude", "codex"]),
                }),
                brief: "Whose transcript it is",
                full: "Whose transcript it is.",
            },
            set: |args, given| {
                args.agent = given.one_of(&["claude", "codex"])?;
                Ok(())
            },
        },
        Opt {
            doc: OptDoc {
                short: Some('C'),
                long: "a-directory-to-go-to-first",
                negated: None,
                value: Some(ValueDoc { name: "DIR", complete: Complete::Dir }),
                brief: "Go there first",
                full: "Goes there first.",
            },
            set: |_, _| Ok(()),
        },
        Opt {
            doc: OptDoc {
                short: None,
                long: "exec",
                negated: None,
                value: Some(ValueDoc { name: "PROGRAM", complete: Complete::Command }),
                brief: "Run this",
                full: "Runs PROGRAM.",
            },
            set: |_, _| Ok(()),
        },
        Opt {
            doc: OptDoc {
                short: None,
                long: "file",
                negated: None,
                value: Some(FILE),
                brief: "Read this",
                full: "Reads FILE.",
            },
            set: |_, _| Ok(()),
        },
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
        exits: &[],
        examples: &[],
        see_also: &[],
    };
    const OPTS: &'static [Opt<Args>] = &[
        Opt {
            doc: OptDoc {
                short: Some('x'),
                long: "extra",
                negated: None,
                value: None,
                brief: "More of it",
                full: "More of it.",
            },
            set: |_, _| Ok(()),
        },
        Opt {
            doc: OptDoc {
                short: Some('s'),
                long: "session",
                negated: None,
                value: Some(SESSION),
                brief: "The session",
                full: "The session.",
            },
            set: |args, given| {
                args.session = given.text()?;
                Ok(())
            },
        },
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
        exits: &[],
        examples: &[("fake tail -f demo", "Follow it.")],
        see_also: &[("fake-tail", 1), ("fake-job", 1)],
    };
    const OPTS: &'static [Opt<Args>] = &[Opt {
        doc: OptDoc {
            short: Some('q'),
            long: "quiet",
            negated: None,
            value: None,
            brief: "Say less",
            full: "Says less.",
        },
        set: |args, given| {
            args.follow = given.on();
            Ok(())
        },
    }];
    const FRONT: bool = true;

    fn run(_: Args, _: Vec<OsString>, _: &mut Output) -> Result<Exit> {
        Ok(Exit::Done)
    }
}
