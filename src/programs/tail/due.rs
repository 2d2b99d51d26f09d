//! Which streams a change concerns, so that an event among a thousand files costs as much as one
//! among few.

use std::collections::{BTreeSet, HashMap};

use super::tailed::Tailed;
use crate::watch::WatchId;

/// The streams by what they watch. A stream is its position in the list.
#[derive(Default)]
pub(crate) struct Due {
    owners: HashMap<WatchId, Vec<usize>>,
    /// What each stream watches.
    watched: Vec<Vec<WatchId>>,
    /// Those that are due at any change.
    restless: BTreeSet<usize>,
}

impl Due {
    /// What these streams watch now.
    pub(crate) fn of(streams: &[Tailed]) -> Due {
        let mut due = Due::default();
        streams.iter().enumerate().for_each(|(at, stream)| due.note(at, stream));
        due
    }

    /// The streams to look at when these paths have changed; `None` for all of them.
    pub(crate) fn at(&self, changed: Option<&BTreeSet<WatchId>>) -> Option<Vec<usize>> {
        let mut due: Vec<usize> = self.restless.iter().copied().collect();
        for path in changed? {
            due.extend(self.owners.get(path)?);
        }
        due.sort_unstable();
        due.dedup();
        Some(due)
    }

    /// Takes note of what the stream at position `at` watches now.
    pub(crate) fn note(&mut self, at: usize, stream: &Tailed) {
        if stream.is_restless() {
            self.restless.insert(at);
        } else {
            self.restless.remove(&at);
        }
        if self.watched.len() <= at {
            self.watched.resize(at + 1, Vec::new());
        }
        if self.watched[at].iter().copied().eq(stream.watched()) {
            return;
        }
        for path in std::mem::take(&mut self.watched[at]) {
            if let Some(owners) = self.owners.get_mut(&path) {
                owners.retain(|owner| *owner != at);
            }
        }
        for path in stream.watched() {
            self.owners.entry(path).or_default().push(at);
            self.watched[at].push(path);
        }
    }
}
