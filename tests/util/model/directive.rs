//! What a prompt's own words tell the model to do.

use std::time::Duration;

/// The behaviour that the newest prompt asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Directive {
    /// No directive: `echo: <the first 60 characters>`.
    Echo,
    /// `SLOW:<ms>`: streams text for that long.
    Slow(Duration),
    /// `TOOL:<command to the end of the line>`: one shell command, then `tool said: …`.
    Tool(String),
    /// `BACKGROUND:<command>`: the same, not waited for.
    Background(String),
    /// `DELEGATE:<prompt>`: a sub-agent gets that prompt (only Claude Code knows that).
    Delegate(String),
    /// `ESCALATE:<command>`: the same, asking to leave the sandbox (only Codex knows that).
    Escalate(String),
    /// `CALL:<tool> <input as JSON>`: that tool of the agent's own (only Claude Code has such).
    Call(String, serde_json::Value),
    /// `ERROR:<status>` always, `ERROR:<status>x<N>` the first N times.
    Error(u16, Option<u32>),
    /// `STOP:<reason>`: an answer that ends for that reason, `null` for none. To Codex it is incomplete.
    Stop(String),
    /// `LIMIT:<seconds>`: the usage limit is reached, and ends then; once for each prompt.
    Limit(u64),
    /// `CUT`: the connection breaks in the middle of the answer, always.
    Cut,
    /// `HANG`: no byte of an answer until released.
    Hang,
    /// `LONG:<bytes>`: an answer of that size.
    Long(usize),
    /// `ASK`: the tool that asks the user a question, where there is one.
    Ask,
}

impl Directive {
    /// Reads the directive out of a prompt; a command's own words are never taken for one.
    pub(crate) fn of(prompt: &str) -> Self {
        if let Some(rest) = after(prompt, "DELEGATE:") {
            return Directive::Delegate(first_line(rest));
        }
        if let Some((tool, input)) = after(prompt, "CALL:").and_then(|rest| rest.split_once(' ')) {
            let input = serde_json::from_str(&first_line(input)).expect("a tool's input");
            return Directive::Call(tool.to_owned(), input);
        }
        if let Some(rest) = after(prompt, "TOOL:") {
            return Directive::Tool(first_line(rest));
        }
        if let Some(rest) = after(prompt, "BACKGROUND:") {
            return Directive::Background(first_line(rest));
        }
        if let Some(rest) = after(prompt, "ESCALATE:") {
            return Directive::Escalate(first_line(rest));
        }
        if let Some((ms, _)) = after(prompt, "SLOW:").and_then(number) {
            return Directive::Slow(Duration::from_millis(ms));
        }
        if let Some((status, rest)) = after(prompt, "ERROR:").and_then(number) {
            let times = rest.strip_prefix('x').and_then(number).map(|(times, _)| times);
            let times = times.map(|times| u32::try_from(times).unwrap_or(u32::MAX));
            return Directive::Error(u16::try_from(status).unwrap_or(500), times);
        }
        if let Some(rest) = after(prompt, "STOP:") {
            let reason = rest.split_whitespace().next().unwrap_or_default();
            return Directive::Stop(reason.to_owned());
        }
        if let Some((seconds, _)) = after(prompt, "LIMIT:").and_then(number) {
            return Directive::Limit(seconds);
        }
        if let Some((bytes, _)) = after(prompt, "LONG:").and_then(number) {
            return Directive::Long(usize::try_from(bytes).unwrap_or(usize::MAX));
        }
        match prompt.split_whitespace().find(|word| matches!(*word, "HANG" | "ASK" | "CUT")) {
            Some("HANG") => Directive::Hang,
            Some("CUT") => Directive::Cut,
            Some(_) => Directive::Ask,
            None => Directive::Echo,
        }
    }
}

/// What follows `word` where it begins a word.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.match_indices(word)
        .find(|(at, _)| !text[..*at].ends_with(|before: char| before.is_alphanumeric()))
        .map(|(at, _)| &text[at + word.len()..])
}

fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}
