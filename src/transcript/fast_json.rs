//! A quick proof that lines are records, as programs write them: JSON objects without blanks.
//!
//! It may fail to prove a record, but never proves any other line; serde_json decides about the
//! rest. As in simdjson, 64 bytes are examined at once, as the bits of a word. So strings cost next
//! to nothing; the bytes outside of them go through a table one by one.

use memchr::memchr;
use wide::u8x16;

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

/// The bytes at `at`, as one chunk.
#[inline]
fn parts_at(bytes: &[u8], at: usize) -> Parts {
    let rest = &bytes[at..];
    match rest.first_chunk() {
        Some(chunk) => parts(chunk),
        None => {
            let mut padded = [b' '; WIDE];
            padded[..rest.len()].copy_from_slice(rest);
            parts(&padded)
        }
    }
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

/// Copies the `bytes` before the first backslash. Returns how many those are.
#[inline]
pub(crate) fn copy_plain(bytes: &[u8], into: &mut Vec<u8>) -> usize {
    copy_until(bytes, |part| part.simd_eq(u8x16::splat(b'\\')), into)
}

/// Writes `text` as JSON, as serde_json does.
pub(crate) fn quote(text: &str, into: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    into.reserve(bytes.len() + bytes.len() / 8 + 2 * PART);
    into.push(b'"');
    let mut at = 0;
    loop {
        let special = |part: u8x16| {
            let [quote, slash, blank] = [b'"', b'\\', b' '].map(u8x16::splat);
            part.simd_eq(quote) | part.simd_eq(slash) | part.simd_lt(blank)
        };
        at += copy_until(&bytes[at..], special, into);
        let Some(&byte) = bytes.get(at) else { break };
        at += 1;
        let sign = match byte {
            b'\n' => b'n',
            b'\t' => b't',
            b'\r' => b'r',
            0x8 => b'b',
            0xc => b'f',
            b'"' | b'\\' => byte,
            _ => {
                into.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                continue;
            }
        };
        into.extend_from_slice(&[b'\\', sign]);
    }
    into.push(b'"');
}

/// Copies the `bytes` before the first one that is among the `ends`. Returns how many those are.
///
/// Sixteen are copied at a time, and what is too much is taken back: that is quicker than to copy as
/// many as needed.
#[inline]
fn copy_until(bytes: &[u8], ends: impl Fn(u8x16) -> u8x16, into: &mut Vec<u8>) -> usize {
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        let mut padded = [b' '; PART];
        let (part, length) = match rest.first_chunk::<PART>() {
            Some(part) => (part, PART),
            None => {
                padded[..rest.len()].copy_from_slice(rest);
                (&padded, rest.len())
            }
        };
        let count = first(ends(u8x16::from(*part))).min(length);
        let end = into.len() + count;
        into.extend_from_slice(part);
        into.truncate(end);
        at += count;
        if count < PART {
            return at;
        }
    }
}

/// How many bytes are examined at once at least.
const PART: usize = 16;

/// The first byte that is all ones; 16 without one.
#[inline]
fn first(part: u8x16) -> usize {
    (part.to_bitmask().trailing_zeros() as usize).min(PART)
}

/// How many bytes are examined at once.
const WIDE: usize = 64;

/// Which bytes are inside of strings.
#[derive(Default)]
struct Strings {
    /// All ones when the last byte is inside of a string.
    inside: u64,
    /// 1 when the last byte is a backslash that escapes the next one.
    escaped: u64,
    /// A byte of the chunk is not ASCII.
    wide: bool,
}

impl Strings {
    /// The tokens in `chunk`, which is the start of `rest`: the bytes outside of strings, and for
    /// each string the quote that opens it. `None` when a string holds a byte or an escape that it
    /// must not.
    #[inline]
    fn tokens(&mut self, chunk: &[u8; WIDE], rest: &[u8]) -> Option<u64> {
        let parts = parts(chunk);
        let slashes = find(&parts, b'\\');
        let escaped = self.escaped(slashes);
        let quotes = find(&parts, b'"');
        if escaped != 0 {
            let [n, t] = [b'n', b't'].map(u8x16::splat);
            let usual = mask(&parts, |part| part.simd_eq(n) | part.simd_eq(t));
            are_escapes(escaped & !(usual | quotes | slashes), rest)?;
        }
        let quotes = quotes & !escaped;
        let inside = self.inside(quotes);

        let all = parts.iter().fold(u8x16::splat(0), |all, &part| all | part);
        self.wide = all.to_bitmask() != 0;
        let blank = u8x16::splat(b' ');
        let least = parts.iter().fold(blank, |least, &part| least.min(part));
        if least != blank {
            let control = mask(&parts, |part| part.simd_lt(blank));
            if control & inside != 0 {
                return None;
            }
        }
        Some(!inside ^ quotes)
    }

    /// The quotes in a chunk that begin or end a string.
    #[inline]
    fn quotes(&mut self, parts: &Parts) -> u64 {
        find(parts, b'"') & !self.escaped(find(parts, b'\\'))
    }

    /// The bytes that are inside of strings between these `quotes`, the first quote of each included.
    #[inline]
    fn inside(&mut self, quotes: u64) -> u64 {
        let inside = up_to_each(quotes) ^ self.inside;
        self.inside = 0u64.wrapping_sub(inside >> 63);
        inside
    }

    /// The bytes that a backslash escapes. A backslash that is itself escaped escapes nothing: a
    /// subtraction carries through each run of backslashes, and so separates odd places from even
    /// ones.
    #[inline]
    fn escaped(&mut self, slashes: u64) -> u64 {
        const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
        if slashes | self.escaped == 0 {
            return 0;
        }
        let begun = slashes & !self.escaped;
        let turns = (begun << 1 | ODD).wrapping_sub(begun) ^ ODD;
        let escaped = turns ^ (slashes | self.escaped);
        self.escaped = (turns & slashes) >> 63;
        escaped
    }
}

/// A chunk as it is examined.
type Parts = [u8x16; WIDE / PART];

#[inline]
fn parts(chunk: &[u8; WIDE]) -> Parts {
    let part = |n: usize| u8x16::from(chunk.as_chunks::<PART>().0[n]);
    [part(0), part(1), part(2), part(3)]
}

/// The bytes for which `is` is all ones.
#[inline]
fn mask(parts: &Parts, is: impl Fn(u8x16) -> u8x16) -> u64 {
    let bits = |n: usize| u64::from(is(parts[n]).to_bitmask()) << (PART * n);
    bits(0) | bits(1) | bits(2) | bits(3)
}

#[inline]
fn find(parts: &Parts, byte: u8) -> u64 {
    mask(parts, |part| part.simd_eq(u8x16::splat(byte)))
}

/// For each bit, whether the number of ones up to and including it is odd.
fn up_to_each(bits: u64) -> u64 {
    [1, 2, 4, 8, 16, 32].into_iter().fold(bits, |sum, by| sum ^ sum << by)
}

/// Whether the bytes of `rest` at these `places` may follow a backslash.
fn are_escapes(mut places: u64, rest: &[u8]) -> Option<()> {
    while places != 0 {
        let at = places.trailing_zeros() as usize;
        match rest.get(at)? {
            b'/' | b'b' | b'f' | b'r' => {}
            b'u' if rest.get(at + 1..at + 5)?.iter().all(u8::is_ascii_hexdigit) => {}
            _ => return None,
        }
        places &= places - 1;
    }
    Some(())
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
    #[test]
    fn a_text_is_quoted_as_serde_json_quotes_it() {
        let odd = "\"\\/\u{0}\u{7}\u{8}\t\n\u{b}\u{c}\r\u{1f} \u{7f}é日😀";
        for fill in 0..40 {
            for text in ["", odd, &odd.repeat(5)] {
                let text = format!("{}{text}{}", "x".repeat(fill), "y".repeat(fill / 2));
                let mut quoted = b"before".to_vec();
                quote(&text, &mut quoted);
                let want = format!("before{}", serde_json::Value::from(text));
                assert_eq!(String::from_utf8(quoted).unwrap(), want);
            }
        }
    }
}
