//! A delivery: how it is to be made, and what became of it.

use std::time::Duration;

use crate::{
    error::{Error, Exit, Kind},
    session::{DRAW_WAIT, DoneBy, LOCK_WAIT, PROOF_WAIT},
    state::Name,
};

/// What became of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The transcript holds the whole prompt, given to the model.
    Submitted,
    /// The agent recorded the whole prompt for later.
    Queued,
    /// The agent recorded another text.
    Altered,
    /// Nothing was typed: the reason says why.
    Blocked,
    /// The text is in the input box, and was not taken.
    TypedNotSubmitted,
    /// Nothing was seen before the deadline.
    Unproven,
}

impl Verdict {
    /// As the records name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Submitted => "submitted",
            Verdict::Queued => "queued",
            Verdict::Altered => "altered",
            Verdict::Blocked => "blocked",
            Verdict::TypedNotSubmitted => "typed_not_submitted",
            Verdict::Unproven => "unproven",
        }
    }
}

/// A delivery and its proof, or what stood in its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// What became of the prompt.
    pub verdict: Verdict,
    /// Where the transcript stood before it.
    pub offset: u64,
    /// The changes that the agent makes to every prompt and made to this one.
    pub normalized: Vec<&'static str>,
    /// Why it is not proven; empty when it is.
    pub reason: String,
    /// What to do about it.
    pub advice: String,
    /// Only a person can answer what stands in the way.
    pub person: bool,
    /// Why the recorder did not note it, where there is one and it failed. The prompt is no worse.
    pub unrecorded: Option<Error>,
}

impl Delivery {
    pub(crate) fn new(verdict: Verdict, offset: u64, reason: impl Into<String>) -> Self {
        Delivery {
            verdict,
            offset,
            normalized: Vec::new(),
            reason: reason.into(),
            advice: String::new(),
            person: false,
            unrecorded: None,
        }
    }

    /// Why it is not proven, if it is not.
    #[must_use]
    pub(crate) fn failure(&self, name: &Name) -> Option<Error> {
        let kind = match self.exit() {
            Exit::Done => return None,
            Exit::Person => Kind::Person,
            Exit::Refused => Kind::Refused,
            _ => Kind::Unproven,
        };
        Some(Error::new(kind, name, &self.reason).advise(&self.advice))
    }

    /// The exit status that it stands for.
    #[must_use]
    pub(crate) fn exit(&self) -> Exit {
        match self.verdict {
            Verdict::Submitted | Verdict::Queued => Exit::Done,
            Verdict::Blocked if self.person => Exit::Person,
            Verdict::Blocked => Exit::Refused,
            Verdict::Altered | Verdict::TypedNotSubmitted | Verdict::Unproven => Exit::Unproven,
        }
    }
}

/// How a prompt is to be delivered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeliveryOptions {
    /// Clear somebody's draft out of the input box first.
    pub replace_draft: bool,
    /// How long to wait for what forbids typing to go away.
    pub wait_ready: Duration,
    /// Wait for the end of the present work first.
    pub when_idle: bool,
    /// Stop the present turn first.
    pub interrupt: bool,
    /// The agent has only just become ready: it may not read keys as fast as it will.
    pub just_started: bool,
    /// How long to wait for another program that is busy with the session.
    pub lock_wait: Duration,
    /// How long to wait for the proof.
    pub timeout: Duration,
    /// Whose word ends the job.
    pub done_by: DoneBy,
}

impl Default for DeliveryOptions {
    fn default() -> Self {
        DeliveryOptions {
            replace_draft: false,
            wait_ready: DRAW_WAIT,
            when_idle: false,
            interrupt: false,
            just_started: false,
            lock_wait: LOCK_WAIT,
            timeout: PROOF_WAIT,
            done_by: DoneBy::Turn,
        }
    }
}
