//! Completions for the shells.
//!
//! Each completes options, verbs, and values as the option table says. The front's own completion
//! hands what follows a verb to the completion of that verb's program.

mod bash;
mod fish;
mod zsh;

#[cfg(test)]
mod tests;

pub(crate) use bash::bash;
pub(crate) use fish::fish;
pub(crate) use zsh::zsh;

use super::{OptDoc, Page, ValueDoc};

/// The options of `page` that take a value: the spellings of each, and its value.
fn valued(page: &Page) -> impl Iterator<Item = (Vec<String>, ValueDoc)> {
    page.opts.iter().filter_map(|opt| Some((typed(opt), opt.value?)))
}

/// All spellings of the options that take a value, joined by `between` and put between the two
/// halves of `form`. Empty if no option takes a value.
fn skipping(page: &Page, between: &str, form: [&str; 2]) -> String {
    let names: Vec<String> = valued(page).flat_map(|(names, _)| names).collect();
    if names.is_empty() { String::new() } else { form.join(&names.join(between)) }
}

/// `-f`, `--follow`: the spellings that do not negate it.
fn typed(opt: &OptDoc) -> Vec<String> {
    let short = opt.short.map(|short| format!("-{short}"));
    short.into_iter().chain([format!("--{}", opt.long)]).collect()
}

/// `template` with each mark replaced by its text. The lines between `@if PART` and `@end` are left
/// out unless `parts` names that part.
fn filled(template: &str, parts: &[&str], texts: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut wanted = true;
    for line in template.split_inclusive('\n') {
        match line.trim_end().strip_prefix("@if ") {
            Some(part) => wanted = parts.contains(&part),
            None if line == "@end\n" => wanted = true,
            None if wanted => text.push_str(line),
            None => {}
        }
    }
    texts.iter().fold(text, |text, (mark, with)| text.replace(mark, with))
}
