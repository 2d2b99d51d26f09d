//! Compressed transcripts: `NAME.jsonl.zst` in the place of `NAME.jsonl`, as Codex does with old
//! rollouts. See codex/FACTS.md, "Thread and files".
//!
//! A packed transcript is unpacked into a temporary file without a name, so that everything else
//! works on it as on any file: offsets are those of the unpacked bytes, the same as before it was
//! packed. Nobody appends to a packed file; to continue it, the agent unpacks it, and that is
//! another file.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::{
    error::{At, Error, Result},
    fs::absent,
    sys,
};

/// The ending of a packed file's name.
const ENDING: &str = "zst";

/// The identity of a file, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The device's number.
    pub device: u64,
    /// The file's number on the device.
    pub inode: u64,
    /// Whether the file is packed.
    pub packed: bool,
}

/// Opens the transcript at `path`, unpacked, and gives its identity. `None` when there is none.
pub(crate) fn open(path: &Path) -> Result<Option<(File, Identity)>> {
    for place in [path, &packed_path(path)] {
        // Not blocking: to open a named pipe would wait for its writer. It is refused below.
        let opened = OpenOptions::new().read(true).custom_flags(sys::NONBLOCK).open(place);
        let Some(file) = absent(opened).at(place)? else { continue };
        let data = file.metadata().at(place)?;
        if !data.is_file() {
            return Err(Error::usage(place.display(), "not a regular file"));
        }
        let identity = identity_of(place, &data);
        let file = if identity.packed { unpack(file, place)? } else { file };
        return Ok(Some((file, identity)));
    }
    Ok(None)
}

/// The identity and the size of the file that `path` names now, packed or not.
pub(crate) fn identity(path: &Path) -> io::Result<Option<(Identity, u64)>> {
    let at = |place: &Path| {
        let data = absent(fs::metadata(place))?;
        Ok(data.map(|data| (identity_of(place, &data), data.len())))
    };
    at(path)?.map_or_else(|| at(&packed_path(path)), |found| Ok(Some(found)))
}

/// Where the transcript at `path` is when it is packed.
pub(crate) fn packed_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(ENDING);
    name.into()
}

/// The name of the transcript at `path` when it is not packed.
pub(crate) fn unpacked(path: &Path) -> PathBuf {
    let is_packed = path.extension().is_some_and(|ending| ending == ENDING);
    if is_packed { path.with_extension("") } else { path.to_owned() }
}

fn unpack(file: File, path: &Path) -> Result<File> {
    let fault = |e: &dyn std::fmt::Display| Error::system(path.display(), format!("not zstd: {e}"));
    let mut from = ruzstd::decoding::StreamingDecoder::new(file).map_err(|e| fault(&e))?;
    let mut to = temporary_file()?;
    io::copy(&mut from, &mut to).map_err(|e| fault(&e))?;
    Ok(to)
}

/// A file without a name: it disappears with its last descriptor.
fn temporary_file() -> Result<File> {
    let name = format!("aimax-{}", uuid::Uuid::new_v4().simple());
    let path = std::env::temp_dir().join(name);
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
    let file = file.at(&path)?;
    fs::remove_file(&path).at(&path)?;
    Ok(file)
}

/// The identity of the file with this metadata.
fn identity_of(place: &Path, data: &Metadata) -> Identity {
    let packed = place.extension().is_some_and(|ending| ending == ENDING);
    Identity { device: data.dev(), inode: data.ino(), packed }
}
