//! The place in a transcript, kept in a file across runs; of many sessions, a folder of such files.
//!
//! The file is made when the transcript is opened, and replaced, by a rename, after each record that
//! was printed or taken. So a run that is killed at any moment has kept the place after its last
//! record or the one before. The file holds a hash
//! of the bytes before the place. That alone decides whether the transcript is still the same: a
//! transcript may be copied, and another file may get its inode.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{At, Error, Result},
    fs,
    session::Session,
    time,
    transcript::{
        follow::Follow,
        lines::{self, Line},
        zst,
    },
};

/// How many bytes before the place are hashed: more than an agent repeats.
const SPAN: usize = 1024;

/// The content of the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct KeptPlace {
    path: PathBuf,
    device: u64,
    inode: u64,
    offset: u64,
    hash: String,
}

/// The places in many sessions.
pub(crate) struct CursorFolder {
    folder: PathBuf,
    /// When the first run with this folder began, in milliseconds since 1970.
    since: u64,
    /// Whether this is a later run.
    pub(crate) is_resumed: bool,
}

impl CursorFolder {
    /// Opens the folder, and makes it if there is none.
    pub(crate) fn open(folder: &Path) -> Result<CursorFolder> {
        if folder.is_file() {
            return Err(Error::usage(
                folder.display(),
                "a file, and many places are kept in a folder",
            )
            .advise("name one that does not exist yet"));
        }
        fs::make_dir(folder, 0o700)?;
        // No session's file has a name without a dot.
        let file = folder.join("since");
        let since = match fs::read(&file)? {
            Some(bytes) => Some(serde_json::from_slice(&bytes).map_err(|e| {
                Error::usage(file.display(), format!("not a time: {e}"))
                    .advise("remove the folder to begin anew")
            })?),
            None => None,
        };
        let is_resumed = since.is_some();
        let since = since.unwrap_or_else(time::now_ms);
        if !is_resumed {
            fs::write_atomic(&file, format!("{since}\n").as_bytes(), 0o600)?;
        }
        Ok(CursorFolder { folder: folder.to_owned(), since, is_resumed })
    }

    /// Whether that session, which has ended, began since the first run, and was never read.
    pub(crate) fn has_missed(&self, session: &Session) -> bool {
        let has_begun_since = session.entry.started_at().is_some_and(|at| at >= self.since);
        has_begun_since && !self.file(session).exists()
    }

    /// The file that keeps the place in that session.
    pub(crate) fn file(&self, session: &Session) -> PathBuf {
        self.folder.join(format!("{}.{}", session.backend.name(), session.name))
    }
}

/// A place, and the file that keeps it.
pub(crate) struct Cursor {
    file: PathBuf,
    place: KeptPlace,
    /// The last bytes before the place, which are hashed.
    before: Vec<u8>,
}

impl Cursor {
    /// The cursor in `file`, and the place to go on from, if it holds one.
    pub(crate) fn open(file: &Path) -> Result<(Cursor, Option<(PathBuf, u64)>)> {
        let place = match fs::read(file)? {
            None => None,
            Some(bytes) => Some(serde_json::from_slice::<KeptPlace>(&bytes).map_err(|e| {
                Error::usage(file.display(), format!("not a cursor: {e}"))
                    .advise("remove it to start over")
            })?),
        };
        let place: KeptPlace = place.unwrap_or_default();
        let is_known = !place.path.as_os_str().is_empty();
        let known = is_known.then(|| (place.path.clone(), place.offset));
        Ok((Cursor { file: file.to_owned(), place, before: Vec::new() }, known))
    }

    /// Makes the file, if there is none: from now on the session is one whose records are to be read.
    pub(crate) fn join(&self) -> Result<()> {
        if self.file.exists() { Ok(()) } else { self.write() }
    }

    /// Why the transcript, which is at `path` now, is not the one that was read before, if it is
    /// another.
    pub(crate) fn objection(&self, path: &Path) -> Result<Option<&'static str>> {
        let KeptPlace { path: before, offset, hash, .. } = &self.place;
        let Some((file, identity)) = zst::open(path)? else {
            return Ok(Some("the file is gone"));
        };
        // It may still be on its way, copied: its reader waits until it is whole.
        if path != before && file.metadata().at(path)?.len() < *offset {
            return Ok(None);
        }
        if is_same(&file, *offset, hash).at(path)? {
            return Ok(None);
        }
        let moved = (identity.device, identity.inode) != (self.place.device, self.place.inode);
        Ok(Some(if moved { "another file took its place" } else { "the file was rewritten" }))
    }

    /// Moves the place to where `follow` will read on in the transcript at `path`.
    pub(crate) fn move_to(&mut self, path: &Path, follow: &mut Follow) -> Result<()> {
        let Some(identity) = follow.find()? else { return Ok(()) };
        let (device, inode, offset) = (identity.device, identity.inode, follow.offset());
        let (path, hash) = (std::path::absolute(path).at(path)?, self.place.hash.clone());
        let here = KeptPlace { path, device, inode, offset, hash };
        if here == self.place && !self.before.is_empty() {
            return Ok(());
        }
        let is_news = here != self.place;
        self.place = here;
        self.before = follow.before(SPAN)?;
        if is_news { self.keep() } else { Ok(()) }
    }

    /// Moves the place past a line that was printed or left out.
    pub(crate) fn advance(&mut self, line: Line<'_>) -> Result<()> {
        self.before.extend_from_slice(&line.bytes[line.bytes.len().saturating_sub(SPAN)..]);
        self.before.push(b'\n');
        self.before.drain(..self.before.len().saturating_sub(SPAN));
        self.place.offset = line.next;
        self.keep()
    }

    fn keep(&mut self) -> Result<()> {
        self.place.hash = hash(&self.before);
        self.write()
    }

    fn write(&self) -> Result<()> {
        let mut bytes =
            serde_json::to_vec(&self.place).map_err(|e| Error::system(self.file.display(), e))?;
        bytes.push(b'\n');
        fs::write_atomic(&self.file, &bytes, 0o600)
    }
}

fn is_same(file: &File, offset: u64, expected: &str) -> std::io::Result<bool> {
    if file.metadata()?.len() < offset {
        return Ok(false);
    }
    Ok(hash(&lines::before(file, offset, SPAN)?) == expected)
}

/// FNV-1a: the same in every version of this program, and it need not withstand an attacker.
fn hash(bytes: &[u8]) -> String {
    let of = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", bytes.iter().fold(0xcbf2_9ce4_8422_2325, of))
}
