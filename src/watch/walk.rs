//! The way to what a path names, one name at a time.
//!
//! Kernels watch folders and files, not paths. What a path names changes when any step on the way
//! to it does, also behind a symbolic link. So the way is walked until nothing on it is new to the
//! caller, which watches each step that it is told of: all of it was then watched before it was
//! looked at, and a change after the look is an event already.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    fs,
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

use crate::error::Result;

/// What was found at the end of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// Its path without symbolic links.
    pub(super) path: PathBuf,
    /// Whether it is a folder.
    pub(super) folder: bool,
    /// Device and inode.
    pub(super) identity: (u64, u64),
}

/// As many symbolic links as Linux follows in one path.
const LINKS: usize = 40;

/// Walks to what the absolute `path` names. `step` gets each folder, free of symbolic links, and
/// the name in it that decides how the way goes on: one that is missing or a symbolic link. Without
/// a name, the way goes on through something that is watched itself. `None` when it ends early.
pub(super) fn walk(
    path: &Path,
    mut step: impl FnMut(&Path, Option<&OsStr>) -> Result<()>,
) -> Result<Option<End>> {
    let mut here = PathBuf::from("/");
    let mut end = None;
    let mut links = 0;
    let mut ahead: VecDeque<OsString> = names(path).collect();
    while let Some(name) = ahead.pop_front() {
        if name == ".." {
            here.pop();
            end = None;
            continue;
        }
        let next = here.join(&name);
        let found = fs::symlink_metadata(&next).ok();
        let plain = found.as_ref().is_some_and(|data| !data.is_symlink());
        step(&here, (!plain).then_some(name.as_os_str()))?;
        let Some(data) = found else { return Ok(None) };
        if data.is_symlink() {
            links += 1;
            let Ok(target) = fs::read_link(&next) else { return Ok(None) };
            if links > LINKS {
                return Ok(None);
            }
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            for name in names(&target).collect::<Vec<_>>().into_iter().rev() {
                ahead.push_front(name);
            }
            continue;
        }
        let found = End { path: next, folder: data.is_dir(), identity: (data.dev(), data.ino()) };
        if !found.folder && !ahead.is_empty() {
            return Ok(None);
        }
        here.clone_from(&found.path);
        end = Some(found);
    }
    Ok(end.or_else(|| at(here)))
}

/// The names of a path; `.` and doubled slashes are gone.
fn names(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

/// The end of a way whose last step was `..`, a link to a folder passed already, or none at all.
fn at(path: PathBuf) -> Option<End> {
    let data = fs::symlink_metadata(&path).ok()?;
    Some(End { path, folder: data.is_dir(), identity: (data.dev(), data.ino()) })
}
