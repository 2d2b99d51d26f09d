//! Look-ups in a set of variables.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

/// A set of variables; an empty one counts as not set.
#[derive(Clone, Copy)]
pub(crate) struct Vars<'a>(pub(crate) &'a [(OsString, OsString)]);

impl Vars<'_> {
    pub(crate) fn get(&self, name: &str) -> Option<OsString> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        (!value.is_empty()).then(|| value.clone())
    }

    /// A folder of the XDG convention, which ignores relative paths.
    pub(crate) fn xdg(&self, variable: &str, home: &Path, default: &str) -> PathBuf {
        let set = self.get(variable).map(|path| self.expand(&path, home));
        set.filter(|path| path.is_absolute()).unwrap_or_else(|| home.join(default))
    }

    /// `path` with `~`, `$NAME` and `${NAME}` expanded; a variable that is not set stays as
    /// written.
    pub(crate) fn expand(&self, path: &OsStr, home: &Path) -> PathBuf {
        let bytes = path.as_bytes();
        let mut done = match bytes {
            [b'~'] | [b'~', b'/', ..] => home.as_os_str().as_bytes().to_vec(),
            _ => Vec::new(),
        };
        let mut rest = if done.is_empty() { bytes } else { &bytes[1..] };
        while let Some(at) = rest.iter().position(|&b| b == b'$') {
            done.extend_from_slice(&rest[..at]);
            let (whole, name) = variable(&rest[at..]);
            match std::str::from_utf8(name).ok().and_then(|name| self.get(name)) {
                Some(value) => done.extend_from_slice(value.as_bytes()),
                None => done.extend_from_slice(&rest[at..at + whole]),
            }
            rest = &rest[at + whole..];
        }
        done.extend_from_slice(rest);
        PathBuf::from(OsString::from_vec(done))
    }
}

/// The length of the variable at the start of `text`, dollar included, and its name.
fn variable(text: &[u8]) -> (usize, &[u8]) {
    if text.get(1) == Some(&b'{') {
        return match text.iter().position(|&b| b == b'}') {
            Some(end) => (end + 1, &text[2..end]),
            None => (1, &[]),
        };
    }
    let name = &text[1..];
    let end =
        name.iter().position(|b| !(b.is_ascii_alphanumeric() || *b == b'_')).unwrap_or(name.len());
    (1 + end, &name[..end])
}
