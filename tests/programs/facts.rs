//! What was measured, and what it is tied to: each section of a `FACTS.md` names its evidence, the
//! evidence is there, and what the code cites is a heading.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The pages, by the name of their folder.
const PAGES: [(&str, &str); 3] = [
    ("claude", include_str!("../../src/agent/claude/FACTS.md")),
    ("codex", include_str!("../../src/agent/codex/FACTS.md")),
    ("tmux", include_str!("../../src/tmux/FACTS.md")),
];

/// What a line that names evidence begins with.
const EVIDENCE: &str = "Evidence: ";

/// What stands for the evidence of a fact that no test and no fixture shows.
const NONE: &str = "none in the tree";

/// A heading of level 2 or 3, and the lines up to the next one of any level.
struct Section<'a> {
    level: usize,
    heading: &'a str,
    lines: Vec<&'a str>,
}

fn sections(page: &str) -> Vec<Section<'_>> {
    let mut found = Vec::new();
    for line in page.lines() {
        let level = line.chars().take_while(|&c| c == '#').count();
        match line[level..].strip_prefix(' ') {
            Some(heading) if level > 0 => {
                found.push(Section { level, heading, lines: Vec::new() });
            }
            _ => {
                if let Some(section) = found.last_mut() {
                    section.lines.push(line);
                }
            }
        }
    }
    found.retain(|section| matches!(section.level, 2 | 3));
    found
}

/// What a section names as its evidence, line by line.
fn evidence<'a>(section: &Section<'a>) -> Vec<&'a str> {
    section.lines.iter().filter_map(|line| line.strip_prefix(EVIDENCE)).collect()
}

/// The headings of a page whose section has no evidence, and no sections below it that could.
fn without_evidence(page: &str) -> Vec<&str> {
    let all = sections(page);
    let has_below = |n: usize| all.get(n + 1).is_some_and(|next| next.level > all[n].level);
    let lacks = |n: &usize| evidence(&all[*n]).is_empty() && !has_below(*n);
    (0..all.len()).filter(lacks).map(|n| all[n].heading).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether `text` holds `name` as a word of its own, anywhere that `before` accepts the text so far.
fn has_word(text: &str, name: &str, before: impl Fn(&str) -> bool) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let (head, rest) = (&text[..at], &text[at + name.len()..]);
        !head.ends_with(in_word) && !rest.starts_with(in_word) && before(head)
    })
}

/// Whether a program's text has a function or a module of this name, or gives the name to a macro
/// that stands on its own and may make one.
fn defines(program: &str, name: &str) -> bool {
    let keyword = |head: &str| head.ends_with("fn ") || head.ends_with("mod ");
    let to_macro = |head: &str| {
        let open = head.rfind("!(").filter(|&open| !head[open..].contains(')'));
        let begun = open.map(|open| head[..open].rsplit('\n').next().unwrap_or_default());
        begun.is_some_and(|word| !word.is_empty() && !word.contains(char::is_whitespace))
    };
    has_word(program, name, |head| keyword(head) || to_macro(head))
}

/// What is wrong with one line of evidence, if anything is.
fn wrong(evidence: &str) -> Option<String> {
    if let Some(rest) = evidence.strip_prefix(NONE) {
        let told = rest.strip_prefix(" (").and_then(|rest| rest.strip_suffix(')'));
        let says = told.is_some_and(|told| told.contains(|c: char| c.is_alphanumeric()));
        return (!says).then(|| format!("{evidence:?} does not say how it was measured"));
    }
    evidence.split(", ").find_map(|named| {
        let (path, name) = match named.split_once("::") {
            Some((path, name)) => (path, Some(name)),
            None => (named, None),
        };
        let Ok(text) = fs::read(root().join(path)) else {
            return Some(format!("{path:?} is not there"));
        };
        let name = name?;
        let text = String::from_utf8_lossy(&text);
        (!defines(&text, name)).then(|| format!("{path} has no {name:?}"))
    })
}

/// What is wrong with the citations in a program's text. One is written `claude/FACTS.md, "Enter"`,
/// in one line; the page's name alone is no citation.
fn wrong_citations(program: &str) -> Vec<&str> {
    let is_wrong = |(at, _): &(usize, &str)| {
        let (head, rest) = program.split_at(*at);
        let Some(cited) = rest.strip_prefix("FACTS.md,") else { return false };
        let line = cited.lines().next().unwrap_or_default();
        let heading = line.strip_prefix(" \"").and_then(|line| line.split_once('"'));
        let page = PAGES.iter().find(|(name, _)| {
            let folder = head.strip_suffix('/').and_then(|head| head.strip_suffix(name));
            folder.is_some_and(|before| !before.ends_with(char::is_alphanumeric))
        });
        match (page, heading) {
            (Some((_, page)), Some((heading, _))) => {
                !sections(page).iter().any(|section| section.heading == heading)
            }
            _ => true,
        }
    };
    let line = |(at, _): (usize, &str)| {
        let from = program[..at].rfind('\n').map_or(0, |end| end + 1);
        program[from..].lines().next().unwrap_or_default()
    };
    program.match_indices("FACTS.md").filter(is_wrong).map(line).collect()
}

/// The programs below a folder.
fn programs(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            programs(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn each_section_names_its_evidence() {
    for (name, page) in PAGES {
        assert!(sections(page).len() > 9, "{name}: the sections are found");
        assert_eq!(without_evidence(page), [""; 0], "{name}");
        let mut headings: Vec<&str> = sections(page).iter().map(|s| s.heading).collect();
        headings.sort_unstable();
        assert!(
            headings.windows(2).all(|two| two[0] != two[1]),
            "{name}: a heading is there twice"
        );
    }
}

#[test]
fn the_evidence_is_there() {
    let mut missing = Vec::new();
    for (name, page) in PAGES {
        for section in sections(page) {
            for line in evidence(&section) {
                missing
                    .extend(wrong(line).map(|what| format!("{name}, {}: {what}", section.heading)));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn what_the_code_cites_is_a_heading() {
    let mut found = Vec::new();
    programs(&root().join("src"), &mut found);
    assert!(found.len() > 50, "the programs are found");
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(wrong_citations(&text), [""; 0], "{}", path.display());
    }
}

#[test]
fn what_is_not_tied_is_seen() {
    let page =
        "# A\n\n## B\n\nEvidence: x\n\n## C\n\n### D\n\nEvidence: x\n\n### E\n\ntext\n\n## F\n";
    assert_eq!(without_evidence(page), ["E", "F"]);

    let this = "tests/programs/facts.rs";
    for good in [this, &format!("{this}::root, {this}::wrong"), "none in the tree (3.3a, 2 runs)"] {
        assert_eq!(wrong(good), None, "{good}");
    }
    for bad in ["tests/none.rs", &format!("{this}::no_such"), NONE, "none in the tree ()", ""] {
        assert!(wrong(bad).is_some(), "{bad}");
    }
    let program =
        "mod deep;\nfn whole() { assert!(called(x)); }\non_each!(\n    first,\n    second\n);\n";
    for name in ["deep", "whole", "first", "second"] {
        assert!(defines(program, name), "{name}");
    }
    for name in ["called", "x", "dee", "hole", "on_each"] {
        assert!(!defines(program, name), "{name}");
    }

    for good in ["// claude/FACTS.md, \"Enter\"", "/// (codex/FACTS.md, \"Enter\"; x)", "FACTS.md"]
    {
        assert_eq!(wrong_citations(good), [""; 0], "{good}");
    }
    for bad in [
        "// FACTS.md, \"Enter\"",
        "// notclaude/FACTS.md, \"Enter\"",
        "// claude/FACTS.md, \"No such heading\"",
        "// claude/FACTS.md,\n// \"Enter\"",
    ] {
        assert_eq!(wrong_citations(bad).len(), 1, "{bad}");
    }
}
