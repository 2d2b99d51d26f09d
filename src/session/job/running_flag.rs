//! The fields of `running.flag`: how a job began, so that every process can detect its end.

use std::{path::PathBuf, time::Duration};

use crate::{flag::Fields, time};

/// What ends a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DoneBy {
    /// The end of the last turn.
    #[default]
    Turn,
    /// The agent: it was asked to remove `running.flag`. Besides that, only its death ends the job.
    Agent,
}

/// A job as `running.flag` describes it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RunningFlag {
    /// The transcript, if it was known when the job began. It is kept because a person may begin
    /// another conversation.
    pub(crate) transcript: Option<PathBuf>,
    /// The end of the transcript before the first prompt.
    pub(crate) offset: u64,
    /// How many prompts were proven.
    pub(crate) prompts: usize,
    /// Another prompt was about to be typed by a process that held the session's lock.
    pub(crate) sending: bool,
    /// What ends the job.
    pub(crate) done_by: DoneBy,
    /// When this was written, in epoch milliseconds.
    pub(crate) at: u64,
}

/// How many prompts of the job are proven. Absent while the next prompt is being typed.
const PROMPTS: &str = "prompts";

/// The number of the prompt that was typed last, from 1.
const SENDING: &str = "sending";

/// How long a text that a killed sender has pasted may take to appear on the screen.
const ARRIVES: Duration = Duration::from_secs(3);

impl RunningFlag {
    /// Reads the fields. A flag that another program wrote has none of them; it is taken for one
    /// prompt, somewhere in the transcript.
    pub(crate) fn of(fields: &Fields) -> RunningFlag {
        let number = |key: &str| fields.get(key).and_then(|text| text.parse::<u64>().ok());
        let count = |key| number(key).and_then(|n| usize::try_from(n).ok());
        let (proven, typed) = (count(PROMPTS), count(SENDING));
        RunningFlag {
            transcript: fields.get("transcript").map(PathBuf::from),
            offset: number("offset").unwrap_or(0),
            prompts: proven.or(typed.map(|n| n.saturating_sub(1))).unwrap_or(1),
            sending: proven.is_none() && typed.is_some(),
            at: fields.get("startedAt").and_then(|at| time::parse_rfc3339(at)).unwrap_or(0),
            done_by: match fields.get("done").map(String::as_str) {
                Some("agent") => DoneBy::Agent,
                _ => DoneBy::Turn,
            },
        }
    }

    /// The fields while a prompt is about to be typed. Once the prompt is submitted or given up,
    /// [`RunningFlag::sent`] is appended to the file. Rewriting the file instead could bring it
    /// back after the agent has removed it.
    pub(crate) fn sending(&self) -> [(&'static str, String); 4] {
        let transcript = self.transcript.as_deref().map(|path| path.to_string_lossy());
        let done = if self.done_by == DoneBy::Agent { "agent" } else { "" };
        [
            ("done", done.into()),
            ("transcript", transcript.unwrap_or_default().into_owned()),
            ("offset", self.offset.to_string()),
            (SENDING, (self.prompts + 1).to_string()),
        ]
    }

    /// The field that says how many prompts are proven.
    pub(crate) fn sent(prompts: usize) -> [(&'static str, String); 1] {
        [(PROMPTS, prompts.to_string())]
    }

    /// How long the text of a sender that was killed may still take to appear.
    pub(crate) fn arrives_in(&self) -> Option<Duration> {
        let age = Duration::from_millis(time::now_ms().saturating_sub(self.at));
        ARRIVES.checked_sub(age).filter(|left| self.sending && !left.is_zero())
    }
}
