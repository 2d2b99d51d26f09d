//! How the front's verbs answer: friendly text, or one JSON document.

use serde_json::Value;

use super::{Field, Has, has, target::Target};
use crate::{
    cli::{
        Opt, OptDoc, Output, Paint, RecordDoc,
        progress::{self, Progress},
    },
    config::Config,
    error::{Error, Result},
    state::Name,
    trace,
};

/// What `--json` says.
#[derive(Debug, Default)]
pub struct OutputArgs {
    pub(crate) json: bool,
}

impl Has<OutputArgs> for OutputArgs {
    fn group(&mut self) -> &mut OutputArgs {
        self
    }
}

/// The arguments of a verb that names sessions and has no other options.
#[derive(Debug, Default)]
pub struct VerbArgs {
    pub(crate) target: Target,
    pub(crate) output: OutputArgs,
}

has!(VerbArgs { target: Target, output: OutputArgs });

/// `--json`.
pub(crate) const fn json<A: Has<OutputArgs>>() -> Opt<A> {
    OptDoc::new("json", "Print one JSON document", "Prints one JSON document and nothing else.")
        .sets(|args, given| args.group().json.set(given))
}

/// Prints one document of this kind, indented as the original indents.
pub(crate) fn document(out: &mut Output, doc: &RecordDoc, value: &Value) -> Result<()> {
    doc.assert(value);
    let text = serde_json::to_string_pretty(value).map_err(|e| Error::system("stdout", e))?;
    out.line(text.as_bytes())
}

/// Prints one line of text.
pub(crate) fn line(out: &mut Output, text: &str) -> Result<()> {
    out.line(text.trim_end().as_bytes())
}

/// A line that says that something is done.
pub(crate) fn done(paint: Paint, name: &Name, words: &str) -> String {
    let sign = paint.paint("32", paint.sign("✓", "+"));
    format!("{sign} {} {words}", paint.paint("1", name.as_str()))
}

/// A line that says that there was nothing to do.
pub(crate) fn nothing(paint: Paint, name: &Name, words: &str) -> String {
    paint.paint("2", &format!("{} {name} {words}", paint.sign("·", "-")))
}

/// Shows each step on standard error, if that is a terminal, while the result lives.
pub(crate) fn progress(config: &Config, name: &Name) -> Result<Option<Progress>> {
    let line = Progress::begin(name.as_str());
    let person: Option<fn(f64, &str)> = line.is_some().then_some(progress::show);
    trace::begin(config.trace.as_deref(), person)?;
    Ok(line)
}
