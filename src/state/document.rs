//! The text of a state file: one JSON object, keyed by session name, laid out as Python does it.
//!
//! Most readers want one session of perhaps a thousand, so only that one is taken apart.

use std::{
    fmt,
    io::{self, Read},
    ops::Range,
};

use memchr::memmem;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Result, Value, value::RawValue};

use super::python;

/// The session of that name, in a file that can be read as a whole.
pub(super) fn get(bytes: &[u8], name: &str) -> Result<Option<Value>> {
    Sessions::read(bytes)?.get(name)
}

/// The session of that name, where the file is laid out as Python and we do; `None` where it is not seen.
/// A piece of the file is held at a time, for most of what it costs to read a large one is the memory.
pub(super) fn glance(mut file: impl Read, name: &str) -> io::Result<Option<Value>> {
    let key = format!("\n  \"{name}\": ");
    let (mut held, mut found) = (Vec::with_capacity(2 * PIECE), None);
    loop {
        let before = held.len();
        held.resize(before + PIECE, 0);
        let length = file.read(&mut held[before..])?;
        held.truncate(before + length);
        if length == 0 {
            break;
        }
        // What may be the beginning of a key stays for the next piece.
        let mut done = held.len().saturating_sub(key.len());
        // Of two of one name the last one counts.
        for start in memmem::find_iter(&held, key.as_bytes()) {
            let value = &held[start + key.len()..];
            match memmem::find(value, ENTRY_END) {
                Some(end) => found = Some(value[..end + ENTRY_END.len()].to_vec()),
                None => (found, done) = (None, start.min(done)),
            }
        }
        held.drain(..done);
    }
    // No string holds a line break, so the file's last line tells that it is whole.
    let found = found.filter(|_| held.ends_with(FILE_END));
    Ok(found.and_then(|json| serde_json::from_slice(&json).ok()))
}

/// The size of a piece of a file, in bytes.
const PIECE: usize = 32 * 1024;

/// All sessions, in the file's order.
pub(super) fn all(bytes: &[u8]) -> Result<Vec<(String, Value)>> {
    let sessions = Sessions::read(bytes)?.0;
    sessions.into_iter().map(|(name, json)| Ok((name, serde_json::from_str(json)?))).collect()
}

/// The names of all sessions that have fields, in the file's order.
pub(super) fn names(bytes: &[u8]) -> Result<Vec<String>> {
    let sessions = Sessions::read(bytes)?.0.into_iter();
    Ok(sessions.filter(|(_, json)| json.starts_with('{')).map(|(name, _)| name).collect())
}

/// The bytes once `edit` has changed the session of that name; `None` when it changes nothing.
pub(super) fn edited(
    bytes: &[u8],
    name: &str,
    edit: impl Fn(Option<Value>) -> Option<Value>,
) -> Result<Option<Vec<u8>>> {
    if let Some(seen) = Glance::at(bytes, name) {
        let wanted = edit(Some(seen.value.clone()));
        let is_same = wanted.as_ref() == Some(&seen.value);
        return Ok((!is_same).then(|| seen.replaced(bytes, name, wanted.as_ref())));
    }
    let sessions = Sessions::read(bytes)?;
    let kept = sessions.get(name)?;
    let wanted = edit(kept.clone());
    Ok((kept != wanted).then(|| match (bytes.strip_suffix(ALL_END), &wanted) {
        // What is new comes last, and nothing else is written anew.
        (Some(others), Some(value)) if kept.is_none() => {
            [others, ENTRY_END, b",", line(name, &inside(value)).as_bytes(), FILE_END].concat()
        }
        _ => sessions.with(name, wanted.as_ref()).into_bytes(),
    }))
}

/// The sessions' names, in the file's order, and the JSON of each.
#[derive(Default)]
struct Sessions<'a>(Vec<(String, &'a str)>);

impl<'de> Deserialize<'de> for Sessions<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        from.deserialize_map(Sessions::default())
    }
}

impl<'de> Visitor<'de> for Sessions<'de> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> std::result::Result<Self, M::Error> {
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            self.0.push((name, value.get()));
        }
        Ok(self)
    }
}

impl<'a> Sessions<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self> {
        Ok(serde_json::from_slice::<Option<Self>>(bytes)?.unwrap_or_default())
    }

    /// Where the session of that name is. Of two of one name the last one counts, as in Python.
    fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().rposition(|(known, _)| known == name)
    }

    fn get(&self, name: &str) -> Result<Option<Value>> {
        self.position(name).map(|at| serde_json::from_str(self.0[at].1)).transpose()
    }

    /// The text of the file once the session of that name is `value`. What is not changed stays as it
    /// is written.
    fn with(self, name: &str, value: Option<&Value>) -> String {
        let value = value.map(inside);
        let (at, mut sessions) = (self.position(name), self.0);
        match (at, &value) {
            (Some(at), Some(value)) => sessions[at].1 = value,
            (None, Some(value)) => sessions.push((name.to_string(), value)),
            (_, None) => sessions.retain(|(known, _)| known != name),
        }
        let lines: Vec<String> = sessions.iter().map(|(name, json)| line(name, json)).collect();
        if lines.is_empty() { "{}".to_owned() } else { format!("{{{}\n}}", lines.join(",")) }
    }
}

/// The end of an entry that has fields, as Python and we write it.
const ENTRY_END: &[u8] = b"\n  }";
/// The end of a file that has entries.
const FILE_END: &[u8] = b"\n}";
/// Both.
const ALL_END: &[u8] = b"\n  }\n}";

/// One session in the bytes of a file, where it is laid out as Python and we do. Nothing of the others is
/// read: no string holds a line break, so the file's last line tells that it is whole.
struct Glance {
    /// From the line break before its name to the end of its JSON.
    all: Range<usize>,
    value: Value,
}

impl Glance {
    fn at(bytes: &[u8], name: &str) -> Option<Glance> {
        let key = format!("\n  \"{name}\": ");
        // Of two of one name the last one counts.
        let start = memmem::find_iter(bytes, key.as_bytes()).last()?;
        let value = start + key.len();
        let end = value + memmem::find(&bytes[value..], ENTRY_END)? + ENTRY_END.len();
        let value = serde_json::from_slice(&bytes[value..end]).ok()?;
        bytes.ends_with(FILE_END).then_some(Glance { all: start..end, value })
    }

    /// The bytes with another value there, or none.
    fn replaced(&self, bytes: &[u8], name: &str, value: Option<&Value>) -> Vec<u8> {
        let Range { start, end } = self.all;
        let (before, after) = (&bytes[..start], &bytes[end..]);
        match value.map(|value| line(name, &inside(value))) {
            Some(line) => [before, line.as_bytes(), after].concat(),
            None if before == b"{" && after == FILE_END => b"{}".to_vec(),
            // The comma behind it goes, or the one before it.
            None => match after.strip_prefix(b",") {
                Some(after) => [before, after].concat(),
                None => [before.strip_suffix(b",").unwrap_or(before), after].concat(),
            },
        }
    }
}

/// A session's JSON as it stands in the file.
fn inside(value: &Value) -> String {
    python::encode(value).replace('\n', "\n  ")
}

/// A session's place in the file, without the comma.
fn line(name: &str, json: &str) -> String {
    format!("\n  {}: {json}", python::encode(name))
}
