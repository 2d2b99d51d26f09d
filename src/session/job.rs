//! A job: from the prompt that set `running.flag` to the end of the work, and the flags that say
//! so to everyone.
//!
//! `running.flag` remembers where the transcript stood before the first prompt of the job and how
//! many prompts were sent since. So whoever looks (a hook, a waiting program, a listing) can tell
//! the end by itself, and whoever sees it first sets the flags right. Nobody has to stay.

use std::{ops::ControlFlow, path::PathBuf, time::Duration};

use super::{Session, with_status};
use crate::{
    agent::{Agent, Status},
    config::Config,
    error::Result,
    flag::{Fields, Flags},
    fs::{self, Lock},
    time::Deadline,
    tmux::Pane,
    transcript::{
        follow::{Follow, Seen, Start},
        ledger::{End, Ledger},
    },
};

/// How a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// No job is running, and the last one did not fail.
    Done,
    /// It failed, for this reason.
    Failed(String),
    /// It runs.
    Running,
    /// It runs, and the agent asks something that only a person answers.
    Waiting(String),
}

/// The job of one session.
pub struct Job {
    flags: Flags,
    agent: &'static dyn Agent,
    kept_path: Option<PathBuf>,
    lock: PathBuf,
    read: Option<Reading>,
}

/// The transcript since the job began.
struct Reading {
    path: PathBuf,
    offset: u64,
    follow: Follow,
    ledger: Ledger,
}

/// What `running.flag` says of the job.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Begun {
    /// Where the transcript stood before the first prompt.
    offset: u64,
    /// The prompts that were proven.
    prompts: usize,
    /// Another prompt was about to be typed, by a process that held the session's lock.
    sending: bool,
}

impl Begun {
    /// A flag that somebody else wrote says nothing: one prompt, somewhere in the transcript.
    fn of(fields: &Fields) -> Begun {
        let number = |key: &str| fields.get(key).and_then(|text| text.parse::<u64>().ok());
        Begun {
            offset: number("offset").unwrap_or(0),
            prompts: number("prompts").and_then(|n| usize::try_from(n).ok()).unwrap_or(1),
            sending: number("sending") == Some(1),
        }
    }
}

impl Job {
    /// The job of a session; `None` when it has no folder for flags.
    #[must_use]
    pub fn of(config: &Config, session: &Session) -> Option<Job> {
        Some(Job {
            flags: session.flags()?,
            agent: session.agent(),
            kept_path: session.entry.jsonl_path().map(PathBuf::from),
            lock: Session::lock_path(config, session.backend, &session.name),
            read: None,
        })
    }

    /// The flags.
    #[must_use]
    pub fn flags(&self) -> &Flags {
        &self.flags
    }

    /// A prompt is about to be typed while the transcript stands at `offset`: the job goes on, or
    /// one begins. The caller holds the session's lock.
    pub fn sending(&mut self, config: &Config, pane: &Pane, offset: u64) -> Result<()> {
        self.look(config, Some(pane))?;
        let _held = self.hold()?;
        let now = match self.begun()? {
            Some(begun) => Begun { sending: true, ..begun },
            None => Begun { offset, prompts: 0, sending: true },
        };
        self.set(now)
    }

    /// The prompt is proven.
    pub fn sent(&self) -> Result<()> {
        let _held = self.hold()?;
        match self.begun()? {
            Some(begun) => self.set(Begun { prompts: begun.prompts + 1, sending: false, ..begun }),
            None => Ok(()),
        }
    }

    /// The prompt did not go out after all.
    pub fn not_sent(&self) -> Result<()> {
        let _held = self.hold()?;
        match self.begun()? {
            Some(begun) if begun.prompts > 0 => self.set(Begun { sending: false, ..begun }),
            _ => self.flags.clear().map(|_| ()),
        }
    }

    /// The turn was stopped by a key.
    pub fn stopped(&self) -> Result<()> {
        match self.begun()? {
            Some(begun) => self.close(begun, &End::Interrupted).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Whether a turn is open by the transcript, where the agent numbers its turns.
    pub fn turn_is_open(&mut self, config: &Config, pane: &Pane) -> Result<Option<bool>> {
        let Some(begun) = self.begun()? else { return Ok(None) };
        let Some(path) = self.transcript(config, Some(pane))? else { return Ok(None) };
        self.catch_up(path, begun.offset)?;
        Ok(self.read.as_ref().map(|read| read.ledger.open_turn().is_some()))
    }

    /// Whoever changes the flags after a look at them does both alone: a hook may see the end of a
    /// job while its sender is still noting the proof, and one would undo what the other did.
    pub(super) fn hold(&self) -> Result<Lock> {
        let path = self.lock.with_file_name("flags.lock");
        let deadline = Deadline::after(Duration::from_secs(30));
        fs::lock(&path, deadline, "flags", "another process keeps them locked")
    }

    fn begun(&self) -> Result<Option<Begun>> {
        Ok(self.flags.read_running()?.as_ref().map(Begun::of))
    }

    fn set(&self, begun: Begun) -> Result<()> {
        self.flags.set(&[
            ("offset", begun.offset.to_string()),
            ("prompts", begun.prompts.to_string()),
            ("sending", u8::from(begun.sending).to_string()),
        ])
    }

    /// Where the transcript is now: by the agent's own word while it lives.
    pub fn transcript(&self, config: &Config, pane: Option<&Pane>) -> Result<Option<PathBuf>> {
        let now = match pane {
            Some(pane) if !pane.dead => self.agent.thread(config, pane)?,
            _ => None,
        };
        Ok(now.and_then(|thread| thread.transcript).or_else(|| self.kept_path.clone()))
    }

    /// How the job stands; and sets the flags right when it has ended.
    pub fn look(&mut self, config: &Config, pane: Option<&Pane>) -> Result<JobState> {
        let live = pane.filter(|pane| !pane.dead);
        let status = live.map(|pane| self.agent.status(config, pane)).transpose()?;
        self.look_after(config, pane, status)
    }

    /// The same with the agent's status, which was read just before: "idle" then speaks of a moment
    /// before what is read here, and cannot hide a prompt that came in between.
    pub(super) fn look_after(
        &mut self,
        config: &Config,
        pane: Option<&Pane>,
        status: Option<Status>,
    ) -> Result<JobState> {
        let Some(begun) = self.begun()? else { return self.over() };
        // A sender that was killed leaves its mark, but not its lock.
        let sender = begun.sending && fs::is_locked(&self.lock)?;
        if let Some(path) = self.transcript(config, pane)? {
            self.catch_up(path, begun.offset)?;
        }
        let ledger = self.read.as_ref().map(|read| &read.ledger);
        let prompts = begun.prompts + usize::from(sender);
        if let Some(end) = ledger.and_then(|ledger| ledger.ended(prompts)) {
            let last_input = ledger.and_then(Ledger::last_input);
            let idle = match &status {
                None => true,
                Some(Status::Idle(Some(since))) => last_input.is_none_or(|input| *since >= input),
                Some(Status::Idle(None)) => true,
                Some(_) => !self.agent.end_needs_idle(),
            };
            if idle {
                return self.close(begun, &end.clone());
            }
        }
        let nothing = begun.prompts == 0 && ledger.is_none_or(Ledger::is_empty);
        if begun.sending && !sender && nothing && matches!(status, Some(Status::Idle(_))) {
            let reason = "the sender ended before the prompt was proven";
            return self.close(begun, &End::Failed(reason.into()));
        }
        match (status, pane) {
            (Some(Status::Waiting(what)), _) => Ok(JobState::Waiting(what)),
            (Some(_), _) => Ok(JobState::Running),
            (None, pane) => {
                let how = pane.map(with_status).unwrap_or_default();
                self.close(begun, &End::Failed(format!("the agent ended{how}")))
            }
        }
    }

    /// How the last job ended.
    fn over(&self) -> Result<JobState> {
        Ok(match self.flags.read_failed()? {
            Some(fields) => JobState::Failed(fields.get("reason").cloned().unwrap_or_default()),
            None => JobState::Done,
        })
    }

    /// Ends the job that `seen` said of; when the flag says something else by now, its change is
    /// what to look at next.
    fn close(&self, seen: Begun, end: &End) -> Result<JobState> {
        let _held = self.hold()?;
        match self.begun()? {
            Some(now) if now == seen => {}
            Some(_) => return Ok(JobState::Running),
            None => return self.over(),
        }
        let reason = match end {
            End::Done => {
                self.flags.clear()?;
                return Ok(JobState::Done);
            }
            End::Interrupted => "interrupted".to_owned(),
            End::Failed(reason) => reason.clone(),
        };
        self.flags.fail(&reason)?;
        Ok(JobState::Failed(reason))
    }

    /// Reads on in the transcript.
    fn catch_up(&mut self, path: PathBuf, offset: u64) -> Result<()> {
        let current = self.read.take().filter(|read| read.path == path && read.offset == offset);
        let mut read = match current {
            Some(read) => read,
            None => {
                let follow = Follow::open(&path, Start::Offset(offset))?;
                Reading { path, offset, follow, ledger: Ledger::default() }
            }
        };
        let (agent, ledger) = (self.agent, &mut read.ledger);
        loop {
            let seen = read.follow.read(|line| {
                for event in agent.read(line.bytes) {
                    ledger.note(&event);
                }
                Ok(ControlFlow::Continue(()))
            })?;
            if !matches!(seen, Seen::Truncated | Seen::Replaced) {
                break;
            }
        }
        self.read = Some(read);
        Ok(())
    }
}
