//! Terminals: how one is read, and how large it is.

use std::{
    fs::File,
    io, mem,
    os::{
        fd::{AsRawFd, BorrowedFd},
        unix::fs::OpenOptionsExt,
    },
    path::Path,
};

use super::check;

/// Standard input's terminal in raw mode; its old mode is restored on drop.
#[derive(Debug)]
pub(crate) struct RawMode(libc::termios);

impl RawMode {
    /// Puts standard input's terminal into raw mode. Input typed before is kept.
    pub(crate) fn on() -> io::Result<Self> {
        // SAFETY: an all-zero termios is a valid value of that plain struct; tcgetattr fills it.
        let mut old: libc::termios = unsafe { mem::zeroed() };
        // SAFETY: `old` is a live termios.
        check(unsafe { libc::tcgetattr(libc::STDIN_FILENO, &raw mut old) })?;
        let mut raw = old;
        // SAFETY: both pointers are to live termios values.
        unsafe {
            libc::cfmakeraw(&raw mut raw);
            check(libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &raw const raw))?;
        }
        Ok(RawMode(old))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // SAFETY: the termios is a live one, from tcgetattr. A terminal that is gone needs no
        // restoring, so the result does not matter.
        unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &raw const self.0) };
    }
}

/// How a terminal is read, seen by another program than its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TerminalInput {
    /// Whether its program gets each key at once, not whole lines.
    pub(crate) by_key: bool,
    /// The bytes that were typed and that it has not read yet.
    pub(crate) unread: usize,
}

/// How the terminal at `path`, a device, is read now.
pub(crate) fn terminal_input(path: &Path) -> io::Result<TerminalInput> {
    let flags = libc::O_NOCTTY | libc::O_NONBLOCK;
    let terminal = File::options().read(true).custom_flags(flags).open(path)?;
    let fd = terminal.as_raw_fd();
    // SAFETY: an all-zero termios is a valid value of that plain struct; tcgetattr fills it.
    let mut mode: libc::termios = unsafe { mem::zeroed() };
    // SAFETY: `fd` is open, and `mode` is a live termios.
    check(unsafe { libc::tcgetattr(fd, &raw mut mode) })?;
    let mut unread: libc::c_int = 0;
    // SAFETY: `fd` is open, and the request writes one int at the pointer.
    check(unsafe { libc::ioctl(fd, libc::FIONREAD, &raw mut unread) })?;
    let by_key = mode.c_lflag & libc::ICANON == 0;
    Ok(TerminalInput { by_key, unread: unread.try_into().unwrap_or(0) })
}

/// The columns and rows of the terminal at `fd`.
pub(crate) fn window_size(fd: BorrowedFd<'_>) -> Option<(u16, u16)> {
    // SAFETY: an all-zero winsize is valid, and the request writes one winsize at the pointer.
    let (result, size) = unsafe {
        let mut size: libc::winsize = mem::zeroed();
        (libc::ioctl(fd.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size), size)
    };
    (result == 0 && size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}
