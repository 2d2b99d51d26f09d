//! Files by inotify, processes by pidfd.
//!
//! One inotify descriptor for everything. Each folder on the way to a path is watched for names
//! that come and go, shared between all paths that go through it, and the file itself for what is
//! written to it. So a neighbour that is written does not wake us at all, and one that comes or goes
//! is told apart by its name.

use std::{
    collections::{BTreeSet, HashMap},
    ffi::{OsStr, OsString},
    io,
    os::fd::{AsRawFd, OwnedFd, RawFd},
    path::{Path, PathBuf},
};

use inotify::{EventMask, Inotify, WatchDescriptor, WatchMask, Watches};

use super::{Spot as Id, walk::walk};
use crate::{
    error::{Error, Result},
    sys,
};

/// What is asked of a folder.
const FOLDER: WatchMask = WatchMask::CREATE
    .union(WatchMask::DELETE)
    .union(WatchMask::MOVE)
    .union(WatchMask::DELETE_SELF)
    .union(WatchMask::MOVE_SELF)
    .union(WatchMask::ATTRIB)
    .union(WatchMask::ONLYDIR)
    .union(WatchMask::MASK_ADD);

/// What is asked of anything else. MASK_ADD: should a folder have taken its place meanwhile, which
/// may be watched as a folder, too, nothing is taken from that watch.
const FILE: WatchMask = WatchMask::MODIFY
    .union(WatchMask::DELETE_SELF)
    .union(WatchMask::MOVE_SELF)
    .union(WatchMask::ATTRIB)
    .union(WatchMask::MASK_ADD);

/// The room for one read of events.
const EVENTS: usize = 32 * 1024;

/// One use of an inode by a path: of a name in that folder, or, without a name, of itself.
type Mark = (i32, Option<OsString>);

/// The watched paths.
pub(super) struct Files {
    inotify: Inotify,
    watches: Watches,
    ids: HashMap<PathBuf, Id>,
    paths: HashMap<Id, Held>,
    nodes: HashMap<i32, Node>,
    next: usize,
    events: Vec<u8>,
}

/// A watched path.
#[derive(Default)]
struct Held {
    path: PathBuf,
    marks: Vec<Mark>,
    /// Whether it named something when it was last walked.
    there: bool,
}

/// A watched inode, and the paths that use it. Unused, it is dropped.
struct Node {
    descriptor: WatchDescriptor,
    names: HashMap<OsString, BTreeSet<Id>>,
    itself: BTreeSet<Id>,
}

impl Files {
    /// No paths.
    pub(super) fn new() -> Result<Files> {
        let inotify = Inotify::init().map_err(|e| {
            let error = Error::io("inotify", &e);
            match e.raw_os_error() {
                Some(libc::EMFILE) => error.advise("raise fs.inotify.max_user_instances"),
                _ => error,
            }
        })?;
        let watches = inotify.watches();
        Ok(Files {
            inotify,
            watches,
            ids: HashMap::new(),
            paths: HashMap::new(),
            nodes: HashMap::new(),
            next: 0,
            events: vec![0; EVENTS],
        })
    }

    /// What becomes readable when [`drain`](Files::drain) has work.
    pub(super) fn fd(&self) -> RawFd {
        self.inotify.as_raw_fd()
    }

    /// Watches the absolute `path`.
    pub(super) fn add(&mut self, path: &Path) -> Result<Id> {
        if let Some(&id) = self.ids.get(path) {
            return Ok(id);
        }
        let id = Id(self.next);
        self.next += 1;
        self.ids.insert(path.to_owned(), id);
        self.paths.insert(id, Held { path: path.to_owned(), ..Held::default() });
        match self.follow(id) {
            Ok(_) => Ok(id),
            Err(e) => {
                self.forget(path);
                Err(e)
            }
        }
    }

    /// Watches `path` no more.
    pub(super) fn forget(&mut self, path: &Path) {
        let Some(id) = self.ids.remove(path) else { return };
        let Some(held) = self.paths.remove(&id) else { return };
        for mark in held.marks {
            self.unmark(id, &mark);
        }
    }

    /// Takes in all events that are pending; whether a watched path may have changed, and which.
    pub(super) fn drain(&mut self, changed: &mut BTreeSet<Id>) -> Result<bool> {
        let mut woke = false;
        let mut moved = BTreeSet::new();
        loop {
            let events = match self.inotify.read_events(&mut self.events) {
                Ok(events) => events,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(Error::io("inotify", &e)),
            };
            for event in events {
                if event.mask.contains(EventMask::Q_OVERFLOW) {
                    woke = true;
                    changed.extend(self.paths.keys());
                    moved.extend(self.paths.keys());
                    continue;
                }
                let number = event.wd.get_watch_descriptor_id();
                // Unknown: one that we have ended, with events left over.
                let Some(node) = self.nodes.get(&number) else { continue };
                woke |= !node.itself.is_empty();
                changed.extend(&node.itself);
                match event.name {
                    Some(name) => moved.extend(node.names.get(name).into_iter().flatten()),
                    None if event.mask.contains(EventMask::MODIFY) => {}
                    None => {
                        moved.extend(node.names.values().flatten());
                        moved.extend(&node.itself);
                    }
                }
                if event.mask.contains(EventMask::IGNORED) {
                    self.nodes.remove(&number);
                }
            }
        }
        for id in moved {
            if self.follow(id)? {
                woke = true;
                changed.insert(id);
            }
        }
        Ok(woke)
    }

    /// Walks the way of a path anew and watches along it; whether there is or was something at its
    /// end. The new marks are set before the old ones go, so that no watch lapses in between.
    fn follow(&mut self, id: Id) -> Result<bool> {
        let Some(Held { path, marks: mut old, there: was }) = self.paths.remove(&id) else {
            return Ok(false);
        };
        let mut marks = Vec::new();
        let walked = walk(&path, |folder, name| {
            marks.extend(self.mark(id, folder, Some(name), FOLDER)?);
            Ok(())
        })
        .and_then(|end| {
            if let Some(end) = &end {
                let mask = if end.folder { FOLDER } else { FILE };
                marks.extend(self.mark(id, &end.path, None, mask)?);
            }
            Ok(end.is_some())
        });
        old.retain(|mark| !marks.contains(mark));
        for mark in old {
            self.unmark(id, &mark);
        }
        let there = *walked.as_ref().unwrap_or(&was);
        self.paths.insert(id, Held { path, marks, there });
        walked.map(|there| there || was)
    }

    /// Watches what is at `place` for path `id`. `None` when it is gone or must not be watched: its
    /// folder, watched before, tells when that changes.
    fn mark(
        &mut self,
        id: Id,
        place: &Path,
        name: Option<&OsStr>,
        mask: WatchMask,
    ) -> Result<Option<Mark>> {
        let descriptor = match self.watches.add(place, mask) {
            Ok(descriptor) => descriptor,
            Err(e) => {
                return match e.raw_os_error() {
                    Some(libc::ENOENT | libc::ENOTDIR | libc::EACCES | libc::ELOOP) => Ok(None),
                    Some(libc::ENOSPC) => Err(Error::system(place.display(), "too many watches")
                        .advise("raise fs.inotify.max_user_watches")),
                    _ => Err(Error::io(place.display(), &e)),
                };
            }
        };
        let number = descriptor.get_watch_descriptor_id();
        let node = self.nodes.entry(number).or_insert_with(|| Node {
            descriptor,
            names: HashMap::new(),
            itself: BTreeSet::new(),
        });
        match name {
            Some(name) => node.names.entry(name.to_owned()).or_default().insert(id),
            None => node.itself.insert(id),
        };
        Ok(Some((number, name.map(OsStr::to_owned))))
    }

    /// Undoes [`mark`](Files::mark).
    fn unmark(&mut self, id: Id, (number, name): &Mark) {
        let Some(node) = self.nodes.get_mut(number) else { return };
        match name {
            Some(name) => {
                if let Some(ids) = node.names.get_mut(name) {
                    ids.remove(&id);
                    if ids.is_empty() {
                        node.names.remove(name);
                    }
                }
            }
            None => {
                node.itself.remove(&id);
            }
        }
        if node.names.is_empty()
            && node.itself.is_empty()
            && let Some(node) = self.nodes.remove(number)
        {
            // Fails when the inode is gone, and its watch with it: nothing left to end.
            let _ = self.watches.remove(node.descriptor);
        }
    }
}

/// A process whose end is watched.
pub(super) struct Process(OwnedFd);

impl Process {
    /// `None` when there is no such process.
    pub(super) fn open(pid: u32) -> io::Result<Option<Process>> {
        Ok(sys::pidfd(pid)?.map(Process))
    }

    /// What becomes readable when it ends.
    pub(super) fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
