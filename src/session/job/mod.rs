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
    anchor::with_status,
    conversation::{ConversationReader, is_same},
};
use crate::{
    agent::{Agent, Conversation, Status, profile::InputBox},
    config::Config,
    error::Result,
    flag::{Failure, Fields, Flags},
    fs::{self, Lock},
    time::{self, Deadline},
    tmux::{Pane, Tmux},
    transcript::{
        event::USAGE_LIMIT,
        ledger::{End, Ledger},
        start::Start,
    },
};
use account::Account;

mod account;

pub(crate) use account::DoneBy;

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

/// When `failed.flag` was written, in epoch milliseconds.
fn failed_at(fields: &Fields) -> u64 {
    fields.get("failedAt").and_then(|at| time::parse_rfc3339(at)).unwrap_or(0)
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
    /// When `running.flag` was first seen to be missing.
    missing: Option<Instant>,
}

/// The reason of a job that failed because its turn was interrupted.
pub(crate) const INTERRUPTED: &str = "interrupted";

/// The reason of a job whose agent rests without a word about its end.
const SILENT: &str = "the agent rests, and its transcript does not say how the turn ended";

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

/// How long after the end of its sub-agents an agent may take to begin a turn with their reports.
// Measured: claude/FACTS.md, "End of a turn, and what outlives it"
const REPORTED: Duration = Duration::from_secs(3);

/// How long the removal of a folder may take.
const REMOVED: Duration = Duration::from_millis(300);

/// How much is left of `span` after `since`, in epoch milliseconds; `None` when it has passed.
fn left_of(since: u64, span: Duration) -> Option<Duration> {
    let due = Duration::from_millis(since).saturating_add(span);
    let left = due.saturating_sub(Duration::from_millis(time::now_ms()));
    Some(left).filter(|left| !left.is_zero())
}

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
            missing: None,
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
        let running = self.running()?;
        let is_new = running.is_none();
        let account = running.unwrap_or_else(|| Account {
            transcript: now.transcript,
            conversation: now.id,
            offset,
            prompts: 0,
            ..Account::of(&Fields::new())
        });
        self.put(&Account { sending: true, done_by, ..account })?;
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
        Ok(self.read.as_ref().is_some_and(|(_, ledger)| ledger.has_queued()))
    }

    /// Takes the lock for reading and then changing the account and the flags. A hook may see the end
    /// of a job while its sender is still noting the proof; without the lock one would undo what the
    /// other did.
    pub(crate) fn hold(&self) -> Result<Lock> {
        self.run_dir.lock_flags(Deadline::after(Duration::from_secs(30)))
    }

    /// The account of the last job, with what others have said since by the flags: a program that
    /// knows nothing of accounts, or the agent, which was asked to remove `running.flag`.
    fn account(&self) -> Result<Account> {
        let running = self.flags.read_running()?;
        let Some(kept) = Account::read(&self.run_dir)? else {
            return match running {
                Some(flag) => Ok(Account::of(&flag)),
                None => Ok(Account::over(self.end_told(0)?)),
            };
        };
        Ok(match (&kept.ended, running) {
            (Some(_), Some(flag)) if Account::of(&flag).at > kept.at => Account::of(&flag),
            (Some(End::Done), _) => Account { ended: Some(self.end_told(kept.at)?), ..kept },
            // Where the folder is gone too, it was not the agent's word.
            (None, None)
                if kept.done_by == DoneBy::Agent
                    && self.flags.has_dir()?
                    && !self.is_typing(&kept)? =>
            {
                Account { ended: Some(self.end_told(kept.at)?), ..kept }
            }
            _ => kept,
        })
    }

    /// The same while a job runs.
    fn running(&self) -> Result<Option<Account>> {
        Ok(Some(self.account()?).filter(|account| account.ended.is_none()))
    }

    /// Whether the sender that the account notes is still at work: one that was killed no longer holds
    /// the session's lock.
    fn is_typing(&self, account: &Account) -> Result<bool> {
        Ok(account.sending && fs::is_locked(&self.run_dir.lock_path())?)
    }

    /// How a job ended that no longer runs: as it should, unless somebody has said after `since`, in
    /// epoch milliseconds, that it failed.
    fn end_told(&self, since: u64) -> Result<End> {
        let told =
            self.flags.read_failed()?.filter(|fields| since == 0 || failed_at(fields) > since);
        Ok(told.map_or(End::Done, |fields| end_of(Failure::of(&fields))))
    }

    /// Keeps the account, as of now, and shows it by the flags. The caller holds their lock.
    fn put(&self, account: &Account) -> Result<()> {
        let account = Account { at: time::now_ms(), ..account.clone() };
        account.write(&self.run_dir)?;
        self.show(&account)
    }

    /// Makes the flags agree with the account.
    fn show(&self, account: &Account) -> Result<()> {
        match &account.ended {
            None => self.flags.set(account.at, &account.fields()),
            Some(End::Done) => self.flags.remove_files(),
            Some(end) => self.flags.fail(account.at, &failure(end)),
        }
    }

    /// Whether the job runs, and the flags say so.
    pub(crate) fn is_shown_running(&self) -> bool {
        matches!(self.running(), Ok(Some(_)))
            && self.flags.are_there().is_ok_and(|there| there == (true, false))
    }

    /// Shows the account again when the flags do not agree with it: the agent may remove their folder
    /// in its work, or bring back what was there before. A look does not fail for that. Returns how long
    /// to leave a removal alone that may still be under way: a file that comes back into a folder makes
    /// its removal fail.
    fn mend(&mut self, account: &Account) -> Option<Duration> {
        let is_shown = |account: &Account| {
            let failed = account.ended.as_ref().is_some_and(|end| *end != End::Done);
            let agree = (account.ended.is_none(), failed);
            // The removal is the agent's word, also while a sender is at work.
            let is_word = account.done_by == DoneBy::Agent && self.flags.has_dir().unwrap_or(true);
            self.flags
                .are_there()
                .is_ok_and(|there| there == agree || !there.0 && agree.0 && is_word)
        };
        if is_shown(account) || !self.flags.has_root() || !self.run_dir.job().exists() {
            self.missing = None;
            return None;
        }
        if self.read.is_some() && account.ended.is_none() {
            let since = *self.missing.get_or_insert_with(Instant::now);
            let left = REMOVED.saturating_sub(since.elapsed());
            if !left.is_zero() {
                return Some(left);
            }
        }
        let mended = self.hold().and_then(|_held| match self.account()? {
            now if is_shown(&now) => Ok(()),
            now => self.show(&now),
        });
        drop(mended);
        None
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
        let status = told.map(|(status, _)| status);
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
        let mut account = self.account()?;
        if matches!(account.ended, Some(End::Limited { .. })) && status.is_some() {
            account = self.taken_up(config, pane, account)?;
        }
        let mended = self.mend(&account);
        if let Some(end) = &account.ended {
            let state = JobState::of(end);
            return Ok(Standing { state, prompts: Prompts::Rest, again: None });
        }
        let sender = self.is_typing(&account)?;
        let left = self.catch_up(config, pane, &account)?;
        let mut again = None;
        let end = match self.end(&account, sender, left, status.as_ref(), &mut again) {
            None if status.is_none() => {
                let how = pane.map(with_status).unwrap_or_default();
                Some(End::Failed(format!("the agent ended{how}")))
            }
            Some(End::Failed(why)) if why == SILENT && self.is_back_in_box(config, pane)? => {
                Some(End::Interrupted)
            }
            end => end,
        };
        let prompts = match &end {
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
        stopped: Account,
    ) -> Result<Account> {
        let _left = self.catch_up(config, pane, &stopped)?;
        if !self.read.as_ref().is_some_and(|(_, ledger)| ledger.has_resumed()) {
            return Ok(stopped);
        }
        let _held = self.hold()?;
        if self.account()? == stopped {
            self.put(&Account { ended: None, ..stopped })?;
        }
        self.account()
    }

    /// Whether the input box holds a text, as after a turn that was stopped before its first token.
    /// See claude/FACTS.md, "Keys that interrupt".
    fn is_back_in_box(&self, config: &Config, pane: Option<&Pane>) -> Result<bool> {
        let Some(pane) = pane else { return Ok(false) };
        let profile = self.session.profile(config)?;
        let look = Tmux::new(config)?.of(pane).capture(&pane.id)?;
        Ok(look.is_some_and(|look| profile.input_box(&look) == InputBox::Text))
    }

    /// How the job ended, if it has, judged by the transcript and the status that was read before
    /// it. Where only waiting can decide, `again` is set to how long.
    fn end(
        &self,
        account: &Account,
        sender: bool,
        left: bool,
        status: Option<&Status>,
        again: &mut Option<Duration>,
    ) -> Option<End> {
        let ledger = self.read.as_ref().map(|(_, ledger)| ledger);
        let prompts = account.prompts + usize::from(sender);
        let last_input = ledger.and_then(Ledger::last_input);
        let rests = |since: &u64| last_input.is_none_or(|input| *since >= input);
        let nothing = prompts == 0 && ledger.is_none_or(Ledger::is_empty);
        // Before any prompt of the job a hook may refuse it. Else it is the turn before that ends: some
        // of its records come late.
        let counts = |end: &&End| !nothing || matches!(end, End::Failed(_));
        if let Some(end) = ledger.and_then(|ledger| ledger.ended(prompts)).filter(counts) {
            let idle = match status {
                None | Some(Status::Idle(None)) => true,
                Some(Status::Idle(Some(since))) if rests(since) => true,
                Some(Status::Idle(_)) => {
                    *again = left_of(last_input.unwrap_or(0), SHORT);
                    again.is_none()
                }
                // A dialog may ask what shall be done about it.
                Some(Status::Waiting(_)) if matches!(end, End::Limited { .. }) => true,
                Some(_) => !self.agent.facts().end_needs_idle,
            };
            if idle && self.awaits_report(status, again) {
                return None;
            }
            if idle {
                // A turn without a prompt is no answer to the one that was never proven.
                let is_ours = *end != End::Done || !account.sending || sender || !nothing;
                let unproven = || End::Failed("the agent did not take the prompt".into());
                return Some(if is_ours { end.clone() } else { unproven() });
            }
        }
        let Some(Status::Idle(since)) = status else { return None };
        if account.sending && !sender && nothing {
            *again = account.arrives_in().max(since.and_then(|since| left_of(since, END_WRITTEN)));
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
        *again = left_of(since.unwrap_or(0), END_WRITTEN);
        if again.is_some() {
            return None;
        }
        match ledger.and_then(Ledger::last_end) {
            Some(end) => Some(end.clone()),
            None if silent => Some(End::Failed(SILENT.into())),
            None => Some(End::Failed("the conversation was left".into())),
        }
    }

    /// Whether sub-agents of the turn have not reported yet. Between their end and the turn in which the
    /// agent gets their reports it is idle for a moment; `again` is then set to how long that may last.
    fn awaits_report(&self, status: Option<&Status>, again: &mut Option<Duration>) -> bool {
        let is_pending = self.read.as_ref().is_some_and(|(_, ledger)| ledger.is_pending());
        match status {
            Some(Status::Idle(since)) if is_pending => {
                *again = left_of(since.unwrap_or(0), REPORTED);
                again.is_some()
            }
            _ => is_pending,
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
        let reports = ledger.is_pending() && left_of(since.unwrap_or(0), REPORTED).is_some();
        taken || reports || ledger.has_queued()
    }

    /// How the job stands by its account alone; `None` while that says that it runs.
    pub(crate) fn by_account(&self) -> Option<Result<JobState>> {
        match self.account() {
            Ok(account) => account.ended.as_ref().map(|end| Ok(JobState::of(end))),
            Err(error) => Some(Err(error)),
        }
    }

    /// Ends the job that the account `seen` described. If the account has changed since then, nothing
    /// is ended: that change ends the caller's wait, and the next look judges the new account.
    fn close(&self, seen: &Account, end: &End) -> Result<JobState> {
        let _held = self.hold()?;
        match self.account()? {
            now if now == *seen => {}
            Account { ended: Some(end), .. } => return Ok(JobState::of(&end)),
            Account { .. } => return Ok(JobState::Running),
        }
        let end = if *end == End::Done { self.end_told(seen.at)? } else { end.clone() };
        self.put(&Account { ended: Some(end.clone()), sending: false, ..seen.clone() })?;
        Ok(JobState::of(&end))
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
        let read = read.filter(|(read, _)| read.begins_like(began.as_deref(), account.offset));
        let (mut reader, mut ledger) = read.unwrap_or_else(|| {
            let places = self.session.places(config);
            let start = Start::Offset(account.offset);
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
        if !left
            && pane.is_some_and(|pane| !pane.dead)
            && let Some(transcript) = reader.paths().next().map(Path::to_owned)
            && self.session.entry.jsonl_path().is_some_and(|kept| is_same(kept, &transcript))
        {
            // The transcript may have moved. A look does not fail for a note.
            let now = Conversation { id: None, transcript: Some(transcript) };
            drop(self.session.bind(config, &now));
        }
        self.read = Some((reader, ledger));
        Ok(left)
    }
}
