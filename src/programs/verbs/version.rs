//! `aimax version`.

use std::ffi::OsString;

use serde_json::json;

use crate::programs::options::{OutputArgs, output};
use crate::{
    cli::{Opt, Output, Tool, ToolDoc},
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
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<OutputArgs>] = &[output::json()];

    fn run(args: OutputArgs, _: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let version = env!("CARGO_PKG_VERSION");
        if args.json {
            output::document(out, &json!({ "version": version }))?;
        } else {
            output::line(out, version)?;
        }
        Ok(Exit::Done)
    }
}
