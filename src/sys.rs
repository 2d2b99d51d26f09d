//! System calls that std does not offer: the only `unsafe` of the package.
#![allow(unsafe_code, reason = "system calls; each block says why it is sound")]

use std::{
    fs::File,
    io::{self, Write},
    mem::ManuallyDrop,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, RawFd},
    time::Duration,
};

/// The machine's name.
pub(crate) fn host() -> String {
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

/// Signals that end a wait.
///
/// A program without cleanup leaves the ending signals to their default action. A program with
/// cleanup calls [`catch`](signals::catch) first; every [`Watch`](crate::watch::Watch) then ends
/// its wait with [`Kind::Signal`](crate::error::Kind::Signal), and after the cleanup [`die_by`]
/// ends the process as the signal would have.
pub(crate) mod signals {
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

    use crate::sys::check;

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

/// The file systems whose every change goes through this kernel, which tells of it (`linux/magic.h`
/// and the file systems' own headers). Not among them is what has another side: a server, a program
/// (FUSE), the layers below (overlay), the kernel's own state (proc).
#[cfg(any(target_os = "linux", target_os = "android"))]
const TELLING: [u32; 20] = [
    0xEF53,      // ext2, ext3, ext4
    0x5846_5342, // xfs
    0x9123_683E, // btrfs
    0x0102_1994, // tmpfs
    0x8584_58F6, // ramfs
    0xF2F5_2010, // f2fs
    0x2FC1_2FC1, // zfs
    0xCA45_1A4E, // bcachefs
    0x3153_464A, // jfs
    0x5265_4973, // reiserfs
    0x3434,      // nilfs
    0x2405_1905, // ubifs
    0x72B6,      // jffs2
    0x4D44,      // fat
    0x2011_BAB0, // exfat
    0x7366_746E, // ntfs3
    0x482B,      // hfsplus
    0x1501_3346, // udf
    0x7371_7368, // squashfs
    0xE0F5_E1E2, // erofs
];

/// Whether the kernel tells of every change to what `path` names. `true` also where nothing is.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn tells_changes(path: &std::path::Path) -> bool {
    // The magic numbers have 32 bits; the field has another type on each machine.
    statfs(path).is_none_or(|data| TELLING.contains(&(data.f_type as u32)))
}

/// The same, where a file system says itself whether it is a local one.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "netbsd")))]
#[expect(clippy::unnecessary_cast, reason = "the type is another on each system")]
pub(crate) fn tells_changes(path: &std::path::Path) -> bool {
    statfs(path).is_none_or(|data| data.f_flags as u64 & libc::MNT_LOCAL as u64 != 0)
}

/// The same, where there is no `statfs`.
#[cfg(target_os = "netbsd")]
pub(crate) fn tells_changes(_: &std::path::Path) -> bool {
    true
}

#[cfg(not(target_os = "netbsd"))]
fn statfs(path: &std::path::Path) -> Option<libc::statfs> {
    let path = c_string(path).ok()?;
    // SAFETY: an all-zero statfs is a valid value of that plain struct.
    let mut data: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` is a string with its NUL, and `data` a live statfs that the call fills.
    check(unsafe { libc::statfs(path.as_ptr(), &raw mut data) }).ok()?;
    Some(data)
}

fn c_string(path: &std::path::Path) -> io::Result<std::ffi::CString> {
    use std::os::unix::ffi::OsStrExt;
    Ok(std::ffi::CString::new(path.as_os_str().as_bytes())?)
}

/// To open without waiting; reads return what is there.
pub(crate) const NONBLOCK: i32 = libc::O_NONBLOCK;

/// Not to open a path whose last component is a link.
pub(crate) const NOFOLLOW: i32 = libc::O_NOFOLLOW;

/// Makes a FIFO that only the user can open.
pub(crate) fn make_fifo(path: &std::path::Path) -> io::Result<()> {
    let path = c_string(path)?;
    // SAFETY: `path` is a string with its NUL, alive for the length of the call.
    check(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }).map(drop)
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

/// Standard input's terminal in raw mode; its old mode is restored on drop.
#[derive(Debug)]
pub(crate) struct RawMode(libc::termios);

impl RawMode {
    /// Puts standard input's terminal into raw mode. Input typed before is kept.
    pub(crate) fn on() -> io::Result<Self> {
        // SAFETY: an all-zero termios is a valid value of that plain struct; tcgetattr fills it.
        let mut old: libc::termios = unsafe { std::mem::zeroed() };
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
pub(crate) fn terminal_input(path: &std::path::Path) -> io::Result<TerminalInput> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = libc::O_NOCTTY | libc::O_NONBLOCK;
    let terminal = std::fs::File::options().read(true).custom_flags(flags).open(path)?;
    let fd = terminal.as_raw_fd();
    // SAFETY: an all-zero termios is a valid value of that plain struct; tcgetattr fills it.
    let mut mode: libc::termios = unsafe { std::mem::zeroed() };
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
        let mut size: libc::winsize = std::mem::zeroed();
        (libc::ioctl(fd.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size), size)
    };
    (result == 0 && size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
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

/// The home of the process's user, according to the password file.
///
/// A static program reads the file itself. The C library would load the machine's modules for other
/// sources of users, which are made for the machine's own C library.
pub(crate) fn home_folder() -> Option<std::path::PathBuf> {
    if cfg!(target_feature = "crt-static") {
        // SAFETY: getuid has no arguments and cannot fail.
        let user = unsafe { libc::getuid() };
        return home_in(&std::fs::read("/etc/passwd").ok()?, user);
    }
    home_by_library()
}

/// The home of `user` in the text of a password file.
fn home_in(passwd: &[u8], user: u32) -> Option<std::path::PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let user = user.to_string();
    passwd.split(|&b| b == b'\n').find_map(|line| {
        let mut fields = line.split(|&b| b == b':').skip(2);
        (fields.next()? == user.as_bytes()).then_some(())?;
        Some(std::ffi::OsStr::from_bytes(fields.nth(2)?).into())
    })
}

fn home_by_library() -> Option<std::path::PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let mut buffer: Vec<libc::c_char> = vec![0; 1024];
    loop {
        // SAFETY: an all-zero passwd (null pointers) is a valid value of that plain struct.
        let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
        let mut found = std::ptr::null_mut();
        // SAFETY: all pointers are to live values, and the buffer is as long as the call is told.
        let error = unsafe {
            let user = libc::getuid();
            let length = buffer.len();
            libc::getpwuid_r(user, &raw mut entry, buffer.as_mut_ptr(), length, &raw mut found)
        };
        match error {
            libc::ERANGE if buffer.len() < 1 << 20 => buffer.resize(buffer.len() * 4, 0),
            libc::EINTR => {}
            0 if !found.is_null() && !entry.pw_dir.is_null() => {
                // SAFETY: the call has found an entry, whose strings end with a NUL inside `buffer`.
                let home = unsafe { std::ffi::CStr::from_ptr(entry.pw_dir) };
                return Some(std::ffi::OsStr::from_bytes(home.to_bytes()).into());
            }
            _ => return None,
        }
    }
}

/// Raises the limit of open files to the maximum: each followed transcript is an open file.
pub(crate) fn raise_open_files() -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a live rlimit that the call fills.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` is a live rlimit that the call only reads.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_file_tells_the_home() {
        let text =
            b"root:x:0:0:root:/root:/bin/bash\n+::::::\nme:x:1000:100::/home/me:\n\nbad:x:7\n";
        assert_eq!(home_in(text, 1000), Some("/home/me".into()));
        assert_eq!(home_in(text, 0), Some("/root".into()));
        assert_eq!((home_in(text, 7), home_in(text, 8)), (None, None));
        let file = std::fs::read("/etc/passwd").unwrap_or_default();
        // SAFETY: getuid has no arguments and cannot fail.
        let user = unsafe { libc::getuid() };
        // Where the user is in the file, both ways agree.
        if let Some(home) = home_in(&file, user) {
            assert_eq!(home_by_library(), Some(home));
        }
    }
}
