//! Files written whole, by rename; private folders; lock files, which are never removed.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
};

use crate::{
    error::{At, Error, Kind, Result},
    sys,
    time::Deadline,
};

/// Puts `bytes` at `path` so that a reader sees the old file or the new one, even after a crash.
///
/// The temporary file is made in the same folder and removed on failure. `mode` is set exactly,
/// whatever the umask is.
pub(crate) fn write_durable(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    write_aside(path, bytes, mode, true)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder).and_then(|folder| folder.sync_all()).at(folder)
}

/// The same without waiting for the disk, for files that are written often. The file stays whole
/// when this process is killed, but may be an older one, or empty, when the machine stops.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    write_aside(path, bytes, mode, false)
}

fn write_aside(path: &Path, bytes: &[u8], mode: u32, sync: bool) -> Result<()> {
    let temporary = aside(path);
    let written = (|| {
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        if sync {
            file.sync_all()?;
        }
        fs::rename(&temporary, path)
    })();
    if let Err(error) = written {
        // The first failure is the one to report; the temporary file may never have been made.
        drop(fs::remove_file(&temporary));
        return Err(Error::io(path.display(), &error));
    }
    Ok(())
}

/// Puts a symbolic link with the text `target` at `path`, in place of what may be there, at once.
pub(crate) fn link(target: &Path, path: &Path) -> Result<()> {
    let temporary = aside(path);
    let made =
        std::os::unix::fs::symlink(target, &temporary).and_then(|()| fs::rename(&temporary, path));
    if made.is_err() {
        // The first failure is the one to report; the link may never have been made.
        drop(fs::remove_file(&temporary));
    }
    made.at(path)
}

/// What follows a file's name in that of a temporary one, which a writer that was killed leaves.
pub(crate) const ASIDE: &str = ".tmp-";

/// A path in the same folder that no other process or thread uses.
fn aside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!("{ASIDE}{}", uuid::Uuid::new_v4().simple()));
    path.with_file_name(name)
}

/// Makes `path` and its parents; new folders get `mode`.
pub(crate) fn make_dir(path: &Path, mode: u32) -> Result<()> {
    DirBuilder::new().recursive(true).mode(mode).create(path).at(path)
}

/// A file that has no name any more, holds `bytes`, and is read from its start: a program's standard
/// input that is whole before the program runs.
pub(crate) fn nameless(bytes: &[u8]) -> Result<File> {
    let path = aside(&std::env::temp_dir().join("aimax"));
    let mut options = OpenOptions::new();
    let mut file =
        options.read(true).write(true).create_new(true).mode(0o600).open(&path).at(&path)?;
    remove(&path)?;
    file.write_all(bytes).at(&path)?;
    file.rewind().at(&path)?;
    Ok(file)
}

/// The file's bytes, or `None` when there is no such file.
///
/// Most are small, and are read without asking for their size first.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let Some(file) = absent(File::open(path)).at(path)? else { return Ok(None) };
    let mut bytes = Vec::with_capacity(SMALL);
    (&file).take(SMALL as u64).read_to_end(&mut bytes).at(path)?;
    if bytes.len() == SMALL {
        (&file).read_to_end(&mut bytes).at(path)?;
    }
    Ok(Some(bytes))
}

/// The same for a small plain file, such as ours: of those, a read gives less than was asked for only at
/// their end, so that one is enough.
pub(crate) fn read_small(path: &Path) -> Result<Option<Vec<u8>>> {
    let Some(mut file) = absent(File::open(path)).at(path)? else { return Ok(None) };
    let mut bytes = vec![0; SMALL];
    let length = file.read(&mut bytes).at(path)?;
    bytes.truncate(length);
    if length == SMALL {
        file.read_to_end(&mut bytes).at(path)?;
    }
    Ok(Some(bytes))
}

/// The size of a small file, in bytes.
const SMALL: usize = 2048;

/// At most `most` bytes of a plain file in a folder that others control: a link is not followed,
/// and a pipe or a device is not read. `None` when there is no such file.
pub(crate) fn read_plain(path: &Path, most: u64) -> Result<Option<Vec<u8>>> {
    let Some(file) = open_plain(path, OpenOptions::new().read(true))? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).at(path)?;
    Ok(Some(bytes))
}

fn open_plain(path: &Path, options: &mut OpenOptions) -> Result<Option<File>> {
    let opened = absent(options.custom_flags(sys::NONBLOCK | sys::NOFOLLOW).open(path));
    if opened.is_err() && path.is_symlink() {
        return Err(Error::system(path.display(), "a symbolic link, which is not followed"));
    }
    let Some(file) = opened.at(path)? else { return Ok(None) };
    if !file.metadata().at(path)?.is_file() {
        return Err(Error::system(path.display(), "not a regular file"));
    }
    Ok(Some(file))
}

/// Gives a file or folder exactly these permissions.
pub(crate) fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).at(path)
}

/// Removes a file. A missing file is no error. Returns whether there was one.
pub(crate) fn remove(path: &Path) -> Result<bool> {
    Ok(absent(fs::remove_file(path)).at(path)?.is_some())
}

/// Removes a folder and everything in it. A missing folder is no error.
pub(crate) fn remove_dir(path: &Path) -> Result<()> {
    absent(fs::remove_dir_all(path)).at(path).map(|_| ())
}

/// Turns "no such file" from an error into `None`.
pub(crate) fn absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

/// An exclusive lock, released when it is dropped or its process ends.
///
/// The file is never removed, or two processes could each hold the lock on a file of that name.
#[derive(Debug)]
#[must_use]
pub(crate) struct Lock(#[expect(dead_code, reason = "held for its lock")] File);

/// Takes the lock at `path`, waiting for its holder until `deadline`.
///
/// `busy` is the error's cause when the deadline passes: a [`Kind::Refused`] about `subject`.
pub(crate) fn lock(path: &Path, deadline: Deadline, subject: &str, busy: &str) -> Result<Lock> {
    if let Some(folder) = path.parent() {
        make_dir(folder, 0o700)?;
    }
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .at(path)?;
    match file.try_lock() {
        Ok(()) => return Ok(Lock(file)),
        Err(fs::TryLockError::WouldBlock) => {}
        Err(fs::TryLockError::Error(e)) => return Err(Error::io(path.display(), &e)),
    }
    // The kernel has no lock with a timeout, so a thread waits for it. If it gets the lock too
    // late, nobody receives the file, and the lock is released at once.
    let (sender, receiver) = mpsc::sync_channel(0);
    thread::spawn(move || sender.send(file.lock().map(|()| file)));
    let got = match deadline.left() {
        Some(left) => receiver.recv_timeout(left),
        None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
    };
    match got {
        Ok(file) => Ok(Lock(file.at(path)?)),
        Err(_) => Err(Error::new(Kind::Refused, subject, busy)),
    }
}

/// Whether some process holds the lock at `path` now.
pub(crate) fn is_locked(path: &Path) -> Result<bool> {
    let Some(file) = absent(File::open(path)).at(path)? else { return Ok(false) };
    // A shared lock, so that two processes that only ask do not take each other for holders.
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(fs::TryLockError::WouldBlock) => Ok(true),
        Err(fs::TryLockError::Error(e)) => Err(Error::io(path.display(), &e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("aimax-fs-{name}-{}", std::process::id()));
        make_dir(&path, 0o700).unwrap();
        path
    }

    #[test]
    fn replace_leaves_one_whole_file() {
        let folder = scratch("replace");
        let path = folder.join("a");
        write_durable(&path, b"one", 0o600).unwrap();
        write_durable(&path, b"two", 0o644).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        assert!(remove(&path).unwrap());
        assert!(!remove(&path).unwrap());
        assert_eq!(read(&path).unwrap(), None);
        remove_dir(&folder).unwrap();
        remove_dir(&folder).unwrap();
    }

    #[test]
    fn a_lock_is_waited_for_until_the_deadline() {
        let folder = scratch("lock");
        let path = folder.join("lock");
        let held = lock(&path, Deadline::NEVER, "s", "busy").unwrap();
        let soon = Deadline::after(Duration::from_millis(30));
        assert!(is_locked(&path).unwrap());
        let refused = lock(&path, soon, "s", "busy").unwrap_err();
        assert_eq!((refused.kind, refused.cause.as_str()), (Kind::Refused, "busy"));
        let waiter = {
            let path = path.clone();
            thread::spawn(move || lock(&path, Deadline::NEVER, "s", "busy").map(drop))
        };
        drop(held);
        waiter.join().unwrap().unwrap();
        // A program that another test is starting has a copy of the file until its exec.
        let free = Deadline::after(Duration::from_secs(10));
        while is_locked(&path).unwrap() && !free.passed() {
            thread::yield_now();
        }
        assert!(!is_locked(&path).unwrap());
        remove_dir(&folder).unwrap();
    }
}
