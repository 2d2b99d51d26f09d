//! The end of a usage limit, which the agent tells and nothing announces.

use std::{ops::ControlFlow, time::Duration};

use super::SessionWatcher;
use crate::session::{JobState, Session};
use crate::{
    config::Config,
    error::Result,
    flag::Failure,
    time::{self, Deadline},
    tmux::Tmux,
    transcript::event::USAGE_LIMIT,
};

/// The usage limit that ended a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// There is none, or it has ended.
    Over,
    /// It holds for so long.
    Holds(Duration),
    /// It holds, and the agent does not say for how long.
    Unknown,
}

impl Limit {
    /// What a job's end says.
    pub(crate) fn of(job: &JobState) -> Limit {
        let JobState::Failed(Failure { reason, resets_at, .. }) = job else { return Limit::Over };
        match resets_at.map(|at| at.saturating_sub(time::now_ms())) {
            _ if reason != USAGE_LIMIT => Limit::Over,
            Some(0) => Limit::Over,
            Some(left) => Limit::Holds(Duration::from_millis(left)),
            None => Limit::Unknown,
        }
    }
}

/// Waits until no usage limit holds any more, or until `deadline`; returns what is known then.
pub(crate) fn await_reset(
    config: &Config,
    tmux: &Tmux,
    session: &Session,
    deadline: Deadline,
) -> Result<Limit> {
    let mut watcher = SessionWatcher::new(config, tmux)?;
    watcher.add(session.clone())?;
    loop {
        let mut limit = Limit::Over;
        watcher.observe(|_, snapshot| {
            limit = snapshot.job.as_ref().map_or(Limit::Over, Limit::of);
            Ok(ControlFlow::Continue(()))
        })?;
        match limit {
            Limit::Holds(left) if !deadline.passed() => {
                let _woke = watcher.wait(deadline.min(Deadline::after(left)))?;
            }
            Limit::Over | Limit::Holds(_) | Limit::Unknown => return Ok(limit),
        }
    }
}
