//! Command line machinery: one table of options per program feeds the parser, the help, the man
//! page and the completions. It knows no agents.
//!
//! [`main`] is all that a program's `main` calls. [`page`](mod@page) erases the type of a program's
//! arguments, so that everything which only *describes* a program works on plain data.

pub(crate) mod complete;
pub(crate) mod exit;
pub mod generated;
mod given;
pub(crate) mod help;
pub(crate) mod man;
pub(crate) mod option;
pub(crate) mod output;
pub(crate) mod page;
pub(crate) mod paint;
pub(crate) mod parse;
pub(crate) mod progress;
pub(crate) mod schema;
pub(crate) mod status;
mod suggest;
mod writer_thread;

#[cfg(test)]
mod fake;
#[cfg(test)]
pub(crate) mod tests;

pub use exit::main;
pub(crate) use exit::{main_by_name, run, say};
pub use generated::generated;
pub(crate) use option::{Complete, Given, Opt, OptDoc, Tool, ToolDoc, ValueDoc, VerbDoc};
pub(crate) use output::Output;
pub(crate) use page::{Page, page};
pub(crate) use paint::Paint;
pub(crate) use schema::{Member, RecordDoc, Type};
pub(crate) use suggest::nearest;
