//! `aimax stream`: what happens in a conversation, as it happens.

use std::ffi::OsString;

use serde_json::json;

use crate::programs::{
    options::{Field, NAMES, OutputArgs, Target, has, target},
    tail::{self, MAX, offset},
};
use crate::{
    cli::{self, Complete, Member, Opt, OptDoc, Output, RecordDoc, Tool, ToolDoc, Type, ValueDoc},
    error::{Error, Exit, Result},
    sys::signals,
};

/// The verb.
pub struct Stream;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    target: Target,
    from: Option<u64>,
    max: Option<u64>,
    output: OutputArgs,
}

has!(Args { target: Target, output: OutputArgs });

impl Tool for Stream {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-stream",
        tagline: "print a conversation as it happens",
        synopsis: &["aimax stream [-s] NAME [OPTION]..."],
        about: "\
Prints a conversation as it happens, until Ctrl-C: formatted for people
on a terminal, and otherwise the records of the agent's own transcript,
one per line. What is already there is not printed. With the `sentinel`
of `aimax history`, printing continues exactly where that ended.",
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        exits: &[(Exit::Done, "`--max` was reached, or it was stopped")],
        examples: &[
            ("aimax stream -s demo", "Show what happens."),
            (
                "aimax stream -s demo --from-sentinel 4096 | jq .type",
                "Print what follows an offset.",
            ),
        ],
        see_also: &[("aimax-history", 1), ("aimax-tail", 1)],
        ends: &[Exit::Missing],
        records: &[&RECEIVED],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = &[
        target::session(),
        target::backend(),
        OptDoc::new(
            "from-sentinel",
            "Start where a history ended",
            "\
Starts where a history ended: at its `sentinel`, an object or the offset
in it.",
        )
        .value("SENTINEL", Complete::Nothing)
        .sets(|args, given| {
            args.from = Some(offset(&given.text()?)?);
            Ok(())
        }),
        MAX.sets(|args, given| args.max.set(given)),
        OptDoc::new(
            "json",
            "Print records, and their number at the end",
            "\
Prints records even on a terminal, and `{\"received\":COUNT}` at the
end, even after Ctrl-C.",
        )
        .sets(|args, given| args.output.json.set(given)),
    ];

    fn run(mut args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        args.target.operand(operands)?;
        let asked = tail::Args {
            target: args.target,
            from: args.from,
            lines: args.from.is_none().then_some(0),
            follow: true,
            text: cli::output::stdout().is_terminal() && !args.output.json,
            max: args.max,
            ..tail::Args::default()
        };
        if args.output.json {
            signals::catch(&signals::ENDING).map_err(|e| Error::io("signals", &e))?;
        }
        let mut note = |words: &str| cli::say("aimax stream", words);
        let (done, received) = tail::print(&asked, Vec::new(), out, &mut note);
        if args.output.json {
            out.batch(false)?;
            out.record(&RECEIVED, &json!({ "received": received }))?;
        }
        done
    }
}

const RECEIVED: RecordDoc = RecordDoc {
    name: "stream",
    about: "`aimax stream --json`: the last line",
    fields: &[&[Member::new("received", Type::Count, "How many records were printed")]],
};
