//! A delivery: its options and its result.

use std::{borrow::Cow, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Exit, Kind},
    session::{DRAW_WAIT, DoneBy, LOCK_WAIT, PROOF_WAIT},
    state::Name,
};

/// The result of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The transcript has the whole prompt, passed to the model.
    Submitted,
    /// The agent recorded the whole prompt for later.
    Queued,
    /// The agent recorded another text.
    Altered,
    /// Nothing was typed, or a hook of the user's refused it and nothing is left of it; the reason says
    /// why.
    Blocked,
    /// The text is still in the input box.
    TypedNotSubmitted,
    /// The transcript showed nothing of it before the deadline.
    Unproven,
}

impl Verdict {
    /// All names.
    pub(crate) const NAMES: &[&str] =
        &["submitted", "queued", "altered", "blocked", "typed_not_submitted", "unproven"];

    /// Its name in the records.
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

/// A delivery and its proof, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// The result.
    pub verdict: Verdict,
    /// The end of the transcript before the prompt.
    pub offset: u64,
    /// The changes to the prompt that are usual for the agent, such as removing outer blanks.
    pub normalized: Vec<Cow<'static, str>>,
    /// Why it is not proven; empty when it is.
    pub reason: String,
    /// What to do about it.
    pub advice: String,
    /// Whether only a person can remove the obstacle.
    pub person: bool,
    /// Whether the work that was to end first has not ended in time.
    pub late: bool,
    /// The recorder's error, if recording failed. It does not affect the delivery.
    pub unrecorded: Option<Error>,
    /// Set when the prompt was delivered earlier under the same key, and not now.
    pub repeated: Option<Repeated>,
}

/// A prompt that was delivered earlier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Repeated {
    /// Its text.
    pub text: String,
    /// The images that came with it.
    #[serde(default)]
    pub images: Vec<String>,
    /// The transcript that it went to, if that was known.
    pub transcript: Option<PathBuf>,
    /// The end of the transcript before it.
    pub offset: u64,
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
            late: false,
            unrecorded: None,
            repeated: None,
        }
    }

    /// The error for a delivery that is not proven.
    #[must_use]
    pub(crate) fn failure(&self, name: &Name) -> Option<Error> {
        let kind = match self.exit() {
            Exit::Done => return None,
            Exit::Person => Kind::Person,
            Exit::Refused => Kind::Refused,
            Exit::Timeout => Kind::Timeout,
            _ => Kind::Unproven,
        };
        Some(Error::new(kind, name, &self.reason).advise(&self.advice))
    }

    /// The exit status for it.
    #[must_use]
    pub(crate) fn exit(&self) -> Exit {
        match self.verdict {
            Verdict::Submitted | Verdict::Queued => Exit::Done,
            Verdict::Blocked if self.person => Exit::Person,
            Verdict::Blocked if self.late => Exit::Timeout,
            Verdict::Blocked => Exit::Refused,
            Verdict::Altered | Verdict::TypedNotSubmitted | Verdict::Unproven => Exit::Unproven,
        }
    }
}

/// The moment for a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum When {
    /// As soon as nothing forbids typing.
    #[default]
    Now,
    /// Once no job runs and the agent is idle.
    Idle,
    /// Once no usage limit holds.
    Reset,
}

impl When {
    pub(crate) const NAMES: &'static [&'static str] = &["now", "idle", "reset"];

    pub(crate) fn of(name: &str) -> When {
        match name {
            "idle" => When::Idle,
            "reset" => When::Reset,
            _ => When::Now,
        }
    }
}

/// How to deliver a prompt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeliveryOptions {
    /// Clear somebody's draft out of the input box first.
    pub replace_draft: bool,
    /// How long to wait for obstacles to typing to go away.
    pub wait_ready: Duration,
    /// What to wait for first.
    pub when: When,
    /// How long to wait for the end of a usage limit; `None` as long as it takes.
    pub reset_wait: Option<Duration>,
    /// First interrupt the present turn.
    pub interrupt: bool,
    /// The agent has only just become ready and may not read keys reliably yet.
    pub just_started: bool,
    /// How long to wait for another program that holds the session's lock.
    pub lock_wait: Duration,
    /// How long to wait for the proof.
    pub timeout: Duration,
    /// What ends the job.
    pub done_by: DoneBy,
}

impl Default for DeliveryOptions {
    fn default() -> Self {
        DeliveryOptions {
            replace_draft: false,
            wait_ready: DRAW_WAIT,
            when: When::Now,
            reset_wait: None,
            interrupt: false,
            just_started: false,
            lock_wait: LOCK_WAIT,
            timeout: PROOF_WAIT,
            done_by: DoneBy::Turn,
        }
    }
}
