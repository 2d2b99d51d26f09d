//! Codex.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use memchr::memmem::Finder;

use self::rollout::{id_of, is_rollout, rollout, turn_is_open};
use super::{
    Agent, AgentPaths, Comparison, Conversation, Facts, Launch, LaunchRequest, Marks, Status, Told,
    Typing, image,
};
use crate::{
    config::Config,
    error::{Error, Result},
    fs, proc, time,
    tmux::{Enter, Pane},
    transcript::{
        event::{Event, EventKind},
        field::Field,
        usage::Used,
    },
};

mod log;
mod rollout;
mod settings;
mod usage;

/// Codex; the versions that this holds for are in `profile.json`.
pub(crate) struct Codex;

pub(crate) const FACTS: Facts = Facts {
    backend: "tmux-codex",
    state_prefix: "codex-",
    program: "codex",
    package: Some("@openai/codex"),
    profile: ("codex.json", include_str!("profile.json")),
    hub: |config| config.text_of("codex_hub").unwrap_or_default(),
    settings: settings::SETTINGS,
    kept_paths: settings::KEPT_PATHS,
    entry_fields: &[],
    // See codex/FACTS.md, "Environment".
    marks: Marks {
        prefix: "CODEX_",
        parts: &[
            "THREAD",
            "SESSION",
            "SANDBOX",
            "TOOL",
            "CI",
            "VERSION",
            "PERMISSION",
            "PATCH",
            "NETWORK",
            "SNAPSHOT",
            "ESCALATE",
            "MANAGED",
            "ORIGINATOR",
        ],
        settings: &["TUI"],
        names: &[],
        for_tools: &[("PAGER", "cat"), ("GIT_PAGER", "cat"), ("GH_PAGER", "cat")],
    },
    longest_prompt: 1_048_576,
    // A round takes out one line; C-c would end an idle agent.
    // See codex/FACTS.md, "Clearing the box".
    clear_keys: &["C-k", "C-u", "BSpace", "C-e"],
    // See codex/FACTS.md, "Enter".
    may_swallow_enter: false,
    // It reads 1,024 bytes at a time. When a paste fills its last block, the input behind it stays
    // unread until more comes. See codex/FACTS.md, "Input in blocks of 1,024 bytes".
    may_stop_reading: true,
    // See codex/FACTS.md, "Commands".
    command_needs_idle: true,
    queued_changes: &[],
    // See codex/FACTS.md, "Title".
    idle_title: Some("Ready*"),
    // See codex/FACTS.md, "End of a turn".
    end_needs_idle: false,
    // See codex/FACTS.md, "Lists and forms".
    list_hides_cursor: true,
};

/// Settings on the command line.
const OVERRIDES: [&str; 4] = [
    // The title shows state and thread. See codex/FACTS.md, "Title".
    r#"tui.terminal_title=["activity","run-state","thread-id"]"#,
    "tui.animations=false",
    // No dialog asks for an update. See codex/FACTS.md, "Start dialogs".
    "check_for_update_on_startup=false",
    // A daemon shared by all windows would run their tools in the environment of the first one.
    // See codex/FACTS.md, "Daemon".
    "features.daemon_auto_start=false",
];

/// The newer models that a dialog would offer in place of the older ones, by the lists of models that
/// are built into the verified versions. An offer that was answered is not made again.
/// See codex/FACTS.md, "Start dialogs".
const OFFERS: &str = concat!(
    r#"notice.model_migrations={"gpt-5.2"="gpt-5.4","gpt-5.3-codex"="gpt-5.4","#,
    r#""gpt-5.5"="gpt-6-sol","gpt-5.6-sol"="gpt-6-sol","gpt-5.6-terra"="gpt-6-sol","#,
    r#""gpt-5.6-luna"="gpt-6-luna"}"#
);

/// The setting by which the command line of an agent that we started is recognised.
const TITLE: &str = "tui.terminal_title";

/// Only Codex puts everything into such a field.
static PAYLOAD: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"payload\""));

impl Agent for Codex {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, config: &Config, request: &LaunchRequest) -> Result<Launch> {
        if request.inbox.is_some() {
            return Err(Error::usage("--inbox", "Codex has no inbox for other sessions"));
        }
        let mut argv = vec![FACTS.installed(config)?.into_os_string()];
        if let Some(profile) = profile(request) {
            argv.extend(["-p", profile].map(OsString::from));
        }
        if let Some(id) = &request.resume {
            if uuid::Uuid::parse_str(id).is_err() {
                return Err(Error::usage(format!("thread {id:?}"), "not a thread id (a UUID)"));
            }
            argv.push("resume".into());
        }
        let trust = trust(request)?;
        for value in OVERRIDES.into_iter().chain([OFFERS]).chain(trust.as_deref()) {
            argv.extend(["-c", value].map(OsString::from));
        }
        if !request.ask_permission {
            argv.push("--dangerously-bypass-approvals-and-sandbox".into());
        }
        if let Some(model) = request.model.as_deref().or(config.text_of("codex_default_model")) {
            argv.extend(["-m".into(), OsString::from(model)]);
        }
        argv.extend(["-C".into(), request.cwd.clone().into_os_string()]);
        argv.extend(request.rest.iter().cloned());
        argv.extend(request.resume.iter().map(OsString::from));
        let paths = &request.paths;
        let conversation = request
            .resume
            .as_ref()
            .map(|id| Conversation { id: Some(id.clone()), transcript: rollout(paths, id) });
        let secrets = settings::secrets(paths);
        let sources = if secrets.exists() { vec![secrets.to_owned()] } else { Vec::new() };
        let (told, unset) = config.told_folder(settings::home(paths), "CODEX_HOME", ".codex");
        let (env, unset) = (told.into_iter().collect(), unset.into_iter().collect());
        Ok(Launch { argv, env, unset, sources, conversation })
    }

    fn status(&self, paths: &AgentPaths, pane: &Pane) -> Result<Status> {
        let title = Title::parse(&pane.title);
        if title.status != Status::Starting {
            return Ok(title.status);
        }
        // The title shows only this while tool servers start, although the agent takes prompts by
        // then, and when somebody else has started the agent. The transcript shows more.
        // See codex/FACTS.md, "Title".
        let Some(conversation) = self.conversation(paths, pane)? else {
            return Ok(Status::Starting);
        };
        super::status_by_turn(self, conversation.transcript.as_deref())
    }

    /// A command in the background is its child, but not each child is one.
    /// See codex/FACTS.md, "Background terminals".
    fn standing(&self, paths: &AgentPaths, pane: &Pane) -> Result<Told> {
        let status = self.status(paths, pane)?;
        let is_alone = matches!(status, Status::Idle(_)) && proc::family(pane.pid).nth(1).is_none();
        let conversation = Title::parse(&pane.title).conversation.map(str::to_owned);
        Ok(Told { status, beside: is_alone.then_some(false), conversation })
    }

    fn last_turn_is_open(&self, transcript: &Path) -> Result<bool> {
        turn_is_open(transcript)
    }

    /// A title that is none of Codex's was set by a person; a bare state is the Agent command
    /// center's. The threads that the process holds open tell more.
    /// See codex/FACTS.md, "Title", and codex/FACTS.md, "Thread and files".
    fn conversation_without_sign(
        &self,
        paths: &AgentPaths,
        pane: &Pane,
        kept: &Conversation,
        _since: u64,
    ) -> Result<Option<Conversation>> {
        if Title::parse(&pane.title).conversation.is_some()
            || matches!(pane.title.as_str(), "Starting" | "Ready" | "Working" | "Thinking")
        {
            return Ok(None);
        }
        let Some(open) = open_files(pane.pid) else { return Ok(Some(kept.clone())) };
        let of_lock = |path: &PathBuf| {
            let is_lock = path.parent() == Some(&settings::locks(paths));
            is_lock.then(|| path.file_stem()?.to_str().map(str::to_owned)).flatten()
        };
        let of_rollout = |path: &PathBuf| is_rollout(path, "").then(|| id_of(path)).flatten();
        let ids = open.iter().filter_map(|path| of_lock(path).or_else(|| of_rollout(path)));
        // An id begins with the time of its thread.
        let Some(newest) = ids.max() else { return Ok(Some(kept.clone())) };
        if kept.id.as_ref().is_some_and(|kept| *kept != newest) {
            let cause = "its title was taken away, and a thread was begun since: which one it shows \
                         cannot be told";
            return Err(Error::missing("", cause).advise("look at the window"));
        }
        let transcript = open.into_iter().find(|path| is_rollout(path, &newest));
        let transcript = transcript.or_else(|| kept.transcript.clone());
        Ok(Some(Conversation { id: Some(newest), transcript }))
    }

    /// See codex/FACTS.md, "Thread and files".
    fn conversation(&self, paths: &AgentPaths, pane: &Pane) -> Result<Option<Conversation>> {
        let Some(part) = Title::parse(&pane.title).conversation else {
            return Ok(
                foreign(pane).map(|path| Conversation { id: id_of(&path), transcript: Some(path) })
            );
        };
        // The title shows 29 of the id's 36 characters; the names of the files that the pane's
        // process holds open have all of them. If another process holds the lock, the thread is
        // open elsewhere.
        let locked = lock_of(paths, part);
        let mut conversation = Conversation::default();
        match open_files(pane.pid) {
            Some(open) => {
                if let Some(lock) = &locked
                    && !open.iter().any(|path| path.file_name() == lock.file_name())
                {
                    return Ok(None);
                }
                conversation.transcript = open.into_iter().find(|path| is_rollout(path, part));
            }
            None => conversation.transcript = rollout(paths, part),
        }
        // A resumed thread's rollout is not open before the first prompt.
        let id = locked.as_deref().and_then(Path::file_stem).and_then(|stem| stem.to_str());
        if conversation.transcript.is_none() {
            conversation.transcript = id.and_then(|id| rollout(paths, id));
        }
        conversation.id =
            id.map(str::to_owned).or_else(|| id_of(conversation.transcript.as_deref()?));
        Ok(Some(conversation))
    }

    fn watch_paths(&self, paths: &AgentPaths, pane: &Pane) -> Vec<PathBuf> {
        // The rollout's folder is named after the local day, and local time is at most 14 hours
        // from UTC.
        // See codex/FACTS.md, "Thread and files".
        let day = |hours: i64| {
            let at = time::rfc3339(time::now_ms().saturating_add_signed(hours * 3_600_000));
            settings::sessions(paths).join(at[..10].replace('-', "/"))
        };
        let days = [day(-14), day(0), day(14)];
        // A new day's folder appears in its month's, and so on. The lock of another thread appears
        // as soon as a person changes to that thread.
        let above = days.iter().flat_map(|day| day.ancestors().skip(1).take(3));
        let mut watch_paths: Vec<PathBuf> = above.map(Path::to_owned).collect();
        watch_paths.push(settings::locks(paths));
        watch_paths.extend(days);
        if Title::parse(&pane.title).conversation.is_none() {
            watch_paths.extend(foreign(pane));
        }
        watch_paths.sort();
        watch_paths.dedup();
        watch_paths
    }

    fn places(&self, paths: &AgentPaths, transcript: &Path) -> Vec<PathBuf> {
        rollout::places(paths, transcript)
    }

    fn transcript_of(&self, paths: &AgentPaths, id: &str) -> Option<PathBuf> {
        rollout(paths, id)
    }

    fn turn_is_open(&self, paths: &AgentPaths, pane: &Pane) -> Result<Option<bool>> {
        let transcript =
            self.conversation(paths, pane)?.and_then(|conversation| conversation.transcript);
        transcript.map(|path| turn_is_open(&path)).transpose()
    }

    fn conversation_field(&self, conversation: &Conversation) -> Option<(&'static str, bool)> {
        Some(("pendingBind", conversation.transcript.is_none()))
    }

    /// See codex/FACTS.md, "Text that is no prompt".
    fn objection(&self, prompt: &str) -> Option<String> {
        prompt
            .trim_start()
            .starts_with('!')
            .then(|| "a leading `!` makes it a shell command in some versions".into())
    }

    /// Only a whole prompt is a path; it may be relative to a folder that is not known here.
    /// See codex/FACTS.md, "Images".
    fn taken_for_image(&self, prompt: &str) -> Option<String> {
        let text = prompt.trim();
        let path = image::path_in(text.strip_prefix("file://").unwrap_or(text));
        let is_one_word = !text.contains(char::is_whitespace);
        let is_taken = if path.is_absolute() {
            image::is_image(&path)
        } else {
            is_one_word && image::is_named_so(&path)
        };
        is_taken.then(|| text.to_owned())
    }

    /// A blank on each side, which the agent trims, makes slash commands and `@` and `$` words
    /// plain text. See codex/FACTS.md, "Padding".
    ///
    /// A long paste becomes a placeholder, blanks included, so its first blank comes alone.
    /// See codex/FACTS.md, "Folding".
    fn typing(&self, prompt: &str, command: bool) -> Typing {
        let folded = prompt.chars().count() >= 1000;
        let (lead, text) = if command {
            ("", prompt.to_owned())
        } else if folded && prompt.trim_start().starts_with('/') {
            (" ", format!("{prompt} "))
        } else {
            ("", format!(" {prompt} "))
        };
        Typing { lead, text, enter: Enter::AtOnce }
    }

    fn parse_record(&self, record: &[u8]) -> Vec<Event> {
        vec![log::parse_record(record)]
    }

    fn used(&self, line: &[u8]) -> Vec<Used> {
        usage::used(line)
    }

    fn knows_line(&self, line: &[u8]) -> bool {
        PAYLOAD.find(line).is_some() && Field::whole(line).has("payload")
    }

    /// See codex/FACTS.md, "What becomes of the text".
    fn compare(&self, sent: &str, recorded: &str) -> Comparison {
        if sent.trim() != recorded.trim() {
            return Err(super::difference(sent.trim(), recorded));
        }
        Ok(if sent == recorded { vec![] } else { vec!["outer_blanks"] })
    }

    fn ran_command(&self, _command: &str, event: &Event) -> bool {
        // A command is a turn without a prompt; the rollout does not name it.
        // See codex/FACTS.md, "Commands".
        event.kind == EventKind::TurnStart
    }
}

/// The contents of the pane's title. See codex/FACTS.md, "Title".
struct Title<'a> {
    status: Status,
    /// The beginning of the thread's id.
    conversation: Option<&'a str>,
}

impl Title<'_> {
    fn parse(title: &str) -> Title<'_> {
        let (state, rest) = title.split_once(" | ").unwrap_or((title, ""));
        let part = rest.rsplit(" | ").next().unwrap_or_default().trim_end_matches(['.', '…']);
        let is_id = part.len() >= 20 && part.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let status = if title.contains("Action Required") {
            Status::Waiting("approval".into())
        } else if state == "Ready" && is_id {
            Status::Idle(None)
        } else if state != "Starting" && (is_id || matches!(state, "Working" | "Thinking")) {
            Status::Busy
        } else {
            Status::Starting
        };
        Title { status, conversation: is_id.then_some(part) }
    }
}

/// The setting that trusts the folder for this start, which the caller named; the agent joins it with
/// the caller's own. None where the caller has marked a folder as untrusted: that may be this one, or
/// the repository around it, and the agent is to decide.
/// See codex/FACTS.md, "Start dialogs".
fn trust(request: &LaunchRequest) -> Result<Option<String>> {
    let cwd = &request.cwd;
    let own = fs::read(&settings::home(&request.paths).join("config.toml"))?.unwrap_or_default();
    if String::from_utf8_lossy(&own).contains("untrusted") {
        return Ok(None);
    }
    // It looks for the folder's real path, and for the one that it got.
    let mut folders = vec![cwd.to_owned()];
    folders.extend(cwd.canonicalize().ok().filter(|real| real != cwd));
    let entry = |folder: &PathBuf| {
        let folder = folder.to_str().filter(|folder| !folder.contains('\u{7f}'))?;
        // A string of JSON is one of TOML too, but for that character.
        Some(format!("{}={{trust_level=\"trusted\"}}", serde_json::Value::from(folder)))
    };
    let entries: Option<Vec<_>> = folders.iter().map(entry).collect();
    Ok(entries.map(|entries| format!("projects={{{}}}", entries.join(","))))
}

/// The profile for the network: `plus` behind the proxy, else `rightcode`; if it exists, and the
/// caller names no other. Codex itself is silent about a missing profile.
/// See codex/FACTS.md, "Starts that fail".
fn profile(request: &LaunchRequest) -> Option<&'static str> {
    let name = if request.use_proxy { "plus" } else { "rightcode" };
    let names_one = |word: &OsString| {
        let word = word.to_string_lossy();
        word == "-p" || word == "--profile" || word.starts_with("--profile=")
    };
    let there = settings::home(&request.paths).join(format!("{name}.config.toml")).exists();
    (there && !request.rest.iter().any(names_one)).then_some(name)
}

/// The files that the pane's process and its descendants hold open.
fn open_files(pid: u32) -> Option<Vec<PathBuf>> {
    let first = proc::open_files(pid)?;
    let others = proc::family(pid).skip(1).filter_map(proc::open_files).flatten();
    Some(first.into_iter().chain(others).collect())
}

/// The open rollout of an agent that somebody else has started, without our title: only the rollout
/// shows its state.
fn foreign(pane: &Pane) -> Option<PathBuf> {
    let asked = |pid| {
        let words = proc::command_line(pid).unwrap_or_default();
        words.windows(TITLE.len()).any(|part| part == TITLE.as_bytes())
    };
    if proc::family(pane.pid).any(asked) {
        return None;
    }
    open_files(pane.pid)?.into_iter().find(|path| is_rollout(path, ""))
}

/// The lock file of the thread whose id begins with `part`.
fn lock_of(paths: &AgentPaths, part: &str) -> Option<PathBuf> {
    let folder = std::fs::read_dir(settings::locks(paths)).ok()?;
    folder.flatten().map(|file| file.path()).find(|path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with(part) && name.ends_with(".lock"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_tells_state_and_thread() {
        let id = "01a20300-6ab9-7f92-845b-5c85c";
        let of = |title: &str| {
            let parsed = Title::parse(title);
            (parsed.status, parsed.conversation.map(str::to_owned))
        };
        assert_eq!(of(&format!("Ready | {id}...")), (Status::Idle(None), Some(id.into())));
        assert_eq!(of(&format!("Working | {id}...")), (Status::Busy, Some(id.into())));
        let asks = Status::Waiting("approval".into());
        assert_eq!(of(&format!("[ ! ] Action Required | {id}...")), (asks, Some(id.into())));
        assert_eq!(of(&format!("Starting | {id}...")).0, Status::Starting);
        assert_eq!(of("Ready").0, Status::Starting, "the command centre has no thread");
        assert_eq!(of("myhost"), (Status::Starting, None));
    }
}
