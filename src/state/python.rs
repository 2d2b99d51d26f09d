//! JSON as Python's `json.dump(…, indent=2)` writes it, byte for byte.

use std::fmt::Write as _;

use serde::Serialize;

/// The text that Python's `json.dump(value, indent=2)` writes.
pub(crate) fn encode(value: &(impl Serialize + ?Sized)) -> String {
    let pretty = serde_json::to_string_pretty(value).expect("a JSON value serialises into memory");
    let mut text = String::with_capacity(pretty.len());
    for c in pretty.chars() {
        // Python escapes all that is not ASCII, and DEL, too. Both stand only in strings.
        if c < '\u{7f}' {
            text.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            _ = write!(text, "\\u{unit:04x}");
        }
    }
    text
}
