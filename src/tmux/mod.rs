//! The only callers of tmux.
//!
//! Every target is a window or pane id, found by exact comparison of the name; tmux itself would
//! match a prefix. No text of the user is ever part of a tmux command: prompts go through a buffer,
//! programs and environments through a file.
//!
//! [`Tmux`] runs single commands. A [`View`] notices at once when a pane's program has written
//! something, so nobody polls a screen.

pub(crate) mod known_bugs;
mod pane;
mod paste;
mod screen;
mod server;
mod view;

pub use pane::Pane;
pub(crate) use paste::{Enter, ReadyPaste};
pub use screen::Screen;
pub(crate) use server::Fault;
pub use server::Tmux;
pub use view::Look;
pub(crate) use view::View;
