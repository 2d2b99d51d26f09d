//! A quick proof that bytes are one JSON object, as programs write it.
//!
//! It may fail to prove what is so (JSON with more blanks than one after a comma or colon, or nested
//! deeper than 64), and never proves what is not. Bytes are looked at many at a time: first all of
//! them for what no such line holds, a control character or broken UTF-8, then the strings for
//! their ends. Only what stands between strings is looked at one by one.

use memchr::memchr2;

/// Whether it is proven that `line` is one JSON object in UTF-8.
pub(super) fn is_object(line: &[u8]) -> bool {
    line.first() == Some(&b'{') && is_text(line) && Cursor { bytes: line, at: 0 }.object().is_some()
}

/// Whether it is UTF-8 without control characters.
fn is_text(bytes: &[u8]) -> bool {
    // No branch inside: the compiler looks at a register full of bytes at a time.
    let (low, high) = bytes.iter().fold((u8::MAX, 0), |(low, high), &b| (low.min(b), high | b));
    low >= b' ' && (high < 0x80 || std::str::from_utf8(bytes).is_ok())
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// `None`: not proven.
type Proof = Option<()>;

impl Cursor<'_> {
    /// A whole object, and nothing after it.
    fn object(mut self) -> Proof {
        // What is open, innermost last: a 1 for an object, a 0 for a list, below a first 1.
        let mut open = 1u64;
        loop {
            match self.take()? {
                b'"' => self.string()?,
                b'{' => {
                    open = push(open, 1)?;
                    if self.peek()? != b'}' {
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    open = push(open, 0)?;
                    if self.peek()? != b']' {
                        continue;
                    }
                }
                b't' => self.word(b"rue")?,
                b'f' => self.word(b"alse")?,
                b'n' => self.word(b"ull")?,
                first @ (b'-' | b'0'..=b'9') => self.number(first)?,
                _ => return None,
            }
            // A value is over: what holds it goes on or is over, too.
            loop {
                match (self.take()?, open & 1 == 1) {
                    (b',', in_object) => {
                        self.blank();
                        if in_object {
                            self.key()?;
                        }
                        break;
                    }
                    (b'}', true) | (b']', false) => open >>= 1,
                    _ => return None,
                }
                if open == 1 {
                    return (self.at == self.bytes.len()).then_some(());
                }
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn blank(&mut self) {
        self.at += usize::from(self.peek() == Some(b' '));
    }

    /// A name and its colon.
    fn key(&mut self) -> Proof {
        (self.take()? == b'"').then_some(())?;
        self.string()?;
        (self.take()? == b':').then_some(())?;
        self.blank();
        Some(())
    }

    /// The rest of a string, behind its first quote.
    fn string(&mut self) -> Proof {
        loop {
            let rest = &self.bytes[self.at..];
            let length = ends_soon(rest).or_else(|| memchr2(b'"', b'\\', rest))?;
            let found = rest[length];
            self.at += length + 1;
            if found == b'"' {
                return Some(());
            }
            match self.take()? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                b'u' => {
                    let hex = self.bytes.get(self.at..self.at + 4)?;
                    hex.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                    self.at += 4;
                }
                _ => return None,
            }
        }
    }

    fn word(&mut self, rest: &[u8]) -> Proof {
        self.bytes[self.at..].starts_with(rest).then_some(())?;
        self.at += rest.len();
        Some(())
    }

    fn number(&mut self, first: u8) -> Proof {
        let first = if first == b'-' { self.take()? } else { first };
        if !first.is_ascii_digit() || (first == b'0' && self.peek()?.is_ascii_digit()) {
            return None;
        }
        self.digits();
        if self.peek()? == b'.' {
            self.at += 1;
            (self.digits() > 0).then_some(())?;
        }
        if matches!(self.peek()?, b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.peek()?, b'+' | b'-'));
            (self.digits() > 0).then_some(())?;
        }
        Some(())
    }

    fn digits(&mut self) -> usize {
        let rest = &self.bytes[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }
}

fn push(open: u64, what: u64) -> Option<u64> {
    (open >> 63 == 0).then_some(open << 1 | what)
}

/// How far the next quote or backslash is, if it is among the first few bytes: most strings are
/// names, too short to be worth the call of a function made for long ones.
fn ends_soon(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    // The lowest set bit is that of the first byte that is zero.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    for start in [0, 8, 16] {
        let word = u64::from_le_bytes(bytes.get(start..start + 8)?.try_into().ok()?);
        let found = zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return Some(start + (found.trailing_zeros() / 8) as usize);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::is_object;

    #[test]
    fn what_is_proven() {
        for good in [
            r#"{}"#,
            r#"{"a":1}"#,
            r#"{"a": [1, -2.5e+3, 0, 0.1, {"b": []}, "x", true, false, null], "c": {}}"#,
            r#"{"a":"\" \\ \/ \b \f \n \r \t \u00e9","é":"日本 and a text that is long enough"}"#,
        ] {
            assert!(is_object(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "[]",
            "{",
            "{}}",
            "{} ",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{a:1}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":[}]}"#,
            r#"{"a":01}"#,
            r#"{"a":-}"#,
            r#"{"a":1.}"#,
            r#"{"a":1e}"#,
            r#"{"a":.5}"#,
            r#"{"a":nul}"#,
            r#"{"a":"\x"}"#,
            r#"{"a":"\u12g4"}"#,
            r#"{"a":"b}"#,
            r#"{"a":"b\"}"#,
            "{\"a\":\"\t\"}",
            "{\"a\":\"\0\"}",
            r#"{"a":{"b":1]}"#,
            r#"{"a":1}{"b":2}"#,
            r#"{"a":[1 2]}"#,
            r#"{1:2}"#,
        ] {
            assert!(!is_object(bad.as_bytes()), "{bad}");
        }
        assert!(!is_object(b"{\"a\":\"\xff\"}"));
        let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert!(is_object(deep(60).as_bytes()));
        assert!(!is_object(deep(70).as_bytes()), "left to the slow proof");
    }
}
