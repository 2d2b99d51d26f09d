//! A line that is too long to be held, passed on in pieces.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use super::lines::{self, BLOCK};
use crate::error::{At, Error, Result};

/// From how many bytes on a line is long: images have that much, so most never are.
pub(super) const LONG: usize = 1024 * 1024;

/// What becomes of a long line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Long {
    /// It is held until it is whole, like any other.
    Held,
    /// It is given out in pieces if it is a record, and held otherwise.
    RecordPassed,
    /// It is given out in pieces.
    AnyPassed,
}

/// A long line, in the file.
#[derive(Clone, Copy)]
pub(crate) struct LongLine<'a> {
    pub(crate) file: &'a File,
    /// Where what is not read yet begins.
    pub(crate) offset: u64,
    /// Where the line after it begins.
    pub(crate) next: u64,
}

impl LongLine<'_> {
    /// Passes it on, one piece after the other; `path` is its file's.
    pub(super) fn pass(
        mut self,
        path: &Path,
        mut sink: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut piece = vec![0; BLOCK];
        while self.offset < self.next {
            match self.read(&mut piece).at(path)? {
                0 => return Err(cut(path)),
                count => sink(&piece[..count])?,
            }
        }
        Ok(())
    }
}

impl Read for LongLine<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.next - self.offset).unwrap_or(usize::MAX);
        let count = left.min(into.len());
        let got = lines::read_at(self.file, &mut into[..count], self.offset)?;
        self.offset += got as u64;
        Ok(got)
    }
}

/// The error for a file that holds less than a moment ago.
pub(super) fn cut(path: &Path) -> Error {
    Error::system(path.display(), "it was cut or removed while it was read")
}
