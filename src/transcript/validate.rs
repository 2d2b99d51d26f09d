//! Whether a line is a record: one JSON object; and what else may stand on a line.
//!
//! A line is checked without building anything from it. Only once it has failed is the reason
//! searched for. A crash can leave half a record without a newline; what is written next then stands on
//! the same line, and is not lost with it.

use std::{
    io::{self, BufRead, BufReader, Read},
    ops::Range,
    path::Path,
};

use serde::de::IgnoredAny;

use super::{
    fast_json,
    field::{Field, is_one_object},
    lines::Line,
};

/// Whether `line` is one JSON object in UTF-8; the error says why not, in a few words.
pub fn record(line: &[u8]) -> Result<(), String> {
    if fast_json::is_record(line) { Ok(()) } else { fault(line) }
}

/// Whether what `line` gives is one JSON object in UTF-8. It is never held whole.
pub(crate) fn is_record_in(line: impl Read) -> bool {
    let mut line = BufReader::new(Utf8 { from: line, begun: Vec::new() });
    let is_object = line.fill_buf().is_ok_and(|bytes| bytes.first() == Some(&b'{'));
    is_object && serde_json::from_reader::<_, IgnoredAny>(line).is_ok()
}

/// Passes on what `from` gives, as long as that is UTF-8.
struct Utf8<R> {
    from: R,
    /// The first bytes of a character whose end has not come.
    begun: Vec<u8>,
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        self.begun.extend_from_slice(&into[..count]);
        let whole = match std::str::from_utf8(&self.begun) {
            Ok(text) => text.len(),
            Err(e) if e.error_len().is_none() && count > 0 => e.valid_up_to(),
            Err(e) => return Err(io::Error::new(io::ErrorKind::InvalidData, e)),
        };
        self.begun.drain(..whole);
        Ok(count)
    }
}

/// Why `line` is not one JSON object in UTF-8, if so.
fn fault(line: &[u8]) -> Result<(), String> {
    // Before UTF-8: a NUL is UTF-8, and a file that was cut by a crash is full of them.
    let text = match std::str::from_utf8(line) {
        _ if line.contains(&0) => return Err("it holds NUL bytes".to_owned()),
        Ok(text) => text,
        Err(e) => return Err(format!("it is not UTF-8 at its byte {}", e.valid_up_to())),
    };
    match text.trim_ascii_start().bytes().next() {
        None => return Err("it is blank".to_owned()),
        Some(b'{') => {}
        Some(_) => return Err("it is not a JSON object".to_owned()),
    }
    serde_json::from_str::<IgnoredAny>(text).map(drop).map_err(|e| {
        // serde_json ends its text with a line number, which is always 1 here.
        let text = e.to_string();
        let fault = text.split(" at line ").next().unwrap_or_default();
        format!("it is not JSON: {fault} at its byte {}", e.column())
    })
}

/// A piece of a line that is not one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Where it is in the line.
    pub(crate) at: Range<usize>,
    /// Why it is no record, if it is none.
    pub(crate) fault: Option<String>,
}

/// The pieces of a line that is not one record: whole records, and what is damaged between them.
pub(crate) fn pieces(line: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut effort = EFFORT * line.len();
    loop {
        at += line[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if at == line.len() {
            return pieces;
        }
        let end = at + object(&line[at..], &mut effort);
        if end > at {
            pieces.push(Piece { at: at..end, fault: None });
            at = end;
            continue;
        }
        let next = next_record(line, at, &mut effort).unwrap_or(line.len());
        let fault = fault(&line[at..next]).err();
        pieces.push(Piece { at: at..next, fault: Some(fault.unwrap_or_default()) });
        at = next;
    }
}

/// The records on a line: one, as a rule. A line that is one object by its brackets is taken for a
/// record whatever else is wrong with it.
pub(crate) fn records(line: &[u8]) -> Vec<&[u8]> {
    if is_one_object(line) {
        return vec![line];
    }
    let whole = pieces(line).into_iter().filter(|piece| piece.fault.is_none());
    whole.map(|piece| &line[piece.at]).collect()
}

/// The records on a line: one, as a rule. A note says what else is on it, and where.
pub(crate) fn whole_records<'l>(
    path: &Path,
    line: Line<'l>,
    note: &mut dyn FnMut(&str),
) -> Vec<&'l [u8]> {
    let Err(fault) = record(line.bytes) else { return vec![line.bytes] };
    let pieces = pieces(line.bytes);
    let path = path.display();
    if pieces.iter().all(|piece| piece.fault.is_some()) {
        note(&format!("{path}: offset {}: skipped: {fault}", line.offset));
        return Vec::new();
    }
    let mut records = Vec::new();
    for piece in pieces {
        let Some(fault) = piece.fault else {
            records.push(&line.bytes[piece.at]);
            continue;
        };
        let (offset, count) = (line.offset + piece.at.start as u64, piece.at.len());
        note(&format!("{path}: offset {offset}: skipped {count} bytes: {fault}"));
    }
    records
}

/// How many times over a damaged line is searched for records at most.
const EFFORT: usize = 32;

/// Where the record behind the damage at `from` begins.
///
/// What is cut off inside a string is told by its quotes. Between values, an object that stands where no
/// value may begin is a record; if there is none, it may have been cut off just before a value, and then
/// the record is the first object with a type behind which nothing but objects follow.
fn next_record(line: &[u8], from: usize, effort: &mut usize) -> Option<usize> {
    let mut inner = None;
    for start in memchr::memmem::find_iter(&line[from + 1..], b"{\"").map(|at| from + 1 + at) {
        let length = object(&line[start..], effort);
        if length == 0 {
            continue;
        }
        let before = line[..start].trim_ascii_end().last();
        if !before.is_some_and(|byte| b":,[".contains(byte)) {
            return Some(start);
        }
        if Field::of(&line[start..]).get("type").text().is_none() {
            continue;
        }
        let mut rest = line[start + length..].trim_ascii_start();
        while !rest.is_empty() && inner.is_none() {
            match object(rest, effort) {
                0 => break,
                length => rest = rest[length..].trim_ascii_start(),
            }
        }
        if rest.is_empty() {
            inner = inner.or(Some(start));
        }
    }
    inner
}

/// The length of the JSON object in UTF-8 that begins `bytes`; 0 without one, or without any `effort`
/// left.
fn object(bytes: &[u8], effort: &mut usize) -> usize {
    if bytes.first() != Some(&b'{') || *effort == 0 {
        return 0;
    }
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    let (is_whole, tried) = match values.next() {
        Some(Ok(_)) => (true, values.byte_offset()),
        Some(Err(e)) => (false, e.column()),
        None => (false, 0),
    };
    *effort = effort.saturating_sub(tried.max(1));
    if is_whole && std::str::from_utf8(&bytes[..tried]).is_ok() { tried } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records on the line, and the damage between them as `!`.
    fn parts(line: &[u8]) -> Vec<&str> {
        let part = |piece: Piece| match piece.fault {
            Some(fault) if fault.is_empty() => "?",
            Some(_) => "!",
            None => std::str::from_utf8(&line[piece.at]).unwrap(),
        };
        pieces(line).into_iter().map(part).collect()
    }

    #[test]
    fn a_record_is_found_behind_another_and_behind_half_of_one_cut_anywhere() {
        let half =
            r#"{"a":"x {\"b\":1} \\","b":[{"c":{"d":1}},{"e":-1.5e3}],"f":{"g":true,"h":{}}}"#;
        let good = r#"{"type":"user","m":{"c":"{\"q\":1}","n":[{"k":2}]}}"#;
        assert_eq!(parts([half, good].concat().as_bytes()), [half, good]);
        assert_eq!(parts([good, " ", good, "\r"].concat().as_bytes()), [good, good]);
        for cut in 1..half.len() {
            let line = [&half[..cut], good].concat();
            assert_eq!(parts(line.as_bytes()), ["!", good], "{line}");
            assert_eq!(records(line.as_bytes()), [good.as_bytes()], "{line}");
            let line = [good, &half[..cut]].concat();
            assert_eq!(parts(line.as_bytes()), [good, "!"], "{line}");
        }
        let nulls = [&[0; 300][..], good.as_bytes(), b"\xff\xff"].concat();
        assert_eq!(parts(&nulls), ["!", good, "!"]);
        assert_eq!(pieces(&nulls)[0].at, 0..300);
        assert_eq!(parts(b"no record"), ["!"]);
        assert!(parts(b" \t").is_empty());
    }

    #[test]
    fn a_damaged_line_is_searched_for_so_long_and_no_longer() {
        for part in ["{\"a\":", "{\"", "[{\"a\":1},", "{"] {
            let line = part.repeat(200_000);
            let clock = std::time::Instant::now();
            assert!(pieces(line.as_bytes()).iter().any(|piece| piece.fault.is_some()), "{part}");
            assert!(clock.elapsed().as_secs() < 20, "{part}: {:?}", clock.elapsed());
        }
    }

    /// Gives one byte at a time.
    struct Slowly<'a>(&'a [u8]);

    impl Read for Slowly<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0.read(&mut into[..1])
        }
    }

    #[test]
    fn a_line_that_comes_in_pieces_is_checked_like_any_other() {
        let good = "{\"a\":\"é日😀 \\ud83d\\n\",\"b\":[1e999,{}]}\r\n";
        assert!(is_record_in(good.as_bytes()) && is_record_in(Slowly(good.as_bytes())));
        for cut in 1..good.trim_end().len() {
            assert!(!is_record_in(Slowly(&good.as_bytes()[..cut])), "{cut}");
            let odd = [&good.as_bytes()[..cut], b"\xe9", &good.as_bytes()[cut..]].concat();
            assert!(!is_record_in(Slowly(&odd)), "{cut}");
        }
    }

    #[test]
    fn objects_pass_and_all_else_is_named() {
        for good in ["{}", " {\"a\":[1,{\"b\":\"\u{e9}\\ud83d\\ude00\"}]} \r", "{\"a\":1,\"a\":2}"]
        {
            assert_eq!(record(good.as_bytes()), Ok(()), "{good}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(record(deep.as_bytes()), Ok(()));
        for (bad, fault) in [
            (&b""[..], "it is blank"),
            (b" \t\r", "it is blank"),
            (b"\0\0", "it holds NUL bytes"),
            (b"{\"a\":\"\xff\"}", "it is not UTF-8 at its byte 6"),
            (b"[1]", "it is not a JSON object"),
            (b"null", "it is not a JSON object"),
            (b"{\"a\":1", "it is not JSON: EOF while parsing an object at its byte 6"),
            (b"{} {}", "it is not JSON: trailing characters at its byte 4"),
            (b"{\"a\":\"\t\"}", ""),
        ] {
            assert!(!is_record_in(bad), "{fault}");
            let found = record(bad).unwrap_err();
            assert!(fault.is_empty() || found == fault, "{found}");
        }
    }
}
