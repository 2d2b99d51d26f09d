//! Drive the Claude Code and Codex TUIs in tmux windows, and prove each step.
//!
//! Each agent runs as the interactive program that it is, in a tmux window that a person may attach
//! to. This crate starts it, types prompts into it, follows its transcript, and ends it. A prompt
//! counts as delivered once the agent's own transcript holds all of it, and not before.
//!
//! # Use
//!
//! [`get`] returns the backend of a name: an [`AgentBackend`], whose methods create, prompt, pause,
//! follow, list and terminate sessions. They block. Each returns a proof, or an [`Error`] whose
//! [`Kind`] says whether trying again is safe. The programs of this package run the same code on
//! the same state files, so a session that a program started can be continued here, and the other
//! way round.
//!
//! ```
//! # mod desk { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/util/doc.rs")); }
//! # let desk = desk::Desk::new();
//! # desk.config.clone().set();
//! # let folder = desk.folder();
//! use aimax::Request;
//!
//! // The practice agent is built in; `tmux-claude-code` and `tmux-codex` work the same way.
//! let backend = aimax::get("tmux-practice")?;
//! let created = backend.create(&Request::new("demo", "Make a hello.py.").in_folder(folder))?;
//! assert_eq!(created.sent.verdict, aimax::Verdict::Submitted);
//! backend.queue(&Request::new("demo", "Also add a README."))?;
//! backend.terminate("demo")?;
//! # Ok::<(), aimax::Error>(())
//! ```
//!
//! The windows start programs of this package, so `aimax` must be on the PATH of the [`Config`], or
//! beside the running program.
//!
//! # Three rules
//!
//! - *Subscribe, read, then wait.* Every wait first subscribes to events, then reads the state, and
//!   then sleeps until an event or a single monotonic deadline. An event means only "look again".
//! - *The transcript decides.* A screen may forbid typing; it never proves that something arrived.
//! - *Nobody below `main` exits or prints an error.* An [`Error`] carries its exit status up.
//!
//! # Modules
//!
//! The public API is what this page lists: the re-exports below. All modules are private, except
//! for a hidden one that the tests use, which is not part of the API. The map of the sources says
//! which module does what: [`architecture`].

mod agent;
mod cli;
mod config;
mod error;
mod flag;
mod fs;
mod library;
mod practice;
mod proc;
mod programs;
mod recorder;
mod session;
mod shell;
mod sqlite;
mod state;
mod sys;
mod time;
mod tmux;
mod trace;
mod transcript;
mod watch;

pub use config::Config;
pub use error::{Error, Kind, Result};
pub use library::{
    AgentBackend, Created, History, Record, Request, SUPPORTED_BACKENDS, Sent, SessionInfo,
    Stopper, ThoughtStream, get, get_with,
};
pub use recorder::{PromptEvent, Recorder};
pub use session::{Ended, Interruption, State, Verdict};
pub use transcript::{
    event::{Event, EventKind},
    start::Start,
};

/// What the programs, tests and benchmarks of this package use besides the public API. It is not
/// part of the API and changes without notice.
#[doc(hidden)]
pub mod internal {
    pub use crate::agent::{
        Backend, Marks, SETTINGS,
        profile::{DialogStep, InputBox, Profile},
    };
    pub use crate::cli::{generated, main, option::Tool, parse::parse, status::STATUSES};
    pub use crate::proc::{is_stopped, start_time};
    pub use crate::session::{JobState, Session, snapshots};
    pub use crate::sys::{KILL, TERMINATE, is_alive, kill};
    pub use crate::time::{epoch_ms, now_ms, parse_rfc3339, rfc3339};
    pub use crate::tmux::{Look, Pane, Screen, Tmux};
    pub use crate::transcript::{
        fast_json::suspects,
        follow::{Follow, Seen},
        ledger::{End, Ledger},
        lines::Lines,
        once::Once,
        validate::record as validate_record,
    };

    pub use crate::programs::toolkit;

    /// The programs and verbs.
    pub mod programs {
        pub use crate::programs::{
            Admin, Adopt, Ask, Create, Demo, Doctor, Flag, Front, History, Kill, List, Ls, Paste,
            Pause, Revive, Schema, Send, Settings, Setup, Spawn, Stats, Status, Stop, Stream, Tail,
            Usage, Version, pages,
        };
    }
}

/// The map of the sources, for those who change them. It exists only in the documentation.
#[cfg(doc)]
#[doc = include_str!("ARCHITECTURE.md")]
pub mod architecture {}

/// Has the examples of the README tested like those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
