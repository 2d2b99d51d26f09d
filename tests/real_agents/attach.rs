//! Images that come with a prompt, and those that are refused.

use std::fs;

use serde_json::Value;

use crate::agents::Agent;
use crate::run::run;
use crate::truth::Stage;
use crate::util::image::png;

/// The prompts that the transcript holds: text, and images.
fn prompts(record: &Value) -> Vec<(String, usize)> {
    let path = record["jsonlPath"].as_str().expect("a transcript");
    let text = fs::read_to_string(path).expect("the transcript");
    let count = |content: &Value, kind: &str| {
        let blocks = content.as_array().into_iter().flatten();
        blocks.filter(|block| block["type"] == kind).count()
    };
    let entries = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let prompt = |entry: Value| {
        let (message, payload) = (&entry["message"]["content"], &entry["payload"]);
        let item = &payload["item"];
        let texts = |content: &Value| {
            let blocks = content.as_array().into_iter().flatten();
            blocks.filter_map(|block| block["text"].as_str()).collect::<String>()
        };
        if entry["type"] == "user" && entry["isMeta"] != true {
            Some((texts(message), count(message, "image")))
        } else if item["type"] == "UserMessage" {
            Some((texts(&item["content"]), count(&item["content"], "local_image")))
        } else if payload["type"] == "user_message" {
            let images = payload["local_images"].as_array().map_or(0, Vec::len);
            Some((payload["message"].as_str()?.to_owned(), images))
        } else {
            None
        }
    };
    entries.filter_map(prompt).collect()
}

fn images(agent: Agent) {
    let stage = Stage::new(agent);
    let (one, two) = ("one.png", "it's (2) & more.png");
    for name in [one, two] {
        fs::write(stage.home.proj().join(name), png()).expect("an image");
    }
    let paste = |args: &[&str]| run(&stage.home, "paste", &[&["t"], args].concat());
    let pasted = paste(&["--attach", one, "--attach", two, "-p", "what is it?"]);
    println!("{agent:?}: {:?}", pasted.record());
    assert_eq!(pasted.record()["verdict"], "submitted");
    assert_eq!(stage.waits().0, Some(0));
    // A long text, into a turn that runs.
    stage.works("SLOW:1500");
    let long = "and this?\n".repeat(40);
    let queued = paste(&["--attach", one, "-p", &long]);
    assert!(["submitted", "queued"].contains(&queued.record()["verdict"].as_str().expect("one")));
    assert_eq!(stage.waits().0, Some(0));
    let told = prompts(&stage.listed());
    let with: Vec<_> = told.iter().filter(|(_, images)| *images > 0).collect();
    assert_eq!(with.iter().map(|(_, images)| *images).collect::<Vec<_>>(), [2, 1], "{told:?}");
    assert!(with[0].0.ends_with("what is it?"), "{told:?}");

    // By accident: alone, which both agents take.
    let path = stage.home.proj().join(one);
    let refused = paste(&["-p", path.to_str().expect("a path")]);
    assert_eq!(refused.status, Some(2), "{refused:?}");
    assert!(refused.said.contains("for an image, and cuts it out"), "{refused:?}");
    let sentence = format!("look at {} please", path.display());
    assert_eq!(paste(&["-p", &sentence]).record()["verdict"], "submitted");
}

on_agents!(images: claude_old, claude_new, codex_old, codex_new);
