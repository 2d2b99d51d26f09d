//! A line that is too long to be held, passed on in pieces.

use std::{
    fs::File,
    io::{self, Read},
    ops::ControlFlow,
    path::Path,
};

use super::{
    condense::{Condensed, condense},
    lines::{self, BLOCK, Line},
};
use crate::error::{At, Error, Result};

/// From how many bytes on a line is long: images have that much, so most never are.
pub(crate) const LONG: usize = 1024 * 1024;

/// How many bytes at the end of a line are given out with what is condensed of it.
const END: usize = 1024;

/// What becomes of a long line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Long {
    /// It is held until it is whole, like any other.
    Held,
    /// It is given out in pieces if it is a record, and held otherwise.
    RecordPassed,
    /// It is given out in pieces.
    AnyPassed,
    /// It is given out without the most of its long strings if it is a record, and held otherwise. So
    /// many bytes are long.
    Condensed(usize),
}

impl Long {
    /// How many bytes may be held of a line that has not come to its end.
    pub(super) fn held(self) -> usize {
        match self {
            Long::Held => usize::MAX,
            Long::RecordPassed | Long::AnyPassed => LONG,
            Long::Condensed(most) => most,
        }
    }

    /// Whether only a record is not held.
    pub(super) fn is_for_records(self) -> bool {
        matches!(self, Long::RecordPassed | Long::Condensed(_))
    }
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
    /// Gives it out without the most of its long strings, `most` bytes of it; `path` is its file's.
    pub(super) fn condense(
        self,
        path: &Path,
        most: usize,
        sink: impl FnOnce(Line<'_>, &Condensed) -> Result<ControlFlow<u64>>,
    ) -> Result<ControlFlow<u64>> {
        let LongLine { file, offset, next } = self;
        let text = LongLine { next: next - 1, ..self };
        let condensed = condense(text, most).at(path)?;
        let length = next - 1 - offset;
        if condensed.bytes.len() as u64 + condensed.cut != length {
            return Err(cut(path));
        }
        let end = usize::try_from(length).map_or(END, |length| length.min(END));
        let bytes = lines::before(file, next - 1, end).at(path)?;
        sink(Line { offset, next, bytes: &bytes }, &condensed)
    }

    /// Passes it on, one piece after the other, each with its place; `path` is its file's.
    pub(super) fn pass(
        mut self,
        path: &Path,
        mut sink: impl FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut piece = vec![0; BLOCK];
        while self.offset < self.next {
            let at = self.offset;
            match self.read(&mut piece).at(path)? {
                0 => return Err(cut(path)),
                count => sink(at, &piece[..count])?,
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
