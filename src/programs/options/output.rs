//! How the front's verbs answer: friendly text, or one JSON document.

use serde_json::Value;

use super::target::{Target, Targeted};
use crate::{
    cli::{
        option::{Opt, OptDoc},
        output::Output,
        paint::Paint,
        progress::{self, Progress},
    },
    config::Config,
    error::{Error, Result},
    state::Name,
    trace,
};

/// Arguments with `--json` among them.
pub(crate) trait Shaped {
    /// Whether it is given.
    fn json(&mut self) -> &mut bool;
}

/// The arguments of a verb that takes no others than these.
#[derive(Debug, Default)]
pub struct Args {
    pub(crate) target: Target,
    pub(crate) json: bool,
}

impl Targeted for Args {
    fn target(&mut self) -> &mut Target {
        &mut self.target
    }
}

impl Shaped for Args {
    fn json(&mut self) -> &mut bool {
        &mut self.json
    }
}

/// `--json`.
pub(crate) const fn json<A: Shaped>() -> Opt<A> {
    OptDoc::new("json", "Print one JSON document", "Prints one JSON document and nothing else.")
        .sets(|args, given| {
            *args.json() = given.on();
            Ok(())
        })
}

/// Prints one document, indented as the original indents.
pub(crate) fn document(out: &mut Output, value: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Error::system("stdout", e))?;
    out.line(text.as_bytes())
}

/// Prints one line of text.
pub(crate) fn line(out: &mut Output, text: &str) -> Result<()> {
    out.line(text.trim_end().as_bytes())
}

/// A line that says that something is done.
pub(crate) fn done(paint: Paint, name: &Name, words: &str) -> String {
    format!("{} {} {words}", paint.paint("32", "✓"), paint.paint("1", name.as_str()))
}

/// A line that says that there was nothing to do.
pub(crate) fn nothing(paint: Paint, name: &Name, words: &str) -> String {
    paint.paint("2", &format!("· {name} {words}"))
}

/// Shows each step on standard error, if that is a terminal, while the result lives.
pub(crate) fn progress(config: &Config, name: &Name) -> Result<Option<Progress>> {
    let line = Progress::begin(name.as_str());
    let person: Option<fn(f64, &str)> = line.is_some().then_some(progress::show);
    trace::begin(config.trace.as_deref(), person)?;
    Ok(line)
}
