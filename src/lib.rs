//! Drive the Claude Code and Codex TUIs in tmux windows, and prove each step.
//!
//! The programs are thin: each is one file in [`tool`], and everything that they do is here.
//!
//! | module | what it knows |
//! |---|---|
//! | [`library`] | for programs: [`get`] gives a backend, and that does what the programs do |
//! | [`tool`] | what each program does: its options, its arguments, its `run` |
//! | [`cli`] | options, help, man pages, completions, output; knows no agents |
//! | [`session`] | one session as a whole: spawn, deliver, interrupt, observe, end |
//! | [`agent`] | what differs between agents: launch, readiness, proof, screen profile |
//! | [`transcript`] | an agent's JSONL: bytes to lines, lines to events, following a file |
//! | [`tmux`] | the only callers of tmux |
//! | [`watch`] | waits until the kernel says "look again" |
//! | [`state`] | the session files that all programs share |
//! | [`flag`] | `running.flag` and `failed.flag` |
//! | [`config`] | the environment and the file of settings, read once |
//! | [`recorder`] | a record of each delivery, for statistics |
//! | [`trace`] | what was done and why, when somebody asks |
//! | [`fs`], [`time`], [`sys`], [`error`] | whole files, clocks, system calls, errors and statuses |
//!
//! Each module uses only those below it in this table.
//!
//! Three rules hold everywhere:
//!
//! - *Subscribe, read, then wait.* Every wait first subscribes to events, then reads the state, then
//!   sleeps until an event or one monotonic [`time::Deadline`]. An event means only "look again".
//! - *The transcript decides.* A screen may forbid typing; it never proves that something arrived.
//! - *Nobody below `main` exits or prints an error.* An [`error::Error`] carries its exit status up.

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

/// What the programs, tests and benchmarks of this package use besides. No part of the public API:
/// it changes without notice.
#[doc(hidden)]
pub mod internal {
    pub use crate::agent::{
        Backend, SETTINGS,
        profile::{DialogStep, InputBox, Profile},
    };
    pub use crate::cli::{generated, main, option::Tool, parse::parse, status::STATUSES};
    pub use crate::proc::{is_stopped, start_time};
    pub use crate::session::{JobState, Session, snapshots};
    pub use crate::sys::{KILL, TERMINATE, is_alive, kill};
    pub use crate::time::{epoch_ms, now_ms, parse_rfc3339};
    pub use crate::tmux::{Look, Pane, Screen, Tmux};
    pub use crate::transcript::{
        fast_json::suspects,
        follow::{Follow, Seen},
        ledger::{End, Ledger},
        lines::Lines,
        validate::record as validate_record,
    };

    /// The programs and verbs.
    pub mod programs {
        pub use crate::programs::{
            Admin, Create, Demo, Doctor, Flag, Front, History, Kill, List, Ls, Paste, Pause, Send,
            Settings, Spawn, Stats, Status, Stop, Stream, Tail, Version, pages,
        };
    }
}

/// The examples of the README are compiled with those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
