//! System calls that std does not offer: the only `unsafe` of the package.
#![allow(unsafe_code, reason = "system calls; each block says why it is sound")]

use std::{
    fs::File,
    io::{self, PipeReader},
    mem::ManuallyDrop,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd},
    sync::atomic::{AtomicI32, Ordering},
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

/// Turns the -1 of a system call into its error.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Waits until one of `fds` can be read or has hung up, or until `span` is over; the answer says
/// which. A signal ends the wait early with no descriptor ready.
pub fn wait_readable(fds: &[BorrowedFd<'_>], span: Option<Duration>) -> io::Result<Vec<bool>> {
    let mut polled: Vec<libc::pollfd> = fds
        .iter()
        .map(|fd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 })
        .collect();
    // Rounded up: a wait cut to 0 ms would spin until its deadline.
    let ms = span.map_or(-1, |s| i32::try_from(s.as_nanos().div_ceil(1_000_000)).unwrap_or(-1));
    let count = libc::nfds_t::try_from(polled.len()).unwrap_or(0);
    // SAFETY: `polled` is an array of `count` initialised pollfd that outlives the call, and the
    // borrowed descriptors stay open through it.
    match check(unsafe { libc::poll(polled.as_mut_ptr(), count, ms) }) {
        Ok(_) => Ok(polled.iter().map(|p| p.revents != 0).collect()),
        Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(vec![false; fds.len()]),
        Err(e) => Err(e),
    }
}

/// Makes reads and writes of `fd` fail with `WouldBlock` instead of waiting.
pub fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: both calls take plain integers, and the descriptor is borrowed, so it is open.
    unsafe {
        let old = check(libc::fcntl(fd.as_raw_fd(), libc::F_GETFL))?;
        check(libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, old | libc::O_NONBLOCK))?;
    }
    Ok(())
}

/// Where [`note_signal`] writes: the writing end of the pipe, open for the life of the process.
static SIGNAL_PIPE: AtomicI32 = AtomicI32::new(-1);

/// The handler of [`signal_pipe`]: one byte, the signal's number.
extern "C" fn note_signal(signal: libc::c_int) {
    let byte = u8::try_from(signal).unwrap_or(0);
    let fd = SIGNAL_PIPE.load(Ordering::Relaxed);
    // SAFETY: write is async-signal-safe and `byte` lives through it. The pipe does not block; it
    // fails, and so touches errno, only with a pipe full of signals that nobody has read.
    unsafe { libc::write(fd, std::ptr::from_ref(&byte).cast(), 1) };
}

/// From now on each of `signals` arrives as a byte in the pipe that is returned, instead of having
/// its usual effect. For a program with one event loop; to be called once.
pub fn signal_pipe(signals: &[i32]) -> io::Result<PipeReader> {
    let (reader, writer) = io::pipe()?;
    set_nonblocking(reader.as_fd())?;
    set_nonblocking(writer.as_fd())?;
    SIGNAL_PIPE.store(OwnedFd::from(writer).into_raw_fd(), Ordering::Relaxed);
    let handler = note_signal as extern "C" fn(libc::c_int);
    for &signal in signals {
        // SAFETY: an all-zero sigaction is valid (empty mask, no flags); the handler does only what
        // is async-signal-safe; the old action is not asked for.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as libc::sighandler_t;
            action.sa_flags = libc::SA_RESTART;
            check(libc::sigaction(signal, &raw const action, std::ptr::null_mut()))?;
        }
    }
    Ok(reader)
}

/// A terminal in raw mode, put back as it was when this is dropped.
#[derive(Debug)]
pub struct RawMode {
    fd: RawFd,
    old: libc::termios,
}

impl RawMode {
    /// Puts standard input's terminal into raw mode. What was typed before is kept.
    pub fn on() -> io::Result<Self> {
        let fd = 0;
        // SAFETY: an all-zero termios is a valid value of that plain struct; tcgetattr fills it.
        let mut old: libc::termios = unsafe { std::mem::zeroed() };
        // SAFETY: `old` is a live termios, and `fd` is a plain integer.
        check(unsafe { libc::tcgetattr(fd, &raw mut old) })?;
        let mut raw = old;
        // SAFETY: both pointers are to live termios values.
        unsafe {
            libc::cfmakeraw(&raw mut raw);
            check(libc::tcsetattr(fd, libc::TCSANOW, &raw const raw))?;
        }
        Ok(RawMode { fd, old })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // SAFETY: `old` is what tcgetattr gave. A terminal that is gone needs no restoring, so the
        // result does not matter.
        unsafe { libc::tcsetattr(self.fd, libc::TCSANOW, &raw const self.old) };
    }
}

/// The columns and rows of standard output's terminal.
#[must_use]
pub fn window_size() -> Option<(u16, u16)> {
    // SAFETY: an all-zero winsize is valid, and the request writes one winsize at the pointer.
    let (result, size) = unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        (libc::ioctl(1, libc::TIOCGWINSZ, &raw mut size), size)
    };
    (result == 0 && size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

/// Sends `signal` to the process `pid`, or to the process group `-pid`.
pub fn kill(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: kill takes plain integers.
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// Whether the process `pid` exists, ours or not.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    i32::try_from(pid).is_ok_and(|pid| {
        pid > 0 && kill(pid, 0).map_or_else(|e| e.raw_os_error() == Some(libc::EPERM), |()| true)
    })
}
