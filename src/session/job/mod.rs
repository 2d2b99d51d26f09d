//! A job: from the prompt that set `running.flag` to the end of the work, and the flags that show
//! its state to everyone.
//!
//! `running.flag` records the end of the transcript before the job's first prompt, and how many
//! prompts were sent since. So every process that looks (a hook, a waiting program, a listing) can
//! detect the end by itself, and the first to see it updates the flags. No process has to stay.

use std::{ops::ControlFlow, path::PathBuf, time::Duration};

use super::{
    RunDir, Session,
    anchor::with_status,
    conversation::{ConversationReader, is_same},
};
use crate::{
    agent::{Agent, Status},
    config::Config,
    error::Result,
    flag::Flags,
    fs::{self, Lock},
    time::{self, Deadline},
    tmux::Pane,
    transcript::{
        ledger::{End, Ledger},
        start::Start,
    },
};
use running_flag::RunningFlag;

mod running_flag;

pub(crate) use running_flag::DoneBy;

/// How a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// No job is running, and the last one did not fail.
    Done,
    /// The last job failed, for this reason.
    Failed(String),
    /// A job is running.
    Running,
    /// A job is running, and the agent asks a question that only a person answers.
    Waiting(String),
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
    read: Option<(ConversationReader, Ledger)>,
}

/// The reason of a job that failed because its turn was interrupted.
pub(crate) const INTERRUPTED: &str = "interrupted";

/// A turn shorter than this may never show in the agent's status, which then says that the agent
/// has been idle since before the prompt.
// Measured: claude/FACTS.md, "State file"
const SHORT: Duration = Duration::from_secs(1);

/// How long after its status has become idle an agent may take to record how the turn ended.
// Measured: claude/FACTS.md, "Interrupt in the transcript"
const END_WRITTEN: Duration = Duration::from_millis(500);

/// How long after a prompt was taken from the queue an agent may say that it is idle, before the turn
/// of that prompt shows in its status.
// Measured: claude/FACTS.md, "Prompts during a turn"
const BETWEEN_TURNS: Duration = Duration::from_millis(100);

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
        })
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

    /// Notes that a prompt is about to be typed, with the transcript's end at `offset`: the running
    /// job continues, or a new one begins. The caller holds the session's lock.
    pub(crate) fn sending(
        &mut self,
        config: &Config,
        pane: &Pane,
        offset: u64,
        done_by: DoneBy,
    ) -> Result<()> {
        self.settle(config, Some(pane))?;
        let transcript = self.transcript(config, Some(pane))?;
        let _held = self.hold()?;
        let now = match self.running_flag()? {
            Some(flag) => RunningFlag { sending: true, done_by, ..flag },
            None => RunningFlag { transcript, offset, prompts: 0, sending: true, done_by, at: 0 },
        };
        self.flags.set(&now.sending())
    }

    /// How long to wait for the text of a sender that was killed, if there was one. The caller
    /// holds the session's lock, so a sender noted in the flag cannot be at work any more.
    pub(crate) fn left_behind(&self) -> Result<Option<Duration>> {
        Ok(self.running_flag()?.and_then(|flag| flag.arrives_in()))
    }

    /// Notes that the prompt is proven.
    pub(crate) fn sent(&self) -> Result<()> {
        let _held = self.hold()?;
        match self.running_flag()? {
            Some(flag) => self.flags.note(&RunningFlag::sent(flag.prompts + 1)),
            None => Ok(()),
        }
    }

    /// Notes that the prompt was not submitted.
    pub(crate) fn not_sent(&self) -> Result<()> {
        let _held = self.hold()?;
        match self.running_flag()? {
            Some(flag) if flag.prompts > 0 => self.flags.note(&RunningFlag::sent(flag.prompts)),
            _ => self.flags.clear().map(|_| ()),
        }
    }

    /// Notes that the turn was interrupted.
    pub(crate) fn stopped(&self) -> Result<()> {
        match self.running_flag()? {
            Some(flag) if flag.done_by == DoneBy::Turn => {
                self.close(&flag, &End::Interrupted).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    /// Whether the transcript shows a queued prompt of the job.
    pub(crate) fn has_queued(&mut self, config: &Config, pane: &Pane) -> Result<bool> {
        let Some(flag) = self.running_flag()? else { return Ok(false) };
        let _left = self.catch_up(config, Some(pane), &flag)?;
        Ok(self.read.as_ref().is_some_and(|(_, ledger)| ledger.has_queued()))
    }

    /// Takes the lock for reading and then changing the flags. A hook may see the end of a job
    /// while its sender is still noting the proof; without the lock one would undo what the other
    /// did.
    pub(crate) fn hold(&self) -> Result<Lock> {
        self.run_dir.lock_flags(Deadline::after(Duration::from_secs(30)))
    }

    fn running_flag(&self) -> Result<Option<RunningFlag>> {
        Ok(self.flags.read_running()?.as_ref().map(RunningFlag::of))
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
        let status = live.map(|pane| self.session.status(config, pane)).transpose()?;
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
        let Some(flag) = self.running_flag()? else {
            return Ok(Standing { state: self.over()?, prompts: Prompts::Rest, again: None });
        };
        // A sender that was killed leaves `sending` in the flag, but it no longer holds the lock.
        let sender = flag.sending && fs::is_locked(&self.run_dir.lock_path())?;
        let left = self.catch_up(config, pane, &flag)?;
        let mut again = None;
        let end = match self.end(&flag, sender, left, status.as_ref(), &mut again) {
            None if status.is_none() => {
                let how = pane.map(with_status).unwrap_or_default();
                Some(End::Failed(format!("the agent ended{how}")))
            }
            end => end,
        };
        let prompts = match &end {
            Some(_) => Prompts::Rest,
            None if self.is_ahead(flag.prompts, status.as_ref()) => Prompts::Ahead,
            None => Prompts::Open,
        };
        // While an agent that was asked to remove the flag itself is alive, only it ends the job.
        let state = match (end, status) {
            (Some(end), status) if flag.done_by == DoneBy::Turn || status.is_none() => {
                self.close(&flag, &end)?
            }
            (_, Some(Status::Waiting(what))) => JobState::Waiting(what),
            _ => JobState::Running,
        };
        Ok(Standing { state, prompts, again })
    }

    /// How the job ended, if it has, judged by the transcript and the status that was read before
    /// it. Where only waiting can decide, `again` is set to how long.
    fn end(
        &self,
        flag: &RunningFlag,
        sender: bool,
        left: bool,
        status: Option<&Status>,
        again: &mut Option<Duration>,
    ) -> Option<End> {
        let ledger = self.read.as_ref().map(|(_, ledger)| ledger);
        let prompts = flag.prompts + usize::from(sender);
        let last_input = ledger.and_then(Ledger::last_input);
        let rests = |since: &u64| last_input.is_none_or(|input| *since >= input);
        if let Some(end) = ledger.and_then(|ledger| ledger.ended(prompts)) {
            let idle = match status {
                None | Some(Status::Idle(None)) => true,
                Some(Status::Idle(Some(since))) if rests(since) => true,
                Some(Status::Idle(_)) => {
                    let shown_by = Duration::from_millis(last_input.unwrap_or(0)) + SHORT;
                    let left = shown_by.saturating_sub(Duration::from_millis(time::now_ms()));
                    *again = Some(left).filter(|left| !left.is_zero());
                    again.is_none()
                }
                Some(_) => !self.agent.facts().end_needs_idle,
            };
            if idle {
                return Some(end.clone());
            }
        }
        let Some(Status::Idle(since)) = status else { return None };
        let nothing = flag.prompts == 0 && ledger.is_none_or(Ledger::is_empty);
        if flag.sending && !sender && nothing {
            *again = flag.arrives_in();
            if again.is_some() {
                return None;
            }
            let reason = "the sender ended before the prompt was proven";
            return Some(End::Failed(reason.into()));
        }
        // A turn that is interrupted before its first token shows only in this: the agent became
        // idle after the prompt, and still records nothing.
        let silent = ledger.is_some_and(|ledger| ledger.unanswered(prompts))
            && since.is_some_and(|since| rests(&since));
        if sender || !(left || silent) {
            return None;
        }
        let due = Duration::from_millis(since.unwrap_or(0)).saturating_add(END_WRITTEN);
        let wait = due.saturating_sub(Duration::from_millis(time::now_ms()));
        if !wait.is_zero() {
            *again = Some(wait);
            return None;
        }
        match ledger.and_then(Ledger::last_end) {
            Some(end) => Some(end.clone()),
            None if silent => Some(End::Interrupted),
            None => Some(End::Failed("the conversation was left".into())),
        }
    }

    /// Whether the transcript is ahead of the agent's status: it shows a prompt that is newer than
    /// the idle status, or one in the queue. A prompt that was just taken from the queue may be older
    /// than the moment of idleness before its turn.
    fn is_ahead(&self, prompts: usize, status: Option<&Status>) -> bool {
        let (Some((_, ledger)), Some(Status::Idle(since))) = (&self.read, status) else {
            return false;
        };
        let after = if ledger.unanswered(prompts) { BETWEEN_TURNS } else { Duration::ZERO };
        let after = u64::try_from(after.as_millis()).unwrap_or_default();
        let taken =
            ledger.last_input().zip(*since).is_some_and(|(input, idle)| input + after > idle);
        taken || ledger.has_queued()
    }

    /// How the job stands by its flags alone; `None` while they say that it runs.
    pub(crate) fn by_flags(&self) -> Option<Result<JobState>> {
        match self.running_flag() {
            Ok(Some(_)) => None,
            Ok(None) => Some(self.over()),
            Err(error) => Some(Err(error)),
        }
    }

    /// How the last job ended.
    fn over(&self) -> Result<JobState> {
        Ok(match self.flags.read_failed()? {
            Some(fields) => JobState::Failed(fields.get("reason").cloned().unwrap_or_default()),
            None => JobState::Done,
        })
    }

    /// Ends the job that the flag `seen` described. If the flag has changed since then, nothing is
    /// ended: that change ends the caller's wait, and the next look judges the new flag.
    fn close(&self, seen: &RunningFlag, end: &End) -> Result<JobState> {
        let _held = self.hold()?;
        match self.running_flag()? {
            Some(now) if now == *seen => {}
            Some(_) => return Ok(JobState::Running),
            None => return self.over(),
        }
        let reason = match end {
            End::Done => {
                self.flags.clear()?;
                return Ok(JobState::Done);
            }
            End::Interrupted => INTERRUPTED.to_owned(),
            End::Failed(reason) => reason.clone(),
        };
        self.flags.fail(&reason)?;
        Ok(JobState::Failed(reason))
    }

    /// Reads on in the transcript. Returns whether a person has begun another conversation; the job
    /// stays with its own.
    fn catch_up(
        &mut self,
        config: &Config,
        pane: Option<&Pane>,
        flag: &RunningFlag,
    ) -> Result<bool> {
        let now = self.session.conversation_in(config, pane)?;
        let began = flag.transcript.as_ref().or(now.transcript.as_ref()).cloned();
        let left = began.iter().zip(&now.transcript).any(|(began, now)| !is_same(began, now));
        let read = self.read.take();
        let read = read.filter(|(read, _)| read.begins_like(began.as_deref(), flag.offset));
        let (mut reader, mut ledger) = read.unwrap_or_else(|| {
            let places = self.session.places(config);
            let start = Start::Offset(flag.offset);
            (ConversationReader::new(places, began, start), Ledger::default())
        });
        if !left {
            reader.found(&now);
        }
        reader.read(None, |line| {
            for event in self.agent.parse_line(line.bytes) {
                ledger.note(&event);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        self.read = Some((reader, ledger));
        Ok(left)
    }
}
