//! The README says what is so: its commands parse, its tables are the programs', its tour runs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{collections::BTreeSet, ffi::OsString, fs, path::Path, process::Stdio};

use aimax::internal::{
    SETTINGS, STATUSES, Tool, parse,
    programs::{
        Admin, Adopt, Ask, Create, Flag, Front, History, Kill, List, Ls, Paste, Pause, Revive,
        Send, Settings, Spawn, Status, Stop, Stream, Tail, Usage, Version, pages,
    },
};

use crate::util::{home::Home, versions};

const README: &str = include_str!("../../README.md");

/// The lines of the fenced blocks that follow `heading` up to the next one; of all for "".
fn code(heading: &str) -> Vec<&'static str> {
    let mut lines = Vec::new();
    let (mut here, mut inside) = (heading.is_empty(), false);
    for line in README.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside && here {
            lines.push(line.strip_prefix("$ ").unwrap_or(line));
        } else if let Some(title) = line.strip_prefix("## ") {
            here = heading.is_empty() || title == heading;
        }
    }
    assert!(!lines.is_empty(), "no code below {heading:?}");
    lines
}

/// The commands of a shell line, as words: quotes are all the quoting that the README uses.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars().chain(['\n']) {
        match c {
            '\'' | '"' if quote.is_none_or(|open| open == c) => {
                quote = if quote.is_none() { Some(c) } else { None };
                word.get_or_insert_default();
            }
            _ if quote.is_some() => word.get_or_insert_default().push(c),
            ' ' | '\n' | '|' | '&' | ';' | '<' | '>' | '#' => {
                commands.last_mut().unwrap().extend(word.take());
                if "|&;#\n".contains(c) {
                    commands.push(Vec::new());
                }
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    assert!(quote.is_none(), "a quote without its other half: {line}");
    commands.retain(|words| !words.is_empty());
    // An offset of an earlier command.
    for word in commands.iter_mut().flatten().filter(|word| *word == "$at") {
        *word = "0".into();
    }
    commands
}

/// Whether the program that the first word names takes the others.
fn parses(words: &[String]) -> Result<(), String> {
    fn with<T: Tool>(words: &[String]) -> Result<(), String> {
        parse::<T>(words.iter().map(OsString::from)).map(drop).map_err(|error| error.to_string())
    }
    let rest = &words[1..];
    match words[0].as_str() {
        "aimax" => match rest.first().map(String::as_str) {
            Some("adopt") => with::<Adopt>(&rest[1..]),
            Some("ask") => with::<Ask>(&rest[1..]),
            Some("create") => with::<Create>(&rest[1..]),
            Some("revive") => with::<Revive>(&rest[1..]),
            Some("send") => with::<Send>(&rest[1..]),
            Some("pause") => with::<Pause>(&rest[1..]),
            Some("stop") => with::<Stop>(&rest[1..]),
            Some("list") => with::<List>(&rest[1..]),
            Some("status") => with::<Status>(&rest[1..]),
            Some("history") => with::<History>(&rest[1..]),
            Some("stream") => with::<Stream>(&rest[1..]),
            Some("config") => with::<Settings>(&rest[1..]),
            Some("admin") => with::<Admin>(&rest[1..]),
            Some("usage") => with::<Usage>(&rest[1..]),
            Some("version") => with::<Version>(&rest[1..]),
            _ => with::<Front>(rest),
        },
        "aimax-spawn" => with::<Spawn>(rest),
        "aimax-paste" => with::<Paste>(rest),
        "aimax-tail" => with::<Tail>(rest),
        "aimax-flag" => with::<Flag>(rest),
        "aimax-ls" => with::<Ls>(rest),
        "aimax-kill" => with::<Kill>(rest),
        other => Err(format!("no such program: {other}")),
    }
}

#[test]
fn each_command_parses() {
    let mut seen = BTreeSet::new();
    for line in code("") {
        for words in commands(line).into_iter().filter(|words| words[0].starts_with("aimax")) {
            assert_eq!(parses(&words), Ok(()), "{line}");
            seen.insert(words[0].clone());
        }
    }
    assert_eq!(seen.len(), 7, "each program is shown: {seen:?}");
    let page = include_str!("../../src/programs/help_agent.txt");
    for line in page.lines().filter(|line| line.starts_with("    aimax")) {
        for words in commands(line) {
            assert_eq!(parses(&words), Ok(()), "{line}");
        }
    }
    assert!(parses(&commands("aimax-ls --bogus")[0]).is_err());
}

#[test]
fn the_statuses_are_the_programs() {
    let rows: String =
        STATUSES.iter().map(|(exit, words)| format!("| {} | {words} |\n", *exit as u8)).collect();
    assert!(README.contains(&format!("| status | meaning |\n|---|---|\n{rows}\n")), "{rows}");
}

#[test]
fn the_verdicts_are_those_of_paste() {
    let list = Paste::DOC.about.split("The verdicts:\n").nth(1).unwrap();
    let verdicts = list.lines().take_while(|line| line.starts_with("    "));
    let verdicts: Vec<&str> =
        verdicts.map(|line| line.split_whitespace().next().unwrap()).collect();
    let sentence = README.split("The `verdict` is ").nth(1).unwrap().split(';').next().unwrap();
    let named: Vec<&str> = sentence.split('`').skip(1).step_by(2).collect();
    assert_eq!(named, verdicts);
}

/// Sixty seconds: what it does, why, and the warning come before any command.
#[test]
fn it_is_short_and_the_warning_comes_first() {
    assert!(README.lines().count() <= 250, "{} lines", README.lines().count());
    let warning = README.find("[!WARNING]").unwrap();
    assert!(warning < README.find("```").unwrap());
}

/// The last column of the table of facts names the tests that prove it.
#[test]
fn each_fact_has_its_test_or_its_source() {
    let table = README.split("| aimax |\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let tests = tests_named();
    for row in table.lines().skip(1) {
        let (_, fact) = row.trim_end_matches(" |").rsplit_once(" | ").unwrap();
        let name = fact.rsplit("(`").next().unwrap().trim_end_matches("`)");
        assert!(tests.contains(name), "{name}");
    }
    for source in README.lines().filter(|line| line.starts_with('[') && line.contains("]: ")) {
        let (name, target) = source.split_once(": ").unwrap();
        assert!(README.matches(name).count() > 1, "{name} is used");
        let file = target.split('#').next().unwrap();
        assert!(target.starts_with("https://") || root().join(file).exists(), "{target}");
    }
}

/// The names of all tests of the programs.
fn tests_named() -> BTreeSet<String> {
    let files = fs::read_dir(root().join("tests/programs")).unwrap();
    let files = files.map(|file| file.unwrap().path()).filter(|path| path.is_file());
    let text: String = files.map(|path| fs::read_to_string(path).unwrap()).collect();
    let tests = text.split("#[test]\nfn ").skip(1);
    tests.map(|rest| rest.split('(').next().unwrap().to_owned()).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The picture is what the programs of today show.
#[test]
fn the_picture_is_current() {
    let mut home = Home::new();
    home.add_path(Path::new(env!("CARGO_BIN_EXE_aimax")).parent().unwrap());
    let drawn = home.home().join("session.svg");
    let mut picture = home.command("bash");
    picture.arg(root().join(".ci/picture")).arg(&drawn).stdin(Stdio::null());
    let output = picture.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (drawn, committed) = (fs::read_to_string(drawn), include_str!("../../man/session.svg"));
    assert_eq!(drawn.unwrap(), committed, "`.ci/picture` draws it anew");
    assert!(committed.contains("submitted") && committed.contains("blocked"));
    assert!(committed.len() < 500_000 && README.contains("(man/session.svg)"));
}

/// The variables of ours that a text names.
fn variables(text: &str) -> BTreeSet<&str> {
    let name = |c: char| c.is_ascii_uppercase() || c == '_';
    text.match_indices("AIMAX_")
        .map(|(at, _)| &text[at..])
        .map(|text| &text[..text.find(|c| !name(c)).unwrap()])
        .collect()
}

#[test]
fn the_variables_are_those_that_are_read() {
    let ours: Vec<String> = SETTINGS.iter().flat_map(|setting| setting.variables()).collect();
    let page = include_str!("../../man/aimax.1");
    for name in &ours {
        assert!(page.contains(name), "{name}");
    }
    let ours: BTreeSet<&str> = ours.iter().map(String::as_str).collect();
    let shown = [include_str!("../../man/aimax.7"), include_str!("../../man/aimax-proxy.7")];
    for text in shown.into_iter().chain([README]) {
        for name in variables(text) {
            assert!(ours.contains(name), "{name}");
        }
    }
}

/// The commands in the manual's hand-written pages can be given as they stand.
#[test]
fn the_commands_of_the_overviews_parse() {
    let root = root().join("man");
    let pages = fs::read_dir(root).unwrap().map(|file| file.unwrap().path());
    for path in pages.filter(|path| path.extension().is_some_and(|section| section == "7")) {
        let page = fs::read_to_string(&path).unwrap().replace("\\e", "\\");
        for block in page.split(".Bd -literal -offset indent\n").skip(1) {
            let block = block.split(".Ed\n").next().unwrap().replace("\\\n", " ");
            for words in commands(&block).iter().filter(|words| words[0].starts_with("aimax")) {
                assert_eq!(parses(words), Ok(()), "{}: {block}", path.display());
            }
        }
    }
}

#[test]
fn the_overview_agrees() {
    let page = include_str!("../../man/aimax.7");
    for (exit, meaning) in STATUSES {
        assert!(page.contains(&format!(".It {}\n{meaning}\n", exit as u8)), "{meaning}");
    }
    let lists = [(Paste::DOC.about, "The verdicts:\n"), (Ls::DOC.about, "The states:\n")];
    for (about, heading) in lists {
        let list = about.split(heading).nth(1).unwrap();
        for line in list.lines().take_while(|line| line.starts_with("    ")) {
            let word = line.split_whitespace().next().unwrap();
            assert!(page.contains(&format!(".It Cm {word}\n")), "{word}");
        }
    }
    for tool in pages() {
        assert!(page.contains(&format!(".Xr {} 1", tool.tool.name)), "{}", tool.tool.name);
    }
}

/// The versions in the sentence are those in the profiles.
#[test]
fn the_agents_are_tested_with_the_verified_versions() {
    let section = README.split("\n## Tested with\n").nth(1).unwrap();
    let sentence: Vec<&str> = section.split_whitespace().collect();
    let named = |agent| {
        let numbers: Vec<&str> = versions::of(agent).map(|version| version.number).collect();
        let (last, others) = numbers.split_last().unwrap();
        if others.is_empty() { (*last).to_owned() } else { others.join(", ") + " and " + last }
    };
    let expected = format!("Claude Code {}, Codex {}, tmux ", named("claude"), named("codex"));
    assert!(sentence.join(" ").starts_with(&expected), "{expected:?}");
}

#[test]
fn what_it_names_is_there() {
    let links = README.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    for named in links.filter(|link| !link.starts_with("https://")) {
        assert!(root().join(named).exists(), "{named}");
    }
    let rust = include_str!("../../Cargo.toml")
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \"")?.strip_suffix('"'));
    assert!(README.contains(&format!("Rust {} or newer", rust.unwrap())));
    for path in ["~/.cargo", "/home/", "/root", "/work"] {
        assert!(!README.contains(path), "{path}");
    }
}

#[test]
fn the_tour_runs_on_the_practice_agent() {
    let section = |title: &str| {
        let section = README.split(&format!("\n## {title}\n")).nth(1).unwrap();
        section.split("\n## ").next().unwrap()
    };
    let tour = [section("The tour"), section("Troubleshooting")].concat();
    let tour = tour.replace("-b claude", "-b practice");
    let mut home = Home::new();
    home.add_path(Path::new(env!("CARGO_BIN_EXE_aimax")).parent().unwrap());
    let mut said = Vec::new();
    for script in tour.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
        let mut shell = home.command("sh");
        shell.args(["-ec", script]).stdin(Stdio::null()).current_dir(home.home());
        let output = shell.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}{errors}");
        assert!(errors.is_empty() || script.contains("--explain"), "{script}{errors}");
        said.push(String::from_utf8(output.stdout).unwrap());
    }
    let [started, read, steered, once, resumed, doctor] = &said[..] else { panic!("{said:?}") };
    assert!(
        started.contains("\"verdict\":\"submitted\"") && started.contains("\ndone\necho: Make")
    );
    assert!(read.contains("> Also add a README.") && !read.contains("hello.py"), "{read}");
    assert_eq!(steered.matches("\"verdict\":").count(), 3, "{steered}");
    let once: Vec<&str> = once.lines().collect();
    assert!(once.len() == 2 && once[1].contains("\"repeated\":true"), "{once:?}");
    assert_eq!(resumed.matches("\"killed\":true").count(), 2, "{resumed}");
    assert!(doctor.contains("tmux"), "{doctor}");
}
