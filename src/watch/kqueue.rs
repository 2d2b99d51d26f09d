//! Files and processes by kqueue (macOS and the BSDs).
//!
//! A folder reports here that an entry came or went, but not which. So each folder on the way to a
//! path is watched, and when it changes, the way is walked again: the wait ends only if the way ends
//! elsewhere than before. The file itself is watched for writes. Every watched inode is held open, so
//! its number cannot be given to another file meanwhile; it costs a descriptor.

use std::{
    collections::{BTreeSet, HashMap},
    fs::{File, OpenOptions},
    io,
    os::{
        fd::{AsRawFd, RawFd},
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::Path,
};

use ::kqueue::{EventData, EventFilter, FilterFlag, Ident, Watcher};

use super::{
    Changes, WatchId as Id,
    paths::{Found, Marks, Paths},
    walk::{Inode, Way},
};
use crate::{
    error::{At, Error, Result},
    sys,
};

/// One use of an inode by a path: `true` for itself, `false` as a folder on the way.
pub(super) type Mark = (Inode, bool);

/// The watched paths.
pub(crate) struct Files {
    watcher: Watcher,
    paths: Paths<Mark>,
    nodes: HashMap<Inode, Node>,
    inodes: HashMap<RawFd, Inode>,
    /// Nodes were added that the kernel does not know yet.
    fresh: bool,
}

/// A watched inode, held open, and the paths that use it.
struct Node {
    file: File,
    /// The changes that it reports.
    told: FilterFlag,
    way: BTreeSet<Id>,
    itself: BTreeSet<Id>,
}

/// Any change to a file or a folder.
fn changes() -> FilterFlag {
    FilterFlag::NOTE_WRITE | FilterFlag::NOTE_EXTEND | FilterFlag::NOTE_LINK | moves()
}

/// The changes to a folder itself. They are enough while the next step of the way exists in it, and
/// is watched itself.
fn moves() -> FilterFlag {
    FilterFlag::NOTE_ATTRIB
        | FilterFlag::NOTE_RENAME
        | FilterFlag::NOTE_REVOKE
        | FilterFlag::NOTE_DELETE
}

impl Files {
    /// No paths.
    pub(crate) fn new() -> Result<Files> {
        Ok(Files {
            watcher: Watcher::new().at("kqueue")?,
            paths: Paths::new(sys::tells_changes),
            nodes: HashMap::new(),
            inodes: HashMap::new(),
            fresh: false,
        })
    }

    /// The descriptor that becomes readable when [`drain`](Files::drain) has work.
    pub(crate) fn fd(&self) -> RawFd {
        self.watcher.as_raw_fd()
    }

    /// Takes in all pending events, and adds the paths that may have changed to `changes`. Returns
    /// whether the wait ends.
    pub(crate) fn drain(&mut self, changes: &mut Changes) -> Result<bool> {
        let mut woke = false;
        let mut moved = BTreeSet::new();
        while let Some(event) = self.watcher.poll(None) {
            let node = match (&event.ident, &event.data) {
                (_, EventData::Error(_)) => None,
                (Ident::Fd(fd), _) => self.inodes.get(fd).and_then(|inode| self.nodes.get(inode)),
                _ => None,
            };
            let Some(node) = node else {
                // A lost event, or that of an inode just let go: look at everything.
                woke = true;
                changes.anything(self.paths.ids());
                moved.extend(self.paths.ids());
                break;
            };
            woke |= !node.itself.is_empty();
            // One event may tell of several kinds of changes, and names but one of them.
            changes.anything(node.itself.iter().copied());
            moved.extend(&node.way);
            if !matches!(
                event.data,
                EventData::Vnode(::kqueue::Vnode::Write | ::kqueue::Vnode::Extend)
            ) {
                moved.extend(&node.itself);
            }
        }
        for id in moved {
            if self.follow(id)? == Found::Another {
                woke = true;
                changes.anything([id]);
            }
        }
        Ok(woke)
    }

    /// Holds the inode at `place` for path `id`. `None` when it is gone or must not be read.
    fn mark(
        &mut self,
        id: Id,
        place: &Path,
        itself: bool,
        changes: FilterFlag,
    ) -> Result<Option<Mark>> {
        // Not blocking: a pipe in the place of a file may have no writer.
        let opened = OpenOptions::new().read(true).custom_flags(sys::NONBLOCK).open(place);
        let (file, data) = match opened.and_then(|file| file.metadata().map(|data| (file, data))) {
            Ok(both) => both,
            Err(e) => {
                return match e.raw_os_error() {
                    Some(libc::EMFILE | libc::ENFILE) => Err(Error::io(place.display(), &e)
                        .advise("raise the limit of open files (ulimit -n)")),
                    _ => Ok(None),
                };
            }
        };
        let inode = (data.dev(), data.ino());
        let told = self.nodes.get(&inode).map(|node| node.told);
        if told.is_none_or(|told| !told.contains(changes)) {
            // To report more than before, the inode is registered anew, for all paths that use it.
            if let Some(old) = self.nodes.get(&inode) {
                let fd = old.file.as_raw_fd();
                self.inodes.remove(&fd);
                let _ = self.watcher.remove_fd(fd, EventFilter::EVFILT_VNODE);
            }
            let fd = file.as_raw_fd();
            let told = told.map_or(changes, |told| told | changes);
            self.watcher.add_fd(fd, EventFilter::EVFILT_VNODE, told).at(place)?;
            self.inodes.insert(fd, inode);
            let (way, itself) = match self.nodes.remove(&inode) {
                Some(node) => (node.way, node.itself),
                None => Default::default(),
            };
            self.nodes.insert(inode, Node { file, told, way, itself });
            self.fresh = true;
        }
        if let Some(node) = self.nodes.get_mut(&inode) {
            if itself {
                node.itself.insert(id)
            } else {
                node.way.insert(id)
            };
        }
        Ok(Some((inode, itself)))
    }
}

impl Marks for Files {
    type Mark = Mark;

    fn paths(&mut self) -> &mut Paths<Mark> {
        &mut self.paths
    }

    fn mark_way(&mut self, id: Id, way: &Way, marks: &mut Vec<Mark>) -> Result<bool> {
        for (folder, name) in way.lookups() {
            let told = if name.is_some() { changes() } else { moves() };
            marks.extend(self.mark(id, folder, false, told)?);
        }
        let Some(end) = &way.end else { return Ok(true) };
        marks.extend(self.mark(id, &end.path, true, changes())?);
        Ok(true)
    }

    /// The kernel learns of new nodes only after a walk, so walks go on until nothing is new: then
    /// everything on the way was watched before it was looked at.
    fn is_settled(&mut self, _: &[Mark], _: &[Mark]) -> Result<bool> {
        let settled = !std::mem::take(&mut self.fresh);
        if !settled {
            self.watcher.watch().at("kqueue")?;
        }
        Ok(settled)
    }

    fn unmark(&mut self, id: Id, &(inode, itself): &Mark) {
        let Some(node) = self.nodes.get_mut(&inode) else { return };
        if itself {
            node.itself.remove(&id)
        } else {
            node.way.remove(&id)
        };
        if node.itself.is_empty()
            && node.way.is_empty()
            && let Some(node) = self.nodes.remove(&inode)
        {
            let fd = node.file.as_raw_fd();
            self.inodes.remove(&fd);
            // Fails when the kernel does not know it yet; closing the file ends the watch in any
            // case.
            let _ = self.watcher.remove_fd(fd, EventFilter::EVFILT_VNODE);
        }
    }
}

/// A process whose end is watched, by a queue of its own: in a shared queue, a process that is gone
/// makes the kernel refuse everything that is requested together with it.
pub(crate) struct Process(Watcher);

impl Process {
    /// `None` when there is no such process.
    pub(crate) fn open(pid: u32) -> io::Result<Option<Process>> {
        let Ok(pid) = libc::pid_t::try_from(pid) else { return Ok(None) };
        let mut watcher = Watcher::new()?;
        watcher.add_pid(pid, EventFilter::EVFILT_PROC, FilterFlag::NOTE_EXIT)?;
        match watcher.watch() {
            Ok(()) => Ok(Some(Process(watcher))),
            Err(e) if e.raw_os_error() == Some(libc::ESRCH) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The descriptor that becomes readable when it ends.
    pub(crate) fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
