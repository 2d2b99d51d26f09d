//! A text copied from JSON, and into it.

use wide::u8x16;

use super::chunks::{PART, first};

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

#[cfg(test)]
mod tests {
    use super::*;

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
