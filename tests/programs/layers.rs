//! A module uses only modules of its own layer and of those below it; modules of one folder use each
//! other one way only; and what has one home is found nowhere else. Tests are not held to it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The layers, the highest first.
const LAYERS: [&[&str]; 9] = [
    &["bin"],
    &["programs", "library", "practice"],
    &["session"],
    &["agent", "flag"],
    &["cli", "tmux", "state"],
    &["config"],
    &["recorder", "proc", "transcript", "watch", "fs", "trace", "shell"],
    &["sqlite"],
    &["sys", "error", "time"],
];

/// What stands only in files whose path begins so. `Instant` is no wall clock: it only measures.
const HOMES: [(&[&str], &[&str]); 9] = [
    (&["env::var", "env::current", "use std::env"], &["config/"]),
    (&["env::args"], &["cli/exit.rs"]),
    (&["SystemTime::now", "Timestamp::now", "Zoned::now"], &["time.rs"]),
    (&["rusqlite"], &["sqlite.rs"]),
    (&["Command::new(\"tmux\")"], &["tmux/"]),
    (&["unsafe"], &["sys/"]),
    (&["target_os"], &["sys/", "watch/mod.rs"]),
    (&["io::stdout()", "STDOUT_FILENO", "RawFd = 1", "from_raw_fd(1"], &["cli/output.rs"]),
    (&["print!(", "println!("], &["cli/"]),
];

/// A path from the crate on: of a module, or of something in one.
type Names = Vec<String>;

/// The files below `folder`: path, module, and code without comments and tests, line by line.
fn sources(folder: &Path, above: &[String], found: &mut Vec<(String, Names, Vec<String>)>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_stem().unwrap().to_str().unwrap().to_owned();
        let inside = [above, std::slice::from_ref(&name)].concat();
        if entry.is_dir() {
            sources(&entry, &inside, found);
        } else if entry.extension().is_some_and(|ending| ending == "rs")
            && !["tests", "fake"].contains(&&*name)
        {
            let text = fs::read_to_string(&entry).unwrap();
            let (code, tests) =
                text.split_once("#[cfg(test)]\nmod tests {").unwrap_or((&text, "\n}\n"));
            assert_eq!(tests.find("\n}\n"), Some(tests.len() - 3), "{name}: code behind its tests");
            let lines = code.lines().map(|line| line.split("//").next().unwrap().to_owned());
            let module =
                if ["mod", "lib"].contains(&&*name) { above.to_vec() } else { inside.clone() };
            found.push((inside.join("/") + ".rs", module, lines.collect()));
        }
    }
}

/// The words and signs of the code, each with its line; `::` is one sign.
fn tokens(lines: &[String]) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    for (number, mut rest) in (1..).zip(lines.iter().map(String::as_str)) {
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let end = if rest.starts_with("::") { 2 } else { word.max(first.len_utf8()) };
            if !first.is_whitespace() {
                tokens.push((number, &rest[..end]));
            }
            rest = &rest[end..];
        }
    }
    tokens
}

/// The paths in `a::{b, c::{self, d as e}}`, which begins at the first token; how many those are.
fn tree(tokens: &[(usize, &str)], above: &[String], found: &mut Vec<(usize, Names)>) -> usize {
    let (mut path, mut at) = (above.to_vec(), 0);
    while let Some(&(_, word)) = tokens.get(at) {
        at += 1;
        if word == "{" {
            while tokens[at].1 != "}" {
                at += tree(&tokens[at..], &path, found);
                at += usize::from(tokens[at].1 == ",");
            }
            return at + 1;
        }
        path.extend(Some(word.to_owned()).filter(|word| word != "self"));
        match tokens.get(at) {
            Some((_, "::")) => at += 1,
            Some((_, "as")) => {
                at += 2;
                break;
            }
            _ => break,
        }
    }
    found.push((tokens[0].0, path));
    at
}

#[test]
fn arrows_point_down_and_each_thing_has_one_home() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &[], &mut files);
    let modules: BTreeSet<&Names> = files.iter().map(|(_, module, _)| module).collect();
    let mut wrong = Vec::new();
    // What each file names, from the crate on; and by the place of each `use` what it stands for.
    let (mut named, mut stands_for) = (Vec::new(), BTreeMap::new());
    for (file, module, lines) in &files {
        let tokens = tokens(lines);
        for (at, (_, word)) in tokens.iter().enumerate() {
            let sign =
                |at: Option<usize>| at.and_then(|at| tokens.get(at)).map_or("", |sign| sign.1);
            let before = sign(at.checked_sub(1));
            let is_path = ["crate", "super"].contains(word) && sign(Some(at + 1)) == "::";
            let is_use = *word == "use";
            if !is_use && (!is_path || ["::", "use"].contains(&before)) {
                continue;
            }
            let mut paths = Vec::new();
            tree(&tokens[at + usize::from(is_use)..], &[], &mut paths);
            for (line, path) in paths {
                let supers = path.iter().take_while(|name| *name == "super").count();
                let above = match path[0].as_str() {
                    "crate" => &[],
                    _ if modules.contains(&[&module[..], &path[..1]].concat()) => &module[..],
                    _ if supers > 0 => &module[..module.len() - supers],
                    _ => continue,
                };
                let skipped = supers.max(usize::from(path[0] == "crate"));
                let whole = [above, &path[skipped..]].concat();
                if let (true, Some(name)) = (is_use, whole.last()) {
                    stands_for
                        .insert([&module[..], std::slice::from_ref(name)].concat(), whole.clone());
                }
                named.push((format!("src/{file}:{line}"), module, whole));
            }
        }
        for (number, line) in (1..).zip(lines) {
            for (things, homes) in HOMES {
                let thing = things.iter().find(|thing| line.contains(**thing));
                if let Some(thing) =
                    thing.filter(|_| !homes.iter().any(|home| file.starts_with(home)))
                {
                    wrong.push(format!("src/{file}:{number}: `{thing}` is for {homes:?}"));
                }
            }
        }
    }
    // Between modules of one folder: which uses which, and where.
    let mut arrows: BTreeMap<(Names, Names), BTreeSet<String>> = BTreeMap::new();
    for (place, from, mut to) in named {
        let end =
            |to: &Names| (0..=to.len()).rev().find(|&end| modules.contains(&to[..end].to_vec()));
        while let Some(end) = end(&to).filter(|&end| end < to.len()) {
            let Some(meant) = stands_for.get(&to[..=end]).filter(|meant| **meant != to[..=end])
            else {
                break;
            };
            to = [meant, &to[end + 1..]].concat();
        }
        to.truncate(end(&to).unwrap());
        let both = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        if both < from.len().min(to.len()) {
            let arrow = (from[..=both].to_vec(), to[..=both].to_vec());
            arrows.entry(arrow).or_default().insert(place);
        }
    }
    let layer = |module: &Names| LAYERS.iter().position(|layer| layer.contains(&&*module[0]));
    for ((from, to), places) in &arrows {
        let (mut seen, mut next) = (BTreeSet::new(), vec![to]);
        while let Some(module) = next.pop().filter(|module| *module != from) {
            next.extend(
                arrows.keys().filter(|(a, b)| a == module && seen.insert(b)).map(|(_, b)| b),
            );
        }
        let fault = match (layer(from), layer(to)) {
            (None, _) | (_, None) => "is in no layer",
            (Some(above), Some(below)) if above > below => "points up",
            _ if seen.contains(from) => "is part of a circle",
            _ => continue,
        };
        let arrow = format!("{} -> {}", from.join("::"), to.join("::"));
        wrong.extend(places.iter().map(|place| format!("{place}: {arrow} {fault}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
