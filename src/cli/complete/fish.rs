//! For fish.

use std::fmt::Write as _;

use super::valued;
use crate::cli::{
    option::{Complete, OptDoc, ValueDoc},
    page::Page,
};

/// `completions/fish/NAME.fish`.
#[must_use]
pub(crate) fn fish(page: &Page) -> String {
    let (tool, f) = (&page.tool, page.word());
    let mut text = format!("# Generated from the option table of {}; do not edit.\n\n", tool.name);
    let verbs = !tool.verbs.is_empty();
    // Conditions: no operand yet; an operand, and what it is; `--` was given.
    let (bare, more) = (format!("__{f}_at bare"), format!("__{f}_at more"));
    let (own, rest) = (format!("__{f}_at own"), format!("__{f}_at rest"));
    if verbs || tool.rest.is_some() || page.front {
        at(&mut text, page);
    }
    if page.front {
        inner(&mut text, page);
    }
    let start = format!("complete -c {}", tool.name);
    _ = writeln!(text, "{start} -f");
    for opt in &page.opts {
        // A front's options end where its verb begins.
        let only = if page.front { format!(" -n {}", quoted(&own)) } else { String::new() };
        option(&mut text, &format!("{start}{only}"), opt);
    }
    for verb in tool.verbs {
        _ = writeln!(
            text,
            "{start} -n {} -a {} -d {}",
            quoted(&bare),
            quoted(verb.name),
            quoted(verb.brief)
        );
    }
    if let Some(value) = tool.operand {
        let only = match (verbs, tool.rest.is_some()) {
            (true, _) => format!(" -n {}", quoted(&more)),
            (false, true) => format!(" -n {}", quoted(&format!("not {rest}"))),
            (false, false) => String::new(),
        };
        operand(&mut text, &format!("{start}{only}"), value);
    }
    if let Some(value) = tool.rest {
        operand(&mut text, &format!("{start} -n {}", quoted(&rest)), value);
    }
    if page.front {
        _ = writeln!(text, "{start} -n '__{f}_at inner' -a '(__{f}_inner)'");
    }
    text
}

/// A function that says where on its command line the cursor is.
fn at(text: &mut String, page: &Page) {
    let takes: Vec<String> = valued(page).flat_map(|(names, _)| names).collect();
    let f = page.word();
    _ = write!(
        text,
        "# Where the cursor is. bare: before the first operand. more: behind it. own: where options
# are this program's. rest: behind --, which is passed on. inner: behind a known program's verb.
function __{f}_at
    set -l words (commandline -opc)
    set -e words[1]
    set -l verb
    set -l skip 0
    set -l place bare
    for word in $words
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case --
                set place {after}
                break
",
        after = if page.tool.rest.is_some() { "rest" } else { "more" },
    );
    if !takes.is_empty() {
        _ = writeln!(text, "            case {}\n                set skip 1", takes.join(" "));
    }
    text.push_str("            case '-?*'\n            case '*'\n                set place more\n");
    if page.front {
        // What follows is another program's command line.
        text.push_str("                set verb $word\n                break\n");
    }
    text.push_str("        end\n    end\n");
    if page.front {
        _ = writeln!(
            text,
            "    if test -n \"$verb\"; and type -q {}-$verb\n        set place inner\n    end",
            page.tool.name
        );
    }
    text.push_str(
        "    switch $argv[1]
        case own
            test $place = bare
        case '*'
            test $place = $argv[1]
    end
end

",
    );
}

/// A function that completes `NAME VERB …` as `NAME-VERB …`.
fn inner(text: &mut String, page: &Page) {
    let takes: Vec<String> = valued(page).flat_map(|(names, _)| names).collect();
    let skip = if takes.is_empty() {
        String::new()
    } else {
        format!("            case {}\n                set -e words[1]\n", takes.join(" "))
    };
    _ = write!(
        text,
        "# What the program behind the verb would complete.
function __{f}_inner
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
{skip}            case '-*'
            case '*'
                break
        end
        set -e words[1]
    end
    set -l line {name}-(string join ' ' -- (string escape -- $words))
    complete -C \"$line \"(commandline -ct)
end

",
        f = page.word(),
        name = page.tool.name,
    );
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

/// The argument of `-a`: words, or a command whose lines are taken.
fn candidates(complete: Complete) -> String {
    match complete {
        Complete::Nothing | Complete::File => String::new(),
        Complete::Dir => "(__fish_complete_directories (commandline -ct))".into(),
        Complete::Command => "(__fish_complete_command)".into(),
        Complete::OneOf(words) => words.join(" "),
        Complete::Run(command) => format!("({command} 2>/dev/null)"),
    }
}

/// In single quotes, where fish knows `\\` and `\'`.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
