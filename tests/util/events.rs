//! The events of a transcript in short, as they are committed beside it.

use serde_json::Value;

/// The transcripts whose events are committed.
pub(crate) const GOLDEN: [&str; 4] =
    ["tool", "interrupt-tool", "api-error", "queued-while-streaming"];

/// An event in one short line, as the committed files hold it.
pub(crate) fn brief(event: &Value) -> String {
    let mut said: String = event["text"].as_str().expect("a text").chars().take(60).collect();
    if event["kind"] == "usage" || event["kind"] == "other" {
        said = String::new();
    }
    let line = format!(
        "{} {} {} {said:?}",
        event["offset"],
        event["kind"].as_str().expect("a kind"),
        event["type"].as_str().expect("a type")
    );
    line.trim_end_matches(" \"\"").to_owned()
}
