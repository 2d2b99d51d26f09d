//! Output written by a thread of its own, while the caller makes the next block.

use std::{
    io::{self, Write},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

/// How a block is written. Returns what is to be said of it.
pub(crate) type Job = Box<dyn FnOnce(&[u8], &mut dyn Write) -> io::Result<Vec<String>> + Send>;

/// The thread, and the blocks it still has to write.
pub(crate) struct WriterThread {
    full: SyncSender<(Vec<u8>, Job)>,
    done: Receiver<(Vec<u8>, io::Result<Vec<String>>)>,
    /// How many blocks are not known to be written.
    open: usize,
    /// Blocks that are written, for their memory.
    spare: Vec<Vec<u8>>,
    /// What is to be said of those that are written.
    told: Vec<String>,
}

/// How many blocks are in use: while the thread writes one, another waits for it, and the caller fills
/// the third.
const BLOCKS: usize = 3;

impl WriterThread {
    /// Begins the thread.
    pub(crate) fn begin(mut to: impl Write + Send + 'static) -> io::Result<WriterThread> {
        let (full, blocks) = sync_channel::<(Vec<u8>, Job)>(BLOCKS);
        let (tell, done) = sync_channel(BLOCKS);
        let write = move || {
            for (block, job) in blocks {
                let written = job(&block, &mut to);
                let is_written = written.is_ok();
                // Behind what could not be written, nothing is: there would be a gap.
                if tell.send((block, written)).is_err() || !is_written {
                    return;
                }
            }
        };
        thread::Builder::new().spawn(write)?;
        Ok(WriterThread { full, done, open: 0, spare: Vec::new(), told: Vec::new() })
    }

    /// Whether a block waits for it besides the one that it writes. The error is that of an earlier one.
    pub(crate) fn is_busy(&mut self) -> io::Result<bool> {
        while let Ok((block, written)) = self.done.try_recv() {
            self.note(block, written)?;
        }
        Ok(self.open + 1 >= BLOCKS)
    }

    /// Queues a copy of `bytes` for the thread. The error may be that of an earlier block.
    pub(crate) fn write(&mut self, bytes: &[u8], job: Job) -> io::Result<()> {
        let mut block = self.spare()?;
        block.extend_from_slice(bytes);
        self.send(block, job)
    }

    /// An empty block, to be filled and sent. The error may be that of an earlier one.
    pub(crate) fn spare(&mut self) -> io::Result<Vec<u8>> {
        while self.open >= BLOCKS {
            self.wait_one()?;
        }
        let mut block = self.spare.pop().unwrap_or_default();
        block.clear();
        Ok(block)
    }

    /// Queues a block for the thread.
    pub(crate) fn send(&mut self, block: Vec<u8>, job: Job) -> io::Result<()> {
        if self.full.send((block, job)).is_err() {
            // Why it has ended, it has told.
            self.settle()?;
            return Err(ended());
        }
        self.open += 1;
        Ok(())
    }

    /// Waits until all is written.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        while self.open > 0 {
            self.wait_one()?;
        }
        Ok(())
    }

    /// What is to be said of what is written, and was not taken yet.
    pub(crate) fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    fn wait_one(&mut self) -> io::Result<()> {
        let (block, written) = self.done.recv().map_err(|_| ended())?;
        self.note(block, written)
    }

    fn note(&mut self, block: Vec<u8>, written: io::Result<Vec<String>>) -> io::Result<()> {
        self.open -= 1;
        self.spare.push(block);
        self.told.extend(written?);
        Ok(())
    }
}

fn ended() -> io::Error {
    io::Error::other("its writer has ended")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Keeps what is written, but for a block that it refuses.
    struct Refusing(Arc<Mutex<Vec<u8>>>);

    impl Write for Refusing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if bytes == b"two" {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_written_has_its_order_and_no_gap() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let mut thread = WriterThread::begin(Refusing(written.clone())).unwrap();
        let mut send = |bytes: &'static str| {
            let job = move |bytes: &[u8], to: &mut dyn Write| {
                to.write_all(bytes).map(|()| vec![format!("{} bytes", bytes.len())])
            };
            thread.write(bytes.as_bytes(), Box::new(job))
        };
        send("zero").unwrap();
        send("one").unwrap();
        let failed =
            ["two", "three", "four", "five", "six"].into_iter().find_map(|s| send(s).err());
        let failed = failed.or_else(|| thread.settle().err()).unwrap();
        assert_eq!(failed.kind(), io::ErrorKind::StorageFull);
        assert_eq!(thread.told(), ["4 bytes", "3 bytes"]);
        assert_eq!(*written.lock().unwrap(), b"zeroone");
    }
}
