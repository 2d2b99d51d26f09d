//! The drawing, inline as Claude Code's classic renderer: the history scrolls away above, and one
//! frame below it is drawn anew.
//!
//! Every row is cut to the screen, so nothing wraps by itself. The row of the caret is written
//! last: so the terminal itself puts the caret behind its text, whatever width it gives a
//! character.

use std::{collections::VecDeque, io::Write};

use unicode_normalization::char::is_combining_mark;

use crate::{
    cli::output,
    error::{Error, Result},
};

/// How many lines of history are kept, for a redraw after a change of the window's size.
const HISTORY: usize = 200;

/// The rows below the history, and the row where the caret is, if the box has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    /// From top to bottom.
    pub(crate) rows: Vec<String>,
    /// The index of the row at whose end the caret stands.
    pub(crate) caret: Option<usize>,
}

/// The columns that a character takes. Rough: a mistake only wraps a row too early or too late.
fn width(c: char) -> usize {
    match u32::from(c) {
        0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0x1f300..=0x1faff
        | 0x20000..=0x3ffff => 2,
        _ if is_combining_mark(c) => 0,
        _ => 1,
    }
}

/// The rows of `text` in `columns` columns.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut rows = Vec::new();
    for line in text.split('\n') {
        let (mut row, mut used) = (String::new(), 0);
        for c in line.chars().filter(|c| !c.is_control()) {
            if used + width(c) > columns && used > 0 {
                rows.push(std::mem::take(&mut row));
                used = 0;
            }
            row.push(c);
            used += width(c);
        }
        rows.push(row);
    }
    rows
}

/// The frame of the input box with `text` in it, between the rows `above`, the spinner and the
/// queue, and the row `below`, on a screen of `size` columns and rows. Its first row starts with
/// `❯ `. On a low screen the rows around the box are left out.
pub(crate) fn box_frame(text: &str, above: &[String], below: &str, size: (usize, usize)) -> Frame {
    let (columns, rows) = size;
    // Two columns for the mark, and two so that a full row never reaches the screen's edge.
    let mut lines: Vec<String> = wrap(text, columns.saturating_sub(4).max(1));
    for (index, line) in lines.iter_mut().enumerate() {
        line.insert_str(0, if index == 0 { "❯ " } else { "  " });
    }
    let rule = "─".repeat(columns);
    let has_rules = rows >= 4;
    let room = rows.saturating_sub(if has_rules { 3 } else { 0 }).max(1);
    let shown = &lines[lines.len().saturating_sub(room)..];
    let mut rows: Vec<String> = above.iter().take(room - shown.len()).cloned().collect();
    if has_rules {
        rows.push(rule.clone());
    }
    rows.extend_from_slice(shown);
    let caret = Some(rows.len() - 1);
    if has_rules {
        rows.extend([rule, format!("  {below}")]);
    }
    Frame { rows, caret }
}

/// The terminal.
#[derive(Debug)]
pub(crate) struct Screen<W: Write> {
    out: W,
    /// Columns and rows.
    size: (usize, usize),
    history: VecDeque<String>,
    /// How many lines at the end of the history are not drawn yet.
    fresh: usize,
    drawn: Option<Frame>,
    /// How many rows the caret is below the top of the frame.
    depth: usize,
}

impl<W: Write> Screen<W> {
    /// Takes over the terminal: bracketed paste from now on.
    pub(crate) fn open(out: W) -> Result<Self> {
        let mut screen =
            Screen { out, size: size(), history: VecDeque::new(), fresh: 0, drawn: None, depth: 0 };
        screen.write("\x1b[?2004h\x1b[?25l")?;
        Ok(screen)
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> (usize, usize) {
        self.size
    }

    /// The title of the pane.
    pub(crate) fn title(&mut self, text: &str) -> Result<()> {
        self.write(&format!("\x1b]2;{text}\x07"))
    }

    /// Adds `text` to the history behind `mark`, at most `limit` rows of it.
    pub(crate) fn say(&mut self, mark: &str, text: &str, limit: usize) {
        let columns = self.size.0.saturating_sub(mark.chars().count() + 1).max(1);
        // A prompt may be very long: only the part that can be shown is wrapped.
        let end = text.char_indices().nth(limit * columns).map_or(text.len(), |(at, _)| at);
        let rows = wrap(&text[..end], columns);
        let cut = end < text.len() || rows.len() > limit;
        for (index, row) in rows.into_iter().take(limit).enumerate() {
            let pad = " ".repeat(mark.chars().count());
            self.line(format!("{}{row}", if index == 0 { mark } else { &pad }));
        }
        if cut {
            self.line(format!("  … {} bytes in all", text.len()));
        }
    }

    fn line(&mut self, line: String) {
        self.history.push_back(line);
        self.fresh += 1;
        if self.history.len() > HISTORY {
            self.history.pop_front();
            self.fresh = self.fresh.min(HISTORY);
        }
    }

    /// Forgets the history: another conversation.
    pub(crate) fn clear(&mut self) -> Result<()> {
        self.history.clear();
        self.fresh = 0;
        self.redraw()
    }

    /// The window's size may have changed.
    pub(crate) fn resized(&mut self) -> Result<()> {
        self.size = size();
        // The terminal has rewrapped our rows in its own way, so all is drawn anew.
        self.redraw()
    }

    fn redraw(&mut self) -> Result<()> {
        self.drawn = None;
        self.depth = 0;
        self.fresh = self.history.len();
        self.write("\x1b[H\x1b[2J")
    }

    /// Draws the new lines of history, and `frame` below them.
    pub(crate) fn draw(&mut self, mut frame: Frame) -> Result<()> {
        let (columns, rows) = self.size;
        let over = frame.rows.len().saturating_sub(rows);
        frame.rows.drain(..over);
        frame.caret = frame.caret.map(|caret| caret.saturating_sub(over));
        if self.fresh == 0 && self.drawn.as_ref() == Some(&frame) {
            return Ok(());
        }
        let clip = |row: &String| wrap(row, columns).into_iter().next().unwrap_or_default();
        let mut text = String::from("\x1b[?25l\r");
        if self.depth > 0 {
            text.push_str(&format!("\x1b[{}A", self.depth));
        }
        text.push_str("\x1b[J");
        for line in self.history.iter().skip(self.history.len() - self.fresh) {
            text.push_str(&clip(line));
            text.push_str("\r\n");
        }
        let shown: Vec<String> = frame.rows.iter().map(clip).collect();
        text.push_str(&shown.join("\r\n"));
        self.depth = shown.len().saturating_sub(1);
        if let Some(caret) = frame.caret {
            if caret < self.depth {
                text.push_str(&format!("\x1b[{}A", self.depth - caret));
            }
            text.push_str(&format!("\r{}\x1b[?25h", shown[caret]));
            self.depth = caret;
        }
        self.fresh = 0;
        self.drawn = Some(frame);
        self.write(&text)
    }

    /// Gives the terminal back, with the cursor below the frame.
    pub(crate) fn close(&mut self) -> Result<()> {
        let below = self.drawn.as_ref().map_or(0, |f| f.rows.len().saturating_sub(1 + self.depth));
        let down = if below > 0 { format!("\x1b[{below}B") } else { String::new() };
        self.write(&format!("{down}\r\n\x1b[?2004l\x1b[?25h"))
    }

    fn write(&mut self, text: &str) -> Result<()> {
        self.out.write_all(text.as_bytes()).map_err(|e| Error::io("terminal", &e))
    }
}

fn size() -> (usize, usize) {
    output::stdout().window_size().map_or((80, 24), |(columns, rows)| (columns.into(), rows.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_wrap_by_width() {
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("abcdef\n\ng", 5), ["abcde", "f", "", "g"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert_eq!(wrap("日", 1), ["日"], "no row is ever left empty for want of room");
    }

    #[test]
    fn the_box_keeps_its_caret_on_any_screen() {
        let above = ["✻ Working…".to_owned()];
        let frame = box_frame("", &above, "help", (20, 5));
        assert_eq!(frame.rows[..3], ["✻ Working…".into(), "─".repeat(20), "❯ ".into()]);
        assert_eq!(frame.caret, Some(2));
        for size in [(1, 1), (2, 3), (20, 4), (20, 5), (80, 24), (200, 60)] {
            let frame = box_frame(&"x y\n".repeat(40), &above, "help", size);
            assert!(frame.rows.len() <= size.1.max(1), "{size:?}");
            assert_eq!(frame.rows[frame.caret.unwrap()], "  ", "{size:?}");
        }
    }

    #[test]
    fn the_caret_stands_behind_its_row() {
        let mut bytes = Vec::new();
        let mut screen = Screen::open(&mut bytes).unwrap();
        screen.say("> ", "one\ntwo\nthree", 2);
        screen.draw(box_frame("ab", &[], "", (80, 24))).unwrap();
        screen.draw(box_frame("ab", &[], "", (80, 24))).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("> one\r\n  two\r\n  … 13 bytes in all\r\n"), "{text:?}");
        assert!(text.ends_with("\x1b[2A\r❯ ab\x1b[?25h"), "{text:?}");
        assert_eq!(text.matches("❯ ab").count(), 2, "the same frame is drawn once");
    }
}
