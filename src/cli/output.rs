//! Standard output: whole records only, one `write` each.

use std::{
    io::{self, IsTerminal, Write},
    ops::Range,
    os::fd::{AsFd, AsRawFd, RawFd},
};

use serde::Serialize;

use super::{schema::RecordDoc, writer_thread::WriterThread};
use crate::{
    error::{Error, Kind, Result},
    sys,
};

/// Standard output without a buffer: Rust's own handle would cut large records at each newline.
pub(crate) struct Stdout(io::Stdout);

/// Standard output itself: to ask about it, or to write past [`Output`].
pub(crate) fn stdout() -> Stdout {
    Stdout(io::stdout())
}

impl Stdout {
    /// Whether a person may be looking at it.
    pub(crate) fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }

    /// The columns and rows of its terminal.
    pub(crate) fn window_size(&self) -> Option<(u16, u16)> {
        sys::window_size(self.0.as_fd())
    }
}

impl AsRawFd for Stdout {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        sys::write(self.0.as_fd(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where records go. Each record is one line and one `write`, unless batching was asked for.
pub struct Output {
    sink: Box<dyn Write>,
    held: Vec<u8>,
    batch: bool,
    /// Writes large pieces of a batch, if the sink is standard output.
    thread: Option<WriterThread>,
    is_stdout: bool,
    /// What is to be said of lines that were written.
    told: Vec<String>,
    /// Whether its pipe was widened.
    is_wide: bool,
}

/// A batch is written once it holds this much.
const BATCH: usize = 256 * 1024;

/// The size of a piece of a batch that is worth handing to a thread. A much larger piece is a
/// single line, which is not worth the copy.
const LARGE: Range<usize> = 64 * 1024..1024 * 1024;

impl Output {
    /// Standard output.
    pub fn stdout() -> Self {
        Output { is_stdout: true, ..Self::to(Box::new(stdout())) }
    }

    /// Any other sink.
    pub fn to(sink: Box<dyn Write>) -> Self {
        Output {
            sink,
            held: Vec::new(),
            batch: false,
            thread: None,
            is_stdout: false,
            told: Vec::new(),
            is_wide: false,
        }
    }

    /// With `true`, records are gathered and written in large pieces of whole lines; with `false`,
    /// what was gathered is written and each record is written at once again.
    pub fn batch(&mut self, on: bool) -> Result<()> {
        self.batch = on;
        if on { Ok(()) } else { self.flush() }
    }

    /// Writes `value`, a record of this kind, as one line of JSON.
    pub fn record(&mut self, doc: &RecordDoc, value: &impl Serialize) -> Result<()> {
        doc.assert(value);
        serde_json::to_writer(&mut self.held, value).map_err(|e| Error::system("stdout", e))?;
        self.held.push(b'\n');
        self.settle()
    }

    /// Writes `lines`, whole ones with their newlines, as they are.
    pub fn lines(&mut self, lines: &[u8]) -> Result<()> {
        if !self.held.is_empty() {
            self.flush()?;
        }
        self.widen(lines.len());
        self.write(lines)
    }

    /// Has `job` write `lines`, whole ones with their newlines; a thread does it where they are many, and
    /// [`Output::told`] gives what it has to say.
    pub(crate) fn lines_by(
        &mut self,
        lines: &[u8],
        job: impl FnOnce(&[u8], &mut dyn Write) -> io::Result<Vec<String>> + Send + 'static,
    ) -> Result<()> {
        if !self.held.is_empty() {
            self.flush()?;
        }
        if let Some(thread) = self.thread_for(lines.len()) {
            return thread.write(lines, Box::new(job)).map_err(failed);
        }
        self.settle_thread()?;
        self.told.extend(job(lines, &mut self.sink).map_err(failed)?);
        self.sink.flush().map_err(failed)
    }

    /// Whether the thread that writes has enough to do.
    pub(crate) fn is_busy(&mut self) -> Result<bool> {
        self.thread.as_mut().map_or(Ok(false), WriterThread::is_busy).map_err(failed)
    }

    /// Waits for what a thread writes.
    pub(crate) fn settle_thread(&mut self) -> Result<()> {
        self.thread.as_mut().map_or(Ok(()), WriterThread::settle).map_err(failed)
    }

    /// What is to be said of lines that [`Output::lines_by`] has written since the last call.
    pub(crate) fn told(&mut self) -> Vec<String> {
        let mut told = self.thread.as_mut().map(WriterThread::told).unwrap_or_default();
        told.append(&mut self.told);
        told
    }

    /// Has a pipe hold more, so that its reader is woken less often.
    fn widen(&mut self, size: usize) {
        if self.is_stdout && size >= LARGE.start && !std::mem::replace(&mut self.is_wide, true) {
            sys::widen_pipe(stdout().0.as_fd());
        }
    }

    /// The thread that writes a piece of so many bytes, if one does.
    fn thread_for(&mut self, size: usize) -> Option<&mut WriterThread> {
        if !(self.batch && self.is_stdout && LARGE.contains(&size)) {
            return None;
        }
        self.widen(size);
        if self.thread.is_none() {
            // If there can be no thread, the lines are written here.
            self.thread = WriterThread::begin(stdout()).ok();
        }
        self.thread.as_mut()
    }

    /// Writes `line`, which has no newline of its own, and a newline.
    pub fn line(&mut self, line: &[u8]) -> Result<()> {
        self.held.extend_from_slice(line);
        self.held.push(b'\n');
        self.settle()
    }

    fn settle(&mut self) -> Result<()> {
        if self.batch && self.held.len() < BATCH {
            return Ok(());
        }
        let held = std::mem::take(&mut self.held);
        let Some(thread) = self.thread_for(held.len()) else {
            self.held = held;
            return self.flush();
        };
        let job =
            Box::new(|held: &[u8], to: &mut dyn Write| to.write_all(held).map(|()| Vec::new()));
        let spare = thread.spare().and_then(|spare| thread.send(held, job).map(|()| spare));
        self.held = spare.map_err(failed)?;
        Ok(())
    }

    /// Writes what is held.
    pub fn flush(&mut self) -> Result<()> {
        let mut held = std::mem::take(&mut self.held);
        let done = self.write(&held);
        held.clear();
        self.held = held;
        done
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.settle_thread()?;
        self.sink.write_all(bytes).and_then(|()| self.sink.flush()).map_err(failed)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn failed(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Error::new(Kind::ReaderGone, "stdout", "closed"),
        _ => Error::io("stdout", &error),
    }
}
