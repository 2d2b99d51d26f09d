//! One conversation, or one plain file, and how far it has been read.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    cursor::Cursor,
    printer::{Printer, Source},
    session_set::concerns,
};
use crate::{
    agent::Backend,
    error::{Error, Result},
    session::Session,
    tmux::Pane,
    transcript::{
        follow::{Follow, Seen},
        start::Start,
        zst::packed_path,
    },
    watch::{Watch, WatchId},
};

/// What is read, where it is now, and where it will go on.
pub(crate) struct Stream {
    pub(crate) source: Source,
    /// What a plain file has not.
    pub(crate) session: Option<Session>,
    pub(crate) pane: Option<Pane>,
    /// The process whose end is waited for.
    pub(crate) process: Option<u32>,
    /// What may tell that the conversation is elsewhere now.
    pub(crate) signs: BTreeSet<WatchId>,
    /// It is no live session any more: read once more, then no longer.
    pub(crate) leaving: bool,
    pub(crate) cursor: Option<Cursor>,
    path: Option<PathBuf>,
    follow: Option<Follow>,
    /// Where to begin in the first transcript.
    start: Start,
    /// Where the conversation is now, if not in `path`. It is gone over to when something stands
    /// there: an agent writes the end of the old transcript after it has named the new one.
    next: Option<PathBuf>,
    spots: BTreeSet<WatchId>,
    /// Where to read was found or changed since it was read last.
    fresh: bool,
    longest: usize,
}

impl Stream {
    /// A plain file.
    pub(crate) fn of_file(path: PathBuf, backend: Option<Backend>, start: Start) -> Stream {
        let mut stream = Stream::empty(Source::new(None, backend), start);
        stream.path = Some(path);
        stream
    }

    /// A session, whose transcript is not known yet.
    pub(crate) fn of_session(session: Session, start: Start) -> Stream {
        let source = Source::new(Some(session.name.to_string()), Some(session.backend));
        let mut stream = Stream::empty(source, start);
        stream.session = Some(session);
        stream
    }

    fn empty(source: Source, start: Start) -> Stream {
        Stream {
            source,
            session: None,
            pane: None,
            process: None,
            signs: BTreeSet::new(),
            leaving: false,
            cursor: None,
            path: None,
            follow: None,
            start,
            next: None,
            spots: BTreeSet::new(),
            fresh: true,
            longest: usize::MAX,
        }
    }

    /// The longest line that is taken.
    pub(crate) fn longest(mut self, bytes: Option<usize>) -> Stream {
        self.longest = bytes.unwrap_or(usize::MAX);
        self
    }

    /// Whether it is known where to read.
    pub(crate) fn is_placed(&self) -> bool {
        self.path.is_some()
    }

    /// Whether it begins at an offset of a certain transcript, not at either end of any.
    pub(crate) fn starts_inside(&self) -> bool {
        matches!(self.start, Start::Offset(1..))
    }

    /// Whether it is to be read, when this changed; without, everything may have.
    pub(crate) fn is_due(&self, changed: Option<&BTreeSet<WatchId>>) -> bool {
        self.fresh || self.leaving || changed.is_none_or(|changed| concerns(changed, &self.spots))
    }

    /// What it reads, now or later.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        [&self.path, &self.next].into_iter().flatten().map(PathBuf::as_path)
    }

    /// Begins at the beginning, whatever was said before.
    pub(crate) fn restart(&mut self) {
        self.start = Start::Offset(0);
    }

    /// Keeps its place in `cursor`, and begins where that says.
    pub(crate) fn keep(&mut self, cursor: Cursor, at: Option<(PathBuf, u64)>) {
        self.cursor = Some(cursor);
        if let Some((path, offset)) = at {
            (self.path, self.start) = (Some(path), Start::Offset(offset));
        }
    }

    /// The conversation is in the transcript at `path` now.
    pub(crate) fn is_at(&mut self, path: &Path) {
        let next = match &self.path {
            None => {
                self.path = Some(path.to_owned());
                None
            }
            Some(current) => (current != path).then(|| path.to_owned()),
        };
        self.fresh |= next.is_some() && next != self.next;
        self.next = next;
    }

    /// Watches what it reads, now or later.
    pub(crate) fn watch(&mut self, watch: &mut Watch) -> Result<()> {
        self.spots = self.paths().map(|path| watch.path(path)).collect::<Result<_>>()?;
        Ok(())
    }

    /// Prints all that is there, also where the conversation goes on.
    pub(crate) fn read(&mut self, printer: &mut Printer<'_>) -> Result<Seen> {
        self.fresh = !self.is_placed();
        loop {
            // Looked at before the old transcript is read to its end.
            let next = self.next.take_if(|next| begun(next));
            let seen = self.read_here(printer)?;
            if seen == Seen::Stopped {
                self.next = next.or(self.next.take());
                return Ok(seen);
            }
            match next {
                Some(next) => self.go_on(&next, printer)?,
                None => return Ok(seen),
            }
        }
    }

    fn read_here(&mut self, printer: &mut Printer<'_>) -> Result<Seen> {
        let Some(path) = &self.path else { return Ok(Seen::Absent) };
        let follow = match &mut self.follow {
            Some(follow) => follow,
            none => none.insert(Follow::open(path, self.start)?.longest(self.longest)),
        };
        loop {
            if printer.left == 0 {
                return Ok(Seen::Stopped);
            }
            if let Some(cursor) = &mut self.cursor {
                cursor.at(path, follow)?;
            }
            let (source, cursor) = (&self.source, &mut self.cursor);
            let seen = follow.read_blocks(|block| printer.block(source, path, cursor, block))?;
            if let Some(what) = unusual(seen) {
                (printer.note)(&Error::system(path.display(), what).to_string());
            }
            if !matches!(seen, Seen::Truncated | Seen::Replaced | Seen::Packed) {
                return Ok(seen);
            }
        }
    }

    fn go_on(&mut self, next: &Path, printer: &mut Printer<'_>) -> Result<()> {
        let from = self.path.replace(next.to_owned()).unwrap_or_default();
        self.start = Start::Offset(0);
        self.follow = None;
        printer.moved(&self.source, &from, next)
    }
}

/// Whether something stands in the transcript at `path`, packed or not.
fn begun(path: &Path) -> bool {
    let full = |path: &Path| path.metadata().is_ok_and(|data| data.len() > 0);
    full(path) || full(&packed_path(path))
}

/// What happened to the file, where that is not the usual.
fn unusual(seen: Seen) -> Option<&'static str> {
    match seen {
        Seen::All | Seen::Stopped | Seen::Absent | Seen::Packed => None,
        Seen::Removed => Some("the file was removed"),
        Seen::Truncated => Some("the file was cut: its offsets begin anew at 0"),
        Seen::Replaced => Some("another file took its place: offsets begin anew at 0"),
    }
}
