//! `aimax version`.

use std::ffi::OsString;

use serde_json::json;

use crate::programs::options::{OutputArgs, output};
use crate::{
    cli::{Member, Opt, Output, RecordDoc, Tool, ToolDoc, Type},
    error::{Exit, Result},
};

/// The verb.
pub struct Version;

impl Tool for Version {
    type Args = OutputArgs;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-version",
        tagline: "print the version",
        synopsis: &["aimax version [OPTION]..."],
        about: "Prints the version and nothing else.",
        examples: &[("aimax version --json", "Print the version as JSON, in `version`.")],
        see_also: &[("aimax", 1)],
        ends: &[],
        records: &[&VERSION],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<OutputArgs>] = &[output::json()];

    fn run(args: OutputArgs, _: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let version = env!("CARGO_PKG_VERSION");
        if args.json {
            output::document(out, &VERSION, &json!({ "version": version }))?;
        } else {
            output::line(out, version)?;
        }
        Ok(Exit::Done)
    }
}

const VERSION: RecordDoc = RecordDoc {
    name: "version",
    about: "`aimax version --json`",
    fields: &[&[Member::new("version", Type::Text, "The version")]],
};
