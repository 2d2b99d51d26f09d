//! For fish.

use std::fmt::Write as _;

use super::{filled, skipping};
use crate::cli::{Complete, OptDoc, Page, ValueDoc};

/// `completions/fish/NAME.fish`.
pub(crate) fn fish(page: &Page) -> String {
    let (tool, f) = (&page.tool, &*page.word());
    let verbs = !tool.verbs.is_empty();
    let mut text = format!("# Generated from the option table of {}; do not edit.\n\n", tool.name);
    if verbs || tool.rest.is_some() || page.front {
        let skips = |then| skipping(page, " ", ["            case ", then]);
        text.push_str(&filled(
            include_str!("template.fish"),
            if page.front { &["front"] } else { &[] },
            &[
                ("@AFTER@", if tool.rest.is_some() { "rest" } else { "more" }),
                ("@SKIPS@\n", &skips("\n                set skip 1\n")),
                ("@DROPS@\n", &skips("\n                set -e words[1]\n")),
                ("@FUNC@", f),
                ("@NAME@", tool.name),
            ],
        ));
    }
    let start = format!("complete -c {}", tool.name);
    // Offers only while the cursor is at `place`.
    let at = |place: &str| format!("{start} -n {}", quoted(&format!("__{f}_at {place}")));
    _ = writeln!(text, "{start} -f");
    for opt in &page.opts {
        // A front's options end where its verb begins.
        option(&mut text, &if page.front { at("own") } else { start.clone() }, opt);
    }
    for verb in tool.verbs {
        let (name, brief) = (quoted(verb.name), quoted(verb.brief));
        _ = writeln!(text, "{} -a {name} -d {brief}", at("bare"));
    }
    if let Some(value) = tool.operand {
        let start = match (verbs, tool.rest) {
            (true, _) => at("more"),
            (false, Some(_)) => format!("{start} -n {}", quoted(&format!("not __{f}_at rest"))),
            (false, None) => start.clone(),
        };
        operand(&mut text, &start, value);
    }
    if let Some(value) = tool.rest {
        operand(&mut text, &at("rest"), value);
    }
    if page.front {
        _ = writeln!(text, "{} -a '(__{f}_inner)'", at("inner"));
    }
    text
}

fn option(text: &mut String, start: &str, opt: &OptDoc) {
    _ = write!(text, "{start}");
    if let Some(short) = opt.short {
        _ = write!(text, " -s {short}");
    }
    _ = write!(text, " -l {} -d {}", opt.long, quoted(opt.brief));
    match opt.value.map(|value| value.complete) {
        None => {}
        Some(Complete::Nothing) => text.push_str(" -x"),
        Some(Complete::File) => text.push_str(" -r -F"),
        Some(other) => _ = write!(text, " -x -a {}", quoted(&candidates(other))),
    }
    text.push('\n');
    if let Some(negated) = opt.negated {
        _ = writeln!(text, "{start} -l {negated} -d {}", quoted(&format!("Undo --{}", opt.long)));
    }
}

fn operand(text: &mut String, start: &str, value: ValueDoc) {
    match value.complete {
        Complete::Nothing => {}
        Complete::File => _ = writeln!(text, "{start} -F"),
        other => _ = writeln!(text, "{start} -a {}", quoted(&candidates(other))),
    }
}

/// The argument of `-a`: words, or a command that prints them, one a line.
fn candidates(complete: Complete) -> String {
    match complete {
        Complete::Nothing | Complete::File => String::new(),
        Complete::Dir => "(__fish_complete_directories (commandline -ct))".into(),
        Complete::Command => "(__fish_complete_command)".into(),
        Complete::OneOf(words) => words.join(" "),
        Complete::Run(command) => format!("({command} 2>/dev/null)"),
    }
}

/// `text` in single quotes, within which fish knows the escapes `\\` and `\'`.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
