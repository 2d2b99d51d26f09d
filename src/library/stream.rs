//! A transcript as it grows, until somebody stops it.

use std::{
    collections::VecDeque,
    io,
    net::Shutdown,
    ops::ControlFlow,
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::Record;
use crate::{
    config::Config,
    error::{Error, Result},
    session::{Session, conversation::ConversationReader},
    time::Deadline,
    tmux::Tmux,
    transcript::start::Start,
    watch::Watch,
};

/// An iterator over the records of one session, which waits for those to come.
///
/// When the agent changes to another conversation, so does the iterator. It ends when it is
/// [stopped](Stopper), after an error, and after the last record of a session that was terminated.
/// The end of the agent alone does not end it: the session may be started again.
///
/// Between records it sleeps in one system call.
pub struct ThoughtStream {
    config: Config,
    tmux: Tmux,
    session: Session,
    /// Whether the state file still has the session, which means that it was not terminated.
    is_kept: bool,
    watch: Watch,
    /// The process whose end is watched.
    pid: Option<u32>,
    reader: ConversationReader,
    /// Records that were read ahead.
    ready: VecDeque<Result<Record>>,
    /// Becomes readable when the stream is stopped; watched, so it is kept open.
    _wakes: UnixStream,
    stop: Arc<StopSignal>,
    is_over: bool,
}

struct StopSignal {
    is_stopped: AtomicBool,
    wake: UnixStream,
}

/// Stops a [`ThoughtStream`] from another thread, as often as one likes.
#[derive(Clone)]
pub struct Stopper(Arc<StopSignal>);

impl Stopper {
    /// Ends the stream: a wait for its next record ends at once, with `None`.
    pub fn stop(&self) {
        self.0.is_stopped.store(true, Ordering::SeqCst);
        // It fails only when it was shut down by an earlier stop.
        drop(self.0.wake.shutdown(Shutdown::Both));
    }
}

/// How many records are read ahead at most.
const AHEAD: usize = 256;

impl ThoughtStream {
    pub(crate) fn new(config: Config, session: Session, start: Start) -> Result<Self> {
        let tmux = Tmux::new(&config)?;
        let wrong = |e: io::Error| Error::io("socket pair", &e);
        let (wakes, wake) = UnixStream::pair().map_err(wrong)?;
        let mut watch = Watch::new()?;
        watch.readable(&wakes);
        watch.path(session.backend.store(&config).runtime())?;
        // An offset is one in the transcript that the state file names, even if the conversation
        // has moved since.
        let mut reader = ConversationReader::new(session.places(&config), None, start);
        reader.found(&session.kept_conversation(&config));
        let stop = Arc::new(StopSignal { is_stopped: AtomicBool::new(false), wake });
        let mut stream = ThoughtStream {
            config,
            tmux,
            session,
            is_kept: true,
            watch,
            pid: None,
            reader,
            ready: VecDeque::new(),
            _wakes: wakes,
            stop,
            is_over: false,
        };
        // The stream begins at this moment, not when the first record is asked for.
        stream.place()?;
        stream.reader.begin()?;
        Ok(stream)
    }

    /// What stops it from another thread.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.stop))
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_stopped.load(Ordering::SeqCst)
    }

    /// Waits until there are records, or the stream is over or stopped.
    fn fill(&mut self) -> Result<()> {
        loop {
            let was_kept = self.is_kept;
            let (backend, ready) = (self.session.backend, &mut self.ready);
            self.reader.read(Some(&mut self.watch), |line| {
                ready.push_back(Ok(Record::of(backend, line)));
                let full = ready.len() >= AHEAD;
                Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            if !self.ready.is_empty() {
                return Ok(());
            }
            if !was_kept {
                self.is_over = true;
                return Ok(());
            }
            let _woke = self.watch.wait(Deadline::NEVER)?;
            if self.is_stopped() {
                return Ok(());
            }
            let changed = self.watch.changed();
            if changed.is_empty()
                || !changed.is_subset(self.reader.spots())
                || !self.reader.is_placed()
            {
                self.place()?;
            }
        }
    }

    /// Finds out where the conversation is now, and watches what changes when it moves.
    fn place(&mut self) -> Result<()> {
        let store = self.session.backend.store(&self.config);
        let kept = store.get(&self.session.name)?;
        self.is_kept = kept.is_some();
        if let Some(entry) = kept {
            self.session.entry = entry;
        }
        let pane = self.session.pane(&self.config, &self.tmux)?;
        let pane = pane.filter(|pane| self.is_kept && !pane.dead);
        if let Some(pane) = &pane {
            if self.pid != Some(pane.pid) {
                self.watch.process(pane.pid)?;
                self.pid = Some(pane.pid);
            }
            for witness in self.session.watch_paths(&self.config, pane) {
                self.watch.path(&witness)?;
            }
        }
        let now = self.session.conversation(&self.config, pane.as_ref())?;
        self.reader.found(&now);
        self.reader.watch(&mut self.watch)
    }
}

impl Iterator for ThoughtStream {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Result<Record>> {
        if self.ready.is_empty()
            && !self.is_over
            && !self.is_stopped()
            && let Err(error) = self.fill()
        {
            self.is_over = true;
            self.ready.push_back(Err(error));
        }
        self.ready.pop_front().filter(|_| !self.is_stopped())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_may_be_handed_to_another_thread() {
        fn handed<T: Send>() {}
        handed::<ThoughtStream>();
        handed::<Stopper>();
    }
}
