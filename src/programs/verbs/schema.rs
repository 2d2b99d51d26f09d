//! `aimax schema`: what the records hold, as JSON Schema.

use std::ffi::OsString;

use crate::programs::{options::Field, records};
use crate::{
    cli::{self, Complete, Opt, OptDoc, Output, Tool, ToolDoc, ValueDoc},
    error::{Error, Exit, Result},
};

/// The verb.
pub struct Schema;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    names: bool,
}

impl Tool for Schema {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-schema",
        tagline: "print the JSON Schema of the records",
        synopsis: &["aimax schema [RECORD...]"],
        about: "\
Prints the JSON Schema (draft 2020-12) of each RECORD, or of all, one
per line. A record has the name of its program; if a program has
several, the option that asks for it is added, as in `tail-events`.
Fields that are not `required` may be missing.",
        operand: Some(ValueDoc { name: "RECORD", complete: Complete::Run("aimax schema --names") }),
        exits: &[(Exit::Usage, "also if there is no such record")],
        examples: &[
            ("aimax schema ls | jq .properties", "Show the fields that `aimax-ls` prints."),
            ("aimax schema --names", "List the records."),
        ],
        see_also: &[("aimax", 1), ("aimax", 7)],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = &[OptDoc::new(
        "names",
        "Print only names, one per line",
        "Prints only names, one per line.",
    )
    .sets(|args, given| args.names.set(given))];

    fn run(args: Args, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let all = records();
        let mut asked = Vec::new();
        for name in &operands {
            let name = name.to_string_lossy();
            asked.push(all.iter().find(|doc| doc.name == name).ok_or_else(|| {
                let error = Error::usage(&name, "no such record");
                match cli::nearest(&name, all.iter().map(|doc| doc.name)) {
                    Some(near) => error.advise(format!("did you mean `{near}`?")),
                    None => error.advise("`aimax schema --names` lists them"),
                }
            })?);
        }
        for doc in if operands.is_empty() { all.iter().collect() } else { asked } {
            match args.names {
                true => out.line(doc.name.as_bytes())?,
                false => out.line(doc.schema().to_string().as_bytes())?,
            }
        }
        Ok(Exit::Done)
    }
}
