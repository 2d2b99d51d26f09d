//! Waits until the kernel says "look again".
//!
//! The caller first adds paths, processes and descriptors to watch, then reads the state that it
//! cares about, and then calls [`wait`](Watch::wait): *subscribe, read, wait*. A change between the
//! read and the wait ends the wait at once, so nothing is lost.
//!
//! It guarantees:
//!
//! - Any change to what a watched path names ends the next wait; so does a lost event (a queue that
//!   overflowed). A wait may also end without a change. An event says only "look again".
//! - All pending events end one wait together.
//! - With [`Deadline::NEVER`] and nothing happening, the process sleeps in one system call: there
//!   is no timer. Only a path of whose changes the kernel does not tell (on a network, FUSE or an
//!   overlay, or beyond its limits for one user) is looked at from time to time.
//!
//! Watchers go wrong where they match on *kinds* of events, on which kernels disagree, so there are
//! no kinds here. A caller that watches a thousand paths learns only which of them to look at
//! again, and where the kernel is sure of it, that what they name has only been written to
//! ([`Changes::are_writes`]): then the path need not be looked up.

use std::{
    collections::BTreeSet,
    os::fd::{AsRawFd, RawFd},
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    error::{At, Error, Kind, Result},
    sys::{self, Poll, signals},
    time::Deadline,
};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(any(target_os = "linux", target_os = "android"))]
use linux as kernel;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod kqueue;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use kqueue as kernel;

mod paths;
#[cfg(test)]
mod tests;
mod walk;

use paths::Marks;

/// How long after one look at the untold paths the next one comes, at least.
const PAUSE: Duration = Duration::from_millis(200);

/// The pause is at least so many times as long as the look took: a slow server is left in peace.
const REST: u32 = 20;

/// A set of things to wait for.
pub(crate) struct Watch {
    files: kernel::Files,
    /// When the untold paths are looked at again.
    look: Instant,
    processes: Vec<kernel::Process>,
    readable: Vec<RawFd>,
    readers: Vec<RawFd>,
    /// A process had ended before it was added.
    due: bool,
    changes: Changes,
    /// Something else than a path has ended a wait.
    is_beside: bool,
    /// What the last sleep asked of the kernel: kept for its memory.
    polls: Vec<Poll>,
}

/// The paths of which events have told.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Those that may have changed.
    pub(crate) paths: BTreeSet<WatchId>,
    /// Those to which more may have happened than writes: they may name another file, or none.
    moved: BTreeSet<WatchId>,
}

impl Changes {
    /// Whether what any of `paths` names has at most been written to.
    pub(crate) fn are_writes(&self, paths: &BTreeSet<WatchId>) -> bool {
        self.moved.is_disjoint(paths)
    }

    /// Takes note that anything may have happened to these.
    fn anything(&mut self, paths: impl IntoIterator<Item = WatchId>) {
        for path in paths {
            self.paths.insert(path);
            self.moved.insert(path);
        }
    }
}

/// A watched path, for as long as it is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WatchId(usize);

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Woke {
    /// Something may have changed: look again.
    Event,
    /// The deadline has passed.
    Deadline,
}

impl Watch {
    /// A watch on nothing.
    pub(crate) fn new() -> Result<Watch> {
        Ok(Watch {
            files: kernel::Files::new()?,
            look: Instant::now(),
            processes: Vec::new(),
            readable: Vec::new(),
            readers: Vec::new(),
            due: false,
            changes: Changes::default(),
            is_beside: false,
            polls: Vec::new(),
        })
    }

    /// Wakes on any change to what `path` names: it appears, is written, truncated, replaced,
    /// renamed or removed, or gets other permissions. Neither it nor its folder need exist.
    /// Symbolic links are followed, and watched. A folder changes when its entries come and go, not
    /// when they are written.
    ///
    /// A relative path is resolved now, from the current folder. Adding a path again changes
    /// nothing.
    pub(crate) fn path(&mut self, path: &Path) -> Result<WatchId> {
        self.files.add(&std::path::absolute(path).at(path)?)
    }

    /// The paths that may have changed since the last call, as far as waits have noticed. Empty
    /// when the waits ended for other reasons.
    pub(crate) fn changed(&mut self) -> BTreeSet<WatchId> {
        self.changes().paths
    }

    /// The same, with what may have happened to them.
    pub(crate) fn changes(&mut self) -> Changes {
        let mut changes = std::mem::take(&mut self.changes);
        changes.moved.extend(changes.paths.intersection(self.files.paths().untold()));
        changes
    }

    /// The same; `None` when a wait ended for another reason, also if paths have changed besides.
    pub(crate) fn only_changed(&mut self) -> Option<BTreeSet<WatchId>> {
        let changed = self.changed();
        let is_beside = std::mem::take(&mut self.is_beside);
        (!is_beside && !changed.is_empty()).then_some(changed)
    }

    /// Ends the watch on `path`.
    pub(crate) fn forget(&mut self, path: &Path) {
        if let Ok(path) = std::path::absolute(path) {
            self.files.forget(&path);
        }
    }

    /// Wakes, once, when process `pid` ends; at once when there is no such process.
    pub(crate) fn process(&mut self, pid: u32) -> Result<()> {
        match kernel::Process::open(pid).at(format!("process {pid}"))? {
            Some(process) => self.processes.push(process),
            None => self.due = true,
        }
        Ok(())
    }

    /// Wakes while `fd` has something to read or has hung up: read it, or [`ignore`](Watch::ignore)
    /// it, before the next wait. It must stay open until it is ignored.
    pub(crate) fn readable(&mut self, fd: &impl AsRawFd) {
        self.readable.push(fd.as_raw_fd());
    }

    /// From now on, every wait fails with [`Kind::ReaderGone`] once the pipe at `fd` has no reader
    /// left, even if nothing is written. A file never loses its reader.
    pub(crate) fn reader_of(&mut self, fd: &impl AsRawFd) {
        self.readers.push(fd.as_raw_fd());
    }

    /// Undoes [`readable`](Watch::readable) and [`reader_of`](Watch::reader_of).
    pub(crate) fn ignore(&mut self, fd: &impl AsRawFd) {
        let fd = fd.as_raw_fd();
        self.readable.retain(|&other| other != fd);
        self.readers.retain(|&other| other != fd);
    }

    /// Sleeps until a watched thing changes, or until `deadline`.
    ///
    /// A deadline that has passed already ends the wait at once, even when events are pending: the
    /// caller has just looked, and a busy file must not keep it here for ever.
    ///
    /// Fails with [`Kind::Signal`] when a signal was caught (see [`signals::catch`]), once for
    /// each, and with [`Kind::ReaderGone`].
    pub(crate) fn wait(&mut self, deadline: Deadline) -> Result<Woke> {
        loop {
            if let Some(signal) = signals::take() {
                return Err(Error::new(Kind::Signal(signal), "", format!("signal {signal}")));
            }
            let left = deadline.left();
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Woke::Deadline);
            }
            if std::mem::take(&mut self.due) {
                self.is_beside = true;
                return Ok(Woke::Event);
            }
            let woke = self.sleep(left)?;
            if self.look()? || woke {
                return Ok(Woke::Event);
            }
        }
    }

    /// Looks at the paths of whose changes the kernel does not tell, when it is time to. Returns
    /// whether one has changed.
    fn look(&mut self) -> Result<bool> {
        if self.files.paths().all_told() {
            return Ok(false);
        }
        let begun = Instant::now();
        if begun < self.look {
            return Ok(false);
        }
        let altered = self.files.look(&mut self.changes)?;
        self.look = Instant::now() + PAUSE.max(begun.elapsed() * REST);
        Ok(altered)
    }

    /// Sleeps once. Returns whether a watched thing ended the sleep.
    fn sleep(&mut self, left: Option<Duration>) -> Result<bool> {
        let left = if self.files.paths().all_told() {
            left
        } else {
            let pause = self.look.saturating_duration_since(Instant::now());
            Some(left.map_or(pause, |left| left.min(pause)))
        };
        let set = &mut self.polls;
        set.clear();
        set.push(Poll::readable(self.files.fd()));
        set.extend(self.processes.iter().map(|process| Poll::readable(process.fd())));
        set.extend(self.readable.iter().map(|&fd| Poll::readable(fd)));
        let asked = set.len();
        set.extend(self.readers.iter().map(|&fd| Poll::reader_gone(fd)));
        let readers = set.len();
        set.extend(signals::ear().map(Poll::readable));

        if !sys::poll(set, left).map_err(|e| Error::io("poll", &e))? {
            return Ok(false);
        }
        if set[asked..readers].iter().any(Poll::broken) {
            return Err(Error::new(Kind::ReaderGone, "stdout", "closed"));
        }
        let mut woke = set[1..asked].iter().any(Poll::found);
        self.is_beside |= woke;
        let ended = &set[1..=self.processes.len()];
        self.processes
            .retain(|process| !ended.iter().any(|poll| poll.fd() == process.fd() && poll.found()));
        if set[0].found() {
            woke |= self.files.drain(&mut self.changes)?;
        }
        Ok(woke)
    }
}
