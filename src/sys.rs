//! System calls that std does not offer: the only `unsafe` of the package.
#![allow(unsafe_code, reason = "system calls; each block says why it is sound")]

use std::{
    fs::File,
    io,
    mem::ManuallyDrop,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd},
    time::Duration,
};

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

/// Makes reads from `fd` return at once.
pub fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: F_GETFL and F_SETFL take and give plain integers, and `fd` is open while borrowed.
    let done = unsafe {
        let flags = libc::fcntl(fd.as_raw_fd(), libc::F_GETFL);
        if flags < 0 { flags } else { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) }
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Waits until `fd` can be read or its other end is gone; false when `left` has passed.
pub fn readable(fd: BorrowedFd<'_>, left: Option<Duration>) -> io::Result<bool> {
    let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let ms = left.map_or(-1, |left| i32::try_from(left.as_millis() + 1).unwrap_or(i32::MAX));
    // SAFETY: `poll` is one valid pollfd for the length of the call.
    match unsafe { libc::poll(&raw mut poll, 1, ms) } {
        n if n < 0 => match io::Error::last_os_error() {
            e if e.kind() == io::ErrorKind::Interrupted => Ok(true),
            e => Err(e),
        },
        n => Ok(n > 0),
    }
}
