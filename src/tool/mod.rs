//! What each program does: a table of options, arguments, and `run`. One file per program.

pub mod demo;
pub mod doctor;
pub mod flag;
pub mod front;
pub mod kill;
pub mod ls;
pub mod paste;
pub mod spawn;
pub mod stats;
pub mod tail;
pub mod target;
pub mod words;

pub use demo::Demo;
pub use doctor::Doctor;
pub use flag::Flag;
pub use front::Front;
pub use kill::Kill;
pub use ls::Ls;
pub use paste::Paste;
pub use spawn::Spawn;
pub use stats::Stats;
pub use tail::Tail;

use crate::cli::{Page, page};

/// The pages of all programs, for the manuals and completions.
#[must_use]
pub fn pages() -> Vec<Page> {
    vec![
        page::<Front>(),
        page::<Spawn>(),
        page::<Paste>(),
        page::<Tail>(),
        page::<Flag>(),
        page::<Ls>(),
        page::<Kill>(),
    ]
}
