//! Tests of the option tables: what is wrong with a page, and where pages disagree.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    OptDoc, Page, VerbDoc,
    fake::{Front, Job, Plain},
    help, page,
};

/// The widest line of a text.
const TEXT: usize = 72;

/// The widest line of help.
const SCREEN: usize = 79;

/// What is wrong with `page`; nothing, if all is well.
pub(crate) fn check(page: &Page) -> Vec<String> {
    let mut wrong = Vec::new();
    names(page, &mut wrong);
    phrases(page, &mut wrong);
    texts(page, &mut wrong);
    for text in [help::brief(page), help::full(page)] {
        for line in text.lines().filter(|line| columns(line) > SCREEN) {
            wrong.push(format!("help is wider than {SCREEN} columns: {line}"));
        }
    }
    wrong.into_iter().map(|complaint| format!("{}: {complaint}", page.tool.name)).collect()
}

/// Where `pages` disagree. The same option has the same letter and the same value everywhere, and
/// the same letter is the same option: except `-f`, which is `--prompt-file` to the programs that
/// take a prompt and `--follow` to the one that follows; and `--answer`, which gives one to a dialog
/// and prints that of the assistant.
pub(crate) fn agree(pages: &[Page]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut programs = BTreeSet::new();
    let mut longs = BTreeMap::new();
    let mut shorts = BTreeMap::new();
    for page in pages {
        let name = page.tool.name;
        if !programs.insert(name) {
            wrong.push(format!("{name}: two pages"));
        }
        for opt in &page.opts {
            let shape = (opt.short, opt.value.map(|value| value.name), opt.negated);
            let (first, other) = longs.entry(opt.long).or_insert((shape, name));
            if *first != shape && opt.long != "answer" {
                wrong.push(format!("--{}: {name} and {other} differ", opt.long));
            }
            let Some(short) = opt.short else { continue };
            if short == 'f' && matches!(opt.long, "prompt-file" | "follow") {
                continue;
            }
            let (long, other) = shorts.entry(short).or_insert((opt.long, name));
            if *long != opt.long {
                wrong.push(format!("-{short}: --{} in {name}, but --{long} in {other}", opt.long));
            }
        }
    }
    wrong
}

fn names(page: &Page, wrong: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for opt in &page.opts {
        let short = opt.short.map(|short| format!("-{short}"));
        let longs = [Some(opt.long), opt.negated].into_iter().flatten();
        for name in longs.map(|long| format!("--{long}")).chain(short) {
            let word = name.trim_start_matches('-');
            if word.is_empty() || !word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
                wrong.push(format!("{name}: not letters, digits and dashes"));
            }
            if !seen.insert(name.clone()) {
                wrong.push(format!("{name}: twice"));
            }
        }
    }
    let mut seen = BTreeSet::new();
    for verb in page.tool.verbs {
        if !seen.insert(verb.name) {
            wrong.push(format!("verb {}: twice", verb.name));
        }
        if verb.name.is_empty() || !verb.name.chars().all(|c| c.is_ascii_lowercase() || c == '-') {
            wrong.push(format!("verb {}: not lower-case letters and dashes", verb.name));
        }
    }
    let options = page.opts.iter().filter_map(|opt| opt.value);
    for value in options.chain(page.tool.operand).chain(page.tool.rest) {
        if value.name.is_empty() || value.name.chars().any(|c| c.is_lowercase() || c == ' ') {
            wrong.push(format!("value {}: not in capitals", value.name));
        }
    }
    for form in page.tool.synopsis {
        // The page of a verb of the front has a dash where the command line has a blank.
        let names = [page.tool.name, &page.tool.name.replacen('-', " ", 1)];
        let mut called = names.into_iter().filter_map(|name| form.strip_prefix(name));
        if !called.any(|rest| rest.is_empty() || rest.starts_with(' ')) {
            wrong.push(format!("synopsis does not begin with the name: {form}"));
        }
    }
}

fn phrases(page: &Page, wrong: &mut Vec<String>) {
    let options = page.opts.iter().map(|opt| (format!("--{}", opt.long), opt.brief));
    let verbs = page.tool.verbs.iter().map(|verb| (format!("verb {}", verb.name), verb.brief));
    let tagline = (String::from("tagline"), page.tool.tagline);
    for (name, phrase) in options.chain(verbs).chain([tagline]) {
        if phrase.is_empty() || phrase.ends_with('.') || phrase.contains('\n') {
            wrong.push(format!("{name}: not one phrase without a full stop: {phrase}"));
        }
        if name != "tagline" && columns(phrase) > 50 {
            wrong.push(format!("{name}: wider than 50 columns: {phrase}"));
        }
    }
}

fn texts(page: &Page, wrong: &mut Vec<String>) {
    let tool = &page.tool;
    let mut texts: Vec<(String, &str)> = vec![("about".into(), tool.about)];
    texts.extend(page.opts.iter().map(|opt| (format!("--{}", opt.long), opt.full)));
    texts.extend(tool.examples.iter().map(|(command, words)| (format!("{command:?}"), *words)));
    for (name, text) in &texts {
        if !text.trim_end().ends_with('.') {
            wrong.push(format!("{name}: does not end with a full stop"));
        }
    }
    texts.extend(tool.exits.iter().map(|(exit, words)| (format!("{exit:?}"), *words)));
    texts.extend(page.opts.iter().map(|opt| (format!("--{}", opt.long), opt.brief)));
    for (name, text) in &texts {
        for named in options_named(text).filter(|named| !has(page, named)) {
            wrong.push(format!("{name}: names {named}, which it does not have"));
        }
        for paragraph in text.split("\n\n") {
            if paragraph.matches('`').count() % 2 == 1 {
                wrong.push(format!("{name}: a ` without its other half"));
            }
        }
    }
    let forms = tool.synopsis.iter().map(|form| ("synopsis".into(), *form));
    let commands = tool.examples.iter().map(|(command, _)| ("example".into(), *command));
    for (name, text) in texts.into_iter().chain(forms).chain(commands) {
        for line in text.lines().filter(|line| columns(line) > TEXT) {
            wrong.push(format!("{name}: wider than {TEXT} columns: {line}"));
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            wrong.push(format!("{name}: control characters"));
        }
    }
}

/// The options at the beginning of code spans. A span that begins with the name of another program
/// is about that program's options.
fn options_named(text: &str) -> impl Iterator<Item = &str> {
    let spans = text.split('`').skip(1).step_by(2);
    spans.filter_map(|span| {
        let name = span.split(['=', ' ', '\n']).next()?;
        (name.starts_with('-') && name != "-" && name != "--").then_some(name)
    })
}

fn has(page: &Page, name: &str) -> bool {
    page.opts.iter().any(|opt| match name.strip_prefix("--") {
        Some(long) => long == opt.long || Some(long) == opt.negated,
        None => opt.short.is_some_and(|short| name.strip_prefix('-') == Some(&short.to_string())),
    })
}

fn columns(line: &str) -> usize {
    line.chars().count()
}

#[test]
fn good_pages_pass() {
    for page in [page::<Plain>(), page::<Job>(), page::<Front>()] {
        assert_eq!(check(&page), [""; 0]);
    }
    assert_eq!(agree(&[page::<Plain>(), page::<Job>(), page::<Front>()]), [""; 0]);
}

#[test]
fn bad_pages_do_not() {
    let bad = |change: fn(&mut Page)| {
        let mut page = page::<Plain>();
        change(&mut page);
        check(&page).join("\n")
    };
    for (change, complaint) in [
        ((|p| p.opts[0].long = "help") as fn(&mut Page), "--help: twice"),
        (|p| p.opts[0].negated = Some("session"), "--session: twice"),
        (|p| p.opts[1].short = Some('f'), "-f: twice"),
        (|p| p.opts[0].long = "fol low", "not letters"),
        (|p| p.opts[0].brief = "Follows.", "--follow: not one phrase"),
        (
            |p| p.opts[0].brief = "A phrase that is much too long to stand in a column",
            "--follow: wider than 50",
        ),
        (|p| p.opts[0].full = "No stop", "--follow: does not end with a full stop"),
        (|p| p.opts[0].full = "See `--nothing=X`.", "--follow: names --nothing, which"),
        (|p| p.opts[0].full = "See `-z`.", "--follow: names -z, which"),
        (|p| p.opts[0].full = "See `z.", "--follow: a ` without"),
        (|p| p.opts[0].full = "Tab\there.", "--follow: control characters"),
        (|p| p.tool.tagline = "It prints.", "tagline: not one phrase"),
        (|p| p.tool.synopsis = &["tail -f"], "synopsis does not begin"),
        (|p| p.tool.verbs = &[VerbDoc { name: "Set", brief: "x" }], "verb Set: not lower-case"),
        (
            |p| {
                p.tool.about = "\
A line of text that goes on and on for longer than seventy-two columns it is.";
            },
            "about: wider than 72",
        ),
    ] {
        assert!(bad(change).contains(complaint), "{complaint}: {}", bad(change));
    }
    let good = bad(|p| p.opts[0].full = "See `--no-follow`, `-s NAME`, `tar -z`, `-`, `--`.");
    assert_eq!(good, "");
}

#[test]
fn pages_that_disagree_are_named() {
    let with = |name, change: fn(&mut OptDoc)| {
        let mut page = page::<Plain>();
        page.tool.name = name;
        page.opts.iter_mut().for_each(change);
        page
    };
    let plain = || with("plain", |_| ());
    assert_eq!(agree(&[plain(), with("same", |_| ())]), [""; 0]);
    assert_eq!(agree(&[plain(), plain()]), ["plain: two pages"]);
    let other = with("other", |opt| {
        if opt.long == "session" {
            opt.short = Some('S');
        }
    });
    assert_eq!(agree(&[plain(), other]), ["--session: other and plain differ"]);
    let other = with("other", |opt| {
        if opt.long == "session" {
            opt.long = "screen";
        }
        if opt.long == "follow" {
            (opt.long, opt.negated) = ("prompt-file", None);
        }
    });
    assert_eq!(agree(&[plain(), other]), ["-s: --screen in other, but --session in plain"]);
}
