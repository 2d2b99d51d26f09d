//! A quick proof that lines are records, as programs write them: JSON objects without blanks.
//!
//! It may fail to prove a record, but never proves any other line; serde_json decides about the
//! rest. As in simdjson, 64 bytes are examined at once, as the bits of a word. So strings cost next
//! to nothing; the bytes outside of them go through a table one by one.

use memchr::memchr;
use wide::u8x16;

mod chunks;
mod text;

use chunks::{PART, Strings, WIDE, find, first, parts_at};
pub(crate) use text::{copy_plain, quote};

/// The starts of the lines in `bytes` that are not proven to be records. `bytes` are whole lines.
pub fn suspects(bytes: &[u8]) -> Vec<usize> {
    let mut open = Vec::new();
    let mut at = 0;
    loop {
        at += prove(&bytes[at..]).0;
        let Some(newline) = memchr(b'\n', &bytes[at..]) else { return open };
        open.push(at);
        at += newline + 1;
    }
}

/// Whether `line`, without its newline, is proven to be a record.
pub(crate) fn is_record(line: &[u8]) -> bool {
    prove(line) == (0, true)
}

/// How many bytes at the start of `bytes` are proven to be records, whole lines; and whether the rest is
/// one, but for its newline.
fn prove(bytes: &[u8]) -> (usize, bool) {
    let mut proven = 0;
    let mut strings = Strings::default();
    let mut state = Expect::Line;
    // The open objects (1) and lists (0), the innermost in the lowest bit, after a leading 1.
    let mut open = 1u64;
    let mut table = &NEXT[1];
    // Something in the line is not ASCII.
    let mut wide = false;
    for (at, chunk) in (0..).step_by(WIDE).zip(bytes.chunks(WIDE)) {
        let mut padded = [b' '; WIDE];
        let length = chunk.len();
        let chunk = chunk.first_chunk().unwrap_or_else(|| {
            padded[..length].copy_from_slice(chunk);
            &padded
        });
        let Some(tokens) = strings.tokens(chunk, &bytes[at..]) else { return (proven, false) };
        let mut tokens = tokens & (u64::MAX >> (WIDE - length));
        wide |= strings.wide;
        while tokens != 0 {
            let token = tokens.trailing_zeros() as usize;
            tokens &= tokens - 1;
            let next = table[state as usize][chunk[token] as usize];
            state = match next {
                Expect::Object | Expect::List if open >> 63 == 0 => {
                    let object = next == Expect::Object;
                    open = open << 1 | u64::from(object);
                    table = &NEXT[usize::from(object)];
                    if object { Expect::FirstName } else { Expect::FirstItem }
                }
                Expect::Closed => {
                    open >>= 1;
                    table = &NEXT[(open & 1) as usize];
                    if open == 1 { Expect::End } else { Expect::After }
                }
                Expect::Proven => {
                    let end = at + token + 1;
                    if wide && std::str::from_utf8(&bytes[proven..end]).is_err() {
                        return (proven, false);
                    }
                    (proven, wide) = (end, strings.wide);
                    Expect::Line
                }
                Expect::Object | Expect::List | Expect::Open => return (proven, false),
                next => next,
            }
        }
    }
    let is_text = || !wide || std::str::from_utf8(&bytes[proven..]).is_ok();
    (proven, state == Expect::End && is_text())
}

/// The end of the string whose first quote is at `start`, and whether it may hold escapes.
#[inline]
pub(crate) fn string_end(bytes: &[u8], start: usize) -> Option<(usize, bool)> {
    if bytes.get(start) != Some(&b'"') {
        return None;
    }
    let mut from = start + 1;
    // Most strings are short and hold no escape.
    if let Some(part) = bytes.get(from..).and_then(<[u8]>::first_chunk::<PART>) {
        let part = u8x16::from(*part);
        let place = |byte: u8| first(part.simd_eq(u8x16::splat(byte)));
        let (quote, slash) = (place(b'"'), place(b'\\'));
        match quote < slash {
            true => return Some((from + quote + 1, false)),
            false => from += slash,
        }
    }
    long_string_end(bytes, from).map(|end| (end, true))
}

/// The end of a string that is open at `from`.
fn long_string_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut strings = Strings::default();
    for at in (from..bytes.len()).step_by(WIDE) {
        let quotes = strings.quotes(&parts_at(bytes, at));
        if quotes != 0 {
            return Some(at + quotes.trailing_zeros() as usize + 1);
        }
    }
    None
}

/// The end of the list or object whose bracket is at `start`, by brackets and strings alone.
pub(crate) fn brackets_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut strings = Strings::default();
    let mut depth = 0;
    for at in (start..bytes.len()).step_by(WIDE) {
        let parts = parts_at(bytes, at);
        let quotes = strings.quotes(&parts);
        if quotes == 0 && strings.inside != 0 {
            continue;
        }
        let outside = !strings.inside(quotes);
        // `[` and `{`, and their closing ones, differ in this bit alone.
        let lower = parts.map(|part| part | u8x16::splat(0x20));
        let (opening, closing) = (find(&lower, b'{') & outside, find(&lower, b'}') & outside);
        if opening | closing == 0 {
            continue;
        }
        if closing.count_ones() < depth {
            depth = depth + opening.count_ones() - closing.count_ones();
            continue;
        }
        let mut brackets = opening | closing;
        while brackets != 0 {
            let bracket = brackets & brackets.wrapping_neg();
            brackets ^= bracket;
            depth = if opening & bracket != 0 { depth + 1 } else { depth - 1 };
            if depth == 0 {
                return Some(at + bracket.trailing_zeros() as usize + 1);
            }
        }
    }
    None
}

/// What may come next; from `Object` on, what the byte does.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Expect {
    Line,
    FirstName,
    Name,
    Colon,
    Value,
    FirstItem,
    After,
    End,
    Minus,
    Zero,
    Digits,
    Point,
    Fraction,
    E,
    Sign,
    Exponent,
    T,
    Tr,
    Tru,
    F,
    Fa,
    Fal,
    Fals,
    N,
    Nu,
    Nul,
    Object,
    List,
    Closed,
    Proven,
    /// Not proven.
    Open,
}

/// The tables for a list and for an object: the next state, by state and byte.
static NEXT: [Table; 2] = [table(Expect::Value, b"]"), table(Expect::Name, b"}")];

type Table = [[Expect; 256]; Expect::Open as usize + 1];

/// The bytes that lead to a state, and that state.
type Branch<'a> = (&'a [u8], Expect);

const fn table(after_comma: Expect, closing: &'static [u8]) -> Table {
    use Expect::*;
    let value: &[Branch<'_>] = &[
        (b"\"", After),
        (b"{", Object),
        (b"[", List),
        (b"-", Minus),
        (b"0", Zero),
        (b"123456789", Digits),
        (b"t", T),
        (b"f", F),
        (b"n", N),
    ];
    let after: &[Branch<'_>] = &[(b",", after_comma), (closing, Closed)];
    let digits = b"0123456789";
    let rules: &[(Expect, &[Branch<'_>])] = &[
        (Line, &[(b"{", Object)]),
        (FirstName, &[(b"\"", Colon), (b"}", Closed)]),
        (Name, &[(b"\"", Colon)]),
        (Colon, &[(b":", Value)]),
        (Value, value),
        (FirstItem, value),
        (FirstItem, &[(b"]", Closed)]),
        (After, after),
        (End, &[(b"\n", Proven)]),
        (Minus, &[(b"0", Zero), (b"123456789", Digits)]),
        (Zero, &[(b".", Point), (b"eE", E)]),
        (Zero, after),
        (Digits, &[(digits, Digits), (b".", Point), (b"eE", E)]),
        (Digits, after),
        (Point, &[(digits, Fraction)]),
        (Fraction, &[(digits, Fraction), (b"eE", E)]),
        (Fraction, after),
        (E, &[(b"+-", Sign), (digits, Exponent)]),
        (Sign, &[(digits, Exponent)]),
        (Exponent, &[(digits, Exponent)]),
        (Exponent, after),
        (T, &[(b"r", Tr)]),
        (Tr, &[(b"u", Tru)]),
        (Tru, &[(b"e", After)]),
        (F, &[(b"a", Fa)]),
        (Fa, &[(b"l", Fal)]),
        (Fal, &[(b"s", Fals)]),
        (Fals, &[(b"e", After)]),
        (N, &[(b"u", Nu)]),
        (Nu, &[(b"l", Nul)]),
        (Nul, &[(b"l", After)]),
    ];
    let mut table = [[Open; 256]; Open as usize + 1];
    let mut rule = 0;
    while rule < rules.len() {
        let (state, branches) = rules[rule];
        let mut branch = 0;
        while branch < branches.len() {
            let (bytes, next) = branches[branch];
            let mut n = 0;
            while n < bytes.len() {
                table[state as usize][bytes[n] as usize] = next;
                n += 1;
            }
            branch += 1;
        }
        rule += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_proven_and_what_is_left_open() {
        let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        for good in [
            "{}",
            r#"{"a":1,"":{}}"#,
            r#"{"a":[1,-2.5e+3,0,-0.10E7,{"b":[]},[[]],"x",true,false,null],"c":{"":0}}"#,
            r#"{"a":"\" \\ \/ \b \f \n \r \t \u00e9 \ud800\\\"","é":"日本 \\"}"#,
            &deep(61),
        ] {
            // At every place in a chunk, and with every number of other lines before.
            for fill in 0..70 {
                let line = format!("{{\"{}\":{good}}}\n{good}\n", "x".repeat(fill));
                assert_eq!(prove(line.as_bytes()), (line.len(), false), "{line}");
                let proven = line.len() - good.len() - 1;
                assert_eq!(prove(line.trim_end().as_bytes()), (proven, true), "no newline");
                assert_eq!(string_end(line.as_bytes(), 1).unwrap().0, 3 + fill);
                assert_eq!(brackets_end(line.as_bytes(), 0), Some(proven - 1));
                assert_eq!(brackets_end(line.as_bytes(), proven), Some(line.len() - 1));
                assert!(is_record(good.as_bytes()) && !is_record(line.as_bytes()));
            }
        }
        let deep = deep(63);
        for open in [
            "",
            " {}",
            "{} ",
            "{}{}",
            "{}}",
            "{,}",
            "[]",
            "1",
            "{",
            "{]",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":[1}}"#,
            r#"{"a":{"b":1]}"#,
            "{a:1}",
            r#"{"a" :1}"#,
            r#"{"a":01}"#,
            r#"{"a":-}"#,
            r#"{"a":1.}"#,
            r#"{"a":.1}"#,
            r#"{"a":1e}"#,
            r#"{"a":+1}"#,
            r#"{"a":1"b":2}"#,
            r#"{"a":nul}"#,
            r#"{"a":truee}"#,
            r#"{"a":"\x"}"#,
            r#"{"a":"\u12g4"}"#,
            r#"{"a":"\u12"}"#,
            r#"{"a\":1}"#,
            r#"{"a":1}\n"#,
            "{\"a\":\"\t\"}",
            "{\"a\":\"\u{1f}\"}",
            "{\"a\":\"\n\"}",
            "{\0}",
            &deep,
        ] {
            for fill in 0..70 {
                let before = format!("{{\"{}\":0}}\n", "x".repeat(fill));
                let lines = format!("{before}{open}\n{{}}\n");
                assert!(suspects(lines.as_bytes()).contains(&before.len()), "{open}");
                assert!(!is_record(open.as_bytes()), "{open}");
            }
        }
    }
}
