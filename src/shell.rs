//! Words for a shell: the only place that puts text into single quotes.

use std::borrow::Cow;

/// `text` in single quotes, as one word: for a POSIX shell, for zsh, and for tmux's own command
/// language.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The same for a person to copy: without quotes if `text` needs none.
pub(crate) fn word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%".contains(c);
    if text.chars().all(plain) { text.into() } else { quoted(text).into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(
            (&*word("a-b_c/d.e"), &*word("a b"), &*word("$x")),
            ("a-b_c/d.e", "'a b'", "'$x'")
        );
    }
}
