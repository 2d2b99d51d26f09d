//! A screen as text, with the one attribute that matters: dim, which marks ghost texts.
//! See tmux/FACTS.md, "Screen".

/// The output of `capture-pane -pe`, line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    lines: Vec<Row>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Row {
    text: String,
    /// The character index at which dim text begins, if some of the line is dim.
    dim_from: Option<usize>,
}

impl Screen {
    /// Reads a capture with its escape sequences. Attributes continue from line to line.
    pub fn parse(captured: &str) -> Self {
        let mut dim = false;
        let lines = captured.lines().map(|raw| Row::parse(raw, &mut dim)).collect();
        Screen { lines }
    }

    /// The lines without attributes; no-break spaces are blanks.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.lines.iter().map(|line| line.text.as_str())
    }

    /// The text of one line; below the last line it is empty.
    pub fn line(&self, row: usize) -> &str {
        self.lines.get(row).map_or("", |line| &line.text)
    }

    /// The lines from `row` on.
    pub fn below(&self, row: usize) -> Screen {
        Screen { lines: self.lines.iter().skip(row).cloned().collect() }
    }

    /// Whether line `row` holds nothing but a ghost text after `marker`. A ghost text is dim,
    /// except for its first character when the caret, in column `caret`, is on it.
    /// See claude/FACTS.md, "Input box".
    pub fn is_ghost_after(&self, row: usize, marker: &str, caret: usize) -> bool {
        let Some(line) = self.lines.get(row) else { return false };
        let Some(rest) = line.text.trim_start().strip_prefix(marker) else { return false };
        let blanks = rest.chars().take_while(|c| c.is_whitespace()).count();
        let start = line.text.chars().count() - rest.chars().count() + blanks;
        let under_caret = caret == start && line.dim_from == Some(start + 1);
        rest.trim().is_empty() || line.dim_from == Some(start) || under_caret
    }

    /// Whether line `row` begins with dim text.
    pub fn is_dim(&self, row: usize) -> bool {
        let first = |line: &Row| line.text.chars().position(|c| !c.is_whitespace());
        self.lines
            .get(row)
            .is_some_and(|line| line.dim_from.is_some() && line.dim_from == first(line))
    }

    /// All the text, lines joined by newlines.
    pub fn text(&self) -> String {
        self.lines().collect::<Vec<_>>().join("\n")
    }

    /// The first lines with text, for an error message.
    pub fn first_words(&self) -> String {
        let said = self.lines().map(str::trim).filter(|line| !line.is_empty());
        said.take(3).collect::<Vec<_>>().join(" / ")
    }

    /// A program's last words, for an error message: from its last line that begins with "error",
    /// else its last lines with text.
    pub fn last_words(&self) -> String {
        let said: Vec<&str> = self.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let error = said.iter().rposition(|line| line.to_lowercase().starts_with("error"));
        let from = error.unwrap_or(said.len().saturating_sub(3));
        said[from..].iter().take(3).copied().collect::<Vec<_>>().join(" / ")
    }
}

impl Row {
    fn parse(raw: &str, dim: &mut bool) -> Row {
        let mut line = Row::default();
        let mut count = 0;
        let mut rest = raw.chars();
        while let Some(c) = rest.next() {
            if c == '\u{1b}' {
                escape(&mut rest, dim);
                continue;
            }
            let c = if c == '\u{a0}' { ' ' } else { c };
            if *dim && !c.is_whitespace() && line.dim_from.is_none() {
                line.dim_from = Some(count);
            }
            line.text.push(c);
            count += 1;
        }
        line.text.truncate(line.text.trim_end().len());
        line
    }
}

/// Takes one escape sequence off `rest` and applies it to `dim`.
fn escape(rest: &mut std::str::Chars<'_>, dim: &mut bool) {
    match rest.next() {
        Some('[') => {
            let mut numbers = String::new();
            for c in rest.by_ref() {
                if ('@'..='~').contains(&c) {
                    if c == 'm' {
                        select(&numbers, dim);
                    }
                    return;
                }
                numbers.push(c);
            }
        }
        // OSC, such as a hyperlink: up to BEL or ST.
        Some(']') => {
            let mut last = ' ';
            for c in rest.by_ref() {
                if c == '\u{7}' || (last == '\u{1b}' && c == '\\') {
                    return;
                }
                last = c;
            }
        }
        _ => {}
    }
}

/// Applies one "select graphic rendition" to `dim`. The arguments of 38, 48 and 58 are colours.
fn select(numbers: &str, dim: &mut bool) {
    let mut codes = numbers.split([';', ':']);
    while let Some(code) = codes.next() {
        match code {
            "" | "0" | "22" => *dim = false,
            "2" => *dim = true,
            "38" | "48" | "58" => {
                let arguments = match codes.next() {
                    Some("5") => 1,
                    Some("2") => 3,
                    _ => 0,
                };
                for _ in 0..arguments {
                    codes.next();
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dim_tells_a_ghost_text_from_a_draft() {
        let screen = Screen::parse(
            "\u{1b}[1m›\u{1b}[0m\u{1b}[39m\u{1b}[49m \u{1b}[2mAsk Codex to do anything\u{1b}[0m\n\
             \u{1b}[1m›\u{1b}[0m a draft\n\
             \u{1b}[38;5;2m› x\u{1b}[39m",
        );
        assert_eq!(screen.line(0), "› Ask Codex to do anything");
        let is_ghost = |row| screen.is_ghost_after(row, "›", 2);
        assert!(is_ghost(0));
        assert!(!is_ghost(1));
        assert!(!is_ghost(2), "a colour's argument is not an attribute");
        assert!(!is_ghost(9));
        let dim = Screen::parse("\u{1b}[2m  dim\n\n\u{1b}[0m no \u{1b}[2mdim");
        assert_eq!([0, 1, 2, 3].map(|row| dim.is_dim(row)), [true, false, false, false]);
    }

    #[test]
    fn the_caret_hides_that_a_ghost_texts_first_character_is_dim() {
        let shown = [
            "\u{1b}[39m❯\u{a0}\u{1b}[7mR\u{1b}[0;2m\u{1b}[39m\u{1b}[49mesend your message",
            "\u{1b}[39m❯\u{a0}\u{1b}[7ma\u{1b}[0m\u{1b}[39m\u{1b}[49m draft",
            "❯\u{a0}a\u{1b}[7m \u{1b}[0m",
            "❯\u{a0}/\u{1b}[2madd-dir\u{1b}[0m",
            "❯\u{a0}\u{1b}[7m ",
        ];
        let of = |caret| shown.map(|line| Screen::parse(line).is_ghost_after(0, "❯", caret));
        assert_eq!(of(2), [true, false, false, true, true]);
        assert_eq!(of(3), [false, false, false, false, true]);
    }

    #[test]
    fn last_words_are_the_last_lines_with_text() {
        let screen = Screen::parse("a\n\n b\u{a0}c \n\nd\ne\n\n");
        assert_eq!(screen.last_words(), "b c / d / e");
        assert_eq!(screen.line(2), " b c");
        let failed = Screen::parse("x\nError: no such option\nUsage: y\nz\nmore help");
        assert_eq!(failed.last_words(), "Error: no such option / Usage: y / z");
    }
}
