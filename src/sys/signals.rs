//! Signals that end a wait.
//!
//! A program without cleanup leaves the ending signals to their default action. A program with
//! cleanup calls [`catch`] first; every [`Watch`](crate::watch::Watch) then ends its wait with
//! [`Kind::Signal`](crate::error::Kind::Signal), and after the cleanup [`die_by`] ends the process
//! as the signal would have.

use std::{
    io::{self, Read},
    os::{
        fd::{AsRawFd, IntoRawFd, RawFd},
        unix::net::UnixStream,
    },
    sync::{
        OnceLock,
        atomic::{AtomicI32, AtomicU64, Ordering},
    },
};

use super::check;

/// The signals that ask a process to end.
pub(crate) const ENDING: [i32; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

/// The signals not reported yet: bit N for signal N.
static CAUGHT: AtomicU64 = AtomicU64::new(0);
/// Where the handler writes a byte, or -1. Never closed.
static BELL: AtomicI32 = AtomicI32::new(-1);
/// Where a wait receives that byte.
static EAR: OnceLock<UnixStream> = OnceLock::new();

/// The signal that asked the process to end, or 0. It stays set after [`take`] has reported it.
static ASKED: AtomicI32 = AtomicI32::new(0);

extern "C" fn note(signal: libc::c_int) {
    CAUGHT.fetch_or(1 << (signal & 63), Ordering::SeqCst);
    if ENDING.contains(&signal) {
        ASKED.store(signal, Ordering::SeqCst);
    }
    let errno = io::Error::last_os_error().raw_os_error();
    // SAFETY: write is async-signal-safe; the byte is static; the descriptor is never closed
    // and does not block (when the socket is full, the wait wakes anyway).
    unsafe { libc::write(BELL.load(Ordering::SeqCst), b"!".as_ptr().cast(), 1) };
    restore_errno(errno);
}

/// A handler must leave errno as it found it.
fn restore_errno(errno: Option<i32>) {
    #[cfg(any(target_os = "linux", target_os = "dragonfly"))]
    // SAFETY: the address of this thread's errno is always valid.
    let place = unsafe { libc::__errno_location() };
    #[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
    // SAFETY: as above.
    let place = unsafe { libc::__errno() };
    #[cfg(any(target_os = "macos", target_os = "freebsd"))]
    // SAFETY: as above.
    let place = unsafe { libc::__error() };
    if let Some(errno) = errno {
        // SAFETY: `place` points to this thread's errno.
        unsafe { *place = errno };
    }
}

/// Catches each of `signals` from now on. An ignored signal stays ignored (`nohup`).
pub(crate) fn catch(signals: &[i32]) -> io::Result<()> {
    if EAR.get().is_none() {
        let (ear, bell) = UnixStream::pair()?;
        ear.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        if EAR.set(ear).is_ok() {
            BELL.store(bell.into_raw_fd(), Ordering::SeqCst);
        }
    }
    for &signal in signals {
        if handler(signal)? != libc::SIG_IGN {
            install(signal, note as *const () as libc::sighandler_t)?;
        }
    }
    Ok(())
}

fn handler(signal: libc::c_int) -> io::Result<libc::sighandler_t> {
    // SAFETY: sigaction is plain data, and all zeroes is a value of it.
    let mut old: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: `old` is writable; a null action changes nothing.
    check(unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut old) })?;
    Ok(old.sa_sigaction)
}

/// Without SA_RESTART, so that a waiting system call fails with EINTR.
fn install(signal: libc::c_int, action: libc::sighandler_t) -> io::Result<()> {
    // SAFETY: sigaction is plain data, and all zeroes (no flags, empty mask) is a value of it.
    let mut new: libc::sigaction = unsafe { std::mem::zeroed() };
    new.sa_sigaction = action;
    // SAFETY: `new` is a whole action; its handler, `note`, does async-signal-safe things only.
    check(unsafe { libc::sigaction(signal, &raw const new, std::ptr::null_mut()) }).map(drop)
}

/// A signal that has arrived and was not reported yet. Each is reported once, so that the
/// cleanup can wait too. Before a wait for the [`ear`], call this until it gives `None`.
pub(crate) fn take() -> Option<i32> {
    if let Some(mut ear) = EAR.get() {
        // The socket is emptied first: a signal in between writes to it again.
        let mut bytes = [0; 64];
        while matches!(ear.read(&mut bytes), Ok(n) if n > 0) {}
    }
    let caught = CAUGHT.load(Ordering::SeqCst);
    let first = caught & caught.wrapping_neg();
    CAUGHT.fetch_and(!first, Ordering::SeqCst);
    (first != 0).then(|| first.trailing_zeros().cast_signed())
}

/// The signal that has asked the process to end, whether or not it was reported.
pub(crate) fn asked_to_end() -> Option<i32> {
    Some(ASKED.load(Ordering::SeqCst)).filter(|&signal| signal != 0)
}

/// The descriptor that becomes readable when a signal arrives, if signals are caught.
pub(crate) fn ear() -> Option<RawFd> {
    EAR.get().map(AsRawFd::as_raw_fd)
}

/// Ends the process by `signal`'s default action, so that the parent sees the signal itself instead
/// of an exit status.
pub(crate) fn die_by(signal: i32) -> ! {
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
    // Reached only for a signal that is ignored by default.
    std::process::exit(128 + signal)
}
