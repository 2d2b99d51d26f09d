//! Whether a line is a record: one JSON object.
//!
//! A line is checked without building anything from it. Only once it has failed is the reason
//! searched for.

use serde::de::IgnoredAny;

/// Whether `line` is one JSON object in UTF-8; the error says why not, in a few words.
pub fn record(line: &[u8]) -> Result<(), String> {
    if line.first() == Some(&b'{')
        && let Ok(text) = std::str::from_utf8(line)
        && serde_json::from_str::<IgnoredAny>(text).is_ok()
    {
        return Ok(());
    }
    fault(line)
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

#[cfg(test)]
mod tests {
    use super::*;

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
            let found = record(bad).unwrap_err();
            assert!(fault.is_empty() || found == fault, "{found}");
        }
    }
}
