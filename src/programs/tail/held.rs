//! What `-n` holds back: of that which is there at first, only the last is printed.

use std::collections::VecDeque;

/// The last texts so far, until all that is there has been read.
pub(super) struct Held {
    last: usize,
    texts: VecDeque<Vec<u8>>,
    /// Whether more came before, and with it the heading of its session.
    dropped: bool,
}

impl Held {
    /// Nothing yet; at most `last` texts are kept.
    pub(super) fn new(last: usize) -> Self {
        Held { last, texts: VecDeque::new(), dropped: false }
    }

    pub(super) fn push(&mut self, text: Vec<u8>) {
        self.texts.push_back(text);
        if self.texts.len() > self.last {
            self.texts.pop_front();
            self.dropped = true;
        }
    }

    /// Whether there are texts, and the heading before them is lost.
    pub(super) fn lacks_its_head(&self) -> bool {
        self.dropped && !self.texts.is_empty()
    }

    /// The texts that are left, in their order.
    pub(super) fn texts(self) -> impl Iterator<Item = Vec<u8>> {
        self.texts.into_iter()
    }
}
