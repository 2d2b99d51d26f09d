//! The built-in screen profiles against screens of the real agents.

use std::fs;

use aimax::Config;
use aimax::internal::Backend;
use aimax::internal::{DialogStep, InputBox, Profile};
use aimax::internal::{Look, Pane, Screen};

use crate::util::versions::{self, Version};

/// Which dialog each screen shows. What is not listed shows none.
const DIALOGS: &[(&str, &str)] = &[
    ("add-dir", "add-directory"),
    ("api-key", "api-key"),
    ("approval", "approval"),
    ("bypass", "bypass-permissions"),
    ("command-center", "command-center"),
    ("dumb-terminal", "terminal"),
    ("external-imports", "external-imports"),
    ("hooks-review", "hooks-review"),
    ("login", "login"),
    ("mcp", "mcp-server"),
    ("model-migration", "model-migration"),
    ("onboarding", "onboarding"),
    ("open-elsewhere", "open-elsewhere"),
    ("permission", "permission"),
    ("question", "question"),
    ("resume-picker", "resume-picker"),
    ("rewind", "rewind"),
    ("security-notes", "security-notes"),
    ("settings-error", "settings-error"),
    ("settings-warning", "settings-warning"),
    ("trust", "trust"),
    ("trust-home", "trust"),
    ("trust-preapproves", "trust"),
    ("update", "update"),
];

/// The dialogs that have a conservative answer: the agent, the first version that was seen to ask so, the line
/// that is chosen, and the keys that lead to it from the line that is preselected.
const ANSWERS: &[(&str, &str, &str, &str, &[&str])] = &[
    ("claude", "2.1.330", "trust", "Yes, I trust this folder", &["Down", "Enter"]),
    ("claude", "0", "trust", "Yes, I trust this folder", &["Enter"]),
    ("claude", "2.1.330", "trust-home", "Yes, I trust this folder", &["Down", "Enter"]),
    ("claude", "2.1.330", "mcp", "Continue without using this MCP server", &["Enter"]),
    ("claude", "2.1.330", "external-imports", "No, disable external imports", &["Enter"]),
    ("claude", "0", "external-imports", "No, disable external imports", &["Down", "Enter"]),
    ("codex", "0.169.0", "trust", "Trust and continue", &["Enter"]),
    ("codex", "0", "trust", "Yes, continue", &["Enter"]),
    ("codex", "0", "model-migration", "Use existing model", &["Down", "Enter"]),
    ("codex", "0", "update", "Skip", &["Down", "Enter"]),
    ("codex", "0", "hooks-review", "Continue without trusting", &["Down", "Down", "Enter"]),
];

fn profile(version: Version) -> Profile {
    let backend = if version.agent == "claude" { Backend::Claude } else { Backend::Codex };
    let (name, built_in) = backend.facts().profile;
    Profile::load(&Config::from_vars(Vec::new()).expect("a configuration"), name, built_in)
        .expect("the profile parses")
}

fn screen(version: Version, name: &str) -> Screen {
    Screen::parse(&screen_text(version, name))
}

fn screen_text(version: Version, name: &str) -> String {
    let path = version.fixtures().join("screens").join(format!("{name}.ansi.txt"));
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"))
}

/// Every screen of every version.
fn screens() -> Vec<(Version, String)> {
    let mut found = Vec::new();
    for version in versions::all() {
        for screen in fs::read_dir(version.fixtures().join("screens")).expect("screens").flatten() {
            let file = screen.file_name().into_string().expect("a UTF-8 name");
            if let Some(stem) = file.strip_suffix(".ansi.txt") {
                found.push((version, stem.to_owned()));
            }
        }
    }
    assert!(found.len() > 80, "the screens are there");
    found
}

#[test]
fn every_dialog_is_recognised_by_name_and_nothing_else_is() {
    for (version, name) in screens() {
        let expected =
            DIALOGS.iter().find(|(screen, _)| *screen == name).map(|(_, dialog)| *dialog);
        let expected = match (version.agent, name.as_str()) {
            // Codex ends where Claude Code asks.
            ("codex", "config-error") => None,
            (_, "config-error") => Some("configuration-error"),
            _ => expected,
        };
        let profile = profile(version);
        let screen = screen(version, &name);
        let seen = profile.dialog(&screen).map(|dialog| dialog.name.as_str());
        assert_eq!(seen, expected, "{version}/{name}\n{}", screen.text());
    }
}

/// A screen, and where its caret is, by the table in the README.
fn look(version: Version, name: &str) -> Look {
    let table = fs::read_to_string(versions::fixtures().join("README.md")).expect("the table");
    let row = table.lines().find(|line| line.contains(&format!("`{version}/{name}`")));
    let cells: Vec<&str> = row.expect("its row").split('|').map(str::trim).collect();
    let (x, y) = cells[2].split_once(',').expect("a place");
    let pane = Pane {
        cursor_x: x.parse().expect("a column"),
        cursor_y: y.parse().expect("a line"),
        cursor_hidden: cells[3] == "0",
        ..Pane::default()
    };
    Look { pane, screen: screen(version, name) }
}

#[test]
fn a_dialog_is_known_by_its_place() {
    for (version, name) in screens() {
        let (profile, mut look) = (profile(version), look(version, &name));
        let open = profile.open_dialog(&look).map(|dialog| dialog.name.clone());
        let known = profile.dialog(&look.screen).map(|dialog| dialog.name.clone());
        assert_eq!(open, known, "{version}/{name}");
        if open.is_some() {
            assert_ne!(profile.input_box(&look), InputBox::Empty, "{version}/{name}");
            let is_list = !matches!(name.as_str(), "login" | "resume-picker");
            if is_list {
                assert_eq!(profile.input_box(&look), InputBox::Missing, "{version}/{name}");
                let hides = version.agent == "codex" && look.pane.cursor_hidden;
                assert_eq!(profile.hides_box(&look), hides, "{version}/{name}");
            }
        }
        // A conversation that quotes a dialog, above the box.
        if matches!(name.as_str(), "ready" | "draft" | "working") {
            assert!(!profile.hides_box(&look), "{version}/{name}");
            let trust = fs::read_to_string(version.fixtures().join("screens/trust.txt"));
            let trust = trust.expect("the trust dialog");
            let quoted: String = trust.lines().take(14).map(|line| format!("{line}\n")).collect();
            let shown = screen_text(version, &name);
            let lines = quoted.lines().count();
            look.screen = Screen::parse(&format!("{quoted}{shown}"));
            look.pane.cursor_y += lines;
            assert!(profile.dialog(&look.screen).is_some(), "{version}/{name}: it is quoted");
            assert!(profile.open_dialog(&look).is_none(), "{version}/{name}");
        }
    }
}

type Answer = (Version, &'static str, &'static str, &'static [&'static str]);

/// The rows of `ANSWERS` that hold for a version: of each dialog the first.
fn answers(version: Version) -> Vec<Answer> {
    let mut found: Vec<Answer> = Vec::new();
    for &(agent, first, name, label, keys) in ANSWERS {
        let holds = agent == version.agent && version.since(first);
        if holds && !found.iter().any(|(_, known, ..)| *known == name) {
            found.push((version, name, label, keys));
        }
    }
    assert!(!found.is_empty(), "{version}");
    found
}

#[test]
fn a_request_that_is_tried_again_is_seen() {
    for (version, name) in screens() {
        let look = Look { pane: Pane::default(), screen: screen(version, &name) };
        let shown = profile(version).retry(&look);
        assert_eq!(shown.is_some(), name == "retrying", "{version}/{name}: {shown:?}");
        // Some of the first seconds may have passed.
        let begun = |shown: &String| {
            shown.starts_with("API error · ")
                || shown.starts_with("Reconnecting... 1/5 (")
                    && shown.contains("s • esc to interrupt) We")
        };
        assert!(shown.as_ref().is_none_or(begun), "{shown:?}");
    }
}

#[test]
fn a_dialog_is_answered_by_its_label() {
    for (version, name, label, keys) in versions::all().flat_map(answers) {
        let profile = profile(version);
        let mut screen = screen(version, name);
        let dialog = profile.dialog(&screen).expect("a known dialog").clone();
        assert!(dialog.choose.iter().any(|choice| label.starts_with(choice.as_str())));
        for (n, expected) in keys.iter().enumerate() {
            let DialogStep::Press { key, row } = profile.step(&dialog, &screen) else {
                panic!("{version}/{name}: no step {n}\n{}", screen.text());
            };
            assert_eq!(key, *expected, "{version}/{name}: step {n}\n{}", screen.text());
            if key == "Enter" {
                assert!(
                    screen.line(row).contains(label),
                    "{version}/{name}: on {:?}",
                    screen.line(row)
                );
            }
            screen = moved(&profile, &screen, row, key);
        }
    }
}

/// The screen after the pointer has moved to the next line that can be chosen.
fn moved(profile: &Profile, screen: &Screen, row: usize, key: &str) -> Screen {
    let mut lines: Vec<String> = screen.lines().map(str::to_owned).collect();
    let pointer =
        profile.pointers.iter().find(|p| lines[row].contains(p.as_str())).expect("a pointer");
    let column = lines[row].find(pointer.as_str()).expect("the pointer");
    lines[row] = lines[row].replacen(pointer.as_str(), " ", 1);
    let is_choice = |line: &String| {
        line.get(..column).is_some_and(|head| head.trim().is_empty())
            && line.chars().nth(column + 2).is_some_and(|c| !c.is_whitespace())
    };
    let next = match key {
        "Down" => (row + 1..lines.len()).find(|&n| is_choice(&lines[n])),
        _ => None,
    };
    if let Some(next) = next {
        lines[next].replace_range(column..=column, pointer);
    }
    Screen::parse(&lines.join("\n"))
}

#[test]
fn an_empty_box_is_told_from_a_draft() {
    let mut seen = Vec::new();
    for (version, name) in screens() {
        let expected = match name.as_str() {
            "ready" | "ready-ask" | "idle-after-turn" | "api-error" | "interrupted"
            | "retrying" | "working" | "working-tool" | "working-queued" | "working-steer" => {
                InputBox::Empty
            }
            "draft" | "draft-collapsed" => InputBox::Text,
            _ => continue,
        };
        let look = look(version, &name);
        assert_eq!(
            profile(version).input_box(&look),
            expected,
            "{version}/{name}\n{}",
            look.screen.text()
        );
        seen.push(version);
    }
    for version in versions::all() {
        // Codex can steer a turn.
        let expected = if version.agent == "codex" { 12 } else { 11 };
        let of_version = seen.iter().filter(|of| **of == version).count();
        assert_eq!(of_version, expected, "{version}: the same ones of each version");
    }
}

#[test]
fn a_users_profile_replaces_the_built_in_one() {
    let folder = std::env::temp_dir().join(format!("aimax-profile-{}", std::process::id()));
    fs::create_dir_all(folder.join("aimax/screens")).unwrap();
    let config = Config::from_vars(vec![("XDG_CONFIG_HOME".into(), folder.clone().into())])
        .expect("a configuration");
    let (name, built_in) = Backend::Claude.facts().profile;
    let path = folder.join("aimax/screens").join(name);
    fs::write(&path, built_in.replace("\"trust\"", "\"mine\"")).unwrap();
    let profile = Profile::load(&config, name, built_in).unwrap();
    assert_eq!(profile.dialogs[0].name, "mine");
    fs::write(&path, "{\"agent\": 1}").unwrap();
    let error = Profile::load(&config, name, built_in).unwrap_err();
    assert!(error.to_string().contains("claude.json: not a screen profile"), "{error}");
    fs::remove_dir_all(&folder).unwrap();
}

/// What a question of each agent's asks, and the keys and words of its choices.
#[test]
fn a_question_is_read_with_its_choices() {
    for version in versions::all() {
        let (name, words, first) = match version.agent {
            "claude" => ("permission", "touch made-by-the-tool", "Yes"),
            _ => ("approval", "$ touch made-by-the-tool", "Yes, proceed (y)"),
        };
        let (profile, screen) = (profile(version), screen(version, name));
        let question = profile.question(&screen);
        assert!(
            question.lines().any(|line| line == words),
            "{name} of {}: {question:?}",
            version.number
        );
        assert!(question.lines().count() < 9, "{name} of {}: {question:?}", version.number);
        let options = profile.options(&screen);
        assert_eq!((options[0].key.as_str(), options[0].label.as_str()), ("1", first));
        assert!(options.iter().any(|choice| choice.label.starts_with("No")), "{options:?}");
    }
}
