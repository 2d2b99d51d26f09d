//! The questions that the practice agent asks. Pure.
//!
//! Up and Down move the `❯`, Enter picks its line, Escape cancels; digits do nothing. The
//! preselected answer is safe for a person and wrong for a blind Enter, except in the permission
//! question, where Enter approves, as in Claude Code. See claude/FACTS.md, "Start dialogs".

use super::input::Key;

/// Which question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Before the start: may it work in this folder?
    Trust,
    /// Before the start: there is no account.
    Login,
    /// Before the start: a dialog that no screen profile knows.
    Unknown,
    /// In a turn: may this tool run?
    Permission,
    /// Over a draft: drop it?
    Draft,
}

/// An open question.
#[derive(Debug)]
pub(crate) struct Dialog {
    /// What it asks.
    pub(crate) question: Question,
    head: Vec<String>,
    labels: &'static [&'static str],
    selected: usize,
    foot: &'static str,
}

/// What a key did to a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is still open.
    Open,
    /// The label with this index was picked.
    Picked(usize),
    /// It was cancelled.
    Cancelled,
}

impl Dialog {
    /// The `question` about `subject`: the folder, or the tool's command.
    pub(crate) fn new(question: Question, subject: &str) -> Self {
        let (head, labels, foot): (&[&str], &'static [&'static str], &'static str) = match question
        {
            Question::Trust => (
                &["Practice agent: do you trust this folder?", "", "  {}", ""],
                &["No, exit", "Yes, I trust this folder"],
                "Enter to confirm · Esc to exit",
            ),
            Question::Login => (
                &["Practice agent: you are not logged in", "", "  Log in as a person would.", ""],
                &["Exit"],
                "Enter to confirm · Esc to exit",
            ),
            Question::Unknown => (
                &["The zorble has drifted since last time", ""],
                &["Discard the zorble", "Keep the zorble"],
                "Enter to confirm · Esc to exit",
            ),
            Question::Permission => (
                &["Bash command", "", "  {}", "", "Do you want to proceed?"],
                &["1. Yes", "2. No"],
                "Esc to cancel",
            ),
            Question::Draft => (
                &["Practice agent: how is it going so far?", ""],
                &["1. Fine, and drop my draft", "2. Ask me later"],
                "Esc to cancel",
            ),
        };
        let head = head.iter().map(|line| line.replace("{}", subject)).collect();
        Dialog { question, head, labels, selected: 0, foot }
    }

    /// Whether it comes before the start, where C-c cancels it as Escape does.
    pub(crate) fn at_start(&self) -> bool {
        matches!(self.question, Question::Trust | Question::Login | Question::Unknown)
    }

    /// The `waitingFor` of the state file while it is open.
    pub(crate) fn waiting_for(&self) -> &'static str {
        match self.question {
            Question::Permission => "permission prompt",
            _ => "dialog open",
        }
    }

    /// The lines on the screen.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = self.head.clone();
        for (index, label) in self.labels.iter().enumerate() {
            let mark = if index == self.selected { '❯' } else { ' ' };
            lines.push(format!("{mark} {label}"));
        }
        lines.push(String::new());
        lines.push(self.foot.to_owned());
        lines
    }

    /// What `key` does.
    pub(crate) fn press(&mut self, key: &Key) -> Answer {
        match key {
            Key::Up => self.selected = self.selected.saturating_sub(1),
            Key::Down => self.selected = (self.selected + 1).min(self.labels.len() - 1),
            Key::Enter => return Answer::Picked(self.selected),
            Key::Escape => return Answer::Cancelled,
            Key::Interrupt if self.at_start() => return Answer::Cancelled,
            _ => {}
        }
        Answer::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blind_enter_refuses_trust_and_approves_a_tool() {
        let mut trust = Dialog::new(Question::Trust, "/work");
        assert_eq!(trust.lines()[4..6], ["❯ No, exit", "  Yes, I trust this folder"]);
        assert_eq!(trust.press(&Key::Paste("2".into())), Answer::Open);
        assert_eq!(trust.press(&Key::Enter), Answer::Picked(0));
        assert_eq!(trust.press(&Key::Down), Answer::Open);
        assert_eq!(trust.press(&Key::Down), Answer::Open);
        assert_eq!(trust.lines()[4..6], ["  No, exit", "❯ Yes, I trust this folder"]);
        assert_eq!(trust.press(&Key::Enter), Answer::Picked(1));
        assert_eq!(trust.press(&Key::Interrupt), Answer::Cancelled);
        let mut tool = Dialog::new(Question::Permission, "rm x");
        assert_eq!(tool.lines()[2..6], ["  rm x", "", "Do you want to proceed?", "❯ 1. Yes"]);
        assert_eq!(tool.press(&Key::Interrupt), Answer::Open);
        assert_eq!(tool.press(&Key::Escape), Answer::Cancelled);
    }
}
