//! `aimax version`.

use std::ffi::OsString;

use serde_json::json;

use crate::programs::options::output::{self, Shaped};
use crate::{
    cli::{
        option::{Opt, Tool, ToolDoc},
        output::Output,
    },
    error::{Exit, Result},
};

/// The verb.
pub struct Version;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    json: bool,
}

impl Shaped for Args {
    fn json(&mut self) -> &mut bool {
        &mut self.json
    }
}

impl Tool for Version {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-version",
        tagline: "print the version",
        synopsis: &["aimax version [OPTION]..."],
        about: "Prints the version, and nothing but it.",
        verbs: &[],
        operand: None,
        rest: None,
        exits: &[],
        examples: &[("aimax version --json", "The same in a document: `version`.")],
        see_also: &[("aimax", 1)],
    };

    const OPTS: &'static [Opt<Args>] = &[output::json()];

    fn run(args: Args, _: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let version = env!("CARGO_PKG_VERSION");
        if args.json {
            output::document(out, &json!({ "version": version }))?;
        } else {
            output::line(out, version)?;
        }
        Ok(Exit::Done)
    }
}
