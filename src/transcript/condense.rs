//! A record that is too long to be held, without the most of its long strings.
//!
//! What a record means is told by its short strings: its type, its time, its ids. So these are kept,
//! and of a long one its beginning.

use std::io::{self, Read};

use memchr::memchr2;

use super::lines::BLOCK;

/// So much of a string is kept even where little room is left.
const SHORT: usize = 64;

/// A record, without the most of its long strings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Condensed {
    /// What is left of it; nothing if it is too long without its long strings, too.
    pub(crate) bytes: Vec<u8>,
    /// How many bytes were left out.
    pub(crate) cut: u64,
}

/// Cuts the strings of `record`, which is one, so that at most `most` bytes are left. A string may
/// take half of the room that is left for it.
pub(crate) fn condense(mut record: impl Read, most: usize) -> io::Result<Condensed> {
    let mut condenser = Condenser { most, ..Condenser::default() };
    let mut piece = vec![0; BLOCK];
    let mut length = 0;
    loop {
        match record.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => {
                length += count as u64;
                condenser.take(&piece[..count]);
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    let bytes = if condenser.is_full { Vec::new() } else { condenser.kept };
    let cut = length - bytes.len() as u64;
    Ok(Condensed { bytes, cut })
}

#[derive(Default)]
struct Condenser {
    most: usize,
    kept: Vec<u8>,
    /// Whether more than strings would have to be cut.
    is_full: bool,
    string: Option<Text>,
}

/// A string that is open.
struct Text {
    /// Up to which length of all that is kept it is kept itself.
    end: usize,
    is_kept: bool,
    /// How many bytes of an escape are still to come.
    escape: usize,
}

impl Condenser {
    fn take(&mut self, piece: &[u8]) {
        let mut at = 0;
        while at < piece.len() && !self.is_full {
            match &self.string {
                Some(text) if !text.is_kept && text.escape == 0 => {
                    at += memchr2(b'"', b'\\', &piece[at..]).unwrap_or(piece.len() - at);
                    at += piece.get(at).map_or(0, |&byte| self.inside(byte));
                }
                Some(_) => at += self.inside(piece[at]),
                None => {
                    if piece[at] == b'"' {
                        let room = self.most.saturating_sub(self.kept.len()) / 2;
                        let end = self.kept.len() + room.max(SHORT);
                        self.string = Some(Text { end, is_kept: true, escape: 0 });
                    }
                    self.keep(piece[at]);
                    at += 1;
                }
            }
        }
    }

    /// Takes a byte of a string, or its last quote. Returns 1, for that one byte.
    fn inside(&mut self, byte: u8) -> usize {
        let Some(text) = &mut self.string else { return 0 };
        match text.escape {
            0 => {
                let is_between = byte & 0xC0 != 0x80 && !ends_in_half(&self.kept);
                text.is_kept &= self.kept.len() < text.end || !is_between;
                match byte {
                    b'"' => self.string = None,
                    b'\\' => text.escape = 1,
                    _ => {}
                }
            }
            1 if byte == b'u' => text.escape = 4,
            _ => text.escape -= 1,
        }
        if self.string.as_ref().is_none_or(|text| text.is_kept) {
            self.keep(byte);
        }
        1
    }

    fn keep(&mut self, byte: u8) {
        self.is_full = self.kept.len() == self.most;
        if !self.is_full {
            self.kept.push(byte);
        }
    }
}

/// Whether the last escape is the first of two that are one character.
fn ends_in_half(text: &[u8]) -> bool {
    let escape = text.last_chunk::<6>();
    escape.is_some_and(|[slash, u, d, half, ..]| {
        (slash, u, d | 0x20) == (&b'\\', &b'u', b'd') && b"89abAB".contains(half)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condensed(record: &str, most: usize) -> (String, u64) {
        let Condensed { bytes, cut } = condense(record.as_bytes(), most).unwrap();
        (String::from_utf8(bytes).unwrap(), cut)
    }

    #[test]
    fn long_strings_are_cut_and_the_record_stays_one() {
        let short = r#"{"a":"b\"\u00e9","c":[1,{}]}"#;
        assert_eq!(condensed(short, 1000), (short.to_owned(), 0));
        let fills = ["x", "é", "日", "😀", "\\n", "\\\"", "\\\\", "\\u00e9", "\\ud83d\\ude00"];
        for (fill, odd) in fills.iter().flat_map(|fill| (0..9).map(move |odd| (fill, odd))) {
            let long = "x".repeat(odd) + &fill.repeat(5_000);
            let record = format!(r#"{{"a":"{long}","b":["{long}"],"{long}":1,"time":"now"}}"#);
            let (text, cut) = condensed(&record, 2_000);
            assert!(text.len() <= 2_000 && text.len() as u64 + cut == record.len() as u64);
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["time"], "now");
            let of = |at: &serde_json::Value| at.as_str().unwrap().chars().count();
            assert!(of(&value["a"]) > 80 && of(&value["b"][0]) > 20, "{text}");
        }
    }

    #[test]
    fn nothing_is_left_of_a_record_that_is_long_without_its_strings() {
        let record = format!("{{\"a\":[{}0]}}", "0,".repeat(1_000));
        assert_eq!(condensed(&record, 500), (String::new(), record.len() as u64));
        assert_eq!(condensed(&record, record.len()), (record, 0));
    }
}
