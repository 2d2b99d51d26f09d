//! Manual pages and completions: the text of each, and what stands at its place.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::{Part, places::Places};
use crate::{
    cli,
    error::{At, Result},
    fs,
    programs::pages,
};

/// The pages that are written by hand.
const BY_HAND: [(&str, &str); 4] = [
    ("aimax.7", include_str!("../../../man/aimax.7")),
    ("aimax-fleet.7", include_str!("../../../man/aimax-fleet.7")),
    ("aimax-proxy.7", include_str!("../../../man/aimax-proxy.7")),
    ("aimax-python.7", include_str!("../../../man/aimax-python.7")),
];

/// The last line of each file, behind a sign of comment: by it a file is known as one of these.
const MARK: &str = "Written by `aimax setup`, which also removes it: `aimax setup --remove`.";

/// Writes the files of each kind, or removes those that were written. What an earlier version wrote
/// besides them is removed too.
pub(crate) fn settle(places: &Places, remove: bool) -> Result<Vec<Part>> {
    let files = all();
    let kinds = [
        ("manual pages", "man", places.man.join("man1"), ".1"),
        ("manual pages", "man", places.man.join("man7"), ".7"),
        ("for bash", "completions/bash", places.bash.clone(), ""),
        ("for zsh", "completions/zsh", places.zsh.clone(), ""),
        ("for fish", "completions/fish", places.fish.clone(), ".fish"),
    ];
    let part = |(what, kind, folder, ending): (&'static str, &str, PathBuf, &str)| {
        let here = |path: &&(PathBuf, String)| {
            path.0.starts_with(kind)
                && path.0.as_os_str().as_encoded_bytes().ends_with(ending.as_bytes())
        };
        let files: Vec<(&OsStr, &str)> = files
            .iter()
            .filter(here)
            .map(|(path, text)| (path.file_name().unwrap_or_default(), text.as_str()))
            .collect();
        let mut part = Part::new(what, folder);
        if !remove {
            for (name, text) in &files {
                write(&mut part, name, text)?;
            }
        }
        let kept = |name: &OsStr| !remove && files.iter().any(|(kept, _)| *kept == name);
        remove_others(&mut part, kept)?;
        Ok(part)
    };
    kinds.into_iter().map(part).collect()
}

/// All files: their places in the package, and their texts.
fn all() -> Vec<(PathBuf, String)> {
    let by_hand = BY_HAND.map(|(name, text)| (Path::new("man").join(name), text.to_owned()));
    let mut files = cli::generated(&pages());
    files.extend(by_hand);
    for (path, text) in &mut files {
        let sign = if path.starts_with("man") { ".\\\"" } else { "#" };
        text.push_str(&format!("{sign} {MARK}\n"));
    }
    files
}

/// Writes one file, unless it is there already or something else is.
fn write(part: &mut Part, name: &OsStr, text: &str) -> Result<()> {
    let path = part.folder.join(name);
    match there(&path)? {
        // A package has the same files without the mark.
        Some(found) if [text, unmarked(text)].iter().any(|same| found == same.as_bytes()) => {
            part.unchanged += 1;
        }
        Some(found) if !is_marked(&found) => {
            part.left.push((path, "it was not written by `aimax setup`".into()));
        }
        _ => {
            fs::make_dir(&part.folder, 0o755)?;
            fs::write_atomic(&path, text.as_bytes(), 0o644)?;
            part.written.push(path);
        }
    }
    Ok(())
}

/// Removes the files in the folder of `part` that are marked and not to be kept.
fn remove_others(part: &mut Part, kept: impl Fn(&OsStr) -> bool) -> Result<()> {
    let Some(entries) = fs::absent(part.folder.read_dir()).at(&part.folder)? else { return Ok(()) };
    for entry in entries {
        let name = entry.at(&part.folder)?.file_name();
        let is_of_ours = [&b"aimax"[..], b"_aimax"]
            .iter()
            .any(|start| name.as_encoded_bytes().starts_with(start));
        let path = part.folder.join(&name);
        if is_of_ours && !kept(&name) && there(&path)?.is_some_and(|text| is_marked(&text)) {
            fs::remove(&path)?;
            part.removed.push(path);
        }
    }
    part.removed.sort();
    Ok(())
}

/// The text of a plain file; an empty one for anything else of that name.
fn there(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::absent(path.symlink_metadata()).at(path)? {
        None => Ok(None),
        Some(seen) if seen.is_file() => fs::read(path),
        Some(_) => Ok(Some(Vec::new())),
    }
}

/// A marked text without the last line.
fn unmarked(text: &str) -> &str {
    text.trim_end().rfind('\n').map_or("", |last| &text[..=last])
}

fn is_marked(text: &[u8]) -> bool {
    text.trim_ascii_end().ends_with(MARK.as_bytes())
}
