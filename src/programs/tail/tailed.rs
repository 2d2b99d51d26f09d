//! One conversation, or one plain file, and how far it has been printed.

use std::{collections::BTreeSet, ops::ControlFlow, path::Path};

use super::{cursor::Cursor, printer::Printer, record::RecordSource};
use crate::{
    agent::Backend,
    error::{Error, Result},
    session::{
        Session,
        conversation::{ConversationReader, ReadEnd},
    },
    tmux::Pane,
    transcript::{
        follow::{Part, Seen},
        start::Start,
    },
    watch::{Changes, Watch, WatchId},
};

/// A conversation or a plain file that is printed.
pub(crate) struct Tailed {
    pub(crate) source: RecordSource,
    /// `None` for a plain file.
    pub(crate) session: Option<Session>,
    pub(crate) pane: Option<Pane>,
    /// The process whose end is watched.
    pub(crate) process: Option<u32>,
    /// The watched paths that may change when the conversation moves.
    pub(crate) signs: BTreeSet<WatchId>,
    /// Whether the session is no longer live: then it is read once more, and dropped.
    pub(crate) leaving: bool,
    pub(crate) cursor: Option<Cursor>,
    /// What is to be said before it is read.
    note: Option<String>,
    pub(crate) reader: ConversationReader,
    /// Whether its transcript was found, or has moved, since the last read.
    pub(crate) fresh: bool,
    /// Whether it has been read before.
    begun: bool,
}

impl Tailed {
    /// A plain file, read by `reader`.
    pub(crate) fn of_file(backend: Option<Backend>, reader: ConversationReader) -> Tailed {
        Tailed {
            source: RecordSource::new(None, backend),
            session: None,
            pane: None,
            process: None,
            signs: BTreeSet::new(),
            leaving: false,
            cursor: None,
            note: None,
            reader,
            fresh: true,
            begun: false,
        }
    }

    /// A session, whose transcript is not known yet.
    pub(crate) fn of_session(session: Session, reader: ConversationReader) -> Tailed {
        let source = RecordSource::new(Some(session.name.to_string()), Some(session.backend));
        Tailed { source, session: Some(session), ..Tailed::of_file(None, reader) }
    }

    /// Begins where the cursor in `file` says, unless that is another transcript by now, and keeps the
    /// place there.
    pub(crate) fn keep_place(&mut self, file: &Path) -> Result<&Cursor> {
        let (cursor, mut at) = Cursor::open(file)?;
        if let Some((path, offset)) = &at {
            let now = self.reader.now(path);
            let is_it = |own: &Path| std::path::absolute(own).is_ok_and(|own| own == *path);
            if self.session.is_none() && !self.reader.paths().any(is_it) {
                return Err(Error::usage(file.display(), "a cursor of another file")
                    .advise(format!("it is of {}", path.display())));
            }
            if let Some(why) = cursor.objection(&now)? {
                let anew = format!("{why}: the place {offset} is void, read from the beginning");
                self.note = Some(format!("{}: {anew}", path.display()));
                at = self.reader.paths().next().map(|own| (own.to_owned(), 0));
                self.reader.start = Start::Offset(0);
            }
        }
        if let Some((path, offset)) = at {
            self.reader.begin_at(path, offset);
        }
        Ok(self.cursor.insert(cursor))
    }

    /// The watched paths whose change concerns it.
    pub(crate) fn watched(&self) -> impl Iterator<Item = WatchId> {
        self.reader.spots().iter().chain(&self.signs).copied()
    }

    /// Whether any change may concern it, as long as its transcript is not known.
    pub(crate) fn is_restless(&self) -> bool {
        self.fresh || self.leaving || !self.reader.is_placed()
    }

    /// Whether it must be read when these have changed; with `None`, anything may have.
    pub(crate) fn is_due(&self, changed: Option<&BTreeSet<WatchId>>) -> bool {
        self.fresh
            || self.leaving
            || changed.is_none_or(|changed| !changed.is_disjoint(self.reader.spots()))
    }

    /// Prints all that is there, or the last of it at first. `changes` are those since the last read,
    /// if they are known: a transcript that was only written to need not be looked for.
    pub(crate) fn read(
        &mut self,
        printer: &mut Printer<'_>,
        watch: Option<&mut Watch>,
        changes: Option<&Changes>,
    ) -> Result<Seen> {
        let are_writes = changes.is_some_and(|changes| changes.are_writes(self.reader.spots()));
        if are_writes && !self.is_restless() {
            self.reader.note_writes();
        }
        if !std::mem::replace(&mut self.begun, true) {
            printer.hold();
        }
        let seen = self.read_all(printer, watch)?;
        let is_full = printer.release(&self.source)?;
        Ok(if is_full { Seen::Stopped } else { seen })
    }

    /// Prints all that is there, also in the transcripts to which the conversation moved, which
    /// `watch` then watches.
    fn read_all(
        &mut self,
        printer: &mut Printer<'_>,
        mut watch: Option<&mut Watch>,
    ) -> Result<Seen> {
        if let Some(note) = self.note.take() {
            (printer.note)(&note);
        }
        let Tailed { source, cursor, reader, .. } = self;
        self.fresh = !reader.is_placed();
        loop {
            let end = reader.read_with(watch.as_deref_mut(), |path, follow| {
                if printer.left == 0 {
                    return Ok(Seen::Stopped);
                }
                if let Some(cursor) = cursor {
                    cursor.move_to(path, follow)?;
                    printer.recall(source, follow)?;
                }
                let seen = follow.read_parts(printer.long(), |part| match part {
                    Part::Lines(block) => printer.block(source, path, cursor, block),
                    Part::Condensed(line, left) => {
                        printer.condensed(source, path, cursor, line, left)
                    }
                    Part::OfLong(line, at) => {
                        printer.piece(source, line, at).map(ControlFlow::Continue)
                    }
                });
                let settled = printer.settle(source, path);
                seen.and_then(|seen| settled.map(|()| seen))
            })?;
            if let ReadEnd::Moved { from, to, offset } = &end {
                printer.moved(source, from, to, *offset)?;
            }
            if let ReadEnd::Paused(seen) | ReadEnd::Again(seen) = end
                && let (Some(what), Some(path)) = (unusual(seen), reader.paths().next())
            {
                (printer.note)(&Error::system(path.display(), what).to_string());
            }
            if let ReadEnd::Paused(seen) = end {
                return Ok(seen);
            }
        }
    }
}

/// What happened to the file, if a person should know.
fn unusual(seen: Seen) -> Option<&'static str> {
    match seen {
        Seen::All | Seen::Stopped | Seen::Absent | Seen::Same => None,
        Seen::Removed => Some("the file was removed"),
        Seen::Truncated => Some("the file was truncated: offsets start again at 0"),
        Seen::Replaced => Some("the file was replaced: offsets start again at 0"),
    }
}
