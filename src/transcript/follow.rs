//! A file followed while somebody writes it.
//!
//! [`Follow`] keeps its own offset and gives out the whole lines that are there now; waiting for
//! more is the work of [`crate::watch`]. What happens to the file meanwhile is a value, not an
//! error: the file may not exist yet, shrink, be replaced by another of its name, vanish, or move. A
//! new or shortened file is read from its start. A file that is replaced or removed is first read to
//! its end. A file that takes its place and holds what was read goes on at the same offset.
//!
//! If a file is cut and written beyond the old offset between two reads, this shows only when the
//! byte before the offset is no longer a newline. Agents only append.

use std::{
    fs::File,
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use super::{
    condense::Condensed,
    left::{Holds, Left},
    lines::{self, Block, Line, Lines},
    long::{Long, LongLine, cut},
    start::{Start, begins_line},
    validate,
    zst::{self, Identity},
};
use crate::error::{At, Error, Result};

/// How a read ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Seen {
    /// All whole lines that were there are given out. Wait for more.
    All,
    /// The receiver asked to stop.
    Stopped,
    /// There is no file yet. Wait for it.
    Absent,
    /// The file was removed after its lines were given out. Wait for a new one.
    Removed,
    /// The file has become shorter. Read again: it is read from its start.
    Truncated,
    /// Another file has taken its place. Read again: it is read from its start.
    Replaced,
    /// Another file with the same lines has taken its place: it was packed, unpacked or copied. Read
    /// again: it goes on where it was.
    Same,
}

/// What is given out.
pub(crate) enum Part<'a> {
    /// Whole lines.
    Lines(Block<'a>),
    /// A piece of a long line, all pieces of which are there, and where it begins. The last one ends
    /// with the newline.
    OfLong(Line<'a>, u64),
    /// A long line, of which there is only the end, and what is left of it without its long strings.
    Condensed(Line<'a>, &'a Condensed),
}

/// A file, and how far it has been read.
pub struct Follow {
    path: PathBuf,
    start: Start,
    file: Option<(File, Identity)>,
    /// Of the file that was read, once it is gone. The offset stays.
    left: Option<Left>,
    lines: Lines,
    /// The longest line that is no error.
    longest: usize,
    /// Whether the path still names the open file, which has only been written to since the last read.
    is_same: bool,
}

impl Follow {
    /// Follows the file at `path` from `start` on. It need not exist yet; a start inside a line is
    /// refused as soon as it does.
    pub fn open(path: &Path, start: Start) -> Result<Follow> {
        let lines = Lines::from(0);
        let path = path.to_owned();
        let (file, left, longest) = (None, None, usize::MAX);
        let mut follow = Follow { path, start, file, left, lines, longest, is_same: false };
        if follow.find()?.is_none() && matches!(start, Start::Last(_)) {
            // There is no file yet, so everything in it will be new.
            follow.start = Start::Offset(0);
        }
        Ok(follow)
    }

    /// The same with a bound on the length of a line: a longer one is an error that names its
    /// offset.
    pub fn longest(mut self, bytes: usize) -> Follow {
        self.longest = bytes;
        self
    }

    /// Where the next line begins: the offset to resume from.
    pub fn offset(&self) -> u64 {
        self.lines.offset()
    }

    /// Has the next read take it for granted that what the path names has only been written to since
    /// the last one: so says the kernel ([`crate::watch::Changes`]).
    pub(crate) fn note_writes(&mut self) {
        self.is_same = true;
    }

    /// Gives `sink` all whole lines that are there now, until it breaks.
    pub fn read_new(
        &mut self,
        mut sink: impl FnMut(Line<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<Seen> {
        self.read_parts(Long::Held, |part| {
            let Part::Lines(block) = part else { return Ok(ControlFlow::Continue(())) };
            for line in block.lines() {
                if sink(line)?.is_break() {
                    return Ok(ControlFlow::Break(line.next));
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// The same, but of a record of more than `most` bytes only what is left without its long strings.
    pub(crate) fn read_condensed(
        &mut self,
        most: usize,
        mut sink: impl FnMut(Line<'_>),
    ) -> Result<Seen> {
        self.read_parts(Long::Condensed(most), |part| {
            match part {
                Part::Lines(block) => block.lines().for_each(&mut sink),
                Part::Condensed(line, Condensed { bytes, .. }) => sink(Line { bytes, ..line }),
                Part::OfLong(..) => {}
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// The same, many lines at a time, as they are in the file. `sink` breaks with the offset where
    /// the next read goes on.
    pub(crate) fn read_parts(
        &mut self,
        long: Long,
        mut sink: impl FnMut(Part<'_>) -> Result<ControlFlow<u64>>,
    ) -> Result<Seen> {
        let is_same = std::mem::take(&mut self.is_same) && self.file.is_some();
        self.find()?;
        let Some((file, identity)) = &self.file else { return Ok(Seen::Absent) };
        let is_read = is_same && read_on(file, &mut self.lines).at(&self.path)?;
        let (named, size) = if is_read {
            (Some(*identity), self.lines.end())
        } else {
            standing(&self.path, file, *identity).at(&self.path)?
        };
        let offset = self.lines.offset();
        if !is_read && (size < offset || !begins_line(file, offset).at(&self.path)?) {
            self.lines = Lines::from(0);
            return Ok(Seen::Truncated);
        }
        if size < self.lines.end() {
            // Only an unfinished line was cut: the lines given out are still there.
            self.lines = Lines::from(offset);
        }
        // A long line that is held though others are passed on.
        let mut held = None;
        loop {
            if let Some(block) = self.lines.next() {
                if let Some(long) = longer(block, self.longest) {
                    return Err(self.too_long(long));
                }
                if let ControlFlow::Break(next) = sink(Part::Lines(block))? {
                    self.lines = Lines::from(next);
                    return Ok(Seen::Stopped);
                }
            }
            if self.lines.pending() > self.longest {
                return Err(self.too_long(self.lines.offset()));
            }
            let begun = self.lines.offset();
            if self.lines.pending() > long.held() && held != Some(begun) {
                let Some(line) = self.long_line(file, size)? else { break };
                if long.is_for_records() && !validate::is_record_in(line) {
                    held = Some(begun);
                    continue;
                }
                let flow = pass_on(line, &self.path, long, &mut sink)?;
                self.lines = Lines::from(flow.break_value().unwrap_or(line.next));
                if flow.is_break() {
                    return Ok(Seen::Stopped);
                }
            }
            // No further than the size at the beginning: a file that grows faster than its lines
            // are handled must not keep its follower from looking at the clock.
            let at = self.lines.end();
            if at >= size {
                break;
            }
            match lines::read_at(file, self.lines.room(), at).at(&self.path)? {
                0 => break,
                count => self.lines.filled(count),
            }
        }
        self.lines.pause();
        if named == Some(*identity) {
            return Ok(Seen::All);
        }
        self.left = Some(self.left()?);
        self.file = None;
        if named.is_none() {
            return Ok(Seen::Removed);
        }
        let offset = self.offset();
        self.reopen(Holds::Other)?;
        Ok(if self.offset() == offset { Seen::Same } else { Seen::Replaced })
    }

    /// The line at hand, of which only a part is read; `None` if it is not whole yet.
    fn long_line<'f>(&self, file: &'f File, size: u64) -> Result<Option<LongLine<'f>>> {
        let offset = self.lines.offset();
        let next = lines::boundary_after(file, self.lines.end() + 1).at(&self.path)?;
        let next = next.filter(|next| *next <= size);
        if next.map_or(size, |next| next - 1) - offset > self.longest as u64 {
            return Err(self.too_long(offset));
        }
        Ok(next.map(|next| LongLine { file, offset, next }))
    }

    fn too_long(&self, offset: u64) -> Error {
        let cause = format!("offset {offset}: a line of more than {} bytes", self.longest);
        Error::system(self.path.display(), cause)
    }

    /// Opens the file unless it is open. Returns its identity, if it is there.
    pub fn find(&mut self) -> Result<Option<Identity>> {
        if self.file.is_none() {
            self.reopen(Holds::Less)?;
        }
        Ok(self.file.as_ref().map(|(_, identity)| *identity))
    }

    /// Opens the file. One that holds less than was read is as `less` says.
    fn reopen(&mut self, less: Holds) -> Result<()> {
        let Some((file, identity)) = zst::open(&self.path)? else { return Ok(()) };
        match self.left.is_some().then(|| self.compare(&file)).transpose().at(&self.path)? {
            None => self.lines = Lines::from(self.start.offset(&file, &self.path)?),
            Some(Holds::All) => self.lines = Lines::from(self.offset()),
            Some(Holds::Less) if less == Holds::Less => return Ok(()),
            Some(Holds::Less | Holds::Other) => self.lines = Lines::from(0),
        }
        (self.file, self.left) = (Some((file, identity)), None);
        Ok(())
    }

    /// Goes on in the file at `path` if that holds all that was read or is to be passed over.
    pub(crate) fn move_to(&mut self, path: &Path) -> Result<Holds> {
        let Some((file, identity)) = zst::open(path)? else { return Ok(Holds::Less) };
        if self.file.is_some() {
            self.left = Some(self.left()?);
        }
        let holds = self.compare(&file).at(path)?;
        if holds == Holds::All {
            path.clone_into(&mut self.path);
            self.lines = Lines::from(self.begun());
            self.file = Some((file, identity));
        }
        self.left.take_if(|_| self.file.is_some());
        Ok(holds)
    }

    /// Whether the file at hand is gone, after it was read.
    pub(crate) fn is_lost(&self) -> bool {
        self.left.is_some()
    }

    /// Where the next line begins, or will begin in a file that is not there yet.
    fn begun(&self) -> u64 {
        match (self.start, &self.left) {
            (Start::Offset(start), None) => start,
            _ => self.offset(),
        }
    }

    /// What `file` holds of what was read, or is to be passed over.
    fn compare(&self, file: &File) -> io::Result<Holds> {
        self.left.as_ref().unwrap_or(&Left::default()).compare(file, self.begun())
    }

    /// What is to be known of the open file once it is gone.
    fn left(&self) -> Result<Left> {
        let Some((file, _)) = &self.file else { return Ok(Left::default()) };
        Left::of(file, self.offset()).at(&self.path)
    }

    /// The `count` bytes at `offset`, which were given out before.
    pub(crate) fn again(&self, offset: u64, count: usize) -> Result<Vec<u8>> {
        let bytes = match &self.file {
            Some((file, _)) => lines::before(file, offset + count as u64, count).at(&self.path)?,
            None => Vec::new(),
        };
        if bytes.len() == count {
            return Ok(bytes);
        }
        Err(cut(&self.path))
    }

    /// The same in pieces, for what is too long to be held.
    pub(crate) fn again_in_pieces(
        &self,
        offset: u64,
        count: usize,
        mut sink: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let Some((file, _)) = &self.file else { return Err(cut(&self.path)) };
        let line = LongLine { file, offset, next: offset + count as u64 };
        line.pass(&self.path, |_, piece| sink(piece))
    }

    /// At most `count` bytes before the start of the next line.
    pub fn before(&self, count: usize) -> Result<Vec<u8>> {
        match &self.file {
            Some((file, _)) => lines::before(file, self.offset(), count).at(&self.path),
            None => Ok(Vec::new()),
        }
    }
}

/// Gives out a long line of the file at `path`.
fn pass_on(
    line: LongLine<'_>,
    path: &Path,
    long: Long,
    sink: &mut impl FnMut(Part<'_>) -> Result<ControlFlow<u64>>,
) -> Result<ControlFlow<u64>> {
    if let Long::Condensed(most) = long {
        return line.condense(path, most, |line, condensed| sink(Part::Condensed(line, condensed)));
    }
    let LongLine { offset, next, .. } = line;
    line.pass(path, |at, bytes| sink(Part::OfLong(Line { offset, next, bytes }, at)).map(drop))?;
    Ok(ControlFlow::Continue(()))
}

/// What `path` names, and the size of `file`, which is open and has this identity.
fn standing(path: &Path, file: &File, own: Identity) -> io::Result<(Option<Identity>, u64)> {
    // The path is looked up before the open file's size is taken: if another file has taken its
    // place, the open file will not grow beyond that size.
    let named = zst::identity(path)?;
    let size = match named {
        Some((named, size)) if named == own && !named.packed => size,
        _ => file.metadata()?.len(),
    };
    Ok((named.map(|(named, _)| named), size))
}

/// Reads what is there behind the last line, if the file still holds its newline and there is little.
/// Returns whether that is all.
fn read_on(file: &File, lines: &mut Lines) -> io::Result<bool> {
    if lines.pending() > 0 {
        return Ok(false);
    }
    let offset = lines.offset();
    let room = lines.room();
    let most = room.len();
    let count = lines::read_at(file, room, offset.saturating_sub(1))?;
    let is_on = if offset == 0 {
        lines.filled(count);
        true
    } else {
        lines.filled_behind(count)
    };
    Ok(is_on && count < most)
}

/// Where a line of more than `bytes` bytes begins, if there is one.
fn longer(block: Block<'_>, bytes: usize) -> Option<u64> {
    if block.bytes.len() <= bytes {
        return None;
    }
    block.lines().find(|line| line.bytes.len() > bytes).map(|line| line.offset)
}

/// What `note` makes of the last lines of the file at `path`: of ever more of them until
/// `is_enough`, and of all of them at last.
pub(crate) fn last_lines<T: Default>(
    path: &Path,
    note: impl Fn(&mut T, Line<'_>),
    is_enough: impl Fn(&T) -> bool,
) -> Result<T> {
    let mut most = 64;
    loop {
        let (mut told, mut count) = (T::default(), 0);
        let _seen = Follow::open(path, Start::Last(most))?.read_new(|line| {
            count += 1;
            note(&mut told, line);
            Ok(ControlFlow::Continue(()))
        })?;
        if count < most || is_enough(&told) {
            return Ok(told);
        }
        most *= 8;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, OpenOptions},
        io::Write,
    };

    use super::{super::long::LONG, *};

    /// A file name of its own for a test, removed at its end.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Place {
            let name = format!("aimax-follow-{}-{name}", std::process::id());
            let place = Place(std::env::temp_dir().join(name));
            let _ = fs::remove_file(&place.0);
            place
        }

        fn append(&self, bytes: &[u8]) {
            let mut file = OpenOptions::new().append(true).create(true).open(&self.0).unwrap();
            file.write_all(bytes).unwrap();
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    fn read(follow: &mut Follow) -> (Seen, Vec<String>) {
        let mut found = Vec::new();
        let seen = follow
            .read_new(|line| {
                found.push(format!("{}:{}", line.offset, String::from_utf8_lossy(line.bytes)));
                Ok(ControlFlow::Continue(()))
            })
            .unwrap();
        (seen, found)
    }

    fn texts(of: &[&str]) -> Vec<String> {
        of.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_happens_to_a_file_is_told() {
        let place = Place::new("told");
        let mut follow = Follow::open(&place.0, Start::Last(0)).unwrap();
        assert_eq!(read(&mut follow), (Seen::Absent, vec![]));
        place.append(b"one\ntw");
        assert_eq!(read(&mut follow), (Seen::All, texts(&["0:one"])));
        place.append(b"o\n");
        assert_eq!(read(&mut follow), (Seen::All, texts(&["4:two"])));
        assert_eq!(follow.offset(), 8);

        fs::write(&place.0, "new\n").unwrap();
        assert_eq!(read(&mut follow), (Seen::Truncated, vec![]));
        assert_eq!(read(&mut follow), (Seen::All, texts(&["0:new"])));
        fs::write(&place.0, "longer than before\n").unwrap();
        assert_eq!(read(&mut follow), (Seen::Truncated, vec![]));
        assert_eq!(read(&mut follow), (Seen::All, texts(&["0:longer than before"])));

        let other = Place::new("told-other");
        other.append(b"other\n");
        place.append(b"the last of the old\n");
        fs::rename(&other.0, &place.0).unwrap();
        assert_eq!(read(&mut follow), (Seen::Replaced, texts(&["19:the last of the old"])));
        assert_eq!(read(&mut follow), (Seen::All, texts(&["0:other"])));

        fs::remove_file(&place.0).unwrap();
        assert_eq!(read(&mut follow), (Seen::Removed, vec![]));
        assert_eq!(read(&mut follow), (Seen::Absent, vec![]));
        place.append(b"again\n");
        assert_eq!(read(&mut follow), (Seen::All, texts(&["0:again"])));
    }

    #[test]
    fn a_file_that_was_only_written_to_is_read_on_whatever_was_written() {
        let place = Place::new("written");
        place.append(b"");
        let mut follow = Follow::open(&place.0, Start::Offset(0)).unwrap();
        let mut written = |bytes: &[u8]| {
            place.append(bytes);
            follow.note_writes();
            read(&mut follow)
        };
        assert_eq!(written(b"one\n"), (Seen::All, texts(&["0:one"])));
        assert_eq!(written(b"two\nthr"), (Seen::All, texts(&["4:two"])));
        assert_eq!(written(b"ee\n"), (Seen::All, texts(&["8:three"])));
        assert_eq!(written(b""), (Seen::All, vec![]));
        let many = vec![b"x".repeat(99); 3_000].join(&b"\n"[..]);
        let (seen, lines) = written(&[&many[..], b"\n"].concat());
        assert_eq!((seen, lines.len()), (Seen::All, 3_000));

        fs::write(&place.0, "new\n").unwrap();
        assert_eq!(written(b""), (Seen::Truncated, vec![]));
        assert_eq!(written(b"half"), (Seen::All, texts(&["0:new"])));
        fs::write(&place.0, "longer than before\n").unwrap();
        assert_eq!(written(b""), (Seen::Truncated, vec![]));
        assert_eq!(written(b""), (Seen::All, texts(&["0:longer than before"])));
        fs::write(&place.0, "longer than before, without a newline there").unwrap();
        assert_eq!(written(b""), (Seen::Truncated, vec![]));
    }

    #[test]
    fn a_long_line_comes_in_pieces_once_it_is_whole() {
        let place = Place::new("long");
        let long = [b"{\"a\":\"", &vec![b'x'; 3 * LONG][..], b"\"}\n"].concat();
        let read = |follow: &mut Follow, long| {
            let (mut pieces, mut lines) = (Vec::new(), Vec::new());
            let seen = follow.read_parts(long, |part| {
                match part {
                    Part::Lines(block) => lines.extend_from_slice(block.bytes),
                    Part::OfLong(piece, _) => pieces.push(piece.bytes.to_vec()),
                    Part::Condensed(line, _) => panic!("{line:?}"),
                }
                Ok(ControlFlow::Continue(()))
            });
            assert_eq!(seen.unwrap(), Seen::All);
            assert!(pieces.iter().all(|piece| piece.len() <= lines::BLOCK));
            (lines, pieces.concat())
        };
        let mut follow = Follow::open(&place.0, Start::Offset(0)).unwrap();
        place.append(&[b"one\n", &long[..2 * LONG]].concat());
        assert_eq!(read(&mut follow, Long::RecordPassed), (b"one\n".to_vec(), vec![]));
        assert!(follow.lines.pending() < 2 * LONG, "it is not read to its end");
        place.append(&[&long[2 * LONG..], b"two\n"].concat());
        assert!(read(&mut follow, Long::RecordPassed) == (b"two\n".to_vec(), long.clone()));
        let odd = [&long[1..], b"three\n"].concat();
        place.append(&odd);
        assert!(read(&mut follow, Long::RecordPassed) == (odd.clone(), vec![]), "no record");
        place.append(&odd);
        assert!(read(&mut follow, Long::AnyPassed) == (b"three\n".to_vec(), long[1..].to_vec()));
        place.append(&long);
        assert!(read(&mut follow, Long::Held) == (long, vec![]));
    }

    /// Any division of the bytes into writes gives the lines that the whole file gives.
    #[test]
    fn any_division_into_writes_gives_the_same_lines() {
        let place = Place::new("division");
        for seed in 0..40u64 {
            let mut state = seed;
            let mut random = |below: usize| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 33) as usize % below
            };
            let longest = [3, 40, 5_000, 300_000][random(4)];
            let mut text = Vec::new();
            for _ in 0..random(30) {
                let length = random(longest);
                text.extend((0..length).map(|n| b"ab\r\0"[(n + length) % 4]));
                text.push(b'\n');
            }
            text.extend(vec![b'x'; random(9)]);

            let _ = fs::remove_file(&place.0);
            let mut follow = Follow::open(&place.0, Start::Offset(0)).unwrap();
            let mut got = Vec::new();
            let mut rest = &text[..];
            loop {
                let count = rest.len().min(1 + random(longest));
                place.append(&rest[..count]);
                rest = &rest[count..];
                let seen = follow
                    .read_new(|line| {
                        got.push((line.offset, line.next, line.bytes.to_vec()));
                        Ok(ControlFlow::Continue(()))
                    })
                    .unwrap();
                assert_eq!(seen, Seen::All);
                if rest.is_empty() {
                    break;
                }
            }
            let mut want = Vec::new();
            let mut offset = 0;
            for line in text.split_inclusive(|&byte| byte == b'\n') {
                let next = offset + line.len() as u64;
                if let Some(line) = line.strip_suffix(b"\n") {
                    want.push((offset, next, line.to_vec()));
                }
                offset = next;
            }
            assert!(got == want, "seed {seed}");
        }
    }
}
