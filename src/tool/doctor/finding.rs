//! What was found.

use std::fmt::Display;

use serde::Serialize;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Weight {
    Ok,
    Note,
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    pub(super) area: &'static str,
    pub(super) subject: String,
    pub(super) weight: Weight,
    pub(super) says: String,
    /// The command, or what else there is to do.
    pub(super) mend: Option<String>,
}

impl Finding {
    fn new(weight: Weight, area: &'static str, subject: impl Display, says: impl Display) -> Self {
        let (subject, says) = (subject.to_string(), says.to_string());
        Finding { area, subject, weight, says, mend: None }
    }

    pub(super) fn ok(area: &'static str, subject: impl Display, says: impl Display) -> Self {
        Self::new(Weight::Ok, area, subject, says)
    }

    pub(super) fn note(area: &'static str, subject: impl Display, says: impl Display) -> Self {
        Self::new(Weight::Note, area, subject, says)
    }

    pub(super) fn problem(area: &'static str, subject: impl Display, says: impl Display) -> Self {
        Self::new(Weight::Problem, area, subject, says)
    }

    pub(super) fn mend(self, mend: impl Display) -> Self {
        Finding { mend: Some(mend.to_string()), ..self }
    }
}

/// A path as a word for the shell.
pub(super) fn word(path: &std::path::Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%".contains(c);
    if text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
