//! A transcript as it grows, until somebody stops it.

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    net::Shutdown,
    ops::ControlFlow,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::Record;
use crate::{
    config::Config,
    error::{Error, Result},
    session::Session,
    time::Deadline,
    tmux::Tmux,
    transcript::{
        follow::{Follow, Seen},
        start::Start,
        zst::packed_path,
    },
    watch::{Watch, WatchId},
};

/// The records of one session, those that are there and those to come: an iterator that waits.
///
/// It goes over to another conversation when the agent does. It ends when it is [stopped](Stopper),
/// and when the session is terminated, after its last record; the end of the agent alone does not end
/// it, for the session may be started again. After an error it is over too.
///
/// Between records it sleeps in one system call.
pub struct ThoughtStream {
    config: Config,
    tmux: Tmux,
    session: Session,
    /// Whether the session is still one of those that were not terminated.
    is_kept: bool,
    watch: Watch,
    pid: Option<u32>,
    /// The transcript that is read.
    path: Option<PathBuf>,
    spot: Option<WatchId>,
    follow: Option<Follow>,
    start: Start,
    /// The transcript that the conversation has gone over to.
    next: Option<PathBuf>,
    ready: VecDeque<Record>,
    /// Becomes readable when the stream is stopped; watched, so it is kept open.
    _ear: UnixStream,
    stop: Arc<Stop>,
    is_over: bool,
}

struct Stop {
    asked: AtomicBool,
    bell: UnixStream,
}

/// Stops a [`ThoughtStream`] from another thread, as often as one likes.
#[derive(Clone)]
pub struct Stopper(Arc<Stop>);

impl Stopper {
    /// Ends the stream: a wait for its next record ends at once, with `None`.
    pub fn stop(&self) {
        self.0.asked.store(true, Ordering::SeqCst);
        // Stopped before, it is shut down already.
        drop(self.0.bell.shutdown(Shutdown::Both));
    }
}

/// So many records are read ahead at most.
const AHEAD: usize = 256;

impl ThoughtStream {
    pub(crate) fn new(config: Config, session: Session, start: Start) -> Result<Self> {
        let tmux = Tmux::new(&config)?;
        let wrong = |e: io::Error| Error::io("socket pair", &e);
        let (ear, bell) = UnixStream::pair().map_err(wrong)?;
        let mut watch = Watch::new()?;
        watch.readable(&ear);
        watch.path(session.backend.store(&config).runtime())?;
        // An offset is one of the transcript that was noted, wherever the conversation is by now.
        let path = session.entry.jsonl_path().map(Path::to_owned);
        let stop = Arc::new(Stop { asked: AtomicBool::new(false), bell });
        let mut stream = ThoughtStream {
            config,
            tmux,
            session,
            is_kept: true,
            watch,
            pid: None,
            path,
            spot: None,
            follow: None,
            start,
            next: None,
            ready: VecDeque::new(),
            _ear: ear,
            stop,
            is_over: false,
        };
        // What is wrong with the offset is told now. And "now" is now, not when it is first asked.
        stream.place()?;
        if stream.open()?.is_none() && matches!(start, Start::Last(_)) {
            // All that there will be is still to come.
            stream.start = Start::Offset(0);
        }
        Ok(stream)
    }

    /// What ends it from another thread.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.stop))
    }

    fn is_stopped(&self) -> bool {
        self.stop.asked.load(Ordering::SeqCst)
    }

    /// Waits until there are records, or the stream is over or stopped.
    fn fill(&mut self) -> Result<()> {
        loop {
            // Looked at before the old transcript is read to its end: an agent writes that after it
            // has named the new one.
            let next = self.next.take_if(|next| begun(next));
            let was_kept = self.is_kept;
            self.read()?;
            if !self.ready.is_empty() {
                self.next = next.or(self.next.take());
                return Ok(());
            }
            if let Some(next) = next {
                (self.path, self.follow, self.start) = (Some(next), None, Start::Offset(0));
                continue;
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
            if changed != self.spot.into_iter().collect::<BTreeSet<_>>() {
                self.place()?;
            }
        }
    }

    /// Finds out where the conversation is now, and watches what may tell that it is elsewhere.
    fn place(&mut self) -> Result<()> {
        let store = self.session.backend.store(&self.config);
        let kept = store.get(&self.session.name)?;
        self.is_kept = kept.is_some();
        if let Some(entry) = kept {
            self.session.entry = entry;
        }
        let mut path = self.session.entry.jsonl_path().map(Path::to_owned);
        let pane = self.session.pane(&self.config, &self.tmux)?;
        if let Some(pane) = pane.filter(|pane| self.is_kept && !pane.dead) {
            if self.pid != Some(pane.pid) {
                self.watch.process(pane.pid)?;
                self.pid = Some(pane.pid);
            }
            let agent = self.session.agent();
            for witness in agent.watch_paths(&self.config, &pane) {
                self.watch.path(&witness)?;
            }
            if let Some(conversation) = agent.conversation(&self.config, &pane)? {
                self.session.bind(&self.config, &conversation)?;
                path = conversation.transcript.or(path);
            }
        }
        match (&self.path, path) {
            (_, None) => {}
            (None, Some(path)) => self.path = Some(path),
            (Some(here), Some(path)) => {
                self.watch.path(&path)?;
                self.next = (*here != path).then_some(path);
            }
        }
        Ok(())
    }

    fn open(&mut self) -> Result<Option<&mut Follow>> {
        if self.follow.is_none()
            && let Some(path) = &self.path
        {
            self.spot = Some(self.watch.path(path)?);
            self.follow = Some(Follow::open(path, self.start)?);
        }
        Ok(self.follow.as_mut())
    }

    /// Takes in what stands in the transcript now.
    fn read(&mut self) -> Result<()> {
        let (backend, mut ready) = (self.session.backend, std::mem::take(&mut self.ready));
        let Some(follow) = self.open()? else { return Ok(()) };
        loop {
            let seen = follow.read_new(|line| {
                ready.push_back(Record::of(backend, line));
                let full = ready.len() >= AHEAD;
                Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            if !matches!(seen, Seen::Truncated | Seen::Replaced | Seen::Packed) {
                break;
            }
        }
        self.ready = ready;
        Ok(())
    }
}

impl Iterator for ThoughtStream {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Result<Record>> {
        if self.is_over || self.is_stopped() {
            return None;
        }
        if self.ready.is_empty()
            && let Err(error) = self.fill()
        {
            self.is_over = true;
            return Some(Err(error));
        }
        self.ready.pop_front().filter(|_| !self.is_stopped()).map(Ok)
    }
}

/// Whether something stands in the transcript at `path`, packed or not.
fn begun(path: &Path) -> bool {
    let full = |path: &Path| path.metadata().is_ok_and(|data| data.len() > 0);
    full(path) || full(&packed_path(path))
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
