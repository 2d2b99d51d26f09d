//! A prompt that may be typed. Its bytes are checked once, here, and the type makes sure that
//! nothing unchecked is pasted.

use crate::{
    agent::Agent,
    error::{Error, Result},
};

/// Text without control characters that a terminal would act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prompt {
    text: String,
    command: bool,
}

/// How to make a prompt from bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reading {
    /// Remove control characters instead of refusing them.
    pub strip_control: bool,
    /// The text is a command of the agent: `/compact`, `!ls`.
    pub command: bool,
}

impl Prompt {
    /// Checks `bytes`. TAB and LF stay and CRLF becomes LF. Any other control character is
    /// refused: an escape sequence could end the bracketed paste, and the rest would act as keys.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`], with the position of the wrong byte if there is one.
    // Measured: tmux/FACTS.md, "Paste and keys"
    pub(crate) fn new(bytes: Vec<u8>, agent: &dyn Agent, reading: Reading) -> Result<Prompt> {
        let wrong = |cause: String| Error::usage("prompt", cause);
        let text = String::from_utf8(bytes)
            .map_err(|e| wrong(format!("not UTF-8 at byte {}", e.utf8_error().valid_up_to())))?;
        let mut text = text.replace("\r\n", "\n");
        let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n');
        if reading.strip_control {
            text.retain(|c| !control(c));
        } else if let Some((at, c)) = text.char_indices().find(|&(_, c)| control(c)) {
            return Err(wrong(format!("control character U+{:04X} at byte {at}", u32::from(c)))
                .advise("--strip-control leaves such characters out"));
        }
        if text.trim().is_empty() {
            return Err(wrong("it is empty".into()));
        }
        let (count, largest) = (text.chars().count(), agent.facts().longest_prompt);
        if count > largest {
            return Err(wrong(format!("{count} characters, and the agent takes {largest}")));
        }
        if reading.command {
            text.truncate(text.trim_end().len());
            if !text.starts_with(['/', '!']) || text.contains('\n') {
                return Err(wrong("a command is one line that begins with `/` or `!`".into()));
            }
        } else if let Some(cause) = agent.objection(&text) {
            let error = wrong(cause);
            return Err(if text.trim_start().starts_with(['/', '!']) {
                error.advise("--command delivers it as one")
            } else {
                error
            });
        }
        Ok(Prompt { text, command: reading.command })
    }

    /// The text.
    #[must_use]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is a command of the agent.
    #[must_use]
    pub(crate) fn is_command(&self) -> bool {
        self.command
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Backend;

    fn prompt(bytes: &[u8], reading: Reading) -> Result<Prompt> {
        Prompt::new(bytes.to_vec(), Backend::Claude.agent(), reading)
    }

    #[test]
    fn what_would_type_is_refused_and_what_is_text_stays() {
        let plain = |bytes: &[u8]| prompt(bytes, Reading::default());
        assert_eq!(plain(b"a\tb\r\nc\n").unwrap().text(), "a\tb\nc\n");
        for (bytes, cause) in [
            (&b" \n\t"[..], "it is empty"),
            (b"ab\xff", "not UTF-8 at byte 2"),
            (b"a\x1b[201~", "control character U+001B at byte 1"),
            ("é\u{9b}".as_bytes(), "control character U+009B at byte 2"),
            (b"a\rb", "control character U+000D at byte 1"),
            (b"exit", "`exit` alone ends the agent"),
        ] {
            assert_eq!(plain(bytes).unwrap_err().cause, cause);
        }
        let large = plain("x".repeat(2_000_000).as_bytes()).unwrap_err();
        assert!(large.cause.starts_with("2000000 characters"), "{large}");
    }

    #[test]
    fn control_characters_are_left_out_when_asked() {
        let reading = Reading { strip_control: true, ..Reading::default() };
        let stripped = prompt("a\u{1b}[201~\rb\u{9b}\x7f\tc\r\nd".as_bytes(), reading).unwrap();
        assert_eq!(stripped.text(), "a[201~b\tc\nd");
        assert!(prompt(b"\x1b\x07", reading).is_err(), "nothing is left");
    }

    #[test]
    fn a_command_is_one_line_and_said_to_be_one() {
        let command = Reading { command: true, ..Reading::default() };
        assert_eq!(prompt(b"/compact \n", command).unwrap().text(), "/compact");
        for bytes in [&b"hello"[..], b"/a\nb", b" /a"] {
            assert!(prompt(bytes, command).is_err());
        }
        assert!(prompt(b"/compact", Reading::default()).is_err());
    }
}
