//! Claude Code.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use self::state_file::StateFiles;
use super::{
    Agent, AgentPaths, Comparison, Conversation, Facts, Launch, LaunchRequest, Marks,
    SETTINGS_FILE, Status, Told, Typing, image,
};
use crate::{
    config::Config,
    error::{Error, Kind, Result},
    fs, proc,
    tmux::{Enter, Pane},
    transcript::{event::Event, usage::Used},
};

pub(crate) mod log;
mod settings;
pub(crate) mod state_file;
mod usage;

/// Claude Code; the versions that this holds for are in `profile.json`.
pub(crate) struct Claude;

pub(crate) const FACTS: Facts = Facts {
    backend: "tmux-claude-code",
    state_prefix: "",
    program: "claude",
    package: Some("@anthropic-ai/claude-code"),
    profile: ("claude.json", include_str!("profile.json")),
    hub: |config| config.text_of("claude_hub").unwrap_or_default(),
    settings: settings::SETTINGS,
    kept_paths: settings::KEPT_PATHS,
    entry_fields: &[("settingsPath", None), ("forceNoProxy", Some(false))],
    // See claude/FACTS.md, "Environment".
    marks: Marks {
        prefix: "CLAUDE_",
        parts: &[
            "SESSION",
            "MESSAGING",
            "SOCKET",
            "SOCK",
            "PORT",
            "PID",
            "CHILD",
            "JOB",
            "ENTRYPOINT",
            "EXECPATH",
            "SANDBOXED",
            "BG",
            "BRIDGE",
            "RUNNER",
            "PTY",
            "SSH",
            "SPARE",
            "SPAWNED",
            "SUPERVISED",
            "LAUNCHED",
            "RELAUNCH",
            "RELAUNCHED",
            "TELEPORT",
            "TETHER",
            "TEAMMATE",
            "DESCRIPTOR",
            "FD",
            "JUST",
        ],
        settings: &[
            "DISABLE", "ENABLE", "EMIT", "SKIP", "SUPPRESS", "SYNC", "CONTROL", "PROXY", "MS",
            "MAX", "HIDE", "FORCE",
        ],
        names: &[
            "AI_AGENT",
            "CLAUDECODE",
            "CLAUDE_EFFORT",
            "CLAUDE_PLUGIN_DATA",
            "CLAUDE_PLUGIN_ROOT",
            "CLAUDE_PROJECT_DIR",
            "CLAUDE_SKILL_DIR",
            "CLAUDE_CODE_DISABLE_DEFERRED_TOOL_RESUME",
            "CLAUDE_CODE_RESUME_INTERRUPTED_TURN",
            "CLAUDE_CODE_RESUME_INTERRUPTED_TURN_MAX_AGE_MS",
            "CLAUDE_CODE_RESUME_PROMPT",
            "CLAUDE_CODE_RESUME_REASON",
            "CLAUDE_CODE_RESUME_SHOWS_CUT_OFF_CALLS",
            "CLAUDE_CODE_TMUX_PREFIX",
            "CLAUDE_CODE_TMUX_PREFIX_CONFLICTS",
            "CLAUDE_CODE_TOOL_USE_ID",
            "CLAUDE_CODE_RESUME_HINT_COMMAND",
            "CLAUDE_CODE_RESUME_SOURCE_ALIVE",
        ],
        for_tools: &[
            ("GIT_EDITOR", "true"),
            ("COREPACK_ENABLE_AUTO_PIN", "0"),
            ("NoDefaultCurrentDirectoryInExePath", "1"),
        ],
    },
    longest_prompt: 1_048_576,
    // A round takes out one line, whatever the agent is doing. C-c would empty the box at once, but
    // it stops a turn, and a second one soon after ends an idle agent.
    // See claude/FACTS.md, "Clearing the box".
    clear_keys: &["C-k", "C-u", "BSpace", "C-e"],
    // See claude/FACTS.md, "Enter".
    may_swallow_enter: true,
    may_stop_reading: false,
    command_needs_idle: false,
    // Prompts that wait together become one message. See claude/FACTS.md, "Prompts during a turn".
    queued_changes: &["joined"],
    idle_title: None,
    end_needs_idle: true,
    // Its status tells of them.
    list_hides_cursor: false,
};

fn files(paths: &AgentPaths) -> StateFiles {
    let (home, projects) = (settings::home(paths), settings::projects(paths));
    StateFiles { home: home.to_owned(), projects: projects.to_owned(), named: false }
}

/// What the state files of a process tell: the methods of [`Agent`] that follow from `files`, for the
/// agents that keep such files.
macro_rules! told_by_state_files {
    () => {
        fn status(&self, paths: &AgentPaths, pane: &Pane) -> Result<Status> {
            Ok(files(paths).standing(pane.pid)?.status)
        }

        fn standing(&self, paths: &AgentPaths, pane: &Pane) -> Result<Told> {
            files(paths).standing(pane.pid)
        }

        fn last_turn_is_open(&self, transcript: &Path) -> Result<bool> {
            log::turn_is_open(transcript)
        }

        fn watch_paths(&self, paths: &AgentPaths, pane: &Pane) -> Vec<PathBuf> {
            files(paths).watch_paths(pane.pid)
        }

        fn conversation(&self, paths: &AgentPaths, pane: &Pane) -> Result<Option<Conversation>> {
            files(paths).conversation(pane.pid)
        }

        /// Another agent that sees no process of this number removes the state file.
        /// See claude/FACTS.md, "State file".
        fn conversation_without_sign(
            &self,
            paths: &AgentPaths,
            _: &Pane,
            kept: &Conversation,
            since: u64,
        ) -> Result<Option<Conversation>> {
            files(paths).kept_or_cleared(kept, since).map(Some)
        }

        fn places(&self, paths: &AgentPaths, transcript: &Path) -> Vec<PathBuf> {
            files(paths).places(transcript)
        }

        fn transcript_of(&self, paths: &AgentPaths, id: &str) -> Option<PathBuf> {
            files(paths).found(id)
        }
    };
}
pub(crate) use told_by_state_files;

impl Agent for Claude {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    /// See claude/FACTS.md, "Settings and options".
    fn launch(&self, config: &Config, request: &LaunchRequest) -> Result<Launch> {
        let mut argv = vec![FACTS.installed(config)?.into_os_string()];
        if request.ask_permission {
            argv.extend(["--permission-mode", "default"].map(OsString::from));
        } else {
            argv.push("--dangerously-skip-permissions".into());
        }
        // This tool would wait for an answer even when everything is permitted.
        // See claude/FACTS.md, "Questions".
        argv.extend(["--disallowedTools", "AskUserQuestion"].map(OsString::from));
        let (own, rest) = own_settings(&request.rest)?;
        let callers = settings::callers_settings(&request.paths);
        let merged = [callers.exists().then(|| callers.to_owned()), own];
        let merged = merged.into_iter().flatten().collect();
        let named = config.var(state_file::DIR_NAME).is_some();
        let files = StateFiles { named, ..files(&request.paths) };
        let (args, conversation) = session_args(&files, request, merged)?;
        argv.extend(args);
        argv.extend(rest);
        // As root it refuses to start without this. See claude/FACTS.md, "Starts that fail".
        let mut env = vec![("IS_SANDBOX".into(), "1".into())];
        if !request.ask_permission {
            // It trusts the folder, which the caller named, as if the dialog had been answered. It
            // trusts all others too, so not where it is to ask before it acts.
            // See claude/FACTS.md, "Start dialogs".
            env.push(("CLAUDE_CODE_SANDBOXED".into(), "1".into()));
        }
        let home = settings::home(&request.paths);
        let (told, unset) = config.told_folder(home, "CLAUDE_CONFIG_DIR", ".claude");
        env.extend(told);
        let unset = unset.into_iter().collect();
        Ok(Launch { argv, env, unset, sources: Vec::new(), conversation: Some(conversation) })
    }

    told_by_state_files!();

    /// See claude/FACTS.md, "Hooks".
    fn may_be_at_hook(&self, paths: &AgentPaths, pane: &Pane, since: u64) -> bool {
        files(paths).process(pane.pid).is_some_and(|pid| proc::has_new_child(pid, since))
    }

    /// Prompts that would do something else than reach the model.
    /// See claude/FACTS.md, "Text that is no prompt".
    fn objection(&self, prompt: &str) -> Option<String> {
        // Invisible characters are left out before the agent reads a prompt.
        let prompt: String = prompt.chars().filter(|&c| !log::is_invisible(c)).collect();
        let text = prompt.trim();
        if text.is_empty() {
            return Some("it has no visible characters".into());
        }
        if prompt.starts_with('!') {
            return Some("a leading `!` makes it a shell command".into());
        }
        if matches!(text, "exit" | "quit" | ":q" | ":q!" | ":wq" | ":wq!") {
            return Some(format!("`{text}` alone ends the agent"));
        }
        let word = text.strip_prefix('/')?.split_whitespace().next()?;
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':');
        word.chars().all(legal).then(|| format!("`/{word}` at the start makes it a command"))
    }

    /// Every line that is the path of an image, or several paths. See claude/FACTS.md, "Images".
    fn taken_for_image(&self, prompt: &str) -> Option<String> {
        let is_path = |text: &str| text.trim().starts_with(['/', '\'', '"']);
        let is_image = |text: &str| is_path(text) && image::is_image(&image::path_in(text));
        let is_all = |line: &str| {
            let line = line.trim();
            is_image(line)
                || line.split(" /").enumerate().all(|(n, part)| match n {
                    0 => is_image(part),
                    _ => is_image(&format!("/{part}")),
                })
        };
        prompt.lines().find(|line| is_all(line)).map(|line| line.trim().to_owned())
    }

    /// A blank behind the prompt keeps a `\` or an `@word` at its end from taking the Enter; the
    /// agent trims it. See claude/FACTS.md, "Text that is no prompt".
    ///
    /// A long paste folds into a label: the text in it takes no Enter, and is not trimmed. Enter
    /// comes later after such a paste, which is read for a while, and after a command, which opens
    /// a list.
    /// See claude/FACTS.md, "Folding", and claude/FACTS.md, "Enter".
    fn typing(&self, prompt: &str, command: bool) -> Typing {
        let folds = prompt.chars().count() >= 800 || prompt.matches('\n').count() > 2;
        let last = prompt.rsplit(char::is_whitespace).next().unwrap_or_default();
        let takes_enter = last.ends_with('\\') || last.contains('@');
        let end = if command || folds && !takes_enter { "" } else { " " };
        let enter = if command || folds { Enter::Later } else { Enter::Soon };
        Typing { lead: "", text: format!("{prompt}{end}"), enter }
    }

    fn parse_record(&self, record: &[u8]) -> Vec<Event> {
        log::parse_record(record)
    }

    fn used(&self, line: &[u8]) -> Vec<Used> {
        usage::used(line)
    }

    fn compare(&self, sent: &str, recorded: &str) -> Comparison {
        log::compare(sent, recorded)
    }
}

/// The arguments for model, settings and conversation; and the conversation. The settings go into
/// one file: the `merged` files, and ours over them.
pub(crate) fn session_args(
    files: &StateFiles,
    request: &LaunchRequest,
    merged: Vec<PathBuf>,
) -> Result<(Vec<OsString>, Conversation)> {
    let mut args = Vec::new();
    if let Some(model) = &request.model {
        args.extend(["--model".into(), OsString::from(model)]);
    }
    let merged = merged_settings(merged, request)?;
    let path = request.run_dir.join(SETTINGS_FILE);
    // Each start writes it anew, so a machine that stops may take it with it.
    fs::write_atomic(&path, merged.to_string().as_bytes(), 0o600)?;
    args.extend(["--settings".into(), path.into_os_string()]);
    let id = conversation_id(&files.home, request)?;
    let option = if request.resume.is_some() { "--resume" } else { "--session-id" };
    args.extend([option.into(), OsString::from(&id)]);
    let transcript = files.transcript(&id, &request.cwd);
    Ok((args, Conversation { id: Some(id), transcript }))
}

/// The id of the conversation: the one to go on with, unless it is open elsewhere, or a new one.
///
/// Two processes in one conversation would fork its history, and the agent does not stop them.
/// See claude/FACTS.md, "Conversation and transcript file".
fn conversation_id(home: &std::path::Path, request: &LaunchRequest) -> Result<String> {
    let Some(id) = &request.resume else { return Ok(uuid::Uuid::new_v4().to_string()) };
    if uuid::Uuid::parse_str(id).is_err() {
        return Err(Error::usage(format!("conversation {id:?}"), "not a conversation id (a UUID)"));
    }
    match state_file::holder(home, id) {
        Some(pid) => Err(Error::new(
            Kind::Refused,
            format!("conversation {id}"),
            format!("it is already open in process {pid}"),
        )
        .advise("end that one first")),
        None => Ok(id.clone()),
    }
}

/// Takes `--settings` out of the caller's own arguments: of two, the agent would drop the first.
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

/// One settings object: the caller's files, later ones over earlier ones, and ours over them. Our
/// hooks are added to the caller's. See claude/FACTS.md, "Hooks".
fn merged_settings(files: Vec<PathBuf>, request: &LaunchRequest) -> Result<Value> {
    let mut merged = json!({});
    for path in files {
        let bytes = fs::read(&path)?
            .ok_or_else(|| Error::usage(path.display(), "no such settings file"))?;
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|e| Error::usage(path.display(), format!("not a settings file: {e}")))?;
        merge(&mut merged, value);
    }
    let hook = json!([{"hooks": [{"type": "command", "command": request.at_turn_end}]}]);
    merge(
        &mut merged,
        json!({
            "skipDangerousModePermissionPrompt": true,
            "tui": "default",
            // The first would win over the line above, but for these settings; the other would leave no
            // transcript, by which everything is proven.
            // See claude/FACTS.md, "Settings and options".
            // See claude/FACTS.md, "Conversation and transcript file".
            "env": {"CLAUDE_CODE_NO_FLICKER": "0", "CLAUDE_CODE_SKIP_PROMPT_HISTORY": "0"},
            // See claude/FACTS.md, "Inbox".
            "crossSessionInbound": request.inbox.as_deref().unwrap_or("refuse"),
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
            assert_eq!(Claude.objection(text), None, "{text}");
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
            assert!(Claude.objection(text).is_some(), "{text}");
        }
    }

    #[test]
    fn the_callers_settings_and_hooks_stay() {
        let folder = std::env::temp_dir().join(format!("aimax-claude-{}", std::process::id()));
        fs::make_dir(&folder, 0o700).unwrap();
        let path = folder.join("s.json");
        std::fs::write(&path, r#"{"env":{"A":"1"},"hooks":{"Stop":[{"hooks":[]}]},"tui":"x"}"#)
            .unwrap();
        let request = LaunchRequest { at_turn_end: "true".into(), ..LaunchRequest::default() };
        let merged = merged_settings(vec![path], &request).unwrap();
        assert_eq!(merged["env"]["A"], "1");
        assert_eq!(merged["tui"], "default");
        assert_eq!(merged["crossSessionInbound"], "refuse");
        assert_eq!(merged["hooks"]["Stop"].as_array().unwrap().len(), 2);
        fs::remove_dir(&folder).unwrap();
    }
}
