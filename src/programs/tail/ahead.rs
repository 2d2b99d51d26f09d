//! Large blocks, understood by a thread ahead of their printing.
//!
//! What a record means is told by itself, but what was told before decides how it is printed. So the
//! first is done by two threads, and the second in the order of the file.

use std::{
    collections::VecDeque,
    io,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use super::record::parse;
use crate::{
    agent::Backend,
    error::{Error, Result},
    transcript::{event::Event, fast_json, lines::Block},
};

/// How much waits for the thread at most; what comes beyond it is understood by the caller.
const WAITING: usize = 2;

/// Whole lines, and what they mean.
pub(super) struct Understood {
    backend: Option<Backend>,
    offset: u64,
    bytes: Vec<u8>,
    /// The events of each line; `None` for one that is not proven to be a record.
    events: Vec<Option<Vec<Event>>>,
}

impl Understood {
    fn understand(mut self) -> Self {
        let suspects = fast_json::suspects(&self.bytes);
        let suspects = suspects.into_iter().map(|at| self.offset + at as u64);
        let mut suspects = suspects.peekable();
        let events = self.block().lines().map(|line| {
            let is_suspect = suspects.next_if_eq(&line.offset).is_some();
            (!is_suspect).then(|| parse(self.backend, line.bytes))
        });
        self.events = events.collect();
        self
    }

    pub(super) fn block(&self) -> Block<'_> {
        Block { offset: self.offset, bytes: &self.bytes }
    }

    /// Takes out the events of each line; `None` for one that is not proven to be a record.
    pub(super) fn events(&mut self) -> Vec<Option<Vec<Event>>> {
        std::mem::take(&mut self.events)
    }
}

/// The thread, and all blocks that were taken and not given back.
pub(super) struct Ahead {
    taken: SyncSender<Understood>,
    understood: Receiver<Understood>,
    /// In their order; `None` for those that the thread has.
    queue: VecDeque<Option<Understood>>,
    spare: Vec<Vec<u8>>,
}

impl Ahead {
    /// Begins the thread.
    pub(super) fn begin() -> io::Result<Ahead> {
        let (taken, blocks) = sync_channel::<Understood>(WAITING);
        let (tell, understood) = sync_channel(WAITING);
        let understand = move || {
            for block in blocks {
                if tell.send(block.understand()).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().spawn(understand)?;
        Ok(Ahead { taken, understood, queue: VecDeque::new(), spare: Vec::new() })
    }

    /// Takes a copy of these lines. [`Ahead::next`] gives it back.
    pub(super) fn take(&mut self, backend: Option<Backend>, block: Block<'_>) -> Result<()> {
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(block.bytes);
        let block = Understood { backend, offset: block.offset, bytes, events: Vec::new() };
        if self.queue.iter().filter(|block| block.is_none()).count() < WAITING {
            self.queue.push_back(None);
            return self.taken.send(block).map_err(|_| ended());
        }
        self.queue.push_back(Some(block.understand()));
        Ok(())
    }

    /// The first block that was taken, if it is understood. Waits for it when there are more than
    /// `most`.
    pub(super) fn next(&mut self, most: usize) -> Result<Option<Understood>> {
        let must_come = self.queue.len() > most;
        let Some(first) = self.queue.front_mut() else { return Ok(None) };
        if first.is_none() {
            *first = match must_come {
                true => Some(self.understood.recv().map_err(|_| ended())?),
                false => self.understood.try_recv().ok(),
            };
        }
        Ok(first.take().inspect(|_| drop(self.queue.pop_front())))
    }

    /// Takes back the memory of a block.
    pub(super) fn reuse(&mut self, block: Understood) {
        self.spare.push(block.bytes);
    }
}

fn ended() -> Error {
    Error::system("memory", "the thread that reads ahead has ended")
}
