//! Observing sessions: once, or at each change. Observing changes nothing but the flags of a job
//! that has ended.

mod keeper;
mod reset;
mod shown;
mod snapshot;
mod watcher;

pub(crate) use keeper::keep;
pub(crate) use reset::{Limit, await_reset};
pub(crate) use shown::{Shown, shown};
pub(crate) use snapshot::{Observed, Snapshot, windows};
pub use snapshot::{State, snapshots};
pub(crate) use watcher::SessionWatcher;
