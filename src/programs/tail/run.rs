//! One run over all that is followed.

use std::os::fd::RawFd;

use super::{options::Args, printer::Printer, session_set::SessionSet, tailed::Tailed};
use crate::{
    error::{Error, Exit, Result},
    sys,
    time::Deadline,
    transcript::follow::Seen,
    watch::{Watch, Woke},
};

/// What is read, and where it goes.
pub(crate) struct Run<'a> {
    pub(crate) args: &'a Args,
    pub(crate) streams: Vec<Tailed>,
    /// `None` where a plain file is read.
    pub(crate) sessions: Option<SessionSet>,
    pub(crate) printer: Printer<'a>,
}

impl Run<'_> {
    /// Prints what there is.
    pub(crate) fn once(&mut self) -> Result<Exit> {
        if let Some(sessions) = &mut self.sessions {
            let mut watch = Watch::new()?;
            sessions.watch(&mut watch)?;
            sessions.look(&mut watch, &mut self.streams, None, self.printer.note)?;
        }
        self.catch_up()?;
        for stream in &mut self.streams {
            let seen = stream.read(&mut self.printer)?;
            // A session that has had no prompt has no records; a missing file is a mistake.
            if seen == Seen::Absent
                && stream.session.is_none()
                && let Some(path) = stream.reader.paths().next()
            {
                return Err(Error::missing(path.display(), "no such file"));
            }
        }
        self.printer.batch(false)?;
        Ok(Exit::Done)
    }

    /// Prints what there is and what comes. `reader` is where the records go, if somebody must be
    /// there to read them.
    pub(crate) fn follow(&mut self, reader: Option<RawFd>) -> Result<Exit> {
        let deadline = self.args.timeout.map_or(Deadline::NEVER, Deadline::after);
        let mut watch = Watch::new()?;
        if let Some(reader) = reader {
            watch.reader_of(&reader);
        }
        if let Some(sessions) = &mut self.sessions {
            sessions.watch(&mut watch)?;
            // Not being allowed to is a failure only once there are too many.
            drop(sys::raise_open_files());
        }
        for stream in &mut self.streams {
            stream.watch(&mut watch)?;
        }
        // Catching up is done in large pieces; after that, each record is written at once.
        self.catch_up()?;
        let mut changed = None;
        loop {
            if let Some(sessions) = &mut self.sessions {
                sessions.look(
                    &mut watch,
                    &mut self.streams,
                    changed.as_ref(),
                    self.printer.note,
                )?;
            }
            for stream in &mut self.streams {
                if stream.is_due(changed.as_ref())
                    && stream.read(&mut self.printer)? == Seen::Stopped
                {
                    self.printer.batch(false)?;
                    return Ok(Exit::Done);
                }
            }
            self.printer.batch(false)?;
            self.let_go(&mut watch);
            if watch.wait(deadline)? == Woke::Deadline {
                return Ok(Exit::Timeout);
            }
            // When no path changed, something else did: then everything is looked at.
            changed = Some(watch.changed()).filter(|changed| !changed.is_empty());
        }
    }

    /// Ends what follows sessions that have left.
    fn let_go(&mut self, watch: &mut Watch) {
        if !self.streams.iter().any(|stream| stream.leaving) {
            return;
        }
        let (gone, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.streams).into_iter().partition(|stream| stream.leaving);
        self.streams = left;
        for path in gone.iter().flat_map(|stream| stream.reader.paths()) {
            if !self.streams.iter().any(|stream| stream.reader.paths().any(|other| other == path)) {
                watch.forget(path);
            }
        }
    }

    /// Begins to catch up: in large pieces, unless the place is to be kept after each record.
    fn catch_up(&mut self) -> Result<()> {
        let kept = self.streams.iter().any(|stream| stream.cursor.is_some());
        self.printer.batch(!kept)
    }
}
