//! A job's account: how it began and how it stands, so that every process can detect its end.
//!
//! It lies in the session's private folder, where no work on the agent's folder reaches it. The flags
//! are what everyone sees of it. A session of the Python package has no account of ours: there the
//! flags are all there is.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize, Serializer};

use crate::{
    error::{Error, Result},
    flag::Fields,
    fs,
    session::RunDir,
    time,
    transcript::ledger::End,
};

/// What ends a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DoneBy {
    /// The end of the last turn.
    #[default]
    Turn,
    /// The agent: it was asked to remove `running.flag`. Besides that, only its death ends the job.
    Agent,
}

/// The account of a session's last job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    /// The transcript, if it was known when the job began. It is kept because a person may begin
    /// another conversation.
    #[serde(serialize_with = "lossy")]
    pub(crate) transcript: Option<PathBuf>,
    /// The agent's id of that conversation, if it was known.
    pub(crate) conversation: Option<String>,
    /// The end of the transcript before the first prompt, in bytes.
    pub(crate) offset: u64,
    /// How many prompts were proven.
    pub(crate) prompts: usize,
    /// Another prompt was about to be typed by a process that held the session's lock.
    pub(crate) sending: bool,
    /// What ends the job.
    pub(crate) done_by: DoneBy,
    /// When its last prompt was about to be typed or, once it has ended, when that was noted; in epoch
    /// milliseconds.
    pub(crate) at: u64,
    /// How it ended; `None` while it runs.
    pub(crate) ended: Option<End>,
}

/// How long a text that a killed sender has pasted may take to appear on the screen.
pub(crate) const ARRIVES: Duration = Duration::from_secs(3);

impl Account {
    /// The account of a job that runs, by the fields of `running.flag`. One that another program wrote
    /// is taken for one prompt, somewhere in the transcript.
    pub(crate) fn of(fields: &Fields) -> Account {
        let text = |key: &str| fields.get(key).map(String::as_str);
        Account {
            transcript: text("transcript").map(PathBuf::from),
            conversation: None,
            offset: text("offset").and_then(|text| text.parse().ok()).unwrap_or(0),
            prompts: 1,
            sending: false,
            done_by: if text("done") == Some("agent") { DoneBy::Agent } else { DoneBy::Turn },
            at: text("startedAt").and_then(time::parse_rfc3339).unwrap_or(0),
            ended: None,
        }
    }

    /// The account of a job that ended like this, of which nothing else is known.
    pub(crate) fn over(end: End) -> Account {
        Account { ended: Some(end), ..Account::of(&Fields::new()) }
    }

    /// The account that is kept in a session's folder. `None` when there is none, or it was lost with
    /// the machine.
    pub(crate) fn read(run_dir: &RunDir) -> Result<Option<Account>> {
        let bytes = fs::read_small(&run_dir.job())?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Keeps it there, also when the machine stops.
    pub(crate) fn write(&self, run_dir: &RunDir) -> Result<()> {
        fs::write_durable(&run_dir.job(), &self.encode(run_dir)?, 0o600)
    }

    /// The same without waiting for the disk.
    pub(crate) fn note(&self, run_dir: &RunDir) -> Result<()> {
        fs::write_atomic(&run_dir.job(), &self.encode(run_dir)?, 0o600)
    }

    fn encode(&self, run_dir: &RunDir) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|e| Error::system(run_dir.job().display(), e))
    }

    /// What `running.flag` says of it, besides the time.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let transcript = self.transcript.as_deref().map(|path| path.to_string_lossy().into_owned());
        let done = (self.done_by == DoneBy::Agent).then(|| ("done", "agent".to_owned()));
        let place =
            transcript.map(|path| [("transcript", path), ("offset", self.offset.to_string())]);
        done.into_iter().chain(place.into_iter().flatten()).collect()
    }

    /// How long the text of a sender that was killed may still take to appear.
    pub(crate) fn arrives_in(&self) -> Option<Duration> {
        time::left_of(self.at, ARRIVES).filter(|_| self.sending)
    }
}

/// A path that is not UTF-8 is kept as the state file keeps it.
fn lossy<S: Serializer>(
    path: &Option<PathBuf>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    path.as_deref().map(|path| path.to_string_lossy()).serialize(serializer)
}
