//! The public API: the sessions of one agent behind one blocking trait.
//!
//! [`get`] returns the backend of a name. The programs do all that it does, by the same code, and
//! each finds the sessions that the other starts. Every operation ends in a proof or an [`Error`],
//! whose [`Kind`] says whether trying again is safe.
//!
//! | the Python program's | here |
//! |---|---|
//! | `create_new_session` | [`AgentBackend::create`] |
//! | `no_pause_current_and_queue_query_at_session` | [`AgentBackend::queue`] |
//! | `pause_current_and_resume_from_session` | [`AgentBackend::pause`], [`AgentBackend::pause_and_queue`] |
//! | `terminate_session` | [`AgentBackend::terminate`] |
//! | `is_alive`, `is_working`, `is_job_goal_accomplished`, `is_failed` | the same |
//! | `list_sessions`, `get_history` | [`AgentBackend::list_sessions`], [`AgentBackend::history`] |
//! | `get_agent_raw_thought_stream` | [`AgentBackend::thought_stream`] |
//! | `get_session_use_proxy` | [`AgentBackend::use_proxy`] |
//! | `set_config` | [`Config::set`], or [`get_with`] |
//! | `set_recorder` | [`Config::recorder`] |
//!
//! The agents run in windows of tmux, which start programs of this package: `aimax` must be on the
//! configuration's PATH, or beside the running program.
//!
//! # Examples
//!
//! A whole session, with the practice agent in the place of `tmux-codex`:
//!
//! ```
//! # mod desk { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/util/doc.rs")); }
//! # let desk = desk::Desk::new();
//! # desk.config.clone().set();
//! # let folder = desk.folder();
//! use aimax::{Request, Start};
//!
//! let backend = aimax::get("tmux-practice")?;
//! let created = backend.create(&Request::new("demo", "Make a hello.py.").in_folder(folder))?;
//! println!("started, the agent calls it {:?}", created.agent_session_id);
//!
//! // From where the transcript stood before the prompt: that and all that follows.
//! let stream = backend.thought_stream("demo", Start::Offset(created.sent.offset))?;
//! let stopper = stream.stopper();
//! let reader = std::thread::spawn(move || {
//!     let mut prompts = Vec::new();
//!     for record in stream {
//!         let events = record?.events();
//!         prompts.extend(events.into_iter().filter(|e| e.kind == aimax::EventKind::Prompt));
//!         if prompts.len() == 2 {
//!             break;
//!         }
//!     }
//!     aimax::Result::Ok(prompts)
//! });
//!
//! backend.queue(&Request::new("demo", "Also add a README."))?;
//! let prompts = reader.join().expect("the reader")?;
//! assert_eq!(prompts[1].text, "Also add a README.");
//!
//! stopper.stop();
//! assert!(backend.terminate("demo")?.killed);
//! assert!(!backend.is_alive("demo")?);
//! # Ok::<(), aimax::Error>(())
//! ```
//!
//! Another configuration, and a recorder of deliveries:
//!
//! ```
//! # mod desk { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/util/doc.rs")); }
//! # let desk = desk::Desk::new();
//! use std::sync::{Arc, atomic::{AtomicUsize, Ordering}};
//! use aimax::{Config, Recorder, Request};
//!
//! let characters = Arc::new(AtomicUsize::new(0));
//! let sum = Arc::clone(&characters);
//! # let base = desk.config.clone();
//! # #[cfg(any())]
//! let base = Config::from_env()?;
//! let backend = aimax::get_with("tmux-practice", Config {
//!     recorder: Some(Recorder::new(move |event| {
//!         sum.fetch_add(event.length, Ordering::Relaxed);
//!     })),
//!     ..base
//! })?;
//! # let folder = desk.folder();
//! backend.create(&Request::new("counted", "Hello!").in_folder(folder))?;
//! assert_eq!(characters.load(Ordering::Relaxed), 6);
//! # backend.terminate("counted")?;
//! # Ok::<(), aimax::Error>(())
//! ```

mod backend;
mod stream;
mod types;

use backend::TmuxBackend;
pub use stream::{Stopper, ThoughtStream};
pub use types::{Created, History, Record, Request, Sent, SessionInfo};

#[cfg(doc)]
use crate::error::{Error, Kind};
use crate::{
    agent::Backend,
    config::Config,
    error::Result,
    session::{Ended, Interruption},
    transcript::start::Start,
};

/// The names that [`get`] knows.
pub const SUPPORTED_BACKENDS: &[&str] = Backend::NAMES;

/// The backend of that name, with the configuration that [`Config::set`] has set, or else that of
/// the environment.
///
/// # Errors
/// [`Kind::Usage`] for a name that is none of [`SUPPORTED_BACKENDS`].
///
/// # Examples
///
/// ```
/// let backend = aimax::get("tmux-codex")?;
/// assert_eq!(backend.name(), "tmux-codex");
/// assert_eq!(aimax::get("tmux-vim").err().map(|error| error.kind), Some(aimax::Kind::Usage));
/// # Ok::<(), aimax::Error>(())
/// ```
pub fn get(name: &str) -> Result<Box<dyn AgentBackend>> {
    get_with(name, Config::current()?)
}

/// The same with a configuration of its own.
///
/// # Errors
/// Those of [`get`].
pub fn get_with(name: &str, config: Config) -> Result<Box<dyn AgentBackend>> {
    Ok(Box::new(TmuxBackend::new(Backend::parse(name)?, config)))
}

/// The sessions of one agent.
///
/// Operations that type hold the session's lock, against each other and against other processes, so
/// a backend may be used by many threads at once.
///
/// # Errors
/// All operations fail with [`Kind::Usage`] for an illegal session name, and with [`Kind::Missing`]
/// when tmux, the agent or the session is missing.
pub trait AgentBackend: Send + Sync {
    /// The backend's name.
    fn name(&self) -> &'static str;

    /// Starts a session in a window of its own, waits until it is ready, and delivers the first
    /// prompt. A session of that name that already runs in that folder only gets the prompt.
    ///
    /// # Errors
    /// [`Kind::Usage`] without a folder, or when it is not there; [`Kind::Refused`] when a session
    /// of that name runs in another; [`Kind::Person`] when the agent asks something that only a
    /// person answers; [`Kind::Timeout`]. In all these cases nothing is left behind. When only the
    /// prompt fails, the errors are those of [`queue`](Self::queue), and the session stays.
    fn create(&self, request: &Request) -> Result<Created>;

    /// Delivers a prompt without stopping what runs, and proves it. A session whose window is gone
    /// is started again and goes on in its conversation; an unknown session is started if a folder
    /// is given.
    ///
    /// # Errors
    /// [`Kind::Refused`] and [`Kind::Person`] when nothing was typed, [`Kind::Unproven`] when
    /// something was, and there is no proof that the agent has it all.
    fn queue(&self, request: &Request) -> Result<Sent>;

    /// Stops the present turn, and proves it.
    fn pause(&self, session: &str) -> Result<Interruption>;

    /// Stops the present turn, and delivers another prompt.
    ///
    /// # Errors
    /// Those of [`queue`](Self::queue).
    fn pause_and_queue(&self, request: &Request) -> Result<Sent>;

    /// Ends a session and removes what was made for it; its conversation stays. A session that does
    /// not run is no error.
    fn terminate(&self, session: &str) -> Result<Ended>;

    /// Whether an agent runs in the session's window.
    fn is_alive(&self, session: &str) -> Result<bool>;

    /// Whether it is at work on a prompt, or asks something on the way.
    fn is_working(&self, session: &str) -> Result<bool>;

    /// Whether the session's last job has ended, well or not. `false` for a session that is not
    /// known.
    fn is_job_goal_accomplished(&self, session: &str) -> Result<bool>;

    /// Whether the session's last job failed.
    fn is_failed(&self, session: &str) -> Result<bool>;

    /// All sessions that were not terminated.
    fn list_sessions(&self) -> Result<Vec<SessionInfo>>;

    /// The transcript, also of a session that was terminated: all of it, or its last records. A
    /// session that has had no prompt yet has no records.
    fn history(&self, session: &str, last: Option<usize>) -> Result<History>;

    /// The transcript from `start` on, as the agent writes it: see [`ThoughtStream`]. With
    /// [`History::sentinel`] as the offset it goes on where the history ends.
    fn thought_stream(&self, session: &str, start: Start) -> Result<ThoughtStream>;

    /// Whether the session was started behind the proxy; `None` when that is not known.
    fn use_proxy(&self, session: &str) -> Result<Option<bool>>;
}
