//! What was found.

use std::fmt::Display;

use serde::Serialize;

use crate::{
    cli::{Member, Type},
    shell,
};

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
    /// The command that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mend: Option<String>,
    /// What a person may do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

/// What a record of it holds.
pub(super) const MEMBERS: &[Member] = &[
    Member::new("area", Type::Text, "What was looked at"),
    Member::new("subject", Type::Text, "The thing itself"),
    Member::new("weight", Type::OneOf(&["ok", "note", "problem"]), "How much it matters"),
    Member::new("says", Type::Text, "What is to be said of it"),
    Member::new("mend", Type::Text, "The command that mends it").optional(),
    Member::new("advice", Type::Text, "What a person may do about it").optional(),
];

impl Finding {
    fn new(weight: Weight, area: &'static str, subject: impl Display, says: impl Display) -> Self {
        let (subject, says) = (subject.to_string(), says.to_string());
        Finding { area, subject, weight, says, mend: None, advice: None }
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

    pub(crate) fn advise(self, advice: impl Display) -> Self {
        Finding { advice: Some(advice.to_string()).filter(|advice| !advice.is_empty()), ..self }
    }
}

/// A path as a word for the shell.
pub(crate) fn word(path: &std::path::Path) -> String {
    shell::word(&path.to_string_lossy()).into_owned()
}
