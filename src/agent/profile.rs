//! Screen profiles: the looks of an agent, as data.
//!
//! Agents change their looks every week, so no text of a screen is in the code. A file of the same
//! name in `$XDG_CONFIG_HOME/aimax/screens/` replaces a built-in profile.
//!
//! The dialogs are those of claude/FACTS.md, "Start dialogs", and codex/FACTS.md, "Start dialogs".

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::image;
use crate::{
    config::Config,
    error::{Error, Result},
    fs,
    tmux::{Look, Screen},
};

/// The looks of one agent's screen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The agent's program.
    pub agent: String,
    /// The versions that the profile is verified with, the oldest first.
    pub verified: Vec<String>,
    /// The oldest version that can be driven, where one is known.
    #[serde(default)]
    pub oldest: Option<String>,
    /// The input box.
    pub input: Input,
    /// The signs before the selected line of a dialog.
    pub pointers: Vec<String>,
    /// The texts in the line that says that the agent tries a request again.
    #[serde(default)]
    pub retrying: Vec<String>,
    /// The text below the input box which says that a hook refused the prompt in it.
    #[serde(default)]
    pub refused: Option<String>,
    /// How the agent shows what runs in the background.
    #[serde(default)]
    pub background: Option<Background>,
    /// The known dialogs, the most telling first.
    pub dialogs: Vec<Dialog>,
}

/// How the agent shows what it has started and does not wait for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Background {
    /// Whether the lines above the input box tell, or those below it.
    pub above: bool,
    /// The words behind the number of each kind, between the line's signs.
    pub words: Vec<String>,
}

/// How the input box looks, and how an empty box differs from a full one.
/// See claude/FACTS.md, "Input box", and codex/FACTS.md, "Input box".
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The beginning of the box's line.
    pub marker: String,
    /// The beginning of the box's line while it takes a shell command, if that is another.
    #[serde(default)]
    pub shell: Option<String>,
    /// The beginning of the line above the box. A line with the marker below any other is none.
    #[serde(default)]
    pub above: Option<String>,
    /// Whether the terminal's cursor shows in the box, and in no list.
    #[serde(default)]
    pub cursor: bool,
    /// The beginning of the line below an empty box; an empty text means a blank line. Any other
    /// line belongs to the box. Without this field the line below does not matter.
    #[serde(default)]
    pub below: Option<String>,
    /// The beginning of the label that the box shows in place of a long paste.
    #[serde(default)]
    pub folded: Option<String>,
    /// The beginning of the label that the box shows in place of an image.
    #[serde(default)]
    pub image: Option<String>,
    /// The sign that letters are commands to the box, as in vi.
    #[serde(default)]
    pub modal: Option<Modal>,
}

/// The mode of an input box in which letters are commands. See codex/FACTS.md, "Clearing the box".
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modal {
    /// A text that the screen shows in that mode.
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
    /// Texts that the screen must all show, blanks and line ends aside.
    pub texts: Vec<String>,
    /// The label of the line to choose, by version; none when only a person may answer.
    #[serde(default)]
    pub choose: Vec<String>,
    /// The advice for the person.
    #[serde(default)]
    pub advice: String,
    /// Whether it is about a usage limit: once that has ended, it may be answered by one of `choose`.
    #[serde(default)]
    pub limit: bool,
}

/// A line of a dialog that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// What chooses it: its number on the screen, or else its place, from 1.
    pub key: String,
    /// Its words.
    pub label: String,
}

/// How many lines above the input box may say that a request is tried again.
const NEAR: usize = 5;

/// What the input box holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputBox {
    /// Nothing.
    Empty,
    /// Somebody's text.
    Text,
    /// No box shows.
    Missing,
}

/// The next step towards a label of a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialogStep {
    /// Press this key, then look at the screen again.
    Press {
        /// The key, by tmux's name.
        key: &'static str,
        /// The pointer's line: once it has moved, the key has had its effect.
        row: usize,
    },
    /// The label or the pointer does not show yet.
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
    pub fn dialog(&self, screen: &Screen) -> Option<&Dialog> {
        let shown = squeeze(&screen.text());
        self.dialogs
            .iter()
            .find(|dialog| dialog.texts.iter().all(|text| shown.contains(&squeeze(text))))
    }

    /// The dialog that is open. Where the box shows by a sign that no list has, only what stands in it
    /// and below counts: above it is a conversation, which may quote any dialog.
    pub fn open_dialog(&self, look: &Look) -> Option<&Dialog> {
        let has_sign = self.input.above.is_some() || self.input.cursor;
        let shows = has_sign && !(self.input.cursor && look.pane.cursor_hidden);
        match self.box_row(look).filter(|_| shows) {
            Some(row) => self.dialog(&look.screen.below(row)),
            None => self.dialog(&look.screen),
        }
    }

    /// What the input box holds. It is empty when the caret stands right after the marker and a
    /// blank, nothing follows but a ghost text, which is dim, and the box has no other line. Words
    /// prove nothing, for ghost texts are words too.
    pub fn input_box(&self, look: &Look) -> InputBox {
        let marker = &self.input.marker;
        let Some(row) = self.box_row(look) else { return InputBox::Missing };
        let (caret, at) = (look.pane.cursor_x, look.pane.cursor_y);
        let empty = (caret, at) == (marker.chars().count() + 1, row)
            && look.screen.is_ghost_after(row, marker, caret)
            && self.ends_below(&look.screen, row);
        match empty {
            true => InputBox::Empty,
            false if self.input.cursor && look.pane.cursor_hidden => InputBox::Missing,
            false => InputBox::Text,
        }
    }

    /// Whether something stands in place of the input box, as the hidden cursor shows.
    pub fn hides_box(&self, look: &Look) -> bool {
        let is_hidden = self.input.cursor && look.pane.cursor_hidden;
        is_hidden && self.input_box(look) == InputBox::Missing
    }

    /// Whether the box has no line but `row` and those that its ghost text continues in.
    fn ends_below(&self, screen: &Screen, row: usize) -> bool {
        let Some(sign) = &self.input.below else { return true };
        let ends = |row: usize| match sign.as_str() {
            "" => screen.line(row).is_empty(),
            sign => screen.line(row).starts_with(sign),
        };
        (row + 1..).find(|&row| ends(row) || !screen.is_dim(row)).is_some_and(ends)
    }

    /// What the agent shows near its input box while it tries a request again, if it does.
    pub fn retry(&self, look: &Look) -> Option<String> {
        let lines = look.screen.lines().take(self.box_row(look)?).map(str::trim);
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        let near = &lines[lines.len().saturating_sub(NEAR)..];
        let says = |line: &&str| self.retrying.iter().all(|text| line.contains(text));
        let at = near.iter().rposition(says).filter(|_| !self.retrying.is_empty())?;
        let word = |line: &str| line.trim_start_matches(|c: char| !c.is_alphanumeric()).to_owned();
        let why = near.get(at + 1).filter(|line| line.starts_with(['└', '⎿']));
        Some(
            [word(near[at]), why.map(|line| word(line)).unwrap_or_default()]
                .join(" ")
                .trim_end()
                .to_owned(),
        )
    }

    /// Whether the agent shows below its input box that a hook refused the prompt in it.
    pub fn shows_refusal(&self, look: &Look) -> bool {
        let Some((row, text)) = self.box_row(look).zip(self.refused.as_ref()) else { return false };
        look.screen.lines().skip(row + 1).any(|line| line.contains(text))
    }

    /// How many things the agent shows to run in the background; `None` where no input box shows, or
    /// the profile does not say how they are told.
    pub fn background(&self, look: &Look) -> Option<usize> {
        let (row, spec) = (self.box_row(look)?, self.background.as_ref()?);
        let lines = look.screen.lines();
        let rows = if spec.above { row.saturating_sub(NEAR)..row } else { row + 1..usize::MAX };
        let near = lines.skip(rows.start).take(rows.len());
        let counted = |part: &str| {
            let (number, word) = part.trim().split_once(' ')?;
            let is_one = spec.words.iter().any(|known| word.starts_with(known.as_str()));
            number.parse::<usize>().ok().filter(|_| is_one)
        };
        Some(near.flat_map(|line| line.split(['·', ','])).filter_map(counted).sum())
    }

    /// The key to press first, so that other keys edit the text in the input box.
    pub fn edit_key(&self, screen: &Screen) -> Option<&str> {
        let modal = self.input.modal.as_ref()?;
        screen.text().contains(&modal.text).then_some(modal.key.as_str())
    }

    /// How many images the input box holds.
    pub fn images(&self, look: &Look) -> usize {
        let (Some(row), Some(sign)) = (self.box_row(look), &self.input.image) else { return 0 };
        look.screen.lines().skip(row).map(|line| line.matches(sign.as_str()).count()).sum()
    }

    /// Whether the input box holds anything behind its images.
    pub fn holds_behind_images(&self, look: &Look) -> bool {
        let (Some(row), Some(sign)) = (self.box_row(look), &self.input.image) else { return false };
        let end = |line: &&str| match self.input.below.as_deref() {
            Some("") => line.trim().is_empty(),
            Some(below) => line.starts_with(below),
            None => true,
        };
        let first = look.screen.line(row);
        let lines = look.screen.lines().skip(row + 1).take_while(|line| !end(line));
        let text = lines.fold(first.to_owned(), |text, line| text + line);
        text.rsplit(sign.as_str())
            .next()
            .and_then(|rest| rest.split_once(']'))
            .is_some_and(|(_, rest)| !rest.trim().is_empty())
    }

    /// Whether the input box holds the beginning of `text`, or the label of a long paste.
    pub fn holds(&self, look: &Look, text: &str) -> bool {
        let line = self.box_row(look).map_or("", |row| look.screen.line(row)).trim_start();
        let shown = line.strip_prefix(&self.input.marker).unwrap_or_default().trim();
        let shown = image::behind(shown, image::count(shown)).unwrap_or_default().trim_start();
        let is_folded = self.input.folded.as_ref().is_some_and(|sign| shown.starts_with(sign));
        is_folded || !shown.is_empty() && text.trim_start().starts_with(shown)
    }

    /// The line of the input box: the caret's line if it begins with the marker, else the last line
    /// that does, for lines above may look the same.
    fn box_row(&self, look: &Look) -> Option<usize> {
        let (screen, at) = (&look.screen, look.pane.cursor_y);
        let is_above = |row: usize, sign: &str| row > 0 && screen.line(row - 1).starts_with(sign);
        let is_marked = |line: &str| {
            line.starts_with(&self.input.marker)
                || self.input.shell.as_ref().is_some_and(|shell| line.starts_with(shell))
        };
        let begins = |row: &usize| {
            is_marked(screen.line(*row).trim_start())
                && self.input.above.as_ref().is_none_or(|sign| is_above(*row, sign))
        };
        if begins(&at) { Some(at) } else { (0..screen.lines().len()).rev().find(begins) }
    }

    /// The next key towards choosing one of the dialog's labels.
    pub fn step(&self, dialog: &Dialog, screen: &Screen) -> DialogStep {
        let row = |line| {
            let (pointed, _, text) = self.choice(line);
            (pointed, text)
        };
        let rows: Vec<(bool, &str)> = screen.lines().map(row).collect();
        // Other lines may begin with the label too: the line that is the label goes first.
        let whole = |text: &str| dialog.choose.iter().any(|label| text == label);
        let begun = |text: &str| dialog.choose.iter().any(|label| text.starts_with(label.as_str()));
        let at = rows.iter().rposition(|(pointed, _)| *pointed);
        let to = rows.iter().rposition(|(_, text)| whole(text));
        let to = to.or_else(|| rows.iter().rposition(|(_, text)| begun(text)));
        let (Some(row), Some(to)) = (at, to) else { return DialogStep::Wait };
        let key = match row.cmp(&to) {
            Ordering::Equal => "Enter",
            Ordering::Less => "Down",
            Ordering::Greater => "Up",
        };
        DialogStep::Press { key, row }
    }

    /// The lines of a dialog that can be chosen, without their numbers.
    pub fn choices(&self, screen: &Screen) -> Vec<String> {
        self.options(screen).into_iter().map(|choice| choice.label).collect()
    }

    /// The lines of a dialog that can be chosen.
    pub fn options(&self, screen: &Screen) -> Vec<Choice> {
        let rows: Vec<&str> = screen.lines().collect();
        let choice = |(place, row): (usize, usize)| {
            let (_, number, label) = self.choice(rows[row]);
            let key = number.map_or_else(|| (place + 1).to_string(), str::to_owned);
            Choice { key, label: label.to_owned() }
        };
        self.choice_rows(&rows).into_iter().enumerate().map(choice).collect()
    }

    /// What the open dialog says above its choices, line by line, less blank lines: back to the rule
    /// above it, or else to the first words that it is known by.
    pub fn question(&self, screen: &Screen) -> String {
        let rows: Vec<&str> = screen.lines().collect();
        let Some(&end) = self.choice_rows(&rows).first() else { return String::new() };
        let is_rule =
            |line: &str| line.trim().chars().count() > 8 && line.trim().chars().all(|c| c == '─');
        let begin = end.saturating_sub(QUESTION);
        let known = self.dialog(screen).map_or(&[][..], |dialog| &dialog.texts);
        let begin = match (begin..end).rev().find(|&row| is_rule(rows[row])) {
            Some(rule) => rule + 1,
            None => (begin..end)
                .find(|&row| known.iter().any(|text| rows[row].contains(text.as_str())))
                .unwrap_or(begin),
        };
        let bare =
            |line: &&str| line.trim_matches(|c: char| c.is_whitespace() || is_frame(c)).to_owned();
        let lines: Vec<String> =
            rows[begin..end].iter().map(bare).filter(|line| !line.is_empty()).collect();
        lines.join("\n")
    }

    /// The rows that can be chosen: the pointer's, and those around it that begin in the same column.
    /// Lines that begin further right are their descriptions.
    fn choice_rows(&self, rows: &[&str]) -> Vec<usize> {
        let Some(at) = rows.iter().rposition(|line| self.choice(line).0) else { return Vec::new() };
        let column = |line: &str| {
            let lead = |c: &char| {
                c.is_whitespace() || is_frame(*c) || self.pointers.iter().any(|p| p.contains(*c))
            };
            line.chars().take_while(lead).count()
        };
        let here = column(rows[at]);
        let inside = |line: &&&str| !self.choice(line).2.is_empty() && column(line) >= here;
        let before = rows[..at].iter().rev().take_while(inside).count();
        let after = rows[at..].iter().take_while(inside).count();
        (at - before..at + after).filter(|&row| column(rows[row]) == here).collect()
    }

    /// Whether the pointer is on a line; its number, if it has one; and the line without frame,
    /// pointer and number.
    fn choice<'a>(&self, line: &'a str) -> (bool, Option<&'a str>, &'a str) {
        let bare = line.trim_matches(|c: char| c.is_whitespace() || is_frame(c));
        let pointer = self.pointers.iter().find_map(|pointer| bare.strip_prefix(pointer.as_str()));
        let text = pointer.unwrap_or(bare).trim_start();
        let (number, text) = match text.split_once(". ") {
            Some((number, rest)) if number.parse::<u8>().is_ok() => (Some(number), rest),
            _ => (None, text),
        };
        (pointer.is_some(), number, text)
    }
}

/// How many lines of a question are looked at.
const QUESTION: usize = 20;

/// Whether frames are drawn with this character.
fn is_frame(c: char) -> bool {
    ('─'..='╿').contains(&c)
}

/// The text without blanks: a narrow window breaks lines anywhere.
fn squeeze(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}
