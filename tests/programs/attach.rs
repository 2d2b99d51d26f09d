//! Images: attached on purpose, with proof; and never by accident.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    desk::{Desk, GATE, prompts},
    records::{Proven, Unproven},
    util::image::png,
};

/// An image in the project, whose name a shell would not take as it stands.
fn image(desk: &Desk, name: &str) -> String {
    let path = desk.home.proj().join(name);
    fs::write(&path, png()).unwrap();
    path.into_os_string().into_string().unwrap()
}

/// What each prompt of the transcript holds.
fn contents(transcript: &Path) -> Vec<Value> {
    let text = fs::read_to_string(transcript).unwrap();
    let entries = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let prompts = entries.filter(|entry| entry["type"] == "user" && entry["isMeta"] != true);
    prompts.map(|entry| entry["message"]["content"].clone()).collect()
}

/// The text of a prompt, and its images.
fn parts(content: &Value) -> (&str, usize) {
    let blocks = content.as_array().unwrap();
    let images = blocks.iter().filter(|block| block["type"] == "image").count();
    (blocks[0]["text"].as_str().unwrap(), images)
}

#[test]
fn a_prompt_comes_with_its_images() {
    let desk = Desk::new();
    let (one, two) = (image(&desk, "one.png"), image(&desk, "it's (2) & more.png"));
    let on = ["-b", "practice", "-s", "demo"];
    let both = ["--attach", &one, "--attach", &two];
    let spawned = desk.run("aimax-spawn", &[&on[..], &both, &["-p", "what is it?"]].concat());
    let spawned: Value = spawned.record();
    assert_eq!(spawned["verdict"], "submitted");
    let transcript = PathBuf::from(spawned["jsonlPath"].as_str().unwrap());
    desk.done("demo");
    assert_eq!(parts(&contents(&transcript)[0]), ("[Image #1][Image #2]what is it?", 2));

    // Relative to the folder of the caller; a long text; and the answer to that very prompt.
    let long = "a line\n".repeat(40);
    let asked = ["ask", "-s", "demo", "--attach", "one.png", "-p", &long];
    let ran = desk.run("aimax", &asked);
    assert_eq!((ran.code(), ran.error()), (Some(0), ""), "{ran:?}");
    assert!(ran.text().starts_with("echo: [Image #"), "{ran:?}");
    let sent = desk.run("aimax", &["send", "demo", "--attach", &two, "-p", "more", "--json"]);
    assert_eq!(sent.code(), Some(0), "{sent:?}");
    desk.done("demo");
    assert_eq!(contents(&transcript).len(), 3);

    // Into a turn that runs, and once.
    desk.paste("demo", GATE);
    let once = ["demo", "--attach", &one, "--once", "k", "-p", "and this?"];
    let queued: Proven = desk.run("aimax-paste", &once).record();
    assert_eq!(queued.verdict, "queued");
    assert_eq!(desk.run("aimax-paste", &once).record::<Value>()["repeated"], true);
    desk.open_gate();
    desk.done("demo");
    let taken = prompts(&transcript).pop().unwrap();
    assert!(taken.starts_with("[Image #") && taken.ends_with("]and this?"), "{taken}");
}

#[test]
fn what_is_no_image_is_refused_before_anything_is_typed() {
    let desk = Desk::new();
    let transcript = desk.ready("demo").jsonl_path;
    let one = image(&desk, "one.png");
    let text = desk.home.proj().join("text.png");
    fs::write(&text, "hello").unwrap();
    let paste = |args: &[&str]| desk.run("aimax-paste", &[&["demo"], args].concat());
    paste(&["--attach", "none.png", "-p", "x"]).fails(2, "none.png: the image cannot be read");
    paste(&["--attach", text.to_str().unwrap(), "-p", "x"])
        .fails(2, "not an image that agents take");
    paste(&["--attach", &one, "--command", "-p", "/compact"]).fails(2, "a command takes no images");
    paste(&["--attach", &one]).fails(2, "--attach: it is for a prompt, and none is given");
    let on = ["-b", "practice", "-s", "other", "--attach", &one];
    desk.run("aimax-spawn", &on).fails(2, "--attach: it is for a prompt, and none is given");
    desk.nothing_of("other");

    // By accident: in a line of its own, and with others.
    for line in [one.clone(), format!("'{one}'"), format!(" {one} {one}")] {
        let prompt = format!("look at\n{line}\nplease");
        paste(&["-p", &prompt]).fails(2, "for an image, and cuts it out: give it by --attach");
    }
    assert!(!transcript.exists(), "nothing was typed");
    for prompt in [format!("look at {one}\nplease"), text.to_str().unwrap().to_owned()] {
        assert_eq!(paste(&["-p", &prompt]).record::<Proven>().verdict, "submitted", "{prompt}");
        desk.done("demo");
    }
}

/// The agent may be in another file system, or not see the image for other reasons.
#[test]
fn an_image_that_the_agent_does_not_take_leaves_nothing_behind() {
    let desk = Desk::new();
    let ready = desk.ready_with("demo", "trust=yes,no-images");
    let one = image(&desk, "one.png");
    let ran = desk.run("aimax-paste", &["demo", "--attach", &one, "--timeout", "1", "-p", "x"]);
    let record: Unproven = ran.fails_with(3, "the agent does not take");
    assert_eq!(record.verdict, "blocked");
    assert!(!ready.jsonl_path.exists());
    assert!(!desk.is_running("demo"), "no job");
}
