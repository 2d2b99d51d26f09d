//! Every kind of prompt reaches the practice agent as it is, once, or is refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use crate::{
    desk::{Desk, prompts},
    records::Proven,
    util::{
        prompts::{self, Prompt},
        table::{self, leads},
    },
};

/// The same prompts as the real agents get, without the largest.
fn sent() -> Vec<Prompt> {
    let mut all = prompts::all();
    all.retain(|prompt| prompt.text.chars().count() < 50_000);
    all
}

/// One column: every prompt, one after the other, in one session, and what the transcript holds in
/// the end.
fn column(first: &str, when: &str) -> Vec<String> {
    let desk = Desk::new();
    let transcript = desk.spawn("one", first).jsonl_path;
    let said: Vec<Result<Vec<String>, String>> = sent()
        .iter()
        .map(|prompt| {
            let args = ["-s", "one", "--when", when, "--timeout", "10"];
            let ran = desk.run_with("aimax-paste", &args, prompt.text.as_bytes());
            match ran.code() {
                Some(0) => Ok(ran.record::<Proven>().normalized),
                Some(2) => Err(format!("refused: {}", ran.error().trim())),
                _ => Err(format!("FAIL {}", ran.error().trim())),
            }
        })
        .collect();
    desk.open_gate();
    desk.done("one");
    assert!(!desk.home.proj().join("pwned").exists(), "a part of a prompt was run");
    let given = prompts(&transcript);
    let mut given = given.iter().skip(1);
    let cell = |(prompt, said): (&Prompt, Result<Vec<String>, String>)| {
        let changes = match said {
            Ok(changes) => changes,
            Err(reason) => return reason,
        };
        let given = given.next().map(String::as_str).unwrap_or_default();
        match leads(&prompt.text, &changes, given) {
            true => [&["ok".to_owned()], &changes[..]].concat().join(" "),
            false => format!("FAIL {given:.60?}"),
        }
    };
    let cells = sent().iter().zip(said).map(cell).collect();
    assert_eq!(given.count(), 0, "each once");
    cells
}

#[test]
fn every_prompt_arrives_whole_and_once_or_is_refused() {
    let busy = std::thread::spawn(|| column(crate::desk::GATE, "now"));
    let columns = vec![
        ("practice idle".to_owned(), column("begin", "idle")),
        ("practice working".to_owned(), busy.join().unwrap()),
    ];
    let prompts = sent();
    let rows: Vec<&str> = prompts.iter().map(|prompt| prompt.name).collect();
    table::print(&rows, &columns);
}
