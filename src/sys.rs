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

/// Ends the process by `signal`'s default action, so that whoever waits for us sees the signal and
/// not a status that merely stands for it.
pub fn die_by(signal: i32) -> ! {
    // SAFETY: the set is initialised by sigemptyset before it is read, the calls touch nothing else
    // of ours, and no handler is installed: the default action runs no code of this process.
    unsafe {
        let mut set = std::mem::MaybeUninit::uninit();
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        libc::signal(signal, libc::SIG_DFL);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), std::ptr::null_mut());
        libc::raise(signal);
    }
    // Only a signal whose default action is to be ignored comes this far.
    std::process::exit(128 + signal)
}
