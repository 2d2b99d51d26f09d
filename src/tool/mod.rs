//! What each program does: a table of options, arguments, and `run`. One file per program.

mod demo;
mod flag;
mod front;
mod kill;
mod ls;
mod paste;
mod spawn;
mod target;
mod words;

pub use flag::Flag;
pub use front::Front;
pub use kill::Kill;
pub use ls::Ls;
pub use paste::Paste;
pub use spawn::Spawn;

use crate::cli::{Page, page};

/// The pages of all programs, for the manuals and completions.
#[must_use]
pub fn pages() -> Vec<Page> {
    vec![
        page::<Front>(),
        page::<Spawn>(),
        page::<Paste>(),
        page::<Flag>(),
        page::<Ls>(),
        page::<Kill>(),
    ]
}
