//! The other names of the program.

use std::{
    fs::Metadata,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Part, places::Places};
use crate::{
    error::{At, Result},
    fs,
};

/// What follows `aimax-` in the names of the programs.
const NAMES: [&str; 6] = ["spawn", "paste", "tail", "flag", "ls", "kill"];

/// Makes the names links to the program, or removes those that were made.
///
/// Its own links say `./aimax`, a package's say `aimax`: so it knows which it may remove.
pub(crate) fn settle(places: &Places, remove: bool) -> Result<Part> {
    let mut part = Part::new("programs", places.bin.clone());
    let program = Path::new(places.program.file_name().unwrap_or_default());
    let text = Path::new(".").join(program);
    for path in NAMES.map(|name| places.bin.join(format!("aimax-{name}"))) {
        match (found(&path, places)?, remove) {
            (Found::Ours(is), true) if is != program => {
                fs::remove(&path)?;
                part.removed.push(path);
            }
            (_, true) => {}
            (Found::Ours(is), false) if is == text || is == program => part.unchanged += 1,
            (Found::Other(what), false) => part.left.push((path, what)),
            (was, false) => {
                fs::link(&text, &path)?;
                part.replaced += usize::from(matches!(was, Found::Copy));
                part.written.push(path);
            }
        }
    }
    Ok(part)
}

/// What has the name of a program now.
enum Found {
    Nothing,
    /// A link to this program, or to one that was here; what it says.
    Ours(PathBuf),
    /// A file of its own, of the same program and version.
    Copy,
    /// Something else, and what.
    Other(String),
}

fn found(path: &Path, places: &Places) -> Result<Found> {
    let Some(seen) = fs::absent(path.symlink_metadata()).at(path)? else {
        return Ok(Found::Nothing);
    };
    if seen.is_symlink() {
        let text = path.read_link().at(path)?;
        let is_ours = path.canonicalize().is_ok_and(|to| to == places.program)
            || !path.exists() && text.file_name() == places.program.file_name();
        return Ok(match is_ours {
            true => Found::Ours(text),
            false => Found::Other(format!("it is a link to {}", text.display())),
        });
    }
    Ok(match of_file(path, &seen) {
        None => Found::Copy,
        Some(what) => Found::Other(what),
    })
}

/// What a file is, unless it is a copy of a program of this version.
fn of_file(path: &Path, seen: &Metadata) -> Option<String> {
    if !seen.is_file() {
        return Some("it is not a regular file".into());
    }
    let told = Command::new(path).arg("--version").stdin(Stdio::null()).output();
    let told = told.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let name = path.file_name().unwrap_or_default().display();
    let ours = format!("{name} {}", env!("CARGO_PKG_VERSION"));
    match told {
        Ok(told) if told == ours => None,
        Ok(told) if told.starts_with(&format!("{name} ")) => Some(format!("it is {told}")),
        _ => Some("it is another program".into()),
    }
}
