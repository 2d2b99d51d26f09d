//! Bytes in, whole lines out, each with its place in the file.
//!
//! [`Lines`] does no reading of its own: bytes are put into [`room`](Lines::room), and whole lines
//! come out of [`next`](Lines::next), a [`Block`] of them at a time. It never gives out a line
//! whose newline has not arrived, for agents write some lines in several pieces. One buffer is used
//! again and again; it grows while there is much to read, or for a line that does not fit. In a pause
//! it is put aside for the next file, so that a thousand quiet files cost next to nothing.

use std::{cell::Cell, fs::File, io, os::unix::fs::FileExt};

use memchr::{memchr, memchr_iter, memrchr};

/// How much is read at once when there is much.
pub(crate) const BLOCK: usize = 128 * 1024;

/// How much is read at first: most appends fit.
const LITTLE: usize = 8 * 1024;

/// A buffer that has grown beyond this, for one long line, is freed afterwards.
const KEEP: usize = 4 * BLOCK;

/// How much is read at once backwards: a few records, not the whole file.
const BACK: usize = 64 * 1024;

thread_local! {
    /// A buffer of the least size, or none.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A whole line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Where it begins.
    pub offset: u64,
    /// Where the line after it begins.
    pub next: u64,
    /// Its bytes, without the newline.
    pub bytes: &'a [u8],
}

impl<'a> Line<'a> {
    /// What is new in it since the transcript ended at `end`, in a line that began at `offset`: a crash
    /// may have left half a line, behind which the agent writes on.
    pub fn behind(self, offset: u64, end: u64) -> &'a [u8] {
        let old = if self.offset == offset { end.saturating_sub(offset) } else { 0 };
        let old = usize::try_from(old).unwrap_or(usize::MAX);
        self.bytes.get(old..).unwrap_or_default()
    }
}

/// Whole lines, one after the other, as they are in the file.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Where the first one begins.
    pub offset: u64,
    /// Their bytes; the last one is a newline.
    pub bytes: &'a [u8],
}

impl<'a> Block<'a> {
    /// The rest behind its first `count` bytes, which are whole lines.
    pub fn after(self, count: usize) -> Self {
        Block { offset: self.offset + count as u64, bytes: &self.bytes[count..] }
    }

    /// Each line by itself.
    pub fn lines(self) -> impl Iterator<Item = Line<'a>> {
        let mut offset = self.offset;
        let mut start = 0;
        memchr_iter(b'\n', self.bytes).map(move |newline| {
            let bytes = &self.bytes[start..newline];
            let line = Line { offset, next: offset + bytes.len() as u64 + 1, bytes };
            (offset, start) = (line.next, newline + 1);
            line
        })
    }
}

/// Cuts bytes into lines.
pub struct Lines {
    buffer: Vec<u8>,
    /// Where the first byte that was not given out is, in the buffer.
    start: usize,
    /// Up to where the buffer was searched: from `start` to here there is no newline.
    searched: usize,
    /// Where the bytes end, in the buffer.
    end: usize,
    /// Where `start` is, in the file.
    offset: u64,
}

impl Lines {
    /// The lines of a file from `offset` on, where a line begins.
    pub fn from(offset: u64) -> Self {
        Lines { buffer: Vec::new(), start: 0, searched: 0, end: 0, offset }
    }

    /// Where the next line begins, in the file: everything before it was given out.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Where the next byte belongs, in the file.
    pub fn end(&self) -> u64 {
        self.offset + (self.end - self.start) as u64
    }

    /// The bytes of the line that is not whole yet.
    pub fn pending(&self) -> usize {
        self.end - self.start
    }

    /// The place for the next bytes; never empty. Then call [`filled`](Lines::filled).
    pub fn room(&mut self) -> &mut [u8] {
        if self.buffer.is_empty() {
            self.buffer = SPARE.take();
        }
        let full = self.end == self.buffer.len();
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
        }
        self.searched -= self.start;
        self.end -= self.start;
        self.start = 0;
        if self.end == 0 && self.buffer.len() > KEEP {
            self.buffer = Vec::new();
        }
        let length = self.buffer.len();
        if length == 0 {
            self.buffer.resize(LITTLE, 0);
        } else if full && length < BLOCK {
            self.buffer.resize(BLOCK, 0);
        } else if length >= BLOCK && length - self.end < BLOCK / 2 {
            // A long line: growth by a fraction keeps the total cost linear and wastes little.
            self.buffer.reserve_exact(length / 8 + BLOCK);
            self.buffer.resize(length + length / 8 + BLOCK, 0);
        }
        &mut self.buffer[self.end..]
    }

    /// Takes in the first `count` bytes of the room.
    pub fn filled(&mut self, count: usize) {
        self.end = self.buffer.len().min(self.end + count);
    }

    /// The same where the room was filled from the byte before the next line on, while no line was
    /// begun. Nothing is taken in unless that byte ends a line; returns whether it does.
    pub fn filled_behind(&mut self, count: usize) -> bool {
        let ends_line = self.buffer[..count].first() == Some(&b'\n');
        if ends_line {
            (self.start, self.searched, self.end) = (1, 1, count);
        }
        ends_line
    }

    /// The whole lines that are there, if there are any.
    #[expect(clippy::should_implement_trait, reason = "a block borrows the buffer")]
    pub fn next(&mut self) -> Option<Block<'_>> {
        let Some(newline) = memrchr(b'\n', &self.buffer[self.searched..self.end]) else {
            self.searched = self.end;
            return None;
        };
        let after = self.searched + newline + 1;
        let block = Block { offset: self.offset, bytes: &self.buffer[self.start..after] };
        self.offset += block.bytes.len() as u64;
        self.start = after;
        self.searched = self.end;
        Some(block)
    }

    /// No more bytes are expected for a while: gives the buffer away if no line is begun in it.
    pub fn pause(&mut self) {
        if self.pending() == 0 {
            let buffer = std::mem::take(&mut self.buffer);
            (self.start, self.searched, self.end) = (0, 0, 0);
            if buffer.len() == LITTLE {
                SPARE.set(buffer);
            }
        }
    }
}

/// The last line boundary at or before `end`: just after a newline, or 0.
pub(crate) fn boundary_before(file: &File, end: u64) -> io::Result<u64> {
    last(file, end, 0)
}

/// The first line boundary at or after `start`, if there is one: just after a newline.
pub(crate) fn boundary_after(file: &File, start: u64) -> io::Result<Option<u64>> {
    if start == 0 {
        return Ok(Some(0));
    }
    // Begins one byte before: if that is a newline, `start` itself is a boundary.
    let mut at = start - 1;
    let mut block = vec![0; BACK];
    loop {
        let count = read_at(file, &mut block, at)?;
        if count == 0 {
            return Ok(None);
        }
        if let Some(newline) = memchr(b'\n', &block[..count]) {
            return Ok(Some(at + newline as u64 + 1));
        }
        at += count as u64;
    }
}

/// Where the last `count` whole lines before `end` begin. Reads backwards from `end`, so the cost
/// depends on those lines, not on the size of the file.
pub(crate) fn last(file: &File, end: u64, count: u64) -> io::Result<u64> {
    // One newline more than there are lines: the one before the first of them.
    let mut wanted = count.saturating_add(1);
    let mut block = vec![0; BACK];
    let mut after = end;
    while after > 0 {
        let from = after.saturating_sub(BACK as u64);
        let wide = usize::try_from(after - from).unwrap_or(BACK);
        let got = read_whole(file, &mut block[..wide], from)?;
        let mut rest = &block[..got];
        while let Some(newline) = memrchr(b'\n', rest) {
            wanted -= 1;
            if wanted == 0 {
                return Ok(from + newline as u64 + 1);
            }
            rest = &rest[..newline];
        }
        after = from;
    }
    Ok(0)
}

/// The bytes of `file` before `end`, at most `count` of them.
pub(crate) fn before(file: &File, end: u64, count: usize) -> io::Result<Vec<u8>> {
    let count = count.min(usize::try_from(end).unwrap_or(count));
    let mut bytes = vec![0; count];
    let got = read_whole(file, &mut bytes, end - count as u64)?;
    bytes.truncate(got);
    Ok(bytes)
}

/// One `pread`; 0 at the end of the file.
pub(crate) fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    loop {
        match file.read_at(into, at) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// Fills `into` as far as the file goes, which may have become shorter.
fn read_whole(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    let mut got = 0;
    while got < into.len() {
        match read_at(file, &mut into[got..], at + got as u64)? {
            0 => break,
            count => got += count,
        }
    }
    Ok(got)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(lines: &mut Lines, bytes: &[u8], found: &mut Vec<(u64, u64, Vec<u8>)>) {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            let room = lines.room();
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
            lines.filled(count);
            bytes = &bytes[count..];
            while let Some(block) = lines.next() {
                found.extend(block.lines().map(|l| (l.offset, l.next, l.bytes.to_vec())));
            }
        }
    }

    #[test]
    fn no_half_line_ever() {
        let mut lines = Lines::from(10);
        let mut found = Vec::new();
        feed(&mut lines, b"one", &mut found);
        assert!(found.is_empty());
        assert_eq!((lines.offset(), lines.end()), (10, 13));
        feed(&mut lines, b"\n\ntw", &mut found);
        assert_eq!(found, [(10, 14, b"one".to_vec()), (14, 15, Vec::new())]);
        assert_eq!((lines.offset(), lines.end()), (15, 17));
    }

    #[test]
    fn a_long_line_grows_the_buffer_and_it_is_given_back() {
        let mut lines = Lines::from(0);
        let mut found = Vec::new();
        let mut long = vec![b'x'; KEEP * 2];
        long.push(b'\n');
        feed(&mut lines, &long, &mut found);
        feed(&mut lines, b"short\n", &mut found);
        assert_eq!(found[0].1, long.len() as u64);
        assert_eq!(found[1].2, b"short");
        assert!(lines.buffer.len() <= BLOCK);
        lines.pause();
        assert!(lines.buffer.is_empty());
        assert_eq!(lines.room().len(), LITTLE);
        lines.pause();
        assert_eq!(lines.room().len(), LITTLE, "the spare one");
        feed(&mut lines, b"half", &mut found);
        lines.pause();
        feed(&mut lines, b"\n", &mut found);
        assert_eq!(found[2].2, b"half");
    }

    #[test]
    fn looking_back_finds_what_cutting_finds() {
        let path = std::env::temp_dir().join(format!("aimax-lines-{}", std::process::id()));
        let mut text = Vec::new();
        let mut starts = vec![0];
        for n in 0..400 {
            text.extend(vec![b'x'; n * 7 % 900]);
            text.push(b'\n');
            starts.push(text.len() as u64);
        }
        text.extend_from_slice(b"half a line");
        std::fs::write(&path, &text).unwrap();
        let file = File::open(&path).unwrap();
        let size = text.len() as u64;
        for count in [0, 1, 2, 100, 399, 400, 401, 100_000] {
            let want = starts[starts.len() - 1 - (count as usize).min(400)];
            assert_eq!(last(&file, size, count).unwrap(), want, "{count}");
        }
        for pair in starts.windows(2) {
            assert_eq!(boundary_before(&file, pair[0]).unwrap(), pair[0]);
            assert_eq!(boundary_after(&file, pair[0]).unwrap(), Some(pair[0]));
            if pair[1] - pair[0] > 1 {
                assert_eq!(boundary_before(&file, pair[1] - 1).unwrap(), pair[0]);
                assert_eq!(boundary_after(&file, pair[0] + 1).unwrap(), Some(pair[1]));
            }
        }
        assert_eq!(boundary_after(&file, size).unwrap(), None);
        std::fs::remove_file(&path).unwrap();
    }
}
