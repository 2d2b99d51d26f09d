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

pub mod agent;
pub mod cli;
pub mod config;
pub mod error;
pub mod flag;
pub mod fs;
pub mod library;
pub mod practice;
pub mod proc;
pub mod programs;
pub mod recorder;
pub mod session;
pub mod state;
pub mod sys;
pub mod time;
pub mod tmux;
pub mod trace;
pub mod transcript;
pub mod watch;

pub use config::Config;
pub use error::{Error, Kind, Result};
pub use library::{
    AgentBackend, Created, History, Record, Request, SUPPORTED_BACKENDS, Sent, SessionInfo,
    Stopper, ThoughtStream, get, get_with,
};
pub use recorder::{PromptEvent, Recorder};
pub use session::{Ended, Interruption, State, Verdict};
pub use transcript::{
    event::{Event, Kind as EventKind},
    start::Start,
};

/// The examples of the README are compiled with those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
