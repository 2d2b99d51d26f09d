//! Command line machinery: one table of options per program feeds the parser, the help, the man
//! page and the completions. It knows no agents.
//!
//! [`main`] is all that a program's `main` calls. [`page`](mod@page) erases the type of a program's
//! arguments, so that everything which only *describes* a program works on plain data.

pub mod check;
pub mod complete;
pub mod exit;
pub mod generated;
mod given;
pub mod help;
pub mod man;
pub mod option;
pub mod output;
pub mod page;
pub mod paint;
pub mod parse;
pub mod progress;
pub mod status;
mod suggest;
mod writer_thread;

#[cfg(test)]
mod fake;

pub use exit::{main, run, say};
pub use generated::generated;
pub use page::{Page, page};
