//! What is to be seen of sessions: once, or as it changes. Looking changes nothing by itself.

mod snapshot;
mod watcher;

pub(crate) use snapshot::{Observed, Snapshot, windows};
pub use snapshot::{State, snapshots};
pub(crate) use watcher::SessionWatcher;
