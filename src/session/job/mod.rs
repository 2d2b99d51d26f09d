//! A job: from the prompt that set `running.flag` to the end of the work, and the flags that show
//! its state to everyone.
//!
//! The account in the session's private folder records the end of the transcript before the job's
//! first prompt, and how many prompts were sent since. So every process that looks (a hook, a waiting
//! program, a listing) can detect the end by itself, and the first to see it updates the account and
//! then the flags. The flags follow the account: one that is missing is put back, and one of an earlier
//! job or of another session says nothing.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    RunDir, Session,
    conversation::{ConversationReader, is_same},
};
use crate::{
    agent::{Agent, Conversation, Status},
    config::Config,
    error::Result,
    flag::{Failure, Fields, Flags, Raised},
    fs::Lock,
    time::Deadline,
    tmux::Pane,
    transcript::{
        event::USAGE_LIMIT,
        ledger::{End, Ledger},
        start::Start,
    },
};
use account::Account;
use judge::{SILENT, how_it_ended};

mod account;
mod judge;
mod shown;

pub(crate) use account::{ARRIVES, DoneBy};

/// How a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// No job is running, and the last one did not fail.
    Done,
    /// The last job failed, for this reason.
    Failed(Failure),
    /// A job is running.
    Running,
    /// A job is running, and the agent asks a question that only a person answers.
    Waiting(String),
}

impl JobState {
    /// The state of a job that ended like this.
    fn of(end: &End) -> JobState {
        match end {
            End::Done => JobState::Done,
            end => JobState::Failed(failure(end)),
        }
    }
}

/// Why a job failed that ended like this.
pub(crate) fn failure(end: &End) -> Failure {
    match end {
        End::Failed(reason) => Failure::new(reason),
        End::Done | End::Interrupted => Failure::new(INTERRUPTED),
        End::Limited { message, resets_at } => Failure {
            reason: USAGE_LIMIT.to_owned(),
            message: Some(message.clone()),
            resets_at: *resets_at,
        },
    }
}

/// How a job ended that failed for this reason.
pub(crate) fn end_of(why: Failure) -> End {
    match why {
        Failure { reason, .. } if reason == INTERRUPTED => End::Interrupted,
        Failure { reason, message: Some(message), resets_at } if reason == USAGE_LIMIT => {
            End::Limited { message, resets_at }
        }
        Failure { reason, .. } => End::Failed(reason),
    }
}

/// How a job stood when it was settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Its state according to the flags.
    pub state: JobState,
    /// What is left of its prompts according to the transcript.
    pub prompts: Prompts,
    /// How long to wait before looking again even if no event comes.
    pub again: Option<Duration>,
}

/// What is left of a job's prompts according to the transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompts {
    /// Nothing. The agent's status, which decides, may not show it yet.
    Rest,
    /// A turn that the agent's status shows too.
    Open,
    /// A turn that runs or is about to begin, while the agent's status is still idle.
    Ahead,
}

/// The job of one session.
pub(crate) struct Job {
    flags: Flags,
    agent: &'static dyn Agent,
    session: Session,
    run_dir: RunDir,
    /// The transcript since the job began, and the turns counted in it.
    read: Option<Box<(ConversationReader, Ledger)>>,
    /// Whether its holder looks again, and again when it is told to.
    is_watched: bool,
    /// Whether its holder wants to know what begins behind its end.
    follows_on: bool,
    /// When `running.flag` was first seen to be missing.
    missing: Option<Instant>,
}

/// The reason of a job that failed because its turn was interrupted.
pub(crate) const INTERRUPTED: &str = "interrupted";

impl Job {
    /// The job of a session; `None` when it has no folder for flags.
    #[must_use]
    pub(crate) fn of(config: &Config, session: &Session) -> Option<Job> {
        Some(Job {
            flags: session.flags()?,
            agent: session.agent(),
            session: session.clone(),
            run_dir: session.run_dir(config),
            read: None,
            is_watched: false,
            follows_on: false,
            missing: None,
        })
    }

    /// The job for a holder that goes on looking: it leaves a removal of the flags alone for a moment.
    #[must_use]
    pub(crate) fn watched(self) -> Job {
        Job { is_watched: true, ..self }
    }

    /// The job for a holder that wants to know what begins behind its end, too.
    #[must_use]
    pub(crate) fn following_on(self) -> Job {
        Job { follows_on: true, ..self }
    }

    /// Takes over the conversation that the session's entry has now.
    pub(crate) fn keep(&mut self, session: &Session) {
        self.session = session.clone();
    }

    /// The flags.
    #[must_use]
    pub(crate) fn flags(&self) -> &Flags {
        &self.flags
    }

    /// The files whose change may mean another state of the job, besides the transcript.
    #[must_use]
    pub(crate) fn watch_paths(&self) -> [PathBuf; 3] {
        [self.run_dir.job(), self.flags.running(), self.flags.failed()]
    }

    /// A new session has had no job: whatever the flags of its name say was left by another.
    pub(crate) fn begin_session(&self) -> Result<()> {
        let _held = self.hold()?;
        self.put(&Account::over(End::Done))
    }

    /// Notes that a job runs, though we have typed no prompt.
    pub(crate) fn set(&self) -> Result<()> {
        let _held = self.hold()?;
        self.put(&Account::of(&Fields::new()))
    }

    /// Notes how the job ended, whatever the transcript says.
    pub(crate) fn finish(&self, end: End) -> Result<()> {
        let _held = self.hold()?;
        self.put(&Account { ended: Some(end), ..self.account()? })
    }

    /// Notes that a prompt is about to be typed, with the transcript's end at `offset`: the running
    /// job continues, or a new one begins. Returns whether it is a new one. The caller holds the
    /// session's lock.
    pub(crate) fn sending(
        &mut self,
        config: &Config,
        pane: &Pane,
        offset: u64,
        done_by: DoneBy,
    ) -> Result<bool> {
        self.settle(config, Some(pane))?;
        let now = self.session.conversation_in(config, Some(pane))?;
        let _held = self.hold()?;
        let before = self.account()?;
        let is_new = before.ended.is_some();
        let account = if is_new {
            Account {
                transcript: now.transcript,
                conversation: now.id,
                offset,
                prompts: 0,
                ..Account::of(&Fields::new())
            }
        } else {
            before.clone()
        };
        // Where it cannot be shown, as on a full disk, nothing is typed, and the job is what it was.
        self.put(&Account { sending: true, done_by, ..account })
            .inspect_err(|_| drop(before.note(&self.run_dir)))?;
        Ok(is_new)
    }

    /// How long to wait for the text of a sender that was killed, if there was one. The caller
    /// holds the session's lock, so a sender noted in the account cannot be at work any more.
    pub(crate) fn left_behind(&self) -> Result<Option<Duration>> {
        Ok(self.running()?.and_then(|account| account.arrives_in()))
    }

    /// Notes that the prompt is proven.
    pub(crate) fn sent(&self) -> Result<()> {
        let _held = self.hold()?;
        match self.running()? {
            Some(account) => Account { prompts: account.prompts + 1, sending: false, ..account }
                .note(&self.run_dir),
            None => Ok(()),
        }
    }

    /// Notes that the prompt was not submitted.
    pub(crate) fn not_sent(&self) -> Result<()> {
        let _held = self.hold()?;
        match self.running()? {
            Some(account) if account.prompts > 0 => {
                Account { sending: false, ..account }.note(&self.run_dir)
            }
            Some(account) => self.put(&Account { ended: Some(End::Done), ..account }),
            None => Ok(()),
        }
    }

    /// Notes that the turn was interrupted.
    pub(crate) fn stopped(&self) -> Result<()> {
        match self.running()? {
            Some(account) if account.done_by == DoneBy::Turn => {
                self.close(&account, &End::Interrupted).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    /// Whether the transcript shows a queued prompt of the job.
    pub(crate) fn has_queued(&mut self, config: &Config, pane: &Pane) -> Result<bool> {
        let Some(account) = self.running()? else { return Ok(false) };
        let _left = self.catch_up(config, Some(pane), &account)?;
        Ok(self.read.as_deref().is_some_and(|(_, ledger)| ledger.has_queued()))
    }

    /// Takes the lock for reading and then changing the account and the flags. A hook may see the end
    /// of a job while its sender is still noting the proof; without the lock one would undo what the
    /// other did.
    pub(crate) fn hold(&self) -> Result<Lock> {
        self.run_dir.lock_flags(Deadline::after(Duration::from_secs(30)))
    }

    /// Where the transcript is now: from the agent while it is alive.
    pub(crate) fn transcript(
        &self,
        config: &Config,
        pane: Option<&Pane>,
    ) -> Result<Option<PathBuf>> {
        Ok(self.session.conversation_in(config, pane)?.transcript)
    }

    /// How the job stands. Updates the flags when it has ended.
    pub(crate) fn settle(&mut self, config: &Config, pane: Option<&Pane>) -> Result<Standing> {
        let live = pane.filter(|pane| !pane.dead);
        let told = live.map(|pane| self.session.status_or_kept(config, pane)).transpose()?;
        let status = told.map(|(told, _)| told.status);
        self.settle_with(config, pane, status)
    }

    /// Like [`Job::settle`], with the agent's status, which must have been read just before. The
    /// transcript is then newer than an "idle", which so cannot hide a prompt that came in between.
    pub(crate) fn settle_with(
        &mut self,
        config: &Config,
        pane: Option<&Pane>,
        status: Option<Status>,
    ) -> Result<Standing> {
        let (mut account, mut raised) = self.look()?;
        if matches!(account.ended, Some(End::Limited { .. })) && status.is_some() {
            (account, raised) = self.taken_up(config, pane, (account, raised))?;
        }
        let mended = self.mend(&account, &raised);
        if let Some(end) = &account.ended {
            let (state, mut again) = (JobState::of(end), None);
            let prompts = if self.follows_on {
                self.behind(config, pane, &account, status.as_ref(), &mut again)?
            } else {
                Prompts::Rest
            };
            return Ok(Standing { state, prompts, again });
        }
        let sender = self.is_typing(&account)?;
        let left = self.catch_up(config, pane, &account)?;
        let mut again = None;
        let end = match self.end(&account, sender, left, status.as_ref(), &mut again) {
            None if status.is_none() => {
                Some(End::Failed(format!("the agent ended{}", how_it_ended(config, pane)?)))
            }
            Some(End::Failed(why)) if why == SILENT && self.is_back_in_box(config, pane)? => {
                Some(End::Interrupted)
            }
            Some(end) => {
                again = self.may_come(config, pane, &account, (&end, left), status.as_ref());
                Some(end).filter(|_| again.is_none())
            }
            None => None,
        };
        let prompts = match &end {
            Some(_) if self.follows_on => {
                self.behind(config, pane, &account, status.as_ref(), &mut again)?
            }
            Some(_) => Prompts::Rest,
            None if self.is_ahead(account.prompts, status.as_ref()) => Prompts::Ahead,
            None => Prompts::Open,
        };
        // While an agent that was asked to remove the account itself is alive, only it ends the job.
        let state = match (end, status) {
            (Some(end), status) if account.done_by == DoneBy::Turn || status.is_none() => {
                self.close(&account, &end)?
            }
            (_, Some(Status::Waiting(what))) => JobState::Waiting(what),
            _ => JobState::Running,
        };
        Ok(Standing { state, prompts, again: again.or(mended) })
    }

    /// The account of a job that stopped at a usage limit: it runs again once the agent has gone on.
    fn taken_up(
        &mut self,
        config: &Config,
        pane: Option<&Pane>,
        (stopped, raised): (Account, Raised),
    ) -> Result<(Account, Raised)> {
        let _left = self.catch_up(config, pane, &stopped)?;
        if !self.read.as_deref().is_some_and(|(_, ledger)| ledger.has_resumed()) {
            return Ok((stopped, raised));
        }
        let _held = self.hold()?;
        if self.account()? == stopped {
            self.put(&Account { ended: None, ..stopped })?;
        }
        self.look()
    }

    /// How the job stands by its account alone; `None` while that says that it runs.
    pub(crate) fn by_account(&self) -> Option<Result<JobState>> {
        match self.account() {
            Ok(account) => account.ended.as_ref().map(|end| Ok(JobState::of(end))),
            Err(error) => Some(Err(error)),
        }
    }

    /// Reads on in the transcript. Returns whether a person has begun another conversation; the job
    /// stays with its own.
    fn catch_up(
        &mut self,
        config: &Config,
        pane: Option<&Pane>,
        account: &Account,
    ) -> Result<bool> {
        let now = self.session.conversation_in(config, pane)?;
        let began = account.transcript.as_ref().or(now.transcript.as_ref()).cloned();
        let left = began.iter().zip(&now.transcript).any(|(began, now)| !is_same(began, now));
        let read = self.read.take();
        let read = read.filter(|read| read.0.begins_like(began.as_deref(), account.offset));
        let mut read = read.unwrap_or_else(|| {
            let places = self.session.places(config);
            let start = Start::Offset(account.offset);
            Box::new((ConversationReader::new(places, began, start), Ledger::default()))
        });
        let (reader, ledger) = &mut *read;
        if !left {
            reader.found(&now);
        }
        reader.read(None, |line| {
            for event in self.agent.parse_line(line.bytes) {
                ledger.note(&event);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if !left
            && pane.is_some_and(|pane| !pane.dead)
            && let Some(transcript) = reader.paths().next().map(Path::to_owned)
            && self.session.entry.jsonl_path().is_some_and(|kept| is_same(kept, &transcript))
        {
            // The transcript may have moved. A look does not fail for a note.
            let now = Conversation { id: None, transcript: Some(transcript) };
            drop(self.session.bind(config, &now));
        }
        self.read = Some(read);
        Ok(left)
    }
}
