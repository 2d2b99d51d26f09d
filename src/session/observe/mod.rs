//! What is to be seen of sessions: once, or as it changes. Looking changes nothing by itself.

mod snapshot;
mod watcher;

pub use snapshot::{Seen, Sight, State, sights, windows};
pub use watcher::Vigil;
