//! The watched paths, for any kernel.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{
    WatchId,
    walk::{Inode, Way, walk},
};
use crate::error::Result;

/// The watched paths, each with the marks by which the kernel watches the way to it.
pub(super) struct Paths<Mark> {
    ids: HashMap<PathBuf, WatchId>,
    held: HashMap<WatchId, Held<Mark>>,
    next: usize,
}

/// A watched path.
struct Held<Mark> {
    path: PathBuf,
    marks: Vec<Mark>,
    /// What the path named when it was last walked.
    end: Option<Inode>,
}

/// What a path names, compared with the walk before.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Found {
    Nothing,
    Same,
    Another,
}

impl<Mark> Paths<Mark> {
    pub(super) fn new() -> Self {
        Paths { ids: HashMap::new(), held: HashMap::new(), next: 0 }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = WatchId> {
        self.held.keys().copied()
    }
}

/// A kernel's way to watch paths, by marks on the inodes on the way to them.
pub(super) trait Marks {
    /// One use of an inode by a path.
    type Mark: PartialEq;

    fn paths(&mut self) -> &mut Paths<Self::Mark>;

    /// Watches along the way of path `id`, and adds the marks to `marks`. Returns the inode at its
    /// end.
    fn mark_way(
        &mut self,
        id: WatchId,
        way: &Way,
        marks: &mut Vec<Self::Mark>,
    ) -> Result<Option<Inode>>;

    /// Whether the kernel has watched by all of `marks` since before the walk that found them;
    /// `old` are the marks of earlier walks.
    fn is_settled(&mut self, marks: &[Self::Mark], old: &[Self::Mark]) -> Result<bool>;

    /// Undoes a mark of path `id`.
    fn unmark(&mut self, id: WatchId, mark: &Self::Mark);

    /// Watches the absolute `path`.
    fn add(&mut self, path: &Path) -> Result<WatchId> {
        let paths = self.paths();
        if let Some(&id) = paths.ids.get(path) {
            return Ok(id);
        }
        let id = WatchId(paths.next);
        paths.next += 1;
        paths.ids.insert(path.to_owned(), id);
        paths.held.insert(id, Held { path: path.to_owned(), marks: Vec::new(), end: None });
        if let Err(e) = self.follow(id) {
            self.forget(path);
            return Err(e);
        }
        Ok(id)
    }

    /// Watches `path` no more.
    fn forget(&mut self, path: &Path) {
        let paths = self.paths();
        let Some(id) = paths.ids.remove(path) else { return };
        let Some(held) = paths.held.remove(&id) else { return };
        for mark in held.marks {
            self.unmark(id, &mark);
        }
    }

    /// Walks the way of a path anew and watches along it, until nothing on it is new. The new marks
    /// are set before the old ones go, so that no watch lapses in between.
    fn follow(&mut self, id: WatchId) -> Result<Found> {
        let Some(Held { path, marks: mut old, end: before }) = self.paths().held.remove(&id) else {
            return Ok(Found::Nothing);
        };
        let (marks, walked) = loop {
            let mut marks = Vec::new();
            let walked = self
                .mark_way(id, &walk(&path), &mut marks)
                .and_then(|end| Ok((end, self.is_settled(&marks, &old)?)));
            match walked {
                Ok((_, false)) => old.append(&mut marks),
                Ok((end, true)) => break (marks, Ok(end)),
                Err(e) => break (marks, Err(e)),
            }
        };
        old.retain(|mark| !marks.contains(mark));
        for mark in old {
            self.unmark(id, &mark);
        }
        let end = *walked.as_ref().unwrap_or(&before);
        self.paths().held.insert(id, Held { path, marks, end });
        walked.map(|end| match (before, end) {
            (None, None) => Found::Nothing,
            (before, end) if before == end => Found::Same,
            _ => Found::Another,
        })
    }
}
