//! Output written by a thread of its own, while the caller makes the next block.

use std::{
    io::{self, Write},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

/// The thread, and the blocks it still has to write.
pub(crate) struct WriterThread {
    full: SyncSender<Vec<u8>>,
    done: Receiver<(Vec<u8>, io::Result<()>)>,
    /// How many blocks are not known to be written.
    open: usize,
}

/// How many blocks are in use: the thread writes one while the caller fills the other.
const BLOCKS: usize = 2;

impl WriterThread {
    /// Begins the thread.
    pub(crate) fn begin(mut to: impl Write + Send + 'static) -> io::Result<WriterThread> {
        let (full, blocks) = sync_channel::<Vec<u8>>(BLOCKS);
        let (tell, done) = sync_channel(BLOCKS);
        let write = move || {
            for block in blocks {
                let written = to.write_all(&block);
                if tell.send((block, written)).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().spawn(write)?;
        Ok(WriterThread { full, done, open: 0 })
    }

    /// Queues a copy of `bytes` for the thread. The error may be that of an earlier block.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut block = self.spare()?;
        block.extend_from_slice(bytes);
        self.send(block)
    }

    /// An empty block, to be filled and sent. The error may be that of an earlier one.
    pub(crate) fn spare(&mut self) -> io::Result<Vec<u8>> {
        let mut block = if self.open < BLOCKS { Vec::new() } else { self.wait_one()? };
        block.clear();
        Ok(block)
    }

    /// Queues a block for the thread.
    pub(crate) fn send(&mut self, block: Vec<u8>) -> io::Result<()> {
        self.full.send(block).map_err(|_| ended())?;
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

    fn wait_one(&mut self) -> io::Result<Vec<u8>> {
        let (block, written) = self.done.recv().map_err(|_| ended())?;
        self.open -= 1;
        written.map(|()| block)
    }
}

fn ended() -> io::Error {
    io::Error::other("its writer has ended")
}
