//! A prompt that may be typed: its bytes are checked once, here, and nothing unchecked can be
//! pasted.

use crate::{
    agent::Agent,
    error::{Error, Result},
};

/// Text that a terminal takes as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt(String);

impl Prompt {
    /// Checks `bytes`. TAB and LF stay and CRLF becomes LF; any other control character is
    /// refused, for an escape sequence in a paste would leave the paste and type.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`], with the position where there is one.
    pub fn new(bytes: Vec<u8>, agent: &dyn Agent) -> Result<Prompt> {
        let wrong = |cause: String| Error::usage("prompt", cause);
        let text = String::from_utf8(bytes)
            .map_err(|e| wrong(format!("not UTF-8 at byte {}", e.utf8_error().valid_up_to())))?;
        let text = text.replace("\r\n", "\n");
        if text.trim().is_empty() {
            return Err(wrong("it is empty".into()));
        }
        let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n');
        if let Some((at, c)) = text.char_indices().find(|&(_, c)| control(c)) {
            return Err(wrong(format!("control character U+{:04X} at byte {at}", u32::from(c))));
        }
        match agent.objection(&text) {
            Some(cause) => Err(wrong(cause)),
            None => Ok(Prompt(text)),
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Backend;

    #[test]
    fn what_would_type_is_refused_and_what_is_text_stays() {
        let prompt = |bytes: &[u8]| Prompt::new(bytes.to_vec(), Backend::Claude.agent());
        assert_eq!(prompt(b"a\tb\r\nc\n").unwrap().text(), "a\tb\nc\n");
        for (bytes, cause) in [
            (&b" \n\t"[..], "it is empty"),
            (b"ab\xff", "not UTF-8 at byte 2"),
            (b"a\x1b[201~", "control character U+001B at byte 1"),
            ("é\u{9b}".as_bytes(), "control character U+009B at byte 2"),
            (b"a\rb", "control character U+000D at byte 1"),
            (b"exit", "`exit` alone ends the agent"),
        ] {
            assert_eq!(prompt(bytes).unwrap_err().cause, cause);
        }
    }
}
