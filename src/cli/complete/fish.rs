//! For fish.

use std::fmt::Write as _;

use super::{filled, skipping};
use crate::cli::{
    option::{Complete, OptDoc, ValueDoc},
    page::Page,
};

/// `completions/fish/NAME.fish`.
#[must_use]
pub(crate) fn fish(page: &Page) -> String {
    let (tool, f) = (&page.tool, &*page.word());
    let verbs = !tool.verbs.is_empty();
    let mut text = format!("# Generated from the option table of {}; do not edit.\n\n", tool.name);
    if verbs || tool.rest.is_some() || page.front {
        functions(&mut text, page);
    }
    let start = format!("complete -c {}", tool.name);
    // Only where the cursor is at `place`.
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

/// The functions that say where the cursor is and, for a front, what the program behind the verb
/// would complete.
fn functions(text: &mut String, page: &Page) {
    let skips = |then: &str| skipping(page, " ", ["            case ", then]);
    // What follows a front's verb is another program's command line.
    let [verb, inner_place, inner] = if page.front { [VERB, INNER_PLACE, INNER] } else { [""; 3] };
    text.push_str(&filled(
        AT,
        &[
            ("@VERB@", verb),
            ("@INNER_PLACE@", inner_place),
            ("@INNER@", inner),
            ("@AFTER@", if page.tool.rest.is_some() { "rest" } else { "more" }),
            ("@SKIPS@", &skips("\n                set skip 1\n")),
            ("@DROPS@", &skips("\n                set -e words[1]\n")),
            ("@FUNC@", &page.word()),
            ("@NAME@", page.tool.name),
        ],
    ));
}

const AT: &str = r#"# Where the cursor is. bare: before the first operand. more: behind it. own: where options
# are this program's. rest: behind --, which is passed on. inner: behind a known program's verb.
function __@FUNC@_at
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
                set place @AFTER@
                break
@SKIPS@            case '-?*'
            case '*'
                set place more
@VERB@        end
    end
@INNER_PLACE@    switch $argv[1]
        case own
            test $place = bare
        case '*'
            test $place = $argv[1]
    end
end

@INNER@"#;

const VERB: &str = "                set verb $word
                break
";

const INNER_PLACE: &str = r#"    if test -n "$verb"; and type -q @NAME@-$verb
        set place inner
    end
"#;

/// Completes `NAME VERB …` as `NAME-VERB …`.
const INNER: &str = r#"# What the program behind the verb would complete.
function __@FUNC@_inner
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
@DROPS@            case '-*'
            case '*'
                break
        end
        set -e words[1]
    end
    set -l line @NAME@-(string join ' ' -- (string escape -- $words))
    complete -C "$line "(commandline -ct)
end

"#;

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
