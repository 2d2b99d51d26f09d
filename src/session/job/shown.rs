//! The job's account and the flags that show it to everyone: read together, and made to agree.
//!
//! The account is the truth. The flags may say more where they are newer: another program's word, or
//! that of an agent which was asked to remove `running.flag` itself.

use std::time::{Duration, Instant};

use super::{
    Job, JobState,
    account::{Account, DoneBy},
    end_of, failure,
};
use crate::{
    error::Result,
    flag::{Failure, Fields, Raised},
    fs, time,
    transcript::ledger::End,
};

/// How long the removal of a folder may take.
const REMOVED: Duration = Duration::from_millis(300);

/// When `failed.flag` was written, in epoch milliseconds.
fn failed_at(fields: &Fields) -> u64 {
    fields.get("failedAt").and_then(|at| time::parse_rfc3339(at)).unwrap_or(0)
}

/// How a job ended that no longer runs: as it should, unless somebody has said after `since`, in epoch
/// milliseconds, that it failed.
fn end_told(raised: &Raised, since: u64) -> Result<End> {
    let failed = raised.failed.as_ref().map_err(Clone::clone)?.as_ref();
    let told = failed.filter(|fields| since == 0 || failed_at(fields) > since);
    Ok(told.map_or(End::Done, |fields| end_of(Failure::of(fields))))
}

impl Job {
    /// The account of the last job, with what others have said since by the flags: a program that
    /// knows nothing of accounts, or the agent, which was asked to remove `running.flag`.
    pub(super) fn account(&self) -> Result<Account> {
        Ok(self.look()?.0)
    }

    /// The same, with the flags that say so.
    pub(super) fn look(&self) -> Result<(Account, Raised)> {
        let raised = self.flags.read()?;
        let account = match (Account::read(&self.run_dir)?, &raised.running) {
            (Some(kept), _) => self.told(kept, &raised)?,
            (None, Some(flag)) => Account::of(flag),
            (None, None) => Account::over(end_told(&raised, 0)?),
        };
        Ok((account, raised))
    }

    /// The account `kept`, with what others have said since.
    fn told(&self, kept: Account, raised: &Raised) -> Result<Account> {
        let end_told = |since| end_told(raised, since).map(Some);
        Ok(match (&kept.ended, &raised.running) {
            (Some(_), Some(flag)) if Account::of(flag).at > kept.at => Account::of(flag),
            (Some(End::Done), _) => Account { ended: end_told(kept.at)?, ..kept },
            // Where the folder is gone too, it was not the agent's word.
            (None, None)
                if kept.done_by == DoneBy::Agent
                    && self.flags.has_dir()?
                    && !self.is_typing(&kept)? =>
            {
                Account { ended: end_told(kept.at)?, ..kept }
            }
            _ => kept,
        })
    }

    /// The same while a job runs.
    pub(super) fn running(&self) -> Result<Option<Account>> {
        Ok(Some(self.account()?).filter(|account| account.ended.is_none()))
    }

    /// Whether the sender that the account notes is still at work: one that was killed no longer holds
    /// the session's lock.
    pub(super) fn is_typing(&self, account: &Account) -> Result<bool> {
        Ok(account.sending && fs::is_locked(&self.run_dir.lock_path())?)
    }

    /// Keeps the account, as of now, and shows it by the flags. The caller holds their lock.
    pub(super) fn put(&self, account: &Account) -> Result<()> {
        let account = Account { at: time::now_ms(), ..account.clone() };
        account.write(&self.run_dir)?;
        self.show(&account)
    }

    /// Makes the flags agree with the account.
    pub(super) fn show(&self, account: &Account) -> Result<()> {
        match &account.ended {
            None => self.flags.set(account.at, &account.fields()),
            Some(End::Done) => self.flags.remove_files(),
            Some(end) => self.flags.fail(account.at, &failure(end)),
        }
    }

    /// Whether the job runs, and the flags say so.
    pub(crate) fn is_shown_running(&self) -> bool {
        self.look().is_ok_and(|(account, raised)| {
            account.ended.is_none() && raised.are_there() == (true, false)
        })
    }

    /// Shows the account again when the flags do not agree with it: the agent may remove their folder
    /// in its work, or bring back what was there before. A look does not fail for that. Returns how long
    /// to leave a removal alone that may still be under way: a file that comes back into a folder makes
    /// its removal fail.
    pub(super) fn mend(&mut self, account: &Account, raised: &Raised) -> Option<Duration> {
        let is_shown = |account: &Account, raised: &Raised| {
            let failed = account.ended.as_ref().is_some_and(|end| *end != End::Done);
            let (there, agree) = (raised.are_there(), (account.ended.is_none(), failed));
            // The removal is the agent's word, also while a sender is at work.
            let is_word =
                || account.done_by == DoneBy::Agent && self.flags.has_dir().unwrap_or(true);
            there == agree || !there.0 && agree.0 && is_word()
        };
        if is_shown(account, raised) || !self.flags.has_root() || !self.run_dir.job().exists() {
            self.missing = None;
            return None;
        }
        if self.is_watched && account.ended.is_none() {
            let since = *self.missing.get_or_insert_with(Instant::now);
            let left = REMOVED.saturating_sub(since.elapsed());
            if !left.is_zero() {
                return Some(left);
            }
        }
        let mended = self.hold().and_then(|_held| match self.look()? {
            (now, raised) if is_shown(&now, &raised) => Ok(()),
            (now, _) => self.show(&now),
        });
        drop(mended);
        None
    }

    /// Ends the job that the account `seen` described. If the account has changed since then, nothing
    /// is ended: that change ends the caller's wait, and the next look judges the new account.
    pub(super) fn close(&self, seen: &Account, end: &End) -> Result<JobState> {
        let _held = self.hold()?;
        let (now, raised) = self.look()?;
        if now != *seen {
            return Ok(now.ended.as_ref().map_or(JobState::Running, JobState::of));
        }
        let end = if *end == End::Done { end_told(&raised, seen.at)? } else { end.clone() };
        self.put(&Account { ended: Some(end.clone()), sending: false, ..seen.clone() })?;
        Ok(JobState::of(&end))
    }
}
