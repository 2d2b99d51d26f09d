//! For bash, 3.2 and later: macOS has no newer one.
//!
//! Candidates are compared and quoted one by one, never split. When there are none, bash itself
//! completes and quotes file names, unless `_…_none` tells it that there is nothing to complete;
//! bash before 4 cannot be told. `before` is the `--opt=` that bash 3 replaces together with the
//! value. A value is completed only after an option that still lacks it, and never after `--`.
//!
//! A front completes `NAME VERB …` as `NAME-VERB …`, where that has a completion; else as operands,
//! because it does not know the options.

use std::fmt::Write as _;

use super::{filled, skipping, typed, valued};
use crate::{
    cli::{Complete, OptDoc, Page, ValueDoc},
    shell,
};

/// `completions/bash/NAME`.
pub(crate) fn bash(page: &Page) -> String {
    let (tool, f) = (&page.tool, &*page.word());
    let none = ValueDoc { name: "", complete: Complete::Nothing };
    let operands = offer(f, 8, tool.operand.unwrap_or(none));
    let mut values = String::new();
    for (names, value) in valued(page) {
        _ = write!(values, "            {})\n{}", names.join("|"), offer(f, 16, value));
        values.push_str("                ;;\n");
    }
    let negated = |opt: &OptDoc| opt.negated.map(|long| format!("--{long}"));
    let options = page.opts.iter().flat_map(|opt| typed(opt).into_iter().chain(negated(opt)));
    let mut words = offer_words(f, 8, options);
    if let Some(rest) = tool.rest {
        _ = write!(words, "    elif [[ -n $ended ]]; then\n{}", offer(f, 8, rest));
    }
    if !tool.verbs.is_empty() {
        let verbs = offer_words(f, 8, tool.verbs.iter().map(|verb| verb.name));
        _ = write!(words, "    elif ((count == 0)); then\n{verbs}");
    }
    filled(
        include_str!("template.bash"),
        if page.front { &["front"] } else { &[] },
        &[
            ("@SKIPPING@\n", &skipping(page, "|", ["                ", ") skip=1 ;;\n"])),
            ("@VALUES@\n", &values),
            ("@WORDS@\n", &words),
            ("@OPERANDS@\n", &operands),
            ("@FUNC@", f),
            ("@NAME@", tool.name),
        ],
    )
}

/// The lines that offer what completes `value`, indented by `by`.
fn offer(f: &str, by: usize, value: ValueDoc) -> String {
    let lines = match value.complete {
        Complete::OneOf(list) => return offer_words(f, by, list.iter()),
        Complete::Nothing => &format!("_{f}_none"),
        Complete::File => "return 0",
        // Readline quotes folders with a space once it knows that these are file names; where it
        // cannot be told, all files are offered.
        Complete::Dir => {
            r#"type compopt >/dev/null 2>&1 || return 0
compopt -o filenames +o bashdefault +o default 2>/dev/null
while IFS= read -r word; do
    [[ -n $word ]] && COMPREPLY[${#COMPREPLY[@]}]=$before$word
done <<< "$(compgen -d -- "$cur")"
return 0"#
        }
        Complete::Command => &format!(r#"_{f}_lines "$cur" "$(compgen -c -- "$cur")""#),
        Complete::Run(command) => &format!(r#"_{f}_lines "$cur" "$({command} 2>/dev/null)""#),
    };
    lines.lines().map(|line| format!("{:by$}{line}\n", "")).collect()
}

/// A call that offers these words, folded to lines of a readable width.
fn offer_words(f: &str, by: usize, words: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut text = String::new();
    let mut line = format!("{:by$}_{f}_words \"$cur\"", "");
    for word in words {
        let word = shell::word(word.as_ref());
        if line.len() + 1 + word.len() > 96 {
            _ = writeln!(text, "{line} \\");
            line = format!("{:by$}   ", "");
        }
        line.push(' ');
        line.push_str(&word);
    }
    text + &line + "\n"
}
