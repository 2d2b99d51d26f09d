//! The input box: its text, and the prompt that Enter submits. Pure.
//!
//! It changes a prompt as Claude Code does: a tab becomes four spaces, CR a newline, other control
//! characters go, the whole becomes NFC, and blanks at the end are trimmed, unless they are inside
//! a collapsed paste. See claude/FACTS.md, "What becomes of the text".

use unicode_normalization::UnicodeNormalization;

/// A paste longer than this many characters is collapsed. See claude/FACTS.md, "Folding".
const LONG: usize = 800;

/// The text in the box. The caret is always at its end.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    text: String,
    /// Collapsed pastes: the label in the box, and the text behind it.
    pastes: Vec<(String, String)>,
    /// How many pastes have been collapsed in the whole session; numbers their labels.
    count: usize,
}

impl Draft {
    /// The text in the box, with labels for collapsed pastes.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A typed character.
    pub(crate) fn push(&mut self, c: char) {
        match c {
            '\t' => self.text.push_str("    "),
            c => self.text.push(c),
        }
    }

    /// Text that comes back into the box, such as the queue.
    pub(crate) fn restore(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
    }

    /// A paste. It collapses when it is too long, or has too many newlines for a screen of `rows`
    /// rows.
    pub(crate) fn paste(&mut self, text: &str, rows: usize) {
        let text = clean(text);
        let newlines = text.matches('\n').count();
        if text.chars().count() <= LONG && newlines <= rows.saturating_sub(10).min(2) {
            self.text.push_str(&text);
            return;
        }
        self.count += 1;
        let number = self.count;
        let label = match newlines {
            0 => format!("[Pasted text #{number}]"),
            lines => format!("[Pasted text #{number} +{lines} lines]"),
        };
        self.text.push_str(&label);
        self.pastes.push((label, text));
    }

    /// An image, for which a label stands.
    pub(crate) fn attach(&mut self) {
        self.count += 1;
        self.text.push_str(&format!("[Image #{}]", self.count));
    }

    /// Backspace: one character, or one collapsed paste.
    pub(crate) fn backspace(&mut self) {
        let label = self.pastes.iter().position(|(label, _)| self.text.ends_with(label));
        if let Some(index) = label {
            let (label, _) = self.pastes.remove(index);
            self.text.truncate(self.text.len() - label.len());
        } else {
            self.text.pop();
        }
    }

    /// C-u: deletes to the start of the line only.
    pub(crate) fn kill_line(&mut self) {
        self.text.truncate(self.text.rfind('\n').map_or(0, |at| at + 1));
    }

    /// Empties the box.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.pastes.clear();
    }

    /// Enter: takes the prompt out of the box. `None` when there is nothing to submit, or when a
    /// `\` at the end becomes a newline instead.
    pub(crate) fn submit(&mut self) -> Option<String> {
        if self.text.ends_with('\\') {
            self.text.pop();
            self.text.push('\n');
            return None;
        }
        if self.text.trim().is_empty() {
            return None;
        }
        let prompt = self.expanded();
        self.clear();
        Some(prompt)
    }

    /// The trimmed text with each label replaced once; a label inside a paste stays text.
    fn expanded(&self) -> String {
        let mut rest = self.text.trim_end();
        let mut whole = String::new();
        for (label, text) in &self.pastes {
            if let Some(at) = rest.find(label) {
                whole.push_str(&rest[..at]);
                whole.push_str(text);
                rest = &rest[at + label.len()..];
            }
        }
        whole.push_str(rest);
        whole.nfc().collect()
    }
}

/// A pasted text as the box takes it.
fn clean(text: &str) -> String {
    let text = text.replace('\r', "\n").replace('\t', "    ");
    text.chars().filter(|&c| c == '\n' || !c.is_control()).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pasted(text: &str) -> Draft {
        let mut draft = Draft::default();
        draft.paste(text, 24);
        draft
    }

    #[test]
    fn text_is_changed_as_measured() {
        for (text, prompt) in [
            ("hello ", "hello"),
            ("  two\tcolumns \n\n", "  two    columns"),
            ("e\u{301}", "\u{e9}"),
            ("a\rb", "a\nb"),
            ("a\x1b[31mb\x07\u{9b}", "a[31mb"),
            ("ends with \\ ", "ends with \\"),
        ] {
            assert_eq!(pasted(text).submit().as_deref(), Some(prompt), "{text:?}");
        }
        assert_eq!(pasted(" \n ").submit(), None);
    }

    #[test]
    fn a_final_backslash_makes_enter_a_newline() {
        let mut draft = pasted("one\\");
        assert_eq!(draft.submit(), None);
        draft.push('x');
        assert_eq!(draft.submit().as_deref(), Some("one\nx"));
    }

    #[test]
    fn long_pastes_collapse_and_expand() {
        let lines = "1\n2\n3\n4 ";
        let mut draft = pasted(lines);
        assert_eq!(draft.text(), "[Pasted text #1 +3 lines]");
        draft.push(' ');
        draft.paste(&"x".repeat(801), 24);
        assert_eq!(draft.text(), "[Pasted text #1 +3 lines] [Pasted text #2]");
        draft.push(' ');
        assert_eq!(draft.submit(), Some(format!("{lines} {}", "x".repeat(801))));
        assert!(draft.text().is_empty());
        assert_eq!(pasted("1\n2\n3").text(), "1\n2\n3");
        assert_eq!(pasted(&"é".repeat(800)).text(), "é".repeat(800));
        draft.paste("1\n2", 10);
        assert_eq!(draft.text(), "[Pasted text #3 +1 lines]", "a low screen collapses sooner");
    }

    #[test]
    fn a_label_inside_a_paste_stays_text() {
        let mut draft = pasted("a\nb\nc\n[Pasted text #2]");
        draft.paste(&"y".repeat(900), 24);
        let prompt = draft.submit().unwrap();
        assert_eq!(prompt, format!("a\nb\nc\n[Pasted text #2]{}", "y".repeat(900)));
    }

    #[test]
    fn editing() {
        let mut draft = pasted("one\ntwo");
        draft.backspace();
        assert_eq!(draft.text(), "one\ntw");
        draft.kill_line();
        assert_eq!(draft.text(), "one\n");
        draft.paste("1\n2\n3\n4", 24);
        draft.backspace();
        assert_eq!(draft.text(), "one\n");
        draft.clear();
        draft.backspace();
        assert!(draft.text().is_empty());
    }
}
