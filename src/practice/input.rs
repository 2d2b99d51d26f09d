//! From the terminal's bytes to keys. Pure: the same bytes give the same keys, however they are cut
//! into reads.
//!
//! A lone ESC is a key only when nothing follows it for [`ESCAPE_WAIT`]. ESC and the byte right
//! behind it are that byte with Meta, which is ignored. So Escape and C-c sent together do nothing,
//! as in Claude Code.

use std::time::Duration;

/// How long a lone ESC waits for the rest of a sequence.
/// See claude/FACTS.md, "Keys that interrupt".
pub(crate) const ESCAPE_WAIT: Duration = Duration::from_millis(50);

/// A key, or a whole paste.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A character that is not a control character.
    Char(char),
    /// Return: submit, or pick.
    Enter,
    /// C-j: a newline in the box.
    Newline,
    /// Backspace.
    Backspace,
    /// Cursor up.
    Up,
    /// Cursor down.
    Down,
    /// A lone ESC.
    Escape,
    /// C-c.
    Interrupt,
    /// C-u: delete to the start of the line.
    KillLine,
    /// A bracketed paste, as it came.
    Paste(String),
}

/// The parser, by the bytes that it has read last.
#[derive(Debug, Default)]
pub(crate) enum Parser {
    /// Between two keys.
    #[default]
    Ground,
    /// The start of a UTF-8 character, and how many bytes it has.
    Utf8(Vec<u8>, usize),
    /// After ESC.
    Escape,
    /// After `ESC O`.
    Ss3,
    /// After `ESC [`.
    Csi(Vec<u8>),
    /// After `ESC [ 200 ~`.
    Paste(Vec<u8>),
}

const PASTE_END: &[u8] = b"\x1b[201~";

impl Parser {
    /// The keys that `bytes` complete, with the bytes fed before.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<Key> {
        let (mut keys, mut rest) = (Vec::new(), bytes);
        while let Some((&byte, after)) = rest.split_first() {
            if let Parser::Paste(text) = self {
                // Only a `~` can end a paste: everything before it is taken at once.
                let plain = rest.iter().position(|byte| *byte == b'~').unwrap_or(rest.len());
                text.extend_from_slice(&rest[..plain]);
                rest = &rest[plain..];
                if plain > 0 {
                    continue;
                }
            }
            self.step(byte, &mut keys);
            rest = after;
        }
        keys
    }

    /// Whether an ESC waits for the rest of a sequence.
    pub(crate) fn holds_escape(&self) -> bool {
        matches!(self, Parser::Escape)
    }

    /// Whether a paste has begun and not ended.
    pub(crate) fn in_paste(&self) -> bool {
        matches!(self, Parser::Paste(_))
    }

    /// Nothing followed the ESC in time: it was the key.
    pub(crate) fn release_escape(&mut self) -> Option<Key> {
        self.holds_escape().then(|| {
            *self = Parser::Ground;
            Key::Escape
        })
    }

    fn step(&mut self, byte: u8, keys: &mut Vec<Key>) {
        *self = match std::mem::take(self) {
            Parser::Ground => return self.ground(byte, keys),
            Parser::Utf8(mut bytes, len) => {
                if byte & 0xC0 != 0x80 {
                    keys.push(Key::Char(char::REPLACEMENT_CHARACTER));
                    return self.ground(byte, keys);
                }
                bytes.push(byte);
                if bytes.len() < len {
                    Parser::Utf8(bytes, len)
                } else {
                    let text = String::from_utf8_lossy(&bytes);
                    keys.extend(text.chars().filter(|c| !c.is_control()).map(Key::Char));
                    Parser::Ground
                }
            }
            Parser::Escape => match byte {
                b'[' => Parser::Csi(Vec::new()),
                b'O' => Parser::Ss3,
                0x1b => {
                    keys.push(Key::Escape);
                    Parser::Escape
                }
                _ => Parser::Ground,
            },
            Parser::Ss3 => {
                keys.extend(arrow(byte));
                Parser::Ground
            }
            Parser::Csi(mut parameters) => match byte {
                b'~' if parameters == b"200" => Parser::Paste(Vec::new()),
                0x40..=0x7e => {
                    keys.extend(arrow(byte).filter(|_| parameters.is_empty()));
                    Parser::Ground
                }
                0x20..=0x3f if parameters.len() < 32 => {
                    parameters.push(byte);
                    Parser::Csi(parameters)
                }
                _ => Parser::Ground,
            },
            Parser::Paste(mut bytes) => {
                bytes.push(byte);
                if byte == b'~' && bytes.ends_with(PASTE_END) {
                    bytes.truncate(bytes.len() - PASTE_END.len());
                    keys.push(Key::Paste(String::from_utf8_lossy(&bytes).into_owned()));
                    Parser::Ground
                } else {
                    Parser::Paste(bytes)
                }
            }
        };
    }

    fn ground(&mut self, byte: u8, keys: &mut Vec<Key>) {
        *self = match byte {
            0x1b => Parser::Escape,
            0xc2..=0xdf => Parser::Utf8(vec![byte], 2),
            0xe0..=0xef => Parser::Utf8(vec![byte], 3),
            0xf0..=0xf4 => Parser::Utf8(vec![byte], 4),
            _ => {
                keys.extend(match byte {
                    b'\r' => Some(Key::Enter),
                    b'\n' => Some(Key::Newline),
                    0x03 => Some(Key::Interrupt),
                    0x15 => Some(Key::KillLine),
                    0x08 | 0x7f => Some(Key::Backspace),
                    b'\t' => Some(Key::Char('\t')),
                    0x20..=0x7e => Some(Key::Char(char::from(byte))),
                    0x80..=0xff => Some(Key::Char(char::REPLACEMENT_CHARACTER)),
                    _ => None,
                });
                Parser::Ground
            }
        };
    }
}

fn arrow(byte: u8) -> Option<Key> {
    match byte {
        b'A' => Some(Key::Up),
        b'B' => Some(Key::Down),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_same_however_the_bytes_are_cut() {
        let bytes = "aé\u{1f600}\x1b[200~one\r\ntwo ~ \x1b[20 \x1b[31m é\x1b[201~\r\x03\x15\x7f\x1b[A\x1bOB"
            .as_bytes();
        let whole = Parser::default().feed(bytes);
        assert_eq!(
            whole,
            [
                Key::Char('a'),
                Key::Char('é'),
                Key::Char('\u{1f600}'),
                Key::Paste("one\r\ntwo ~ \x1b[20 \x1b[31m é".into()),
                Key::Enter,
                Key::Interrupt,
                Key::KillLine,
                Key::Backspace,
                Key::Up,
                Key::Down,
            ]
        );
        for cut in 0..=bytes.len() {
            let mut parser = Parser::default();
            let mut keys = parser.feed(&bytes[..cut]);
            keys.extend(parser.feed(&bytes[cut..]));
            assert_eq!(keys, whole, "cut at {cut}");
        }
        let mut parser = Parser::default();
        let keys: Vec<Key> = bytes.iter().flat_map(|b| parser.feed(&[*b])).collect();
        assert_eq!(keys, whole, "byte by byte");
    }

    #[test]
    fn a_lone_escape_is_a_key_only_after_the_wait() {
        let mut parser = Parser::default();
        assert_eq!(parser.feed(b"\x1b"), []);
        assert!(parser.holds_escape());
        assert_eq!(parser.release_escape(), Some(Key::Escape));
        assert_eq!(parser.release_escape(), None);
        assert_eq!(parser.feed(b"\x1b\x03x"), [Key::Char('x')], "Meta-C-c is no key");
        assert_eq!(parser.feed(b"\x1b\x1b"), [Key::Escape]);
        assert!(parser.holds_escape());
    }

    #[test]
    fn bad_utf8_becomes_the_replacement_character() {
        let bad = Key::Char(char::REPLACEMENT_CHARACTER);
        assert_eq!(Parser::default().feed(b"\xff"), std::slice::from_ref(&bad));
        assert_eq!(Parser::default().feed(b"\xc3x"), [bad, Key::Char('x')]);
        assert_eq!(
            Parser::default().feed(b"\x1b[200~\xff\x1b[201~"),
            [Key::Paste("\u{fffd}".into())]
        );
    }

    #[test]
    fn a_paste_is_known_before_it_ends() {
        let mut parser = Parser::default();
        parser.feed(b"\x1b[200~abc\x1b[20");
        assert!(parser.in_paste());
        assert_eq!(parser.feed(b"1~"), [Key::Paste("abc".into())]);
        assert!(!parser.in_paste());
    }
}
