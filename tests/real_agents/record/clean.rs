//! What is replaced and cut before anything is kept.

use serde_json::Value;

use crate::util::home::Home;

/// A longer line is cut, unless it holds a prompt or an answer.
const LONG: usize = 900;

/// How many characters strings keep: the first that makes the line short enough, else the last.
const KEPT: [usize; 3] = [200, 60, 24];

/// A longer list keeps its first two.
const LIST: usize = 6;

/// The words of one recording that would tell where it was made.
pub(super) struct Cleaner {
    /// The name of the home's folder, of which nothing may be left.
    root: String,
    replaced: Vec<(String, &'static str)>,
}

impl Cleaner {
    pub(super) fn new(home: &Home, url: &str) -> Self {
        let root = home.root().to_string_lossy().into_owned();
        let dashed = root.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let replaced = vec![
            (format!("{root}/proj"), "/home/user/proj"),
            (format!("{root}/home"), "/home/user"),
            (format!("{dashed}-proj"), "-home-user-proj"),
            (root.clone(), "/home/user"),
            (url.trim_start_matches("http://").to_owned(), "127.0.0.1:1"),
        ];
        let name = root.rsplit('/').next().unwrap_or_default().to_owned();
        Cleaner { root: name, replaced }
    }

    /// A text with other paths and another address.
    pub(super) fn text(&self, text: &str) -> String {
        self.replaced.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    /// Says when a screen shows the folder's name all the same: a path may be broken by a line's end.
    pub(super) fn check(&self, name: &str, text: &str) {
        if text.contains(&self.root) {
            println!("{name}: it shows {} still:\n{text}", self.root);
        }
    }

    /// A transcript, line for line.
    pub(super) fn transcript(&self, text: &str) -> String {
        let cleaned = self.text(text);
        assert!(!cleaned.contains(&self.root), "a path of the recording is left");
        cleaned.lines().map(|line| cut(line) + "\n").collect()
    }
}

/// The line, shortened if it is long and nobody's words.
fn cut(line: &str) -> String {
    let whole = || line.to_owned();
    let Ok(entry) = serde_json::from_str::<Value>(line) else { return whole() };
    if line.len() <= LONG || !is_setting(&entry) {
        return whole();
    }
    let shorter = KEPT.iter().map(|&kept| {
        let mut entry = entry.clone();
        shorten(&mut entry, kept);
        entry.to_string()
    });
    let mut shorter: Vec<String> = shorter.collect();
    let first = shorter.iter().position(|line| line.len() <= LONG).unwrap_or(KEPT.len() - 1);
    shorter.swap_remove(first)
}

/// Whether the line holds what the agent tells the model by itself: no prompt and no answer.
fn is_setting(entry: &Value) -> bool {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let payload = &entry["payload"];
    match text(&entry["type"]).as_str() {
        "attachment" => entry["attachment"]["type"] != "queued_command",
        "response_item" => payload["role"] == "developer" || payload["type"] == "additional_tools",
        "session_meta" | "world_state" | "turn_context" | "compacted" => true,
        kind => kind.starts_with("api-request"),
    }
}

fn shorten(value: &mut Value, kept: usize) {
    match value {
        Value::String(text) => {
            let count = text.chars().count();
            // The mark itself takes some twenty characters.
            if count > kept + 20 {
                let begin: String = text.chars().take(kept).collect();
                *text = format!("{begin}… ({count} characters)");
            }
        }
        Value::Array(items) => {
            if items.len() > LIST {
                items.truncate(2);
            }
            items.iter_mut().for_each(|item| shorten(item, kept));
        }
        Value::Object(fields) => fields.values_mut().for_each(|field| shorten(field, kept)),
        _ => {}
    }
}

#[test]
fn long_settings_are_cut_and_prompts_are_not() {
    let long = "x".repeat(1000);
    let list: Vec<usize> = (0..9).collect();
    let prompt = serde_json::json!({"type": "user", "message": {"content": long}}).to_string();
    assert_eq!(cut(&prompt), prompt);
    let setting = serde_json::json!({"type": "attachment", "content": long, "list": list});
    let kept = "x".repeat(200);
    let expected =
        format!(r#"{{"type":"attachment","content":"{kept}… (1000 characters)","list":[0,1]}}"#);
    assert_eq!(cut(&setting.to_string()), expected);
}
