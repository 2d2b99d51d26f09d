//! Claude Code.

use std::{ffi::OsString, path::PathBuf};

use serde_json::{Value, json};

use super::{Agent, Conversation, Launch, LaunchRequest, Status, Typing};
use crate::{
    config::Config,
    error::{Error, Kind, Result},
    fs,
    tmux::{Enter, Pane},
    transcript::event::{Event, EventKind},
};

pub(crate) mod log;
pub(crate) mod state_file;

/// Claude Code. Verified with 2.1.197 and 2.1.330.
pub(crate) struct Claude;

impl Agent for Claude {
    fn program(&self) -> &'static str {
        "claude"
    }

    fn profile(&self) -> (&'static str, &'static str) {
        ("claude.json", include_str!("profile.json"))
    }

    fn launch(&self, config: &Config, request: &LaunchRequest) -> Result<Launch> {
        let program = config.program("claude").ok_or_else(|| {
            Error::missing("claude", "not found on PATH")
                .advise("install it, for example `npm install -g @anthropic-ai/claude-code`")
        })?;
        let mut argv = vec![program.into_os_string()];
        if request.ask_permission {
            argv.extend(["--permission-mode", "default"].map(OsString::from));
        } else {
            argv.push("--dangerously-skip-permissions".into());
        }
        // It would wait for an answer even when all is permitted.
        argv.extend(["--disallowedTools", "AskUserQuestion"].map(OsString::from));
        if let Some(model) = &request.model {
            argv.extend(["--model".into(), OsString::from(model)]);
        }
        let (settings, rest) = own_settings(&request.rest)?;
        let files =
            [config.claude_settings.exists().then(|| config.claude_settings.clone()), settings];
        let merged = merged_settings(files.into_iter().flatten().collect(), &request.at_turn_end)?;
        let path = request.run_dir.join("settings.json");
        fs::write_durable(&path, merged.to_string().as_bytes(), 0o600)?;
        argv.extend(["--settings".into(), path.into_os_string()]);
        let id = conversation_id(&config.claude_home, request)?;
        argv.extend([session_option(request), OsString::from(&id)]);
        argv.extend(rest);
        let transcript = state_file::transcript(&config.claude_projects, &id, &request.cwd);
        let env = vec![("IS_SANDBOX".into(), "1".into())];
        Ok(Launch {
            argv,
            env,
            sources: Vec::new(),
            conversation: Some(Conversation { id: Some(id), transcript: Some(transcript) }),
        })
    }

    fn status(&self, config: &Config, pane: &Pane) -> Result<Status> {
        state_file::status(&config.claude_home, pane.pid)
    }

    fn conversation(&self, config: &Config, pane: &Pane) -> Result<Option<Conversation>> {
        state_file::conversation(&config.claude_home, &config.claude_projects, pane.pid)
    }

    fn watch_paths(&self, config: &Config, pane: &Pane) -> Vec<PathBuf> {
        vec![state_file::path(&config.claude_home, pane.pid)]
    }

    fn may_swallow_enter(&self) -> bool {
        true
    }

    fn objection(&self, prompt: &str) -> Option<String> {
        objection(prompt)
    }

    fn typing(&self, prompt: &str, command: bool) -> Typing {
        typing(prompt, command)
    }

    fn clear_keys(&self) -> &'static [&'static str] {
        CLEAR
    }

    fn ran_command(&self, command: &str, event: &Event) -> bool {
        event.kind == EventKind::Command && event.text == command
    }

    fn when_queued(&self) -> &'static [&'static str] {
        // Prompts that wait together are given as one message.
        &["joined"]
    }

    fn compare(
        &self,
        sent: &str,
        recorded: &str,
    ) -> std::result::Result<Vec<&'static str>, String> {
        log::compare(sent, recorded)
    }

    fn parse_line(&self, line: &[u8]) -> Vec<Event> {
        log::parse_line(line)
    }
}

/// A blank behind the prompt is trimmed by the agent, and keeps a `\` or an `@word` at the end from
/// taking the Enter for itself. A long paste folds into a label: what is in it takes no Enter, and
/// is not trimmed. It is read for a while, and a command opens a list: then Enter comes later.
pub(crate) fn typing(prompt: &str, command: bool) -> Typing {
    let folds = prompt.chars().count() >= 800 || prompt.matches('\n').count() > 2;
    let last = prompt.rsplit(char::is_whitespace).next().unwrap_or_default();
    let takes_enter = last.ends_with('\\') || last.contains('@');
    let end = if command || folds && !takes_enter { "" } else { " " };
    let enter = if command || folds { Enter::Later } else { Enter::Soon };
    Typing { lead: "", text: format!("{prompt}{end}"), enter }
}

/// A round takes one line, whatever the agent does. C-c would take the whole draft at once, but a
/// second one soon after it ends an idle agent, and while it works one stops the turn.
pub(crate) const CLEAR: &[&str] = &["C-k", "C-u", "BSpace", "C-e"];

/// Prompts that would do something else than reach the model.
pub(crate) fn objection(prompt: &str) -> Option<String> {
    // What cannot be seen is left out before a prompt is looked at.
    let prompt: String = prompt.chars().filter(|&c| !log::is_invisible(c)).collect();
    let text = prompt.trim();
    if text.is_empty() {
        return Some("nothing in it can be seen".into());
    }
    if prompt.starts_with('!') {
        return Some("a leading `!` makes it a shell command".into());
    }
    if matches!(text, "exit" | "quit" | ":q" | ":q!" | ":wq" | ":wq!") {
        return Some(format!("`{text}` alone ends the agent"));
    }
    let word = text.strip_prefix('/')?.split_whitespace().next()?;
    let command = word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':'));
    command.then(|| format!("`/{word}` at the start makes it a command"))
}

pub(crate) fn session_option(request: &LaunchRequest) -> OsString {
    if request.resume.is_some() { "--resume".into() } else { "--session-id".into() }
}

/// The id of the conversation: the one to go on with, unless it is open elsewhere, or a new one.
///
/// Two processes in one conversation would fork its history, and nothing in the agent stops them.
pub(crate) fn conversation_id(home: &std::path::Path, request: &LaunchRequest) -> Result<String> {
    let Some(id) = &request.resume else { return Ok(uuid::Uuid::new_v4().to_string()) };
    if uuid::Uuid::parse_str(id).is_err() {
        return Err(Error::usage(format!("conversation {id:?}"), "not a conversation id (a UUID)"));
    }
    match state_file::holder(home, id) {
        Some(pid) => Err(Error::new(
            Kind::Refused,
            format!("conversation {id}"),
            format!("it is open in process {pid}"),
        )
        .advise("end that one first")),
        None => Ok(id.clone()),
    }
}

/// Takes `--settings` out of the caller's own arguments: of two the agent would drop the first.
fn own_settings(rest: &[OsString]) -> Result<(Option<PathBuf>, Vec<OsString>)> {
    let mut settings = None;
    let mut kept = Vec::new();
    let mut args = rest.iter();
    while let Some(arg) = args.next() {
        if arg == "--settings" {
            let value =
                args.next().ok_or_else(|| Error::usage("--settings", "it needs a value"))?;
            settings = Some(PathBuf::from(value));
        } else if let Some(value) = arg.to_str().and_then(|arg| arg.strip_prefix("--settings=")) {
            settings = Some(PathBuf::from(value));
        } else {
            kept.push(arg.clone());
        }
    }
    Ok((settings, kept))
}

/// One settings object: the caller's files, later ones first, and ours over them. Hooks are added
/// to the caller's, never put in their place.
pub(crate) fn merged_settings(files: Vec<PathBuf>, at_turn_end: &str) -> Result<Value> {
    let mut merged = json!({});
    for path in files {
        let bytes = fs::read(&path)?
            .ok_or_else(|| Error::usage(path.display(), "no such settings file"))?;
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|e| Error::usage(path.display(), format!("not a settings file: {e}")))?;
        merge(&mut merged, value);
    }
    let hook = json!([{"hooks": [{"type": "command", "command": at_turn_end}]}]);
    merge(
        &mut merged,
        json!({
            "skipDangerousModePermissionPrompt": true,
            "tui": "default",
            "hooks": {"Stop": hook, "StopFailure": hook, "SessionEnd": hook},
        }),
    );
    Ok(merged)
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(from)) => into.extend(from),
        (into, from) => *into = from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_no_text_is_objected_to() {
        for text in
            ["hello", "/etc/hosts is a file", "// a comment", " !x", "exit now", "a /compact"]
        {
            assert_eq!(objection(text), None, "{text}");
        }
        for text in [
            "!ls",
            "\u{200b}!ls",
            "/compact",
            " /help\nmore",
            "exit",
            "ex\u{ad}it",
            ":q",
            "/a:b c",
            "\u{feff}",
        ] {
            assert!(objection(text).is_some(), "{text}");
        }
    }

    #[test]
    fn the_callers_settings_and_hooks_stay() {
        let folder = std::env::temp_dir().join(format!("aimax-claude-{}", std::process::id()));
        fs::make_dir(&folder, 0o700).unwrap();
        let path = folder.join("s.json");
        std::fs::write(&path, r#"{"env":{"A":"1"},"hooks":{"Stop":[{"hooks":[]}]},"tui":"x"}"#)
            .unwrap();
        let merged = merged_settings(vec![path], "true").unwrap();
        assert_eq!(merged["env"]["A"], "1");
        assert_eq!(merged["tui"], "default");
        assert_eq!(merged["hooks"]["Stop"].as_array().unwrap().len(), 2);
        fs::remove_dir(&folder).unwrap();
    }
}
