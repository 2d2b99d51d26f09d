//! `aimax-paste`: prompts that arrive, whole and once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{fs, path::Path};

use crate::{
    desk::{Desk, GATE, prompts, story, told},
    records::{Proven, Spawned},
};

fn proven(name: &str, verdict: &str, offset: u64, normalized: &[&str]) -> Proven {
    Proven {
        session_id: name.into(),
        backend: "tmux-practice".into(),
        host: crate::records::host(),
        verdict: verdict.into(),
        offset,
        queued: verdict == "queued",
        normalized: normalized.iter().map(|&change| change.to_owned()).collect(),
    }
}

/// Many short lines, 20 KB: it collapses in the box.
fn long() -> String {
    let lines: Vec<String> = (0..1500).map(|n| format!("{n}: 日本 {}", n * 7)).collect();
    let text = lines.join("\n");
    assert!(text.len() > 20_000);
    text
}

/// The prompts given, less blanks at their ends: in a collapsed paste the one that is pasted behind
/// every prompt stays.
fn given(transcript: &Path) -> Vec<String> {
    prompts(transcript).into_iter().map(|prompt| prompt.trim_end().to_owned()).collect()
}

#[test]
fn every_character_arrives() {
    let desk = Desk::new();
    let transcript = desk.ready("one").jsonl_path;
    let long = long();
    for (sent, recorded, normalized) in [
        ("one line", "one line", &[][..]),
        ("  two\n\n   lines", "  two\n\n   lines", &[]),
        ("a\tb\n\tc", "a    b\n    c", &["tabs"]),
        ("日本語 한국어 😀👩‍👩‍👧 é", "日本語 한국어 😀👩‍👩‍👧 é", &[]),
        ("e\u{301}", "\u{e9}", &["nfc"]),
        ("blanks behind  \n \n", "blanks behind", &["trailing_blanks"]),
        ("CR LF\r\nhere", "CR LF\nhere", &[]),
        ("ends in ;", "ends in ;", &[]),
        (";", ";", &[]),
        ("ends in \\", "ends in \\", &[]),
        ("ends in \\;", "ends in \\;", &[]),
        ("an @file", "an @file", &[]),
        ("/no/command but a path", "/no/command but a path", &[]),
        ("-p --help", "-p --help", &[]),
        (
            "`id` $(id) $HOME #{pane_id} #(id) %1 '\" *",
            "`id` $(id) $HOME #{pane_id} #(id) %1 '\" *",
            &[],
        ),
        (&long, &long, &[]),
    ] {
        let before = fs::metadata(&transcript).map_or(0, |data| data.len());
        let option = format!("--prompt={sent}");
        let pasted: Proven = desk.run("aimax-paste", &["-s", "one", &option]).record();
        assert_eq!(pasted, proven("one", "submitted", before, normalized));
        let last = given(&transcript).pop().unwrap();
        assert!(last == recorded, "{} bytes: {last:.200}", last.len());
        desk.done("one");
    }
    assert_eq!(prompts(&transcript).len(), 16, "each of them once");
}

#[test]
fn the_prompt_comes_from_an_option_a_file_or_a_pipe() {
    let desk = Desk::new();
    let transcript = desk.ready("one").jsonl_path;
    let file = desk.home.write("prompt", "from a file");
    let _: Proven = desk.run("aimax-paste", &["-s", "one", "-p", "from an option"]).record();
    let _: Proven = desk.run("aimax-paste", &["-s", "one", "-f", file.to_str().unwrap()]).record();
    let _: Proven =
        desk.run_with("aimax-paste", &["-s", "one", "-f", "-"], b"from a dash").record();
    let _: Proven = desk.run_with("aimax-paste", &["-s", "one"], b"from a pipe").record();
    let mut command = desk.command("aimax-paste", &["-s", "one"]);
    let text = fs::File::open(desk.home.write("prompt", "from a redirection")).unwrap();
    command.stdin(text);
    let _: Proven = desk.started("aimax-paste", command).end().record();
    // An option is enough: a pipe that is there as well is not waited for.
    let pipe = desk.run_with("aimax-paste", &["-s", "one", "-p", "both"], b"");
    let _: Proven = pipe.record();
    desk.done("one");
    let expected = [
        "from an option",
        "from a file",
        "from a dash",
        "from a pipe",
        "from a redirection",
        "both",
    ];
    assert_eq!(prompts(&transcript), expected);
}

#[test]
fn a_prompt_during_a_turn_is_queued() {
    let desk = Desk::new();
    let transcript = desk.spawn("one", ":slow 1500").jsonl_path;
    let before = fs::metadata(&transcript).unwrap().len();
    assert_eq!(desk.paste("one", "later\tthen"), proven("one", "queued", before, &["tabs"]));
    assert!(desk.is_running("one"));
    desk.done("one");
    assert_eq!(prompts(&transcript), [":slow 1500", "later    then"]);
    let told = story(&transcript);
    assert_eq!(told.last().unwrap(), "turn_duration");
    assert_eq!(told.iter().filter(|line| *line == "turn_duration").count(), 2);
}

#[test]
fn a_prompt_during_a_tool_is_queued_and_given_with_its_result() {
    let desk = Desk::new();
    let transcript = desk.spawn("one", GATE).jsonl_path;
    assert_eq!(desk.paste("one", "meanwhile").verdict, "queued");
    desk.open_gate();
    desk.done("one");
    assert_eq!(prompts(&transcript), [GATE, "meanwhile"]);
    let told = story(&transcript);
    assert!(told.contains(&"queued_command \"meanwhile\"".to_owned()), "{told:#?}");
}

#[test]
fn a_swallowed_enter_is_pressed_again_and_only_then() {
    let desk = Desk::new();
    let transcript = desk.ready_with("one", "swallow-enter=1").jsonl_path;
    for prompt in ["first", "second"] {
        let before = fs::metadata(&transcript).map_or(0, |data| data.len());
        assert_eq!(desk.paste("one", prompt), proven("one", "submitted", before, &[]));
        desk.done("one");
    }
    assert_eq!(prompts(&transcript), ["first", "second"]);
}

#[test]
fn enter_waits_for_a_paste_that_is_slow_to_show() {
    let desk = Desk::new();
    let transcript = desk.ready_with("one", "slow-paste=300").jsonl_path;
    assert_eq!(desk.paste("one", "late"), proven("one", "submitted", 0, &[]));
    desk.done("one");
    assert_eq!(prompts(&transcript), ["late"]);
}

#[test]
fn a_record_that_is_written_in_two_parts_is_read_whole() {
    let desk = Desk::new();
    let transcript = desk.ready_with("one", "torn-write").jsonl_path;
    let long = long();
    assert_eq!(desk.paste("one", &long).verdict, "submitted");
    desk.done("one");
    assert!(given(&transcript) == [long]);
}

#[test]
fn two_pastes_at_once_are_two_prompts() {
    let desk = Desk::new();
    let transcript = desk.ready("one").jsonl_path;
    let long = long();
    let texts = ["short", &long, "third"];
    let all = texts.map(|text| desk.start("aimax-paste", &["-s", "one", "-p", text]));
    for running in all {
        let pasted: Proven = running.end().record();
        assert_eq!(pasted.queued, pasted.verdict == "queued");
    }
    desk.done("one");
    let mut given = given(&transcript);
    given.sort();
    let mut expected = texts.map(str::to_owned);
    expected.sort();
    assert!(given == expected, "{} prompts", given.len());
}

#[test]
fn copy_mode_is_left_first() {
    let desk = Desk::new();
    let ready = desk.ready("one");
    desk.tmux().run(["copy-mode", "-t", &ready.pane_id]);
    assert_eq!(desk.tmux().ask(&ready.pane_id, "pane_in_mode"), "1");
    assert_eq!(desk.paste("one", "a\nb"), proven("one", "submitted", 0, &[]));
    assert_eq!(desk.tmux().ask(&ready.pane_id, "pane_in_mode"), "0");
    assert_eq!(prompts(&ready.jsonl_path), ["a\nb"]);
}

/// tmux forgets with a reset that the program takes pastes in brackets. From 3.7 on it tells so.
/// A person who reads what came before has not taken the session away.
#[test]
fn an_interrupt_and_an_answer_leave_copy_mode_first() {
    let desk = Desk::new();
    let spawned = desk.spawn("one", ":slow 600000");
    let scroll = || desk.tmux().run(["copy-mode", "-t", &spawned.pane_id]);
    scroll();
    let stop = ["-s", "one", "--interrupt", "--timeout", "10"];
    let stopped: serde_json::Value = desk.run("aimax-paste", &stop).record();
    assert_eq!(stopped["verdict"], "interrupted");
    desk.paste("one", ":ask touch approved");
    desk.tmux().wait_text(&spawned.pane_id, "Do you want to proceed?");
    scroll();
    let answer = ["-s", "one", "--answer", "1", "--expect", "permission"];
    desk.run("aimax-paste", &answer).record::<serde_json::Value>();
    desk.done("one");
    assert!(desk.home.proj().join("approved").exists());
}

#[test]
fn a_terminal_that_was_reset_gets_pastes_in_brackets_again() {
    let desk = Desk::new();
    let ready = desk.ready("one");
    let brackets = || desk.tmux().ask(&ready.pane_id, "bracket_paste_flag");
    let tells = brackets() == "1";
    desk.tmux().run(["send-keys", "-R", "-t", &ready.pane_id]);
    assert_eq!(brackets(), if tells { "0" } else { "" });
    // The screen is empty too, and nothing is typed there until the agent draws again.
    let blocked: crate::records::Unproven =
        desk.run("aimax-paste", &["-s", "one", "-p", "x"]).fails_with(5, "the screen is empty");
    assert_eq!(blocked.verdict, "blocked");
    desk.tmux().run(["resize-window", "-t", &ready.window_id, "-x", "100", "-y", "30"]);
    desk.tmux().wait_text(&ready.pane_id, "❯");
    if tells {
        assert_eq!(desk.paste("one", "a\nb"), proven("one", "submitted", 0, &[]));
        assert_eq!((brackets(), prompts(&ready.jsonl_path)), ("1".into(), vec!["a\nb".into()]));
    }
}

#[test]
fn a_conversation_that_was_cleared_is_followed() {
    let desk = Desk::new();
    let spawned: Spawned = desk.spawn("one", "before");
    desk.done("one");
    desk.tmux().paste(&spawned.pane_id, "/clear");
    desk.tmux().wait_text(&spawned.pane_id, "/clear");
    desk.tmux().keys(&spawned.pane_id, &["Enter"]);
    crate::util::wait::wait_until(crate::util::wait::PATIENCE, "an empty screen", || {
        !desk.tmux().capture(&spawned.pane_id).contains("before")
    });
    assert_eq!(desk.paste("one", "after"), proven("one", "submitted", 0, &[]));
    desk.done("one");
    let listed: crate::records::Listed = desk.run("aimax-ls", &["one"]).record();
    assert_ne!(listed.agent_session_id, spawned.agent_session_id);
    assert_eq!(prompts(&listed.jsonl_path), ["after"]);
    assert_eq!(prompts(&spawned.jsonl_path), ["before"]);
    told(&listed.jsonl_path, "turn_duration");
}
