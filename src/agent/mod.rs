//! What differs between agents.
//!
//! An [`Agent`] says how its program is started, when it is ready, what it is doing, how a prompt
//! is typed so that it is taken as it is, and what its transcript's lines mean. It types nothing
//! and waits for nothing: [`crate::session`] does.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{
    config::Config,
    error::{Error, Result},
    state::Store,
    tmux::{Enter, Look, Pane},
    transcript::event::Event,
};

mod claude;
mod codex;
mod practice;
pub(crate) mod profile;

/// The agents, by the names that the command line and the state files give them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// `tmux-claude-code`.
    Claude,
    /// `tmux-codex`.
    Codex,
    /// `tmux-practice`: built in.
    Practice,
}

impl Backend {
    /// All of them.
    pub const ALL: [Backend; 3] = [Backend::Claude, Backend::Codex, Backend::Practice];
    /// Their names, in the same order.
    pub const NAMES: &'static [&'static str] = &["tmux-claude-code", "tmux-codex", "tmux-practice"];

    /// Those for which `admin-settings.json` has defaults: the original knows them.
    pub(crate) const WITH_DEFAULTS: [Backend; 2] = [Backend::Claude, Backend::Codex];

    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The backend of that name.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] when there is none.
    pub fn parse(name: &str) -> Result<Backend> {
        Self::ALL.into_iter().find(|backend| backend.name() == name).ok_or_else(|| {
            Error::usage(format!("backend {name:?}"), "no such backend")
                .advise(format!("one of {}", Self::NAMES.join(", ")))
        })
    }

    /// What it does its own way.
    #[must_use]
    pub fn agent(self) -> &'static dyn Agent {
        match self {
            Backend::Claude => &claude::Claude,
            Backend::Codex => &codex::Codex,
            Backend::Practice => &practice::Practice,
        }
    }

    /// Whose transcript a line is from, by its shape: Codex puts all that it says into a `payload`.
    #[must_use]
    pub fn of_line(line: &[u8]) -> Backend {
        #[derive(serde::Deserialize)]
        struct Shape {
            payload: Option<serde::de::IgnoredAny>,
        }
        match serde_json::from_slice::<Shape>(line) {
            Ok(Shape { payload: Some(_) }) => Backend::Codex,
            _ => Backend::Claude,
        }
    }

    /// The tmux session that holds its windows.
    #[must_use]
    pub fn hub(self, config: &Config) -> String {
        match self {
            Backend::Claude => config.claude_hub.clone(),
            Backend::Codex => config.codex_hub.clone(),
            Backend::Practice => "imac_practice_agent_hub".into(),
        }
    }

    /// Its session files.
    #[must_use]
    pub fn store(self, config: &Config) -> Store {
        let prefix = match self {
            Backend::Claude => "",
            Backend::Codex => "codex-",
            Backend::Practice => "practice-",
        };
        Store::new(&config.data_dir, prefix)
    }
}

/// What a caller wants started.
#[derive(Clone, Debug, Default)]
pub struct LaunchRequest {
    /// The folder to work in: absolute, and it exists.
    pub cwd: PathBuf,
    /// The model, or the agent's own choice.
    pub model: Option<String>,
    /// The conversation to go on with, or a new one.
    pub resume: Option<String>,
    /// Leave the agent's own questions on.
    pub ask_permission: bool,
    /// It is to run behind the proxy.
    pub use_proxy: bool,
    /// What goes to the agent's command line as it is.
    pub rest: Vec<OsString>,
    /// A private folder for files that the agent is given.
    pub run_dir: PathBuf,
    /// A shell command that the agent may run when a turn has ended, if it can.
    pub at_turn_end: String,
}

/// How to start it.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// Variables to set, besides the caller's.
    pub env: Vec<(OsString, OsString)>,
    /// Files from which bash is to take more variables first.
    pub sources: Vec<PathBuf>,
    /// The conversation, where it is known beforehand.
    pub conversation: Option<Conversation>,
}

/// A conversation as the agent keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversation {
    /// Its id; `None` while only a part of it is known.
    pub id: Option<String>,
    /// Its transcript, once it is known where that is. It need not exist yet.
    pub transcript: Option<PathBuf>,
}

/// What an agent is doing, by its own word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It has not said yet: starting, or in a dialog of the start.
    Starting,
    /// It waits for a prompt, since then in epoch milliseconds, if it says so.
    Idle(Option<u64>),
    /// A turn runs.
    Busy,
    /// It asks something; this is what it calls it.
    Waiting(String),
}

/// How to type a prompt so that the agent takes every character as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typing {
    /// What must stand in the box before the text comes, as a paste of its own; empty for nothing.
    pub lead: &'static str,
    /// The text, as one bracketed paste.
    pub text: String,
    /// When Enter comes.
    pub enter: Enter,
}

/// What one agent does its own way.
pub trait Agent: Sync {
    /// The program's name.
    fn program(&self) -> &'static str;

    /// The built-in screen profile: its file name and its text.
    fn profile(&self) -> (&'static str, &'static str);

    /// How to start it. May write files into `request.run_dir`.
    fn launch(&self, config: &Config, request: &LaunchRequest) -> Result<Launch>;

    /// What it is doing, by its own word.
    fn status(&self, config: &Config, pane: &Pane) -> Result<Status>;

    /// The conversation that the pane's program holds now, as far as it is known. `None` while it
    /// holds none, for example in a dialog of the start.
    fn conversation(&self, config: &Config, pane: &Pane) -> Result<Option<Conversation>>;

    /// Files and folders whose change may mean another status or another conversation.
    fn watch_paths(&self, config: &Config, pane: &Pane) -> Vec<PathBuf>;

    /// The title, as a tmux pattern, that a pane takes when a turn has ended, where it is a sign.
    fn title_at_turn_end(&self) -> Option<&'static str> {
        None
    }

    /// Whether the end of a turn in the transcript counts only once the agent says that it is idle.
    fn end_needs_idle(&self) -> bool {
        true
    }

    /// Whether a turn is open by the conversation's transcript, where that comes before the agent's own
    /// word.
    fn turn_is_open(&self, _config: &Config, _pane: &Pane) -> Result<Option<bool>> {
        Ok(None)
    }

    /// Whether a command of the agent's own is taken only while no turn runs; else it stays in the box.
    fn command_needs_idle(&self) -> bool {
        false
    }

    /// Whether a second Enter is right when the box still holds our text.
    fn may_swallow_enter(&self) -> bool;

    /// Whether it may leave a part of its input unread until more of it comes.
    fn may_stop_reading(&self) -> bool {
        false
    }

    /// Why this prompt would not be taken as text, if so.
    fn objection(&self, prompt: &str) -> Option<String>;

    /// The longest prompt that it is measured to take whole, in characters.
    fn largest(&self) -> usize {
        1_048_576
    }

    /// How to type a prompt, or a command of its own.
    fn typing(&self, prompt: &str, command: bool) -> Typing;

    /// Keys that take a line out of the input box, and do nothing to an empty one.
    fn clear_keys(&self) -> &'static [&'static str];

    /// Whether the event says that `command` was run.
    fn ran_command(&self, command: &str, event: &Event) -> bool;

    /// The names of the changes, of those that the agent makes to every prompt, that lead from
    /// `sent` to `recorded`; or, when it is another text, where they part.
    fn compare(&self, sent: &str, recorded: &str)
    -> std::result::Result<Vec<&'static str>, String>;

    /// The names of what may still be done to a prompt that was recorded for later.
    fn when_queued(&self) -> &'static [&'static str] {
        &[]
    }

    /// What a line of its transcript says.
    fn parse_line(&self, line: &[u8]) -> Vec<Event>;
}

/// Where two texts part, for a person.
fn difference(sent: &str, recorded: &str) -> String {
    let same = sent.chars().zip(recorded.chars()).take_while(|(a, b)| a == b).count();
    format!(
        "the agent recorded another text: {} of {} characters are the same, then it holds {:?}",
        same,
        sent.chars().count(),
        recorded.chars().skip(same).take(20).collect::<String>()
    )
}

/// Whether the box and the status allow typing at all.
#[must_use]
pub(crate) fn takes_prompt(status: &Status) -> bool {
    matches!(status, Status::Idle(_) | Status::Busy)
}

/// Whether a pane has become ready: idle, with a conversation, and an empty box.
pub(crate) fn ready(
    agent: &dyn Agent,
    config: &Config,
    profile: &profile::Profile,
    look: &Look,
) -> Result<Option<Conversation>> {
    if !matches!(agent.status(config, &look.pane)?, Status::Idle(_))
        || profile.input_box(look) != profile::InputBox::Empty
    {
        return Ok(None);
    }
    agent.conversation(config, &look.pane)
}

/// The command line of one of our own programs: `name` is what follows `aimax-`.
///
/// A program beside the running one is meant, so that an installation that is not on PATH works;
/// else the one on PATH.
pub(crate) fn own_program(config: &Config, name: &str) -> Result<Vec<OsString>> {
    let single = format!("aimax-{name}");
    let beside = std::env::current_exe().ok().and_then(|path| Some(path.parent()?.to_owned()));
    let found = |file: &str| beside.as_ref().map(|folder| folder.join(file)).filter(|p| p.exists());
    if let Some(path) = found(&single) {
        return Ok(vec![path.into_os_string()]);
    }
    match found("aimax").or_else(|| config.program("aimax")) {
        Some(path) => Ok(vec![path.into_os_string(), name.into()]),
        None => Err(Error::missing("aimax", "not found beside this program, nor on PATH")),
    }
}

/// The folder name that Claude Code gives a working folder: every UTF-16 unit that is not a letter
/// or digit of ASCII becomes `-`.
fn project_dir(cwd: &Path) -> String {
    let unit = |unit: u16| match u8::try_from(unit) {
        Ok(byte) if byte.is_ascii_alphanumeric() => char::from(byte),
        _ => '-',
    };
    cwd.to_string_lossy().encode_utf16().map(unit).collect()
}
