//! System calls that std does not offer: the only `unsafe` of the package.
#![allow(unsafe_code, reason = "system calls; each block says why it is sound")]

use std::{fs::File, mem::ManuallyDrop, os::fd::FromRawFd};

/// Standard output as a plain file: std's own handle would cut large records at each newline.
#[must_use]
pub fn stdout() -> impl std::io::Write {
    /// Never closes descriptor 1, which is not ours alone.
    struct Stdout(ManuallyDrop<File>);
    impl std::io::Write for Stdout {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    // SAFETY: descriptor 1 is open for the life of the process (std reopens it on /dev/null when it
    // is not), and ManuallyDrop keeps this handle from closing it.
    Stdout(ManuallyDrop::new(unsafe { File::from_raw_fd(1) }))
}
