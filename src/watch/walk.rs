//! The way to what a path names, one name at a time.
//!
//! Kernels watch folders and files, not paths. What a path names changes with any step on the way
//! to it, also behind a symbolic link. So each step is watched, and the way walked again until
//! nothing on it is new: then every step was watched before it was looked at, and each later change
//! is an event, or changes how the end looks.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    fs,
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

/// A way as it was found.
#[derive(Default)]
pub(crate) struct Way {
    lookups: Vec<Lookup>,
    /// The end that it leads to; `None` when a step is missing.
    pub(crate) end: Option<End>,
}

/// A folder, free of symbolic links, and the name in it that was looked up.
struct Lookup {
    folder: PathBuf,
    name: OsString,
    link: bool,
}

impl Way {
    /// Each folder on the way, and the name in it if that matters. Of all folders, removal and renaming
    /// matter. Names matter where they are links; and where a step is missing, that name and the name
    /// of the folder in which it is missing. That folder tells nothing of its own removal while a process
    /// works in it, and nothing at all where it may not be read.
    pub(crate) fn lookups(&self) -> impl Iterator<Item = (&Path, Option<&OsStr>)> {
        let missing = self.lookups.last().filter(|_| self.end.is_none());
        self.lookups.iter().map(move |lookup| {
            let leads = |missing: &Lookup| {
                missing.folder.strip_prefix(&lookup.folder) == Ok(Path::new(&lookup.name))
            };
            let matters = lookup.link
                || missing.is_some_and(|missing| std::ptr::eq(missing, lookup) || leads(missing));
            (lookup.folder.as_path(), matters.then_some(lookup.name.as_os_str()))
        })
    }

    /// Whether every change to what it leads to is told, when `tells` knows that of a place.
    pub(crate) fn is_told(&self, tells: fn(&Path) -> bool) -> bool {
        let names = self.lookups().filter_map(|(folder, name)| name.map(|_| folder));
        names.chain(self.end.as_ref().map(|end| end.path.as_path())).all(tells)
    }
}

/// The file or folder at the end of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// Its path without symbolic links.
    pub(crate) path: PathBuf,
    /// Whether it is a folder.
    pub(crate) folder: bool,
    /// How it looked.
    pub(crate) looks: Looks,
}

/// What changes with any change to a file or a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Looks {
    pub(crate) identity: Inode,
    size: u64,
    /// Of what it holds, and of what is known about it; in seconds and nanoseconds.
    changed: [(i64, i64); 2],
}

impl Looks {
    /// Those of what `path` names now.
    pub(crate) fn of(path: &Path) -> Option<Looks> {
        fs::metadata(path).ok().map(|data| Looks::new(&data))
    }

    fn new(data: &fs::Metadata) -> Looks {
        let changed = [(data.mtime(), data.mtime_nsec()), (data.ctime(), data.ctime_nsec())];
        Looks { identity: (data.dev(), data.ino()), size: data.len(), changed }
    }
}

/// An inode: device and number.
pub(crate) type Inode = (u64, u64);

impl End {
    fn new(path: PathBuf, data: &fs::Metadata) -> End {
        End { path, folder: data.is_dir(), looks: Looks::new(data) }
    }
}

/// As many symbolic links as Linux follows in one path.
const LINKS: usize = 40;

/// Walks to what the absolute `path` names.
pub(crate) fn walk(path: &Path) -> Way {
    let mut way = Way::default();
    way.end = to_end(path, &mut way.lookups);
    way
}

fn to_end(path: &Path, lookups: &mut Vec<Lookup>) -> Option<End> {
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
        let link = found.as_ref().is_some_and(fs::Metadata::is_symlink);
        lookups.push(Lookup { folder: here.clone(), name, link });
        let data = found?;
        if link {
            links += 1;
            let target = fs::read_link(&next).ok()?;
            if links > LINKS {
                return None;
            }
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            ahead = names(&target).chain(ahead).collect();
            continue;
        }
        let found = End::new(next, &data);
        if !found.folder && !ahead.is_empty() {
            return None;
        }
        here.clone_from(&found.path);
        end = Some(found);
    }
    // The last name was `..`, a link to a folder that was passed already, or there was none at all.
    end.or_else(|| fs::symlink_metadata(&here).ok().map(|data| End::new(here, &data)))
}

/// The names of a path, without `.` and doubled slashes.
fn names(path: &Path) -> impl Iterator<Item = OsString> {
    let named = |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::ParentDir);
    path.components().filter(named).map(|part| part.as_os_str().to_owned())
}
