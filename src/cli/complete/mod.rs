//! Completions for the shells.
//!
//! Each names options, verbs, and values by how the table says they are completed. The front's own
//! completion hands what follows a verb to the completion of the program behind it.

mod bash;
mod fish;
mod zsh;

#[cfg(test)]
mod tests;

pub(crate) use bash::bash;
pub(crate) use fish::fish;
pub(crate) use zsh::zsh;

use super::{option::OptDoc, page::Page};

/// The options of `page` that take a value, as they are typed.
fn valued(page: &Page) -> impl Iterator<Item = (Vec<String>, &OptDoc)> {
    page.opts.iter().filter(|opt| opt.value.is_some()).map(|opt| (typed(opt), opt))
}

/// `-f`, `--follow`: the spellings that do not negate it.
fn typed(opt: &OptDoc) -> Vec<String> {
    let short = opt.short.map(|short| format!("-{short}"));
    short.into_iter().chain([format!("--{}", opt.long)]).collect()
}
