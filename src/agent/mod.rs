//! What differs between agents.
//!
//! An agent is one folder here, with its facts, its adapter, its settings, its transcript's lines and
//! its screen profile; a folder of fixtures; and one line in the table of [`Backend`].
//!
//! An [`Agent`] says how its program is started, when it is ready, what it is doing, how a prompt
//! is typed so that it is taken as it is, and what its transcript's lines mean. It types nothing
//! and waits for nothing: [`crate::session`] does.

use std::{ffi::OsString, path::PathBuf};

use crate::{
    config::{Config, Setting},
    error::{Error, Result},
    state::Store,
    tmux::{Enter, Look, Pane},
    transcript::event::{Event, EventKind},
};

mod claude;
mod codex;
mod practice;
pub(crate) mod profile;
mod settings;

pub(crate) use claude::state_file::{holder, project_dir};
pub use settings::SETTINGS;

/// Makes [`Backend`] of a line for each agent. The folder holds `FACTS` and a type of the variant's
/// name, which is the [`Agent`].
macro_rules! backends {
    ($($backend:ident in $folder:ident,)+) => {
        /// The agents, by the names that the command line and the state files give them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Backend {
            $(#[doc = concat!("The one in the folder `", stringify!($folder), "`.")] $backend,)+
        }

        impl Backend {
            /// All of them.
            pub const ALL: [Backend; Backend::NAMES.len()] = [$(Backend::$backend),+];
            /// Their names, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($folder::FACTS.backend),+];

            /// What it does its own way.
            #[must_use]
            pub fn agent(self) -> &'static dyn Agent {
                match self {
                    $(Backend::$backend => &$folder::$backend,)+
                }
            }
        }
    };
}

backends! {
    Claude in claude,
    Codex in codex,
    Practice in practice,
}

impl Backend {
    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().backend
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

    /// What holds for all sessions of the agent.
    #[must_use]
    pub fn facts(self) -> &'static Facts {
        self.agent().facts()
    }

    /// Whether its agent is a real one: all are but the practice agent, which is part of this package.
    pub(crate) fn is_real(self) -> bool {
        self.facts().package.is_some()
    }

    /// Those of the real agents.
    pub(crate) fn real() -> impl Iterator<Item = Backend> {
        Self::ALL.into_iter().filter(|backend| backend.is_real())
    }

    /// Whose transcript a line is from, by its shape: the first agent's, where no other one knows it.
    #[must_use]
    pub fn of_line(line: &[u8]) -> Backend {
        let known = Self::ALL.into_iter().find(|backend| backend.agent().knows_line(line));
        known.unwrap_or(Self::ALL[0])
    }

    /// The tmux session that holds its windows.
    #[must_use]
    pub fn hub(self, config: &Config) -> String {
        self.agent().hub(config).to_owned()
    }

    /// Its session files.
    #[must_use]
    pub fn store(self, config: &Config) -> Store {
        Store::new(&config.data_dir, self.facts().state_prefix)
    }
}

/// What holds for all sessions of an agent.
#[derive(Debug)]
pub struct Facts {
    /// The backend's name on the command line and in the state files.
    pub backend: &'static str,
    /// What the names of its state files begin with.
    pub state_prefix: &'static str,
    /// The program's name.
    pub program: &'static str,
    /// The npm package that holds the program, where it is not part of this package.
    pub package: Option<&'static str>,
    /// The built-in screen profile: its file name and its text.
    pub profile: (&'static str, &'static str),
    /// The settings that only concern this agent.
    pub settings: &'static [Setting],
    /// Fields that the state file has for its sessions only, and what they hold in a new one.
    pub entry_fields: &'static [(&'static str, Option<bool>)],
    /// Variables that it sets for what it runs. An agent that inherits one would take itself for a
    /// child of another.
    pub not_inherited: &'static [&'static str],

    /// The longest prompt that it is measured to take whole, in characters.
    pub longest_prompt: usize,
    /// Keys that take a line out of the input box, and do nothing to an empty one.
    pub clear_keys: &'static [&'static str],
    /// Whether a second Enter is right when the box still holds our text.
    pub may_swallow_enter: bool,
    /// Whether it may leave a part of its input unread until more of it comes.
    pub may_stop_reading: bool,
    /// Whether a command of its own is taken only while no turn runs; else it stays in the box.
    pub command_needs_idle: bool,
    /// The names of what may still be done to a prompt that was recorded for later.
    pub queued_changes: &'static [&'static str],

    /// The title, as a tmux pattern, that a pane takes when a turn has ended, where it is a sign.
    pub idle_title: Option<&'static str>,
    /// Whether the end of a turn in the transcript counts only once the agent says that it is idle.
    pub end_needs_idle: bool,
}

impl Facts {
    /// The program on the caller's PATH.
    fn installed(&self, config: &Config) -> Result<PathBuf> {
        config.program(self.program).ok_or_else(|| {
            let package = self.package.unwrap_or(self.program);
            Error::missing(self.program, "not found on PATH")
                .advise(format!("install it, for example `npm install -g {package}`"))
        })
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

/// The names of the changes that lead from one text to another, of those that the agent is measured
/// to make to every prompt; or, when it is another text, where the two part.
pub(crate) type Comparison = std::result::Result<Vec<&'static str>, String>;

/// What one agent does its own way, by the questions that a session has.
///
/// Where an answer can be had from several places, the agent says which one counts: a state file, the
/// title, the transcript, the files that its process holds open. [`crate::session`] asks again whenever
/// one of [`watch_paths`](Agent::watch_paths) changes.
pub trait Agent: Sync {
    // Who is it?

    /// What holds for all of its sessions.
    fn facts(&self) -> &'static Facts;

    /// The tmux session that holds its windows.
    fn hub<'a>(&self, config: &'a Config) -> &'a str;

    // How is it started?

    /// The command line, and the conversation if its id can be chosen. Here belongs all that makes
    /// the agent drivable: its signs, its hook for the end of a turn. May write files into
    /// `request.run_dir`.
    fn launch(&self, config: &Config, request: &LaunchRequest) -> Result<Launch>;

    // What is it doing?

    /// What it is doing, by its own word. Readiness is the first [`Status::Idle`]; nothing is typed
    /// while it is [`Status::Waiting`].
    fn status(&self, config: &Config, pane: &Pane) -> Result<Status>;

    /// Whether a turn is open by the conversation's transcript, where that comes before the agent's own
    /// word. It keeps an Escape from an agent that has just become idle.
    fn turn_is_open(&self, _config: &Config, _pane: &Pane) -> Result<Option<bool>> {
        Ok(None)
    }

    /// Files and folders whose change may mean another status or another conversation.
    fn watch_paths(&self, config: &Config, pane: &Pane) -> Vec<PathBuf>;

    // Which conversation does it hold?

    /// The conversation that the pane's program holds now, as far as it is known. `None` while it
    /// holds none, for example in a dialog of the start.
    fn conversation(&self, config: &Config, pane: &Pane) -> Result<Option<Conversation>>;

    /// A field that the state file has for its sessions only, and that follows from the conversation.
    fn conversation_field(&self, _conversation: &Conversation) -> Option<(&'static str, bool)> {
        None
    }

    // How is a prompt typed?

    /// Why this prompt would not be taken as text, if so.
    fn objection(&self, prompt: &str) -> Option<String>;

    /// How to type a prompt, or a command of its own.
    fn typing(&self, prompt: &str, command: bool) -> Typing;

    // What does its transcript say?

    /// What a line of its transcript says.
    fn parse_line(&self, line: &[u8]) -> Vec<Event>;

    /// Whether a line can only be from a transcript of this agent.
    fn knows_line(&self, _line: &[u8]) -> bool {
        false
    }

    /// Which changes lead from the prompt that was `sent` to the one that is `recorded`. It is the
    /// proof of a delivery, so what is not measured is no change but another text.
    fn compare(&self, sent: &str, recorded: &str) -> Comparison;

    /// Whether the event says that `command` was run.
    fn ran_command(&self, command: &str, event: &Event) -> bool {
        event.kind == EventKind::Command && event.text == command
    }
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
