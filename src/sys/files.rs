//! Files: how they are opened and made, and whether the kernel tells of their changes.

use std::{ffi::CString, io, os::unix::ffi::OsStrExt, path::Path};

use super::check;

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
pub(crate) fn tells_changes(path: &Path) -> bool {
    // The magic numbers have 32 bits; the field has another type on each machine.
    statfs(path).is_none_or(|data| TELLING.contains(&(data.f_type as u32)))
}

/// The same, where a file system says itself whether it is a local one.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "netbsd")))]
#[expect(clippy::unnecessary_cast, reason = "the type is another on each system")]
pub(crate) fn tells_changes(path: &Path) -> bool {
    statfs(path).is_none_or(|data| data.f_flags as u64 & libc::MNT_LOCAL as u64 != 0)
}

/// The same, where there is no `statfs`.
#[cfg(target_os = "netbsd")]
pub(crate) fn tells_changes(_: &Path) -> bool {
    true
}

#[cfg(not(target_os = "netbsd"))]
fn statfs(path: &Path) -> Option<libc::statfs> {
    let path = c_string(path).ok()?;
    // SAFETY: an all-zero statfs is a valid value of that plain struct.
    let mut data: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` is a string with its NUL, and `data` a live statfs that the call fills.
    check(unsafe { libc::statfs(path.as_ptr(), &raw mut data) }).ok()?;
    Some(data)
}

fn c_string(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

/// To open without waiting; reads return what is there.
pub(crate) const NONBLOCK: i32 = libc::O_NONBLOCK;

/// Not to open a path whose last component is a link.
pub(crate) const NOFOLLOW: i32 = libc::O_NOFOLLOW;

/// Makes a FIFO that only the user can open.
pub(crate) fn make_fifo(path: &Path) -> io::Result<()> {
    let path = c_string(path)?;
    // SAFETY: `path` is a string with its NUL, alive for the length of the call.
    check(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }).map(drop)
}
