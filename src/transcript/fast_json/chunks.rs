//! Sixty-four bytes at once, as the bits of a word: which of them are what, and inside of strings.

use wide::u8x16;

/// How many bytes are examined at once at least.
pub(super) const PART: usize = 16;

/// The first byte that is all ones; 16 without one.
#[inline]
pub(super) fn first(part: u8x16) -> usize {
    (part.to_bitmask().trailing_zeros() as usize).min(PART)
}

/// How many bytes are examined at once.
pub(super) const WIDE: usize = 64;

/// Which bytes are inside of strings.
#[derive(Default)]
pub(super) struct Strings {
    /// All ones when the last byte is inside of a string.
    pub(super) inside: u64,
    /// 1 when the last byte is a backslash that escapes the next one.
    escaped: u64,
    /// A byte of the chunk is not ASCII.
    pub(super) wide: bool,
}

impl Strings {
    /// The tokens in `chunk`, which is the start of `rest`: the bytes outside of strings, and for
    /// each string the quote that opens it. `None` when a string holds a byte or an escape that it
    /// must not.
    #[inline]
    pub(super) fn tokens(&mut self, chunk: &[u8; WIDE], rest: &[u8]) -> Option<u64> {
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
    pub(super) fn quotes(&mut self, parts: &Parts) -> u64 {
        find(parts, b'"') & !self.escaped(find(parts, b'\\'))
    }

    /// The bytes that are inside of strings between these `quotes`, the first quote of each included.
    #[inline]
    pub(super) fn inside(&mut self, quotes: u64) -> u64 {
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
pub(super) type Parts = [u8x16; WIDE / PART];

#[inline]
pub(super) fn parts(chunk: &[u8; WIDE]) -> Parts {
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
pub(super) fn find(parts: &Parts, byte: u8) -> u64 {
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

/// The bytes at `at`, as one chunk.
#[inline]
pub(super) fn parts_at(bytes: &[u8], at: usize) -> Parts {
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
