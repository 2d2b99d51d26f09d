//! The watched paths, for any kernel.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};

use super::{
    Changes, WatchId,
    walk::{Looks, Way, walk},
};
use crate::error::Result;

/// The watched paths, each with the marks by which the kernel watches the way to it.
pub(super) struct Paths<Mark> {
    ids: HashMap<Arc<Path>, WatchId>,
    held: HashMap<WatchId, Held<Mark>>,
    /// Those of whose changes the kernel does not tell, or not of all: it cannot, or has no room.
    untold: BTreeSet<WatchId>,
    /// Whether the kernel tells of every change to what a path names.
    tells: fn(&Path) -> bool,
    next: usize,
}

/// A watched path.
struct Held<Mark> {
    path: Arc<Path>,
    /// As few bytes as they need: a thousand sessions watch many paths.
    marks: Box<[Mark]>,
    /// What the path named when it was last walked.
    end: Option<Looks>,
}

/// What a path names, compared with the walk before.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Found {
    Nothing,
    Same,
    Another,
}

impl<Mark> Paths<Mark> {
    pub(super) fn new(tells: fn(&Path) -> bool) -> Self {
        let (ids, held, untold) = (HashMap::new(), HashMap::new(), BTreeSet::new());
        Paths { ids, held, untold, tells, next: 0 }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = WatchId> {
        self.held.keys().copied()
    }

    /// Those of which not every change is told.
    pub(super) fn untold(&self) -> &BTreeSet<WatchId> {
        &self.untold
    }

    /// Whether each change is told.
    pub(super) fn all_told(&self) -> bool {
        self.untold.is_empty()
    }

    /// The untold paths that look different from when they were last walked.
    fn altered(&self) -> Vec<WatchId> {
        let altered =
            |id: &WatchId| self.held.get(id).is_some_and(|held| Looks::of(&held.path) != held.end);
        self.untold.iter().copied().filter(altered).collect()
    }
}

/// A kernel's way to watch paths, by marks on the inodes on the way to them.
pub(super) trait Marks {
    /// One use of an inode by a path.
    type Mark: PartialEq;

    fn paths(&mut self) -> &mut Paths<Self::Mark>;

    /// Watches along the way of path `id`, and adds the marks to `marks`. Returns whether the kernel
    /// had room for all of them.
    fn mark_way(&mut self, id: WatchId, way: &Way, marks: &mut Vec<Self::Mark>) -> Result<bool>;

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
        let shared: Arc<Path> = path.into();
        paths.ids.insert(shared.clone(), id);
        paths.held.insert(id, Held { path: shared, marks: Box::default(), end: None });
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
        paths.untold.remove(&id);
        for mark in held.marks {
            self.unmark(id, &mark);
        }
    }

    /// Walks the way of a path anew and watches along it, until nothing on it is new. The new marks
    /// are set before the old ones go, so that no watch lapses in between.
    fn follow(&mut self, id: WatchId) -> Result<Found> {
        let Some(Held { path, marks, end: before }) = self.paths().held.remove(&id) else {
            return Ok(Found::Nothing);
        };
        let mut old = marks.into_vec();
        let (marks, walked) = loop {
            let mut marks = Vec::new();
            let way = walk(&path);
            let walked = self
                .mark_way(id, &way, &mut marks)
                .and_then(|has_room| Ok((has_room, self.is_settled(&marks, &old)?)));
            match walked {
                Ok((_, false)) => old.append(&mut marks),
                Ok((has_room, true)) => break (marks, Ok((way, has_room))),
                Err(e) => break (marks, Err(e)),
            }
        };
        old.retain(|mark| !marks.contains(mark));
        for mark in old {
            self.unmark(id, &mark);
        }
        let end = walked.as_ref().map_or(before, |(way, _)| way.end.as_ref().map(|end| end.looks));
        let paths = self.paths();
        paths.held.insert(id, Held { path, marks: marks.into(), end });
        let (way, has_room) = walked?;
        let told = has_room && way.is_told(paths.tells);
        if told {
            paths.untold.remove(&id);
        } else {
            paths.untold.insert(id);
        }
        Ok(match (before, end) {
            (None, None) => Found::Nothing,
            (Some(before), Some(end))
                if before == end || told && before.identity == end.identity =>
            {
                Found::Same
            }
            _ => Found::Another,
        })
    }

    /// Looks at the untold paths, and adds those that have changed to `changes`. Returns whether
    /// there are any.
    fn look(&mut self, changes: &mut Changes) -> Result<bool> {
        let altered = self.paths().altered();
        for &id in &altered {
            self.follow(id)?;
        }
        let is_any = !altered.is_empty();
        changes.anything(altered);
        Ok(is_any)
    }
}
