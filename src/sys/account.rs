//! The account of the process's user.

use std::{
    ffi::{CStr, OsStr},
    fs, mem,
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    ptr,
};

/// The home of the process's user, according to the password file.
///
/// A static program reads the file itself. The C library would load the machine's modules for other
/// sources of users, which are made for the machine's own C library.
pub(crate) fn home_folder() -> Option<PathBuf> {
    if cfg!(target_feature = "crt-static") {
        // SAFETY: getuid has no arguments and cannot fail.
        let user = unsafe { libc::getuid() };
        return home_in(&fs::read("/etc/passwd").ok()?, user);
    }
    home_by_library()
}

/// The home of `user` in the text of a password file.
fn home_in(passwd: &[u8], user: u32) -> Option<PathBuf> {
    let user = user.to_string();
    passwd.split(|&b| b == b'\n').find_map(|line| {
        let mut fields = line.split(|&b| b == b':').skip(2);
        (fields.next()? == user.as_bytes()).then_some(())?;
        Some(OsStr::from_bytes(fields.nth(2)?).into())
    })
}

fn home_by_library() -> Option<PathBuf> {
    let mut buffer: Vec<libc::c_char> = vec![0; 1024];
    loop {
        // SAFETY: an all-zero passwd (null pointers) is a valid value of that plain struct.
        let mut entry: libc::passwd = unsafe { mem::zeroed() };
        let mut found = ptr::null_mut();
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
                let home = unsafe { CStr::from_ptr(entry.pw_dir) };
                return Some(OsStr::from_bytes(home.to_bytes()).into());
            }
            _ => return None,
        }
    }
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
        let file = fs::read("/etc/passwd").unwrap_or_default();
        // SAFETY: getuid has no arguments and cannot fail.
        let user = unsafe { libc::getuid() };
        // Where the user is in the file, both ways agree.
        if let Some(home) = home_in(&file, user) {
            assert_eq!(home_by_library(), Some(home));
        }
    }
}
