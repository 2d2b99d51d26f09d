//! System calls that std does not offer: the only `unsafe` of the package.
#![allow(unsafe_code, reason = "system calls; each block says why it is sound")]

use std::{
    fs::File,
    io::{self, Write},
    mem::ManuallyDrop,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, RawFd},
    sync::OnceLock,
    time::Duration,
};

mod account;
mod files;
pub(crate) mod signals;
mod terminal;

pub(crate) use account::home_folder;
pub(crate) use files::{NOFOLLOW, NONBLOCK, make_fifo, tells_changes};
pub(crate) use signals::die_by;
pub(crate) use terminal::{RawMode, terminal_input, window_size};

/// The machine's name.
pub(crate) fn host() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(host_now)
}

fn host_now() -> String {
    let mut name = [0_u8; 256];
    // SAFETY: the call writes at most the length that it is given, less one, into the array.
    let done = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    if done == 0 { String::from_utf8_lossy(&name[..end]).into_owned() } else { String::new() }
}

/// One `write` of `bytes`, as they are.
pub(crate) fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the descriptor is borrowed, so it is open, and ManuallyDrop keeps this handle from
    // closing it.
    ManuallyDrop::new(unsafe { File::from_raw_fd(fd.as_raw_fd()) }).write(bytes)
}

/// Makes the pipe at `fd` hold a megabyte, if it is a pipe and the system permits it: the writer
/// then waits less often for the reader.
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), expect(unused_variables))]
pub(crate) fn widen_pipe(fd: BorrowedFd<'_>) {
    // SAFETY: the call takes plain integers; on anything but a pipe it fails and changes nothing.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    unsafe {
        libc::fcntl(fd.as_raw_fd(), libc::F_SETPIPE_SZ, 1 << 20);
    }
}

/// The events that [`poll`] waits for at one descriptor, and those that it found.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Poll(libc::pollfd);

/// In place of a descriptor: [`poll`] finds nothing there.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) const NO_FD: RawFd = -1;

/// The events to request so that the loss of a pipe's reader is reported. Linux reports POLLERR and
/// POLLHUP unrequested; macOS and the BSDs ignore a descriptor for which no event is requested.
#[cfg(any(target_os = "linux", target_os = "android"))]
const READER: libc::c_short = 0;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const READER: libc::c_short = libc::POLLRDBAND;

impl Poll {
    /// Something to read at `fd`, or its end.
    pub(crate) fn readable(fd: RawFd) -> Self {
        Poll(libc::pollfd { fd, events: libc::POLLIN, revents: 0 })
    }

    /// Room to write at `fd`, or the loss of its reader.
    pub(crate) fn writable(fd: RawFd) -> Self {
        Poll(libc::pollfd { fd, events: libc::POLLOUT, revents: 0 })
    }

    /// The loss of the reader of `fd`.
    pub(crate) fn reader_gone(fd: RawFd) -> Self {
        Poll(libc::pollfd { fd, events: READER, revents: 0 })
    }

    /// The descriptor.
    pub(crate) fn fd(&self) -> RawFd {
        self.0.fd
    }

    /// Whether the descriptor is broken: hung up, in error, or not open.
    pub(crate) fn broken(&self) -> bool {
        self.0.revents & (libc::POLLERR | libc::POLLHUP | libc::POLLNVAL) != 0
    }

    /// Whether anything was found.
    pub(crate) fn found(&self) -> bool {
        self.0.revents != 0
    }
}

/// Waits until a descriptor of `set` is ready, a signal arrives, or `left` has passed; without
/// `left`, for ever. `false` after a signal or a timeout.
pub(crate) fn poll(set: &mut [Poll], left: Option<Duration>) -> io::Result<bool> {
    // Rounded up: a wait that ends a little early would be repeated at once, many times.
    let ms = left
        .map_or(-1, |left| i32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX));
    let count = libc::nfds_t::try_from(set.len()).map_err(io::Error::other)?;
    // SAFETY: `set` is `count` writable pollfd structures, for Poll is transparent over pollfd.
    let found = unsafe { libc::poll(set.as_mut_ptr().cast::<libc::pollfd>(), count, ms) };
    if found >= 0 {
        return Ok(found > 0);
    }
    match io::Error::last_os_error() {
        e if e.kind() == io::ErrorKind::Interrupted => Ok(false),
        e => Err(e),
    }
}

/// A descriptor that becomes readable when process `pid` ends; `None` when there is no such
/// process.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn pidfd(pid: u32) -> io::Result<Option<std::os::fd::OwnedFd>> {
    let Ok(pid) = libc::pid_t::try_from(pid) else { return Ok(None) };
    // SAFETY: pidfd_open takes two integers and touches no memory of ours.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    match RawFd::try_from(fd) {
        // SAFETY: the call has just opened this descriptor (close-on-exec), and nobody else has it.
        Ok(fd) if fd >= 0 => Ok(Some(unsafe { FromRawFd::from_raw_fd(fd) })),
        _ => match io::Error::last_os_error() {
            e if e.raw_os_error() == Some(libc::ESRCH) => Ok(None),
            e => Err(e),
        },
    }
}

/// SIGTERM: asks a process to end.
pub const TERMINATE: i32 = libc::SIGTERM;
/// SIGKILL: ends a process.
pub const KILL: i32 = libc::SIGKILL;

/// Turns the -1 of a system call into its error.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Makes reads and writes of `fd` fail with `WouldBlock` instead of waiting.
pub(crate) fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: both calls take plain integers, and the descriptor is borrowed, so it is open.
    unsafe {
        let old = check(libc::fcntl(fd.as_raw_fd(), libc::F_GETFL))?;
        check(libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, old | libc::O_NONBLOCK))?;
    }
    Ok(())
}

/// Sends `signal` to the process `pid`, or to the process group `-pid`.
pub fn kill(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: kill takes plain integers.
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// Whether the process `pid` exists, ours or not.
pub fn is_alive(pid: u32) -> bool {
    i32::try_from(pid).is_ok_and(|pid| {
        pid > 0 && kill(pid, 0).map_or_else(|e| e.raw_os_error() == Some(libc::EPERM), |()| true)
    })
}

/// Raises the limit of open files to the maximum: each followed transcript is one, and each process whose
/// end is watched.
pub(crate) fn raise_open_files() -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a live rlimit that the call fills.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` is a live rlimit that the call only reads.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }).map(drop)
}
