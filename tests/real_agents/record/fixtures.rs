//! The files of a version: written whole or not at all, and compared by what they mean.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use aimax::EventKind as Happened;
use aimax::internal::Backend;

use super::scenes::number;
use super::tables::{read_row, row, with_rows};
use super::{Recording, Shot, folder, profile, root};
use crate::agents::Agent;
use crate::run::run;
use crate::util::events::{GOLDEN, brief};
use crate::util::home::Home;

/// Records that come when they like: their absence says nothing.
const LOOSE: [&str; 2] = ["ai-title", "last-prompt"];

/// Writes all files of a version and its rows of the README: in a folder beside them first, so that
/// nobody ever meets a part of them.
pub(super) fn write(agent: Agent, new: &Recording) {
    let (of, readme) = (folder(agent), root().join("README.md"));
    let text = fs::read_to_string(&readme).expect("the README of the fixtures");
    let rows = new.screens.iter().map(|(name, shot)| row(&of, name, shot)).collect();
    let (place, beside) = (root().join(&of), root().join(".recording"));
    if beside.exists() {
        fs::remove_dir_all(&beside).expect("what an interrupted run has left goes");
    }
    fill(&beside.join("new"), new);
    fs::write(beside.join("README.md"), with_rows(&text, &of, rows)).expect("a new README");
    if place.exists() {
        fs::rename(&place, beside.join("old")).expect("the old fixtures go aside");
    }
    fs::rename(beside.join("new"), &place).expect("the new fixtures take their place");
    fs::rename(beside.join("README.md"), &readme).expect("the new README takes its place");
    fs::remove_dir_all(&beside).expect("the old fixtures go");
}

fn fill(folder: &Path, new: &Recording) {
    let screens = folder.join("screens");
    fs::create_dir_all(&screens).expect("a folder for the fixtures");
    let home = Home::new();
    for (name, text) in &new.transcripts {
        let path = folder.join(format!("{name}.jsonl"));
        fs::write(&path, text).expect("a transcript");
        if GOLDEN.contains(name) {
            let said = run(&home, "tail", &["--events", path.to_str().expect("a UTF-8 path")]);
            assert_eq!(said.status, Some(0), "{said:#?}");
            let events: String = said.records.iter().map(|event| brief(event) + "\n").collect();
            fs::write(path.with_extension("events"), events).expect("its events");
        }
    }
    for (name, shot) in &new.screens {
        fs::write(screens.join(format!("{name}.txt")), &shot.plain).expect("a screen");
        fs::write(screens.join(format!("{name}.ansi.txt")), &shot.styled).expect("a screen");
    }
}

/// The folder of this version's fixtures; where there are none, that of the newest version before, or
/// else of the oldest.
pub(super) fn newest(agent: Agent) -> Option<String> {
    let versions = fs::read_dir(root().join(agent.program())).ok()?.flatten();
    let names = versions.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !number(name).is_empty()).collect();
    names.sort_by_key(|name| number(name));
    let is_before = |name: &&String| number(name) <= number(agent.version);
    let version = names.iter().rfind(is_before).or(names.first())?;
    Some(format!("{}/{version}", agent.program()))
}

/// What of `new` is not as in the folder `old`. Where something is in only one of the two, that counts
/// when all of `old` has been recorded.
pub(super) fn differences(agent: Agent, old: &str, new: &Recording) -> Vec<String> {
    let mut found = Vec::new();
    let place = root().join(old);
    let readme = fs::read_to_string(root().join("README.md")).unwrap_or_default();
    for (name, text) in &new.transcripts {
        let Ok(before) = fs::read_to_string(place.join(format!("{name}.jsonl"))) else {
            found.push(format!("{name}.jsonl: not in {old}"));
            continue;
        };
        let (before, now) = (Shape::of(agent, &before), Shape::of(agent, text));
        if before.order != now.order {
            let (before, now) = (before.order.join(", "), now.order.join(", "));
            found.push(format!("{name}.jsonl: other events in {old}:\n  {before}\n  {now}"));
        }
        let gone: Vec<&String> = before.names.difference(&now.names).collect();
        let come: Vec<&String> = now.names.difference(&before.names).collect();
        if !gone.is_empty() || !come.is_empty() {
            found.push(format!("{name}.jsonl: types gone since {old}: {gone:?}, new: {come:?}"));
        }
    }
    for (name, shot) in &new.screens {
        let styled = fs::read_to_string(place.join(format!("screens/{name}.ansi.txt")));
        let recorded = readme.lines().find_map(|line| {
            read_row(old, line).filter(|(screen, _)| screen == name).map(|(_, shot)| shot)
        });
        let (Ok(styled), Some(recorded)) = (styled, recorded) else {
            found.push(format!("screens/{name}: not in {old}"));
            continue;
        };
        let before = verdict(agent, &Shot { styled, ..recorded });
        let now = verdict(agent, shot);
        if before != now {
            found.push(format!("screens/{name}: {before} in {old}, {now} now:\n{}", shot.plain));
        }
    }
    found
}

/// What a transcript consists of.
struct Shape {
    /// What happened, in order, without what comes now earlier and now later.
    order: Vec<String>,
    /// The types of all its lines.
    names: BTreeSet<String>,
}

impl Shape {
    fn of(agent: Agent, text: &str) -> Self {
        let backend = Backend::parse(agent.backend()).expect("a backend");
        let mut events: Vec<_> =
            text.lines().flat_map(|line| backend.agent().parse_line(line.as_bytes())).collect();
        let names = events.iter().map(|event| event.name.clone());
        let names = names.filter(|name| !LOOSE.contains(&name.as_str())).collect();
        // Claude Code 2.1.197 writes what it has gathered at its start in any order.
        events.sort_by_key(|event| event.time);
        let is_own = |kind| matches!(kind, Happened::Other | Happened::Usage);
        let order = events.iter().filter(|event| !is_own(event.kind));
        let order = order.map(|event| format!("{:?} {}", event.kind, event.name)).collect();
        Shape { order, names }
    }
}

/// What the profile sees, the dialog or what the input box holds, and the form of the title.
fn verdict(agent: Agent, shot: &Shot) -> String {
    let (profile, look) = (profile(agent), shot.look());
    let seen = match profile.open_dialog(&look) {
        Some(dialog) => format!("the {} dialog", dialog.name),
        None => format!("input box {:?}", profile.input_box(&look)),
    };
    format!("{seen}, titled {}", title_form(&shot.title))
}

/// What a title always begins with in this state: a sign or a word, and whether an id follows.
fn title_form(title: &str) -> String {
    let first = title.split_whitespace().next().unwrap_or_default();
    let spins = first.starts_with(|c| ('\u{2800}'..='\u{28ff}').contains(&c));
    let first = if spins { "spinner" } else { first };
    let is_split = if title.contains(" | ") { " | …" } else { "" };
    format!("{first:?}{is_split}")
}
