//! The practice agent: a small, fast Claude Code of our own, for newcomers and for tests.
//!
//! | module | what it holds |
//! |---|---|
//! | `options` | the command line, and the misbehaviour to show |
//! | `input` | bytes of the terminal to keys and pastes |
//! | `draft` | the input box: editing, collapsed pastes, the text that is submitted |
//! | `dialog` | the questions that it asks |
//! | `screen` | the inline drawing: history above, one frame below |
//! | `files` | the state file, the trusted folders, the transcript's place |
//! | `log` | the transcript's entries |
//! | `hook` | the commands of the settings file |
//! | `turn` | the directives in a prompt, and the tool that runs |
//! | `start` | from the command line to a terminal in raw mode |
//! | `tui` | the program: one loop over keys, tool output, signals and timers |
//! | `session` | what becomes of a prompt, the queue, an answer, an interruption |

mod dialog;
mod draft;
mod files;
mod hook;
mod input;
mod log;
mod options;
mod screen;
mod session;
mod start;
mod tui;
mod turn;

pub(crate) use start::main;
