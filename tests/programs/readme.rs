//! The README says what is so: its commands parse, its tables are the programs', its tour runs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

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

/// The commands of a shell line, as words: single quotes are all the quoting that the README uses.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in line.chars().chain(['\n']) {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            _ if quoted => word.get_or_insert_default().push(c),
            ' ' | '\n' | '|' | '&' | ';' | '<' | '>' | '#' => {
                commands.last_mut().unwrap().extend(word.take());
                if "|&;#".contains(c) {
                    commands.push(Vec::new());
                }
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    assert!(!quoted, "a quote without its other half: {line}");
    commands.retain(|words| !words.is_empty());
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
    let table = README.split("| verdict |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows: Vec<&str> =
        table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(rows, verdicts);
}

/// The variables of ours that a text names.
fn variables(text: &str) -> BTreeSet<&str> {
    let name = |c: char| c.is_ascii_uppercase() || c == '_';
    text.match_indices("`AIMAX_")
        .map(|(at, _)| &text[at + 1..])
        .map(|text| &text[..text.find(|c| !name(c)).unwrap()])
        .collect()
}

#[test]
fn the_variables_are_those_that_are_read() {
    let ours: Vec<String> = SETTINGS.iter().flat_map(|setting| setting.variables()).collect();
    let ours = ours.iter().map(String::as_str).filter(|name| name.starts_with("AIMAX_")).collect();
    assert_eq!(variables(README), ours);
}

/// aimax(7) says of statuses, verdicts, states and variables what the programs and the README say.
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
    let known = variables(README);
    for variable in variables(page) {
        assert!(known.contains(variable), "{variable}");
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
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for named in ["LICENSE", "man", "completions/bash", &versions::profile("claude")] {
        assert!(root.join(named).exists(), "{named}");
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
    let tour = code("The tour");
    let end = tour.iter().position(|line| *line == "aimax-kill demo").unwrap();
    let mut home = Home::new();
    fs::create_dir(home.home().join("proj")).unwrap();
    home.add_path(Path::new(env!("CARGO_BIN_EXE_aimax")).parent().unwrap());
    let shell = |line: &str| -> Command {
        let mut command = home.command("sh");
        command.args(["-c", line]).stdin(Stdio::null());
        command
    };
    let mut follower = None;
    let mut said = Vec::new();
    for line in &tour[..=end] {
        let line = line.replace("tmux-claude-code", "tmux-practice");
        if let Some((tail, _)) = line.split_once(" | jq") {
            let tail = format!("exec {tail}");
            follower = Some(shell(&tail).stdout(Stdio::piped()).spawn().unwrap());
            continue;
        }
        let output = shell(&line).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && errors.is_empty(), "{line}: {errors}");
        said.push(String::from_utf8(output.stdout).unwrap());
    }
    let [spawned, pasted, waited, listed, killed] = &said[..] else { panic!("{said:?}") };
    assert!(spawned.contains("\"verdict\":\"submitted\""), "{spawned}");
    assert!(pasted.contains("\"verdict\":"), "{pasted}");
    assert!(waited.contains("\"state\":\"done\"") && waited.ends_with("\ndone\n"), "{waited}");
    assert!(listed.contains("\"state\":\"idle\""), "{listed}");
    assert!(killed.contains("\"killed\":true"), "{killed}");
    // The follower prints all of both turns, and ends with its reader.
    let mut follower = follower.unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let prompts = lines.by_ref().map(Result::unwrap).filter(|line| line.contains("\"typed\""));
    let prompts: Vec<String> = prompts.take(2).collect();
    assert!(prompts[0].contains("Make a hello.py") && prompts[1].contains("Also add a README."));
    drop(lines);
    assert!(follower.wait().unwrap().success());
}
