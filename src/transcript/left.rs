//! What is kept of a file that is gone, to know it again in another one.

use std::{fs::File, io};

use super::{lines, start::begins_line};

/// How many bytes are compared, before the offset and at the beginning, to see whether another file
/// holds the same.
const SAME: usize = 4096;

/// What a file holds of the one that was read before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Holds {
    /// All that was read.
    All,
    /// Not yet all of it: it is being copied. Wait for more.
    Less,
    /// Other lines.
    Other,
}

/// What was read of a file that is gone.
#[derive(Default)]
pub(super) struct Left {
    /// Its first bytes.
    head: Vec<u8>,
    /// The last ones before the offset.
    tail: Vec<u8>,
}

impl Left {
    /// What is to be known of `file`, which was read up to `offset`, once it is gone.
    pub(super) fn of(file: &File, offset: u64) -> io::Result<Left> {
        let mut head = vec![0; SAME];
        let count = lines::read_at(file, &mut head, 0)?;
        head.truncate(count);
        Ok(Left { head, tail: lines::before(file, offset, SAME)? })
    }

    /// What `file` holds of what was read up to `offset`, or is to be passed over.
    pub(super) fn compare(&self, file: &File, offset: u64) -> io::Result<Holds> {
        let size = file.metadata()?.len();
        let mut begin = vec![0; self.head.len().min(usize::try_from(size).unwrap_or(usize::MAX))];
        let count = lines::read_at(file, &mut begin, 0)?;
        Ok(if !self.head.starts_with(&begin[..count]) {
            Holds::Other
        } else if size < offset {
            Holds::Less
        } else if lines::before(file, offset, self.tail.len())? == self.tail
            && begins_line(file, offset)?
        {
            Holds::All
        } else {
            Holds::Other
        })
    }
}
