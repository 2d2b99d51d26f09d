//! Whether a job is over, judged by its transcript and by the agent's status.

use std::time::Duration;

use super::{Job, Prompts, account::Account};
use crate::session::anchor::with_status;
use crate::{
    agent::{Status, profile::InputBox},
    config::Config,
    error::Result,
    time,
    tmux::{Pane, Tmux},
    transcript::ledger::{End, Ledger},
};

/// The reason of a job whose agent rests without a word about its end.
pub(super) const SILENT: &str =
    "the agent is idle, and its transcript does not show how the turn ended";

/// The reason of a job whose sender ended before its prompt was proven.
const UNSENT: &str = "the sender ended before the prompt was proven";

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

/// How long after its status has become idle a busy machine may hold back what the agent records: how the
/// turn ended, or a prompt that it took from its queue. What does not come then never will: a key took
/// the prompt back.
// Measured: claude/FACTS.md, "Transcript records", and claude/FACTS.md, "Prompts during a turn"
const RECORDED: Duration = Duration::from_secs(5);

/// How long after the end of its sub-agents an agent may take to begin a turn with their reports.
// Measured: claude/FACTS.md, "End of a turn, and what outlives it"
const REPORTED: Duration = Duration::from_secs(3);

/// How long after a turn an agent may take to begin the next one by itself, where its status does not say
/// since when it is idle.
// Measured: codex/FACTS.md, "Turns that nobody sent"
const NEXT_TURN: Duration = Duration::from_millis(300);

/// How long to wait before looking again at an agent that may be at a hook, the end of which may leave no
/// sign.
const AT_HOOK: Duration = Duration::from_secs(1);

/// ` with status N`, if tmux knows the exit status of the program that was in `pane`. It learns of an
/// end a moment later than whoever watches the process.
pub(super) fn how_it_ended(config: &Config, pane: Option<&Pane>) -> Result<String> {
    let Some(pane) = pane else { return Ok(String::new()) };
    if pane.dead {
        return Ok(with_status(pane));
    }
    let found = Tmux::new(config)?.of(pane).ended_pane(&pane.id)?;
    Ok(found.ok().flatten().as_ref().map(with_status).unwrap_or_default())
}

impl Job {
    /// Whether a hook of the user's may be at the prompt that was last typed.
    fn may_be_at_hook(&self, config: &Config, pane: Option<&Pane>, account: &Account) -> bool {
        let paths = self.session.paths(config);
        pane.is_some_and(|pane| self.agent.may_be_at_hook(&paths, pane, account.at))
    }

    /// Whether the input box holds a text, as after a turn that was stopped before its first token.
    /// See claude/FACTS.md, "Keys that interrupt".
    pub(super) fn is_back_in_box(&self, config: &Config, pane: Option<&Pane>) -> Result<bool> {
        let Some(pane) = pane else { return Ok(false) };
        let profile = self.session.profile(config)?;
        let look = Tmux::new(config)?.of(pane).capture(&pane.id)?;
        Ok(look.is_some_and(|look| profile.input_box(&look) == InputBox::Text))
    }

    /// How the job ended, if it has, judged by the transcript and the status that was read before
    /// it. Where only waiting can decide, `again` is set to how long.
    pub(super) fn end(
        &self,
        account: &Account,
        sender: bool,
        left: bool,
        status: Option<&Status>,
        again: &mut Option<Duration>,
    ) -> Option<End> {
        let ledger = self.read.as_deref().map(|(_, ledger)| ledger);
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
                Some(Status::Idle(_)) if ledger.is_some_and(Ledger::is_closed) => true,
                Some(Status::Idle(_)) => {
                    *again = time::left_of(last_input.unwrap_or(0), SHORT);
                    again.is_none()
                }
                // A dialog may ask what shall be done about it.
                Some(Status::Waiting(_)) if matches!(end, End::Limited { .. }) => true,
                // It has gone on with a turn of its own.
                Some(_) => {
                    !self.agent.facts().end_needs_idle || ledger.is_some_and(Ledger::is_in_own_turn)
                }
            };
            if idle && self.awaits_report(status, again) {
                return None;
            }
            if idle {
                return Some(end.clone());
            }
        }
        let Some(Status::Idle(since)) = status else { return None };
        if account.sending && !sender && nothing {
            *again =
                account.arrives_in().max(since.and_then(|since| time::left_of(since, END_WRITTEN)));
            if again.is_some() {
                return None;
            }
            return Some(End::Failed(UNSENT.into()));
        }
        // A turn that is interrupted before its first token shows only in this: the agent became
        // idle after the prompt, and still records nothing.
        let silent = ledger.is_some_and(|ledger| ledger.unanswered(prompts))
            && since.is_some_and(|since| rests(&since));
        if sender || !(left || silent) {
            return None;
        }
        *again = time::left_of(since.unwrap_or(0), END_WRITTEN);
        if again.is_some() {
            return None;
        }
        match ledger.and_then(Ledger::last_end) {
            Some(end) => Some(end.clone()),
            None if silent => Some(End::Failed(SILENT.into())),
            None => Some(End::Failed("the conversation was left".into())),
        }
    }

    /// How long to wait before looking again where a record may still come, though all that can be seen
    /// says that the job has come to `end`: of a prompt that was typed or taken from the queue, or of the
    /// end itself. `left`: a person has begun another conversation.
    pub(super) fn may_come(
        &self,
        config: &Config,
        pane: Option<&Pane>,
        account: &Account,
        (end, left): (&End, bool),
        status: Option<&Status>,
    ) -> Option<Duration> {
        let Some(Status::Idle(since)) = status else { return None };
        let is_of = |reason| matches!(end, End::Failed(why) if why == reason);
        let ledger = self.read.as_deref().map(|(_, ledger)| ledger).filter(|_| !left);
        let taken = ledger.is_some_and(Ledger::is_between_turns);
        let is_late = taken || is_of(SILENT) && !left;
        let late = time::left_of(since.unwrap_or(0), RECORDED).filter(|_| is_late);
        // The text may go back into the box meanwhile, of which no event tells.
        late.map(|late| late.min(END_WRITTEN)).or_else(|| {
            let hooked = taken || is_of(UNSENT);
            (hooked && self.may_be_at_hook(config, pane, account)).then_some(AT_HOOK)
        })
    }

    /// Whether sub-agents of the turn have not reported yet. Between their end and the turn in which the
    /// agent gets their reports it is idle for a moment; `again` is then set to how long that may last.
    pub(super) fn awaits_report(
        &self,
        status: Option<&Status>,
        again: &mut Option<Duration>,
    ) -> bool {
        let is_pending = self.read.as_deref().is_some_and(|(_, ledger)| ledger.is_pending());
        match status {
            Some(Status::Idle(since)) if is_pending => {
                *again = time::left_of(since.unwrap_or(0), REPORTED);
                again.is_some()
            }
            _ => is_pending,
        }
    }

    /// What has begun behind the end of the job, or is about to: a turn that nobody sent, or one that
    /// a person typed. Where only waiting can decide, `again` is set to how long.
    pub(super) fn behind(
        &mut self,
        config: &Config,
        pane: Option<&Pane>,
        account: &Account,
        status: Option<&Status>,
        again: &mut Option<Duration>,
    ) -> Result<Prompts> {
        let _left = self.catch_up(config, pane, account)?;
        let (Some((_, ledger)), Some(Status::Idle(since))) = (self.read.as_deref(), status) else {
            let works = status == Some(&Status::Busy);
            return Ok(if works { Prompts::Open } else { Prompts::Rest });
        };
        let Some(since) = *since else {
            *again = ledger.last_rest().and_then(|ended| time::left_of(ended, NEXT_TURN));
            let rests = ledger.is_at_rest() && again.is_none();
            return Ok(if rests { Prompts::Rest } else { Prompts::Open });
        };
        // An agent becomes idle when a turn ends. If it does at another time, something has ended in the
        // background, and the agent is about to tell itself of it.
        let after = u64::try_from(END_WRITTEN.as_millis()).unwrap_or_default();
        let is_end = ledger.last_rest().is_none_or(|ended| ended + after >= since);
        if !(ledger.is_at_rest() && is_end) {
            *again = time::left_of(since, REPORTED);
        }
        Ok(if again.is_some() { Prompts::Open } else { Prompts::Rest })
    }

    /// Whether the transcript is ahead of the agent's status: it shows a prompt that is newer than
    /// the idle status, or one in the queue or just taken from it, which may be older than the moment of
    /// idleness before its turn.
    pub(super) fn is_ahead(&self, prompts: usize, status: Option<&Status>) -> bool {
        let (Some((_, ledger)), Some(Status::Idle(since))) = (self.read.as_deref(), status) else {
            return false;
        };
        let after = if ledger.unanswered(prompts) { BETWEEN_TURNS } else { Duration::ZERO };
        let after = u64::try_from(after.as_millis()).unwrap_or_default();
        let taken =
            ledger.last_input().zip(*since).is_some_and(|(input, idle)| input + after > idle);
        let reports = ledger.is_pending() && time::left_of(since.unwrap_or(0), REPORTED).is_some();
        taken || reports || ledger.has_queued() || ledger.is_between_turns()
    }
}
