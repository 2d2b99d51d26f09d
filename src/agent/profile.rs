//! Screen profiles: what an agent looks like, as data.
//!
//! Agents change their looks every week, so no text of a screen is in the code. A profile is built
//! in; a file of the same name in `$XDG_CONFIG_HOME/aimax/screens/` replaces it.

use std::cmp::Ordering;

use serde::Deserialize;

use crate::{
    config::Config,
    error::{Error, Result},
    fs,
    tmux::{Look, Screen},
};

/// What one agent's screen shows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The agent's program.
    pub agent: String,
    /// The versions that it is verified with, the oldest first.
    pub verified: Vec<String>,
    /// The input box.
    pub input: Input,
    /// What stands before the selected line of a dialog.
    pub pointers: Vec<String>,
    /// The dialogs that are known, the most telling first.
    pub dialogs: Vec<Dialog>,
}

/// How the input box looks, and what tells an empty box from a full one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What the box's line begins with.
    pub marker: String,
    /// What the line below an empty box begins with, nothing for a blank one; another means that the
    /// box has more lines. Without this the line below does not matter.
    #[serde(default)]
    pub below: Option<String>,
    /// What the box shows in place of a long paste begins with this.
    #[serde(default)]
    pub folded: Option<String>,
    /// The sign that letters are commands to the box, as in vi.
    #[serde(default)]
    pub modal: Option<Modal>,
}

/// The mode of an input box in which letters are commands.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modal {
    /// A text that the screen holds in that mode.
    pub text: String,
    /// The key that leads out of it, by tmux's name.
    pub key: String,
}

/// A dialog.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialog {
    /// Its name, for the caller.
    pub name: String,
    /// Texts that the screen holds all of, blanks and line ends not counted.
    pub texts: Vec<String>,
    /// Labels of the line to choose, one of them per version; none when only a person may answer.
    #[serde(default)]
    pub choose: Vec<String>,
    /// What to tell the person.
    #[serde(default)]
    pub advice: String,
}

/// What the input box holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputBox {
    /// Nothing.
    Empty,
    /// Somebody's text.
    Text,
    /// No box is to be seen.
    Missing,
}

/// The next step towards a label of a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialogStep {
    /// Press this key, then look again.
    Press {
        /// By tmux's name.
        key: &'static str,
        /// The line that the pointer is on: when it has moved, the key had its effect.
        row: usize,
    },
    /// No label and pointer are to be seen yet.
    Wait,
}

impl Profile {
    /// The user's own profile of this name, else the built-in one.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] when the user's file does not parse.
    pub fn load(config: &Config, name: &str, built_in: &str) -> Result<Profile> {
        let path = config.screens.join(name);
        match fs::read(&path)? {
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|e| Error::usage(path.display(), format!("not a screen profile: {e}"))),
            None => serde_json::from_str(built_in)
                .map_err(|e| Error::system(name, format!("not a screen profile: {e}"))),
        }
    }

    /// The dialog that the screen shows.
    #[must_use]
    pub fn dialog(&self, screen: &Screen) -> Option<&Dialog> {
        let shown = squeeze(&screen.text());
        self.dialogs
            .iter()
            .find(|dialog| dialog.texts.iter().all(|text| shown.contains(&squeeze(text))))
    }

    /// What the input box holds. It is empty when the caret stands right after the marker and a blank,
    /// nothing but a ghost text follows, which is dim, and the box has no other line. Words prove
    /// nothing, for ghost texts are words too.
    #[must_use]
    pub fn input_box(&self, look: &Look) -> InputBox {
        let marker = &self.input.marker;
        let Some(row) = self.box_row(look) else { return InputBox::Missing };
        let (caret, at) = (look.pane.cursor_x, look.pane.cursor_y);
        let empty = (caret, at) == (marker.chars().count() + 1, row)
            && look.screen.is_ghost_after(row, marker, caret)
            && self.ends_below(&look.screen, row);
        if empty { InputBox::Empty } else { InputBox::Text }
    }

    /// Whether the box has no other line than `row`, and those that its ghost text goes on in.
    fn ends_below(&self, screen: &Screen, row: usize) -> bool {
        let Some(sign) = &self.input.below else { return true };
        let ends = |row: usize| match sign.as_str() {
            "" => screen.line(row).is_empty(),
            sign => screen.line(row).starts_with(sign),
        };
        (row + 1..).find(|&row| ends(row) || !screen.is_dim(row)).is_some_and(ends)
    }

    /// The key that must come first for other keys to edit what the input box holds.
    #[must_use]
    pub fn edit_key(&self, screen: &Screen) -> Option<&str> {
        let modal = self.input.modal.as_ref()?;
        screen.text().contains(&modal.text).then_some(modal.key.as_str())
    }

    /// Whether what the input box holds begins as `text` does, or with the sign of a long paste.
    #[must_use]
    pub fn holds(&self, look: &Look, text: &str) -> bool {
        let line = self.box_row(look).map_or("", |row| look.screen.line(row)).trim_start();
        let shown = line.strip_prefix(&self.input.marker).unwrap_or_default().trim();
        let is_folded = self.input.folded.as_ref().is_some_and(|sign| shown.starts_with(sign));
        is_folded || !shown.is_empty() && text.trim_start().starts_with(shown)
    }

    /// The line that begins with the marker: the caret's, or else the last one, for others may look
    /// the same.
    fn box_row(&self, look: &Look) -> Option<usize> {
        let begins = |line: &str| line.trim_start().starts_with(&self.input.marker);
        let at = look.pane.cursor_y;
        let rows: Vec<&str> = look.screen.lines().collect();
        let last = || rows.iter().rposition(|line| begins(line));
        if begins(look.screen.line(at)) { Some(at) } else { last() }
    }

    /// The next key towards choosing one of the dialog's labels.
    #[must_use]
    pub fn step(&self, dialog: &Dialog, screen: &Screen) -> DialogStep {
        let rows: Vec<(bool, &str)> = screen.lines().map(|line| self.choice(line)).collect();
        // Another line may begin with the label; one that is the label goes first.
        let whole = |text: &str| dialog.choose.iter().any(|label| text == label);
        let begun = |text: &str| dialog.choose.iter().any(|label| text.starts_with(label.as_str()));
        let at = rows.iter().rposition(|(pointed, _)| *pointed);
        let to = rows.iter().rposition(|(_, text)| whole(text));
        let to = to.or_else(|| rows.iter().rposition(|(_, text)| begun(text)));
        match (at, to) {
            (Some(row), Some(to)) => {
                let key = match row.cmp(&to) {
                    Ordering::Equal => "Enter",
                    Ordering::Less => "Down",
                    Ordering::Greater => "Up",
                };
                DialogStep::Press { key, row }
            }
            _ => DialogStep::Wait,
        }
    }

    /// The lines of a dialog that can be chosen: the pointer's, and those around it that begin in
    /// the same column. Lines that begin further right describe them.
    #[must_use]
    pub fn choices(&self, screen: &Screen) -> Vec<String> {
        let rows: Vec<&str> = screen.lines().collect();
        let Some(at) = rows.iter().rposition(|line| self.choice(line).0) else { return Vec::new() };
        let column = |line: &str| {
            let lead = |c: &char| {
                c.is_whitespace() || is_frame(*c) || self.pointers.iter().any(|p| p.contains(*c))
            };
            line.chars().take_while(lead).count()
        };
        let here = column(rows[at]);
        let inside = |line: &&&str| !self.choice(line).1.is_empty() && column(line) >= here;
        let before = rows[..at].iter().rev().take_while(inside).count();
        let after = rows[at..].iter().take_while(inside).count();
        rows[at - before..at + after]
            .iter()
            .filter(|line| column(line) == here)
            .map(|line| self.choice(line).1.to_owned())
            .collect()
    }

    /// A line without frame, pointer and number; and whether the pointer is on it.
    fn choice<'a>(&self, line: &'a str) -> (bool, &'a str) {
        let bare = line.trim_matches(|c: char| c.is_whitespace() || is_frame(c));
        let pointer = self.pointers.iter().find_map(|pointer| bare.strip_prefix(pointer.as_str()));
        let text = pointer.unwrap_or(bare).trim_start();
        let text = match text.split_once(". ") {
            Some((number, rest)) if number.parse::<u8>().is_ok() => rest,
            _ => text,
        };
        (pointer.is_some(), text)
    }
}

/// What frames are drawn with.
fn is_frame(c: char) -> bool {
    ('─'..='╿').contains(&c)
}

/// The text without any blanks: a narrow window breaks lines anywhere.
fn squeeze(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}
