//! Completions for the shells.
//!
//! Each names options, verbs, and values by how the table says they are completed. The front's own
//! completion hands what follows a verb to the completion of the program behind it.

mod bash;
mod fish;
mod zsh;

#[cfg(test)]
mod tests;

pub use bash::bash;
pub use fish::fish;
pub use zsh::zsh;

use super::{option::OptDoc, page::Page};

/// `text` as one word of any of the three shells: quoted only when it must be. A single quote is
/// left by closing the quotes, which all three understand.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The options of `page` that take a value, as they are typed, from the same table row.
fn valued(page: &Page) -> impl Iterator<Item = (Vec<String>, &OptDoc)> {
    page.opts.iter().filter(|opt| opt.value.is_some()).map(|opt| (typed(opt), opt))
}

/// `-f`, `--follow`: the spellings that do not negate it.
fn typed(opt: &OptDoc) -> Vec<String> {
    let short = opt.short.map(|short| format!("-{short}"));
    short.into_iter().chain([format!("--{}", opt.long)]).collect()
}
