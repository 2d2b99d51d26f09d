//! Files by inotify, processes by pidfd.
//!
//! One inotify descriptor for everything, and one watch for each inode, shared between all paths
//! that need it. A file is watched for writes, and the folders on the way to it only for their own
//! removal or renaming, so changes to other files in them do not wake us. A folder is watched for
//! the names that come and go in it only where a name is missing or is a link.

use std::{
    collections::{BTreeSet, HashMap},
    ffi::{OsStr, OsString},
    io,
    os::fd::{AsRawFd, OwnedFd, RawFd},
    path::Path,
};

use inotify::{EventMask, Inotify, WatchDescriptor, WatchMask, Watches};

use super::{
    Changes, WatchId as Id,
    paths::{Found, Marks, Paths},
    walk::Way,
};
use crate::{
    error::{Error, Result},
    sys,
};

/// The events of a folder that the way leads through. MASK_ADD keeps the events that other paths
/// need.
const WAY: WatchMask =
    WatchMask::DELETE_SELF.union(WatchMask::MOVE_SELF).union(WatchMask::MASK_ADD);

/// The events of a folder whose names matter.
const NAMES: WatchMask = WAY
    .union(WatchMask::ATTRIB)
    .union(WatchMask::CREATE)
    .union(WatchMask::DELETE)
    .union(WatchMask::MOVE)
    .union(WatchMask::ONLYDIR);

/// The events of a file.
const FILE: WatchMask = WAY.union(WatchMask::ATTRIB).union(WatchMask::MODIFY);

/// The room for one read of events.
const EVENTS: usize = 32 * 1024;

/// The size of the largest event.
const EVENT: usize = 16 + 256;

/// The size of an event besides its name, padding included.
const HEAD: usize = 32;

/// One use of an inode by a path.
pub(super) type Mark = (i32, Use);

#[derive(Clone, PartialEq)]
pub(super) enum Use {
    /// A folder that the way leads through.
    Way,
    /// A name in a folder, which decides how the way goes on.
    Name(OsString),
    /// What the path names.
    Itself,
}

/// The watched paths.
pub(crate) struct Files {
    /// None where the user has as many as the kernel allows (`fs.inotify.max_user_instances`).
    inotify: Option<Inotify>,
    paths: Paths<Mark>,
    nodes: HashMap<i32, Node>,
    /// Inodes that may still report names although no path needs them any more.
    loud: BTreeSet<i32>,
    events: Vec<u8>,
}

/// A watched inode, and the paths that use it. Unused, it is dropped.
struct Node {
    descriptor: WatchDescriptor,
    way: BTreeSet<Id>,
    names: HashMap<OsString, BTreeSet<Id>>,
    itself: BTreeSet<Id>,
    /// It reports names, even if no path needs them any more.
    tells_names: bool,
}

impl Files {
    /// No paths.
    pub(crate) fn new() -> Result<Files> {
        match Inotify::init() {
            Ok(inotify) => Ok(Files::on(Some(inotify))),
            Err(e) if e.raw_os_error() == Some(libc::EMFILE) => Ok(Files::on(None)),
            Err(e) => Err(Error::io("inotify", &e)),
        }
    }

    pub(super) fn on(inotify: Option<Inotify>) -> Files {
        Files {
            inotify,
            paths: Paths::new(sys::tells_changes),
            nodes: HashMap::new(),
            loud: BTreeSet::new(),
            events: vec![0; EVENTS],
        }
    }

    /// The descriptor that becomes readable when [`drain`](Files::drain) has work.
    pub(crate) fn fd(&self) -> RawFd {
        self.inotify.as_ref().map_or(sys::NO_FD, Inotify::as_raw_fd)
    }

    fn watches(&self) -> Option<Watches> {
        self.inotify.as_ref().map(Inotify::watches)
    }

    /// Takes in all pending events, and adds the paths that may have changed to `changes`. Returns
    /// whether the wait ends.
    pub(crate) fn drain(&mut self, changes: &mut Changes) -> Result<bool> {
        let mut woke = false;
        let mut moved = BTreeSet::new();
        while let Some(inotify) = &mut self.inotify {
            let events = match inotify.read_events(&mut self.events) {
                Ok(events) => events,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(Error::io("inotify", &e)),
            };
            let mut room = EVENTS;
            for event in events {
                room = room.saturating_sub(HEAD + event.name.map_or(0, OsStr::len));
                if event.mask.contains(EventMask::Q_OVERFLOW) {
                    woke = true;
                    changes.anything(self.paths.ids());
                    moved.extend(self.paths.ids());
                    continue;
                }
                let number = event.wd.get_watch_descriptor_id();
                // Unknown: a watch that was ended, with events left over.
                let Some(node) = self.nodes.get(&number) else { continue };
                woke |= !node.itself.is_empty();
                changes.paths.extend(&node.itself);
                match event.name {
                    Some(name) => moved.extend(node.names.get(name).into_iter().flatten()),
                    None if event.mask.contains(EventMask::MODIFY) => {}
                    None => {
                        moved.extend(node.names.values().flatten());
                        moved.extend(&node.way);
                        moved.extend(&node.itself);
                    }
                }
                if event.mask.contains(EventMask::IGNORED) {
                    self.nodes.remove(&number);
                }
            }
            // The buffer had room for another event, so there are no more.
            if room > EVENT {
                break;
            }
        }
        for id in moved {
            changes.moved.insert(id);
            if self.follow(id)? != Found::Nothing {
                woke = true;
                changes.paths.insert(id);
            }
        }
        Ok(self.hush(changes)? || woke)
    }

    /// Watches the folders that report too much anew, without their names. Returns whether a path
    /// came to name something else meanwhile.
    fn hush(&mut self, changes: &mut Changes) -> Result<bool> {
        let mut woke = false;
        while let Some(number) = self.loud.pop_first() {
            if self.nodes.get(&number).is_none_or(Node::is_needed) {
                continue;
            }
            for id in self.drop_node(number) {
                if self.follow(id)? == Found::Another {
                    woke = true;
                    changes.anything([id]);
                }
            }
        }
        Ok(woke)
    }

    /// Ends the watch on an inode. Returns the paths that lead through it.
    fn drop_node(&mut self, number: i32) -> BTreeSet<Id> {
        let Some(node) = self.nodes.remove(&number) else { return BTreeSet::new() };
        // Fails when the inode is gone, and its watch with it: nothing left to end.
        let _ = self.watches().map(|mut watches| watches.remove(node.descriptor));
        node.way
    }

    /// Watches the inode at `place` for path `id`, unless it is gone or may not be watched: the
    /// events of its folder report when that changes. Returns whether the kernel had room for it.
    fn mark(
        &mut self,
        id: Id,
        place: &Path,
        usage: Use,
        mask: WatchMask,
        marks: &mut Vec<Mark>,
    ) -> Result<bool> {
        let Some(mut watches) = self.watches() else { return Ok(false) };
        let descriptor = match watches.add(place, mask) {
            Ok(descriptor) => descriptor,
            Err(e) => {
                return match e.raw_os_error() {
                    Some(libc::ENOENT | libc::ENOTDIR | libc::EACCES | libc::ELOOP) => Ok(true),
                    Some(libc::ENOSPC) => Ok(false),
                    _ => Err(Error::io(place.display(), &e)),
                };
            }
        };
        let number = descriptor.get_watch_descriptor_id();
        let node = self.nodes.entry(number).or_insert_with(|| Node {
            descriptor,
            way: BTreeSet::new(),
            names: HashMap::new(),
            itself: BTreeSet::new(),
            tells_names: false,
        });
        node.tells_names |= mask.contains(WatchMask::CREATE);
        match &usage {
            Use::Way => node.way.insert(id),
            Use::Name(name) => node.names.entry(name.clone()).or_default().insert(id),
            Use::Itself => node.itself.insert(id),
        };
        let mark = (number, usage);
        if !marks.contains(&mark) {
            marks.push(mark);
        }
        Ok(true)
    }
}

impl Marks for Files {
    type Mark = Mark;

    fn paths(&mut self) -> &mut Paths<Mark> {
        &mut self.paths
    }

    fn mark_way(&mut self, id: Id, way: &Way, marks: &mut Vec<Mark>) -> Result<bool> {
        let mut has_room = true;
        for (folder, name) in way.lookups() {
            has_room &= match name {
                Some(name) => self.mark(id, folder, Use::Name(name.to_owned()), NAMES, marks)?,
                None => self.mark(id, folder, Use::Way, WAY, marks)?,
            }
        }
        let Some(end) = &way.end else { return Ok(has_room) };
        let mask = if end.folder { NAMES } else { FILE };
        Ok(self.mark(id, &end.path, Use::Itself, mask, marks)? && has_room)
    }

    /// The kernel watches from the moment of a mark on: a walk that finds only marks of earlier
    /// walks saw nothing unwatched.
    fn is_settled(&mut self, marks: &[Mark], old: &[Mark]) -> Result<bool> {
        Ok(marks.iter().all(|mark| old.contains(mark)))
    }

    fn unmark(&mut self, id: Id, (number, usage): &Mark) {
        let Some(node) = self.nodes.get_mut(number) else { return };
        match usage {
            Use::Way => drop(node.way.remove(&id)),
            Use::Itself => drop(node.itself.remove(&id)),
            Use::Name(name) => {
                if let Some(ids) = node.names.get_mut(name) {
                    ids.remove(&id);
                    if ids.is_empty() {
                        node.names.remove(name);
                    }
                }
            }
        }
        if node.is_needed() {
            return;
        }
        if node.way.is_empty() {
            self.drop_node(*number);
        } else if node.tells_names {
            self.loud.insert(*number);
        }
    }
}

impl Node {
    /// Whether a path needs more than this folder's own removal or renaming.
    fn is_needed(&self) -> bool {
        !self.names.is_empty() || !self.itself.is_empty()
    }
}

/// A process whose end is watched.
pub(crate) struct Process(OwnedFd);

impl Process {
    /// `None` when there is no such process.
    pub(crate) fn open(pid: u32) -> io::Result<Option<Process>> {
        Ok(sys::pidfd(pid)?.map(Process))
    }

    /// The descriptor that becomes readable when it ends.
    pub(crate) fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
