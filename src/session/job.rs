//! A job: from the prompt that set `running.flag` to the end of the work, and the flags that say
//! so to everyone.
//!
//! `running.flag` remembers where the transcript stood before the first prompt of the job and how
//! many prompts were sent since. So whoever looks (a hook, a waiting program, a listing) can tell
//! the end by itself, and whoever sees it first sets the flags right. Nobody has to stay.

use std::{ops::ControlFlow, path::PathBuf};

use super::{Session, with_status};
use crate::{
    agent::{Agent, Status},
    config::Config,
    error::Result,
    flag::{Fields, Flags},
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
struct Begun {
    offset: u64,
    prompts: usize,
}

impl Begun {
    /// A flag that somebody else wrote says neither: the whole transcript is the job.
    fn of(fields: &Fields) -> Begun {
        let number = |key: &str| fields.get(key)?.parse().ok();
        Begun {
            offset: number("offset").unwrap_or(0),
            prompts: number("prompts").map_or(1, |n| usize::try_from(n).unwrap_or(1)),
        }
    }
}

impl Job {
    /// The job of a session; `None` when it has no folder for flags.
    #[must_use]
    pub fn of(session: &Session) -> Option<Job> {
        Some(Job {
            flags: session.flags()?,
            agent: session.agent(),
            kept_path: session.entry.jsonl_path().map(PathBuf::from),
            read: None,
        })
    }

    /// The flags.
    #[must_use]
    pub fn flags(&self) -> &Flags {
        &self.flags
    }

    /// A prompt is about to be typed at `offset`: the job goes on with one more, or begins.
    pub fn prompt(&mut self, config: &Config, pane: &Pane, offset: u64) -> Result<()> {
        self.look(config, Some(pane))?;
        let before = self.flags.read_running()?.map(|fields| Begun::of(&fields));
        let now = match before {
            Some(begun) => Begun { prompts: begun.prompts + 1, ..begun },
            None => Begun { offset, prompts: 1 },
        };
        self.set(&now)
    }

    /// The prompt did not go out after all.
    pub fn unprompt(&mut self) -> Result<()> {
        match self.flags.read_running()?.map(|fields| Begun::of(&fields)) {
            Some(begun) if begun.prompts > 1 => {
                self.set(&Begun { prompts: begun.prompts - 1, ..begun })
            }
            _ => self.flags.clear().map(|_| ()),
        }
    }

    fn set(&self, begun: &Begun) -> Result<()> {
        let fields = [("offset", begun.offset.to_string()), ("prompts", begun.prompts.to_string())];
        self.flags.set(&fields)
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
        let Some(fields) = self.flags.read_running()? else {
            return Ok(match self.flags.read_failed()? {
                Some(fields) => JobState::Failed(fields.get("reason").cloned().unwrap_or_default()),
                None => JobState::Done,
            });
        };
        let begun = Begun::of(&fields);
        // The status is read before the transcript: "idle" then speaks of a moment before what is
        // read, and cannot hide a prompt that came in between.
        let live = pane.filter(|pane| !pane.dead);
        let status = live.map(|pane| self.agent.status(config, pane)).transpose()?;
        if let Some(path) = self.transcript(config, pane)? {
            self.catch_up(path, begun.offset)?;
        }
        let ledger = self.read.as_ref().map(|read| &read.ledger);
        if let Some(end) = ledger.and_then(|ledger| ledger.ended(begun.prompts)) {
            let last_input = ledger.and_then(Ledger::last_input);
            let idle = match &status {
                None => true,
                Some(Status::Idle(Some(since))) => last_input.is_none_or(|input| *since >= input),
                Some(Status::Idle(None)) => true,
                Some(_) => !self.agent.end_needs_idle(),
            };
            if idle {
                return self.close(&end.clone());
            }
        }
        match (status, pane) {
            (Some(Status::Waiting(what)), _) => Ok(JobState::Waiting(what)),
            (Some(_), _) => Ok(JobState::Running),
            (None, pane) => {
                let how = pane.map(with_status).unwrap_or_default();
                self.close(&End::Failed(format!("the agent ended{how}")))
            }
        }
    }

    fn close(&self, end: &End) -> Result<JobState> {
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
            if !matches!(seen, Seen::Truncated | Seen::Replaced | Seen::Packed) {
                break;
            }
        }
        self.read = Some(read);
        Ok(())
    }
}
