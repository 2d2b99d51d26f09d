//! What makes a line a record: one JSON object.
//!
//! A line is checked, not read: nothing is built from it, so that a large transcript passes at
//! nearly the speed of its copying. [`compact`] proves quickly what nearly every line is, JSON as
//! programs write it; serde_json decides about all others, and says what is wrong with them.

use serde::de::IgnoredAny;

mod compact;

/// Whether `line` is one JSON object in UTF-8; the error says why not, in a few words.
pub fn record(line: &[u8]) -> Result<(), String> {
    if compact::is_object(line) {
        return Ok(());
    }
    slowly(line)
}

fn slowly(line: &[u8]) -> Result<(), String> {
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

    /// The quick proof never proves what is not so, and proves what the real agents wrote.
    #[test]
    fn the_quick_proof_agrees_with_the_slow_one() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        const ODD: &[u8] = b"\"\\{}[]:,0-.eu \t\0\x80\xc3ntf";
        let mut state = 7u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % below
        };
        for version in ["claude-2.1.197", "claude-2.1.330", "codex-0.142.5", "codex-0.169.0"] {
            for name in ["tool", "compact"] {
                let path = folder.join(version).join(format!("{name}.jsonl"));
                for line in std::fs::read(path).unwrap().split(|&byte| byte == b'\n') {
                    assert!(line.is_empty() || compact::is_object(line));
                    for _ in 0..60 {
                        let mut other = line.to_vec();
                        for _ in 0..random(3) {
                            if other.is_empty() {
                                break;
                            }
                            let at = random(other.len());
                            match random(4) {
                                0 => drop(other.remove(at)),
                                1 => other.truncate(at),
                                2 => other[at] = ODD[random(ODD.len())],
                                _ => other.insert(at, ODD[random(ODD.len())]),
                            }
                        }
                        let quick = compact::is_object(&other);
                        assert!(!quick || slowly(&other).is_ok(), "{}", other.escape_ascii());
                    }
                }
            }
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
            let found = record(bad).unwrap_err();
            assert!(fault.is_empty() || found == fault, "{found}");
        }
    }
}
