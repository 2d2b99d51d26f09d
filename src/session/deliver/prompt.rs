//! A prompt that may be typed. Its bytes are checked once, here, and the type makes sure that
//! nothing unchecked is pasted.

use std::{
    fmt::{self, Display},
    path::{Path, PathBuf, absolute},
    str::FromStr,
};

use serde::Serialize;

use crate::{
    agent::{Agent, image},
    error::{At, Error, Result},
};

/// Text without control characters that a terminal would act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prompt {
    text: String,
    command: bool,
    once: Option<OnceKey>,
    images: Vec<String>,
}

/// A name for one delivery to a session, which then happens once however often it is tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct OnceKey(String);

/// The longest key, in bytes: with all its bytes escaped it still makes a file's name.
const LONGEST_KEY: usize = 80;

impl FromStr for OnceKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<OnceKey> {
        if text.is_empty() || text.len() > LONGEST_KEY || text.contains(char::is_control) {
            let cause = format!("a key is 1 to {LONGEST_KEY} bytes without control characters");
            return Err(Error::usage(format!("{text:?}"), cause));
        }
        Ok(OnceKey(text.to_owned()))
    }
}

impl Display for OnceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl OnceKey {
    /// A file's name for it, which no other key has.
    pub(crate) fn file_name(&self) -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let escaped = |byte: u8| match byte {
            byte if plain(byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02x}"),
        };
        self.0.bytes().map(escaped).collect()
    }
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
                .advise("--strip-control removes such characters"));
        }
        if text.trim().is_empty() {
            return Err(wrong("it is empty".into()));
        }
        let (count, largest) = (text.chars().count(), agent.facts().longest_prompt);
        if count > largest {
            return Err(wrong(format!(
                "{count} characters, but the agent takes at most {largest}"
            )));
        }
        if reading.command {
            text.truncate(text.trim_end().len());
            if !text.starts_with(['/', '!']) || text.contains('\n') {
                return Err(wrong("a command is one line that begins with `/` or `!`".into()));
            }
        } else if let Some(cause) = agent.objection(&text) {
            let error = wrong(cause);
            return Err(if text.trim_start().starts_with(['/', '!']) {
                error.advise("use --command to run it as one")
            } else {
                error
            });
        } else if let Some(path) = agent.taken_for_image(&text) {
            let cause = format!("the agent takes `{path}` for an image, and cuts it out");
            return Err(wrong(cause).advise("give it by --attach, or in a line with other words"));
        }
        Ok(Prompt { text, command: reading.command, once: None, images: Vec::new() })
    }

    /// A prompt that was checked before.
    pub(crate) fn again(text: String, images: Vec<String>) -> Prompt {
        Prompt { text, command: false, once: None, images }
    }

    /// The same with these images before it.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for a file that is no image, and for a command.
    pub(crate) fn attach(self, files: &[PathBuf]) -> Result<Prompt> {
        if self.command && !files.is_empty() {
            return Err(Error::usage("--attach", "a command takes no images"));
        }
        let images = files.iter().map(|file| image_path(file)).collect::<Result<_>>()?;
        Ok(Prompt { images, ..self })
    }

    /// The same, to be delivered once under this key.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for a command: no record tells later whether it ran.
    pub(crate) fn once(self, key: Option<OnceKey>) -> Result<Prompt> {
        if self.command && key.is_some() {
            return Err(Error::usage("--once", "a command leaves no record to recognize it by"));
        }
        Ok(Prompt { once: key, ..self })
    }

    /// The key under which it is delivered once.
    #[must_use]
    pub(crate) fn key(&self) -> Option<&OnceKey> {
        self.once.as_ref()
    }

    /// The images that come before the text: absolute paths.
    #[must_use]
    pub(crate) fn images(&self) -> &[String] {
        &self.images
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

/// The absolute path of an image that can be typed.
fn image_path(file: &Path) -> Result<String> {
    let wrong = |cause: &str| Error::usage(file.display(), cause);
    std::fs::metadata(file)
        .map_err(|error| wrong(&format!("the image cannot be read: {error}")))?;
    if !image::is_image(file) {
        return Err(wrong("not an image that agents take: PNG, JPEG, GIF or WebP, named so"));
    }
    let path = absolute(file).at(file)?;
    match path.to_str() {
        Some(path) if !path.contains(char::is_control) => Ok(path.to_owned()),
        _ => Err(wrong("its path cannot be typed")),
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
