//! The differences between agents.
//!
//! An agent is one folder here, with its facts, its adapter, its settings, its transcript's lines
//! and its screen profile; a folder of fixtures; and one line in the table of [`Backend`].
//!
//! An [`Agent`] knows how its program is started, when it is ready, what it is doing, how to type a
//! prompt so that every character is text, and what the lines of its transcript mean. It types
//! nothing and waits for nothing: [`crate::session`] does.

use std::{
    borrow::Cow,
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{
    config::{Config, Setting},
    error::{Error, Result},
    state::Store,
    tmux::{Enter, Look, Pane},
    transcript::{
        event::{Event, EventKind},
        field::Field,
        usage::Used,
        validate,
    },
};

mod claude;
mod codex;
pub(crate) mod image;
mod parent;
mod paths;
mod practice;
pub(crate) mod profile;
mod settings;
pub(crate) mod version;

pub(crate) use claude::state_file::{NAME_MAX, holder, project_dir};
pub use parent::Marks;
pub(crate) use paths::AgentPaths;
pub use settings::SETTINGS;

/// The file of a session's private folder with the settings that its agent starts with.
pub(crate) const SETTINGS_FILE: &str = "settings.json";
/// The file there that tmux writes at each change of the pane's title.
pub(crate) const TITLE_FILE: &str = "title";

/// Makes [`Backend`] out of a line for each agent. The module named after `in` holds `FACTS`, and
/// the [`Agent`]: a type with the variant's name.
macro_rules! backends {
    ($($backend:ident in $folder:ident,)+) => {
        /// The agents, by the names that the command line and the state files give them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Backend {
            $(#[doc = concat!("The agent in the folder `", stringify!($folder), "`.")] $backend,)+
        }

        impl Backend {
            /// All of them.
            pub const ALL: [Backend; Backend::NAMES.len()] = [$(Backend::$backend),+];
            /// Their names, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($folder::FACTS.backend),+];
            /// Short names, in the same order.
            pub const SHORT: &'static [&'static str] = &[$(stringify!($folder)),+];

            /// Its adapter.
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
    pub fn name(self) -> &'static str {
        self.facts().backend
    }

    /// The backend of that name, long or short.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] when there is none.
    pub fn parse(name: &str) -> Result<Backend> {
        let place = |names: &[&str]| names.iter().position(|other| *other == name);
        let place = place(Self::NAMES).or_else(|| place(Self::SHORT));
        place.map(|place| Self::ALL[place]).ok_or_else(|| {
            Error::usage(format!("backend {name:?}"), "no such backend")
                .advise(format!("one of {}", Self::NAMES.join(", ")))
        })
    }

    /// What holds for all sessions of the agent.
    pub fn facts(self) -> &'static Facts {
        self.agent().facts()
    }

    /// Whether its agent is a real one. The practice agent, which is part of this package, is not.
    pub(crate) fn is_real(self) -> bool {
        self.facts().package.is_some()
    }

    /// The backends of the real agents.
    pub(crate) fn real() -> impl Iterator<Item = Backend> {
        Self::ALL.into_iter().filter(|backend| backend.is_real())
    }

    /// Whose transcript a line is from, by its shape; the first backend when no agent knows the
    /// line.
    pub fn of_line(line: &[u8]) -> Backend {
        let known = Self::ALL.into_iter().find(|backend| backend.agent().knows_line(line));
        known.unwrap_or(Self::ALL[0])
    }

    /// The tmux session that holds its windows.
    pub fn hub(self, config: &Config) -> String {
        (self.facts().hub)(config).to_owned()
    }

    /// Its session files.
    pub fn store(self, config: &Config) -> Store {
        Store::new(&config.data_dir, self.facts().state_prefix)
    }
}

/// What holds for all sessions of an agent.
#[derive(Debug)]
pub struct Facts {
    /// The backend's name on the command line and in the state files.
    pub backend: &'static str,
    /// The beginning of the names of its state files.
    pub state_prefix: &'static str,
    /// The program's name.
    pub program: &'static str,
    /// The npm package that holds the program, where it is not part of this package.
    pub package: Option<&'static str>,
    /// The built-in screen profile: its file name and its text.
    pub profile: (&'static str, &'static str),
    /// The tmux session that holds its windows.
    pub hub: fn(&Config) -> &str,
    /// The settings that only concern this agent.
    pub settings: &'static [Setting],
    /// Those of its settings whose paths a session keeps: what it uses from its start to its end,
    /// whatever the settings of those who look at it.
    pub kept_paths: &'static [&'static str],
    /// The fields that only its sessions have in the state file, and their values in a new one.
    pub entry_fields: &'static [(&'static str, Option<bool>)],
    /// The variables that it sets for the programs that it runs. An agent that inherits one would
    /// take itself for a child of another.
    pub marks: Marks,

    /// The longest prompt that it is measured to take whole, in characters.
    /// See claude/FACTS.md, "Folding", and codex/FACTS.md, "Largest prompt".
    pub longest_prompt: usize,
    /// Keys that take a line out of the input box, and do nothing to an empty one.
    pub clear_keys: &'static [&'static str],
    /// Whether Enter may be pressed again while the box still holds our text.
    pub may_swallow_enter: bool,
    /// Whether it may leave a part of its input unread until more input comes.
    pub may_stop_reading: bool,
    /// Whether a command of its own runs only between turns; in a turn it would stay in the box.
    pub command_needs_idle: bool,
    /// The names of the changes that a queued prompt may still undergo after it was recorded.
    pub queued_changes: &'static [&'static str],

    /// A tmux pattern for the pane's title after a turn, where the title is a sign of the turn's
    /// end.
    pub idle_title: Option<&'static str>,
    /// Whether a turn's end in the transcript counts only once the agent says that it is idle.
    pub end_needs_idle: bool,
    /// Whether it says that it is idle while a list of its own is open, and hides the cursor only then.
    pub list_hides_cursor: bool,
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

/// A request to start an agent.
#[derive(Clone, Debug, Default)]
pub struct LaunchRequest {
    /// The folder to work in: absolute, and it exists.
    pub cwd: PathBuf,
    /// The model, or the agent's own choice.
    pub model: Option<String>,
    /// The conversation to go on with; `None` for a new one.
    pub resume: Option<String>,
    /// Whether the agent's own questions stay on.
    pub ask_permission: bool,
    /// Whether it runs behind the proxy.
    pub use_proxy: bool,
    /// What becomes of messages of other sessions: `refuse`, `hold` or `accept`; `None` for the
    /// default, `refuse`.
    pub inbox: Option<String>,
    /// Arguments for the agent, passed on as they are.
    pub rest: Vec<OsString>,
    /// The session's private folder, for files that the agent reads.
    pub run_dir: PathBuf,
    /// The agent's own files and folders.
    pub paths: AgentPaths,
    /// A shell command that the agent may run when a turn has ended, if it can.
    pub at_turn_end: String,
}

/// How to start it.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// Variables to set besides the caller's.
    pub env: Vec<(OsString, OsString)>,
    /// Variables of the caller's that the agent must not get.
    pub unset: Vec<&'static str>,
    /// Files of more variables, which bash sources first.
    pub sources: Vec<PathBuf>,
    /// The conversation, where it is known before the start.
    pub conversation: Option<Conversation>,
}

/// A conversation as the agent keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversation {
    /// Its id; `None` while only a part of the id is known.
    pub id: Option<String>,
    /// Its transcript, once its place is known. It need not exist yet.
    pub transcript: Option<PathBuf>,
}

/// What an agent is doing, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does not say yet: it is starting, or in a dialog before the start.
    Starting,
    /// It waits for a prompt; since this time, in epoch milliseconds, if known.
    Idle(Option<u64>),
    /// A turn runs.
    Busy,
    /// It asks something: its own name for the question.
    Waiting(String),
}

/// What an agent says of itself at one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it is doing.
    pub status: Status,
    /// While it is idle: whether something that it has started runs on, as far as it says so without its
    /// screen.
    pub beside: Option<bool>,
    /// The id of its conversation, or the beginning of that.
    pub conversation: Option<String>,
}

impl Told {
    /// No more than this.
    pub(crate) fn of(status: Status) -> Told {
        Told { status, beside: None, conversation: None }
    }
}

/// How to type a prompt so that the agent takes every character as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typing {
    /// A paste that must show in the box before the text comes; empty for none.
    pub lead: &'static str,
    /// The text, as one bracketed paste.
    pub text: String,
    /// When Enter comes.
    pub enter: Enter,
}

/// The names of the changes between a text as it was sent and as it is recorded, when all are
/// changes that the agent is measured to make to any prompt; else where the two texts part.
pub(crate) type Comparison = std::result::Result<Vec<&'static str>, String>;

/// The adapter of one agent: its answers to the questions of a session.
///
/// Several places may hold an answer: a state file, the title, the transcript, the files that the
/// agent's process holds open. The agent decides which one counts. [`crate::session`] asks again
/// whenever one of [`watch_paths`](Agent::watch_paths) changes.
pub trait Agent: Sync {
    // Who is it?

    /// What holds for all of its sessions.
    fn facts(&self) -> &'static Facts;

    // How is it started?

    /// The command line, and the conversation if its id can be chosen. Everything that makes the
    /// agent drivable belongs here: its signs, its hook for the end of a turn. May write files into
    /// `request.run_dir`.
    fn launch(&self, config: &Config, request: &LaunchRequest) -> Result<Launch>;

    // What is it doing?

    /// What it is doing, as it says itself. It is ready at the first [`Status::Idle`]; nothing is
    /// typed while it is [`Status::Waiting`].
    fn status(&self, paths: &AgentPaths, pane: &Pane) -> Result<Status>;

    /// Whether a turn is open by the transcript, for an agent whose transcript shows that earlier
    /// than its status. So no Escape reaches an agent that has just become idle.
    fn turn_is_open(&self, _paths: &AgentPaths, _pane: &Pane) -> Result<Option<bool>> {
        Ok(None)
    }

    /// Its [`status`](Agent::status), and what the same look tells besides.
    fn standing(&self, paths: &AgentPaths, pane: &Pane) -> Result<Told> {
        Ok(Told::of(self.status(paths, pane)?))
    }

    /// Whether it may be at a hook of the user's that has run since `since`, in epoch milliseconds, though
    /// its status does not say so.
    fn may_be_at_hook(&self, _paths: &AgentPaths, _pane: &Pane, _since: u64) -> bool {
        false
    }

    /// Whether the last turn in a transcript has begun and not ended.
    fn last_turn_is_open(&self, transcript: &Path) -> Result<bool>;

    /// Files and folders whose change may mean another status or another conversation.
    fn watch_paths(&self, paths: &AgentPaths, pane: &Pane) -> Vec<PathBuf>;

    // Which conversation does it hold?

    /// The conversation that the pane's program holds now, as far as it is known. `None` while it
    /// holds none, for example in a dialog of the start.
    fn conversation(&self, paths: &AgentPaths, pane: &Pane) -> Result<Option<Conversation>>;

    /// The conversation that the pane's program holds while its own sign is gone, which others can
    /// take away. `kept` is the one that it was last known to hold; it was started at `since`, in
    /// epoch milliseconds. `None` when the sign may still come.
    ///
    /// # Errors
    /// [`crate::error::Kind::Missing`] when the program has gone over to another one since, and which
    /// that is cannot be told.
    fn conversation_without_sign(
        &self,
        paths: &AgentPaths,
        pane: &Pane,
        kept: &Conversation,
        since: u64,
    ) -> Result<Option<Conversation>>;

    /// Every place where a transcript of that name may be: the one at `transcript` may be moved to
    /// any of them, and keeps its name, which holds the conversation's id.
    fn places(&self, paths: &AgentPaths, transcript: &Path) -> Vec<PathBuf>;

    /// The transcript of the conversation `id`, packed or not, if there is one.
    fn transcript_of(&self, paths: &AgentPaths, id: &str) -> Option<PathBuf>;

    /// A field of the state file that only its sessions have, and that follows from the
    /// conversation.
    fn conversation_field(&self, _conversation: &Conversation) -> Option<(&'static str, bool)> {
        None
    }

    // How is a prompt typed?

    /// Why this prompt would not be taken as text, if so.
    fn objection(&self, prompt: &str) -> Option<String>;

    /// The part of a prompt that would be taken for the path of an image, and cut out of the text, if
    /// there is one.
    fn taken_for_image(&self, prompt: &str) -> Option<String>;

    /// How to type a prompt, or a `command` of the agent's own.
    fn typing(&self, prompt: &str, command: bool) -> Typing;

    // What does its transcript say?

    /// The events in a line of its transcript, in all records that stand on it.
    fn parse_line(&self, line: &[u8]) -> Vec<Event> {
        let records = validate::records(line);
        if records.is_empty() {
            return vec![Event::new(EventKind::Other, None, "")];
        }
        records.into_iter().flat_map(|record| self.parse_record(record)).collect()
    }

    /// The events in a record, at least one. A record of an unknown type is [`EventKind::Other`].
    fn parse_record(&self, record: &[u8]) -> Vec<Event>;

    /// What a line of its transcript says of tokens.
    fn used(&self, _line: &[u8]) -> Vec<Used> {
        Vec::new()
    }

    /// Whether a line can only be from a transcript of this agent.
    fn knows_line(&self, _line: &[u8]) -> bool {
        false
    }

    /// Which changes lead from the `sent` prompt to the `recorded` one. This is the proof of a
    /// delivery, so a difference that is not measured makes it another text.
    fn compare(&self, sent: &str, recorded: &str) -> Comparison;

    /// Whether the event records that `command` was run.
    fn ran_command(&self, command: &str, event: &Event) -> bool {
        event.kind == EventKind::Command && event.text == command
    }
}

/// The status of an agent by the last turn in its transcript.
pub(crate) fn status_by_turn(agent: &dyn Agent, transcript: Option<&Path>) -> Result<Status> {
    let is_open = transcript.map_or(Ok(false), |path| agent.last_turn_is_open(path))?;
    Ok(if is_open { Status::Busy } else { Status::Idle(None) })
}

/// The text of a content: a string, or the texts and text blocks of a list.
fn text_of(content: Field<'_>) -> String {
    if let Some(text) = content.text() {
        return text.into_owned();
    }
    let mut texts = texts(content).filter_map(Field::text);
    let first = texts.next().map_or_else(String::new, Cow::into_owned);
    texts.fold(first, |all, text| all + "\n" + &text)
}

/// The texts of a list and of the blocks in it, and what stands in their place.
fn texts(content: Field<'_>) -> impl Iterator<Item = Field<'_>> {
    content.items_and(["text"]).map(|(item, [text])| if item.is_text() { item } else { text })
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

/// Whether an agent with this status takes a prompt.
pub(crate) fn takes_prompt(status: &Status) -> bool {
    matches!(status, Status::Idle(_) | Status::Busy)
}

/// The conversation of a pane that has become ready: idle, which comes last, with an empty box.
/// See claude/FACTS.md, "Readiness", and codex/FACTS.md, "Readiness".
pub(crate) fn ready(
    agent: &dyn Agent,
    paths: &AgentPaths,
    profile: &profile::Profile,
    look: &Look,
) -> Result<Option<Conversation>> {
    if !matches!(agent.status(paths, &look.pane)?, Status::Idle(_))
        || profile.input_box(look) != profile::InputBox::Empty
    {
        return Ok(None);
    }
    agent.conversation(paths, &look.pane)
}
