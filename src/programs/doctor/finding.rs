//! What was found.

use std::fmt::Display;

use serde::Serialize;

use crate::shell;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Weight {
    Ok,
    Note,
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) area: &'static str,
    pub(crate) subject: String,
    pub(crate) weight: Weight,
    pub(crate) says: String,
    /// The command that mends it, or other advice.
    pub(crate) mend: Option<String>,
}

impl Finding {
    fn new(weight: Weight, area: &'static str, subject: impl Display, says: impl Display) -> Self {
        let (subject, says) = (subject.to_string(), says.to_string());
        Finding { area, subject, weight, says, mend: None }
    }

    pub(crate) fn ok(area: &'static str, subject: impl Display, says: impl Display) -> Self {
        Self::new(Weight::Ok, area, subject, says)
    }

    pub(crate) fn note(area: &'static str, subject: impl Display, says: impl Display) -> Self {
        Self::new(Weight::Note, area, subject, says)
    }

    pub(crate) fn problem(area: &'static str, subject: impl Display, says: impl Display) -> Self {
        Self::new(Weight::Problem, area, subject, says)
    }

    pub(crate) fn mend(self, mend: impl Display) -> Self {
        Finding { mend: Some(mend.to_string()), ..self }
    }
}

/// A path as a word for the shell.
pub(crate) fn word(path: &std::path::Path) -> String {
    shell::word(&path.to_string_lossy()).into_owned()
}
