//! The keeper of a job: a process that looks after it until it has ended, so that the flags follow at
//! once where none of our programs waits, whatever hooks the agent runs, and in which order.
//!
//! An agent whose title shows the end of a turn needs none: tmux tells of it.

use std::ops::ControlFlow;

use super::watcher::SessionWatcher;
use crate::{
    agent::Status,
    config::Config,
    error::Result,
    proc::Identity,
    session::{Job, JobState, Session},
    time::Deadline,
    tmux::{Pane, Tmux},
};

/// Keeps the session's flags right until its job has ended.
pub(crate) fn keep(config: &Config, session: &Session) -> Result<()> {
    let tmux = Tmux::new(config)?;
    let job = Job::of(config, session);
    let mut watcher = SessionWatcher::new(config, &tmux)?;
    watcher.add(session.clone())?;
    loop {
        let mut pane = None;
        let runs = watcher.observe(|_, seen| {
            pane.clone_from(&seen.pane);
            let is_over = match &seen.job {
                Ok(JobState::Done) => true,
                // Behind a usage limit the agent goes on by itself.
                Ok(JobState::Failed(failure)) => failure.resets_at.is_none(),
                _ => false,
            };
            let is_dead = seen.status.is_none() && seen.unseen.is_none();
            Ok(if is_over || is_dead { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        if !runs {
            return Ok(());
        }
        loop {
            let _woke = watcher.wait(Deadline::NEVER)?;
            if !goes_on(config, session, job.as_ref(), pane.as_ref()) {
                break;
            }
        }
    }
}

/// Whether the turn goes on, by what costs next to nothing: the agent lives, its own sign says that it
/// works, and the flags show it. Every record that it writes meanwhile ends a wait.
fn goes_on(config: &Config, session: &Session, job: Option<&Job>, pane: Option<&Pane>) -> bool {
    pane.is_some_and(|pane| {
        Identity::lives(pane.pid, None) == Some(true)
            && session.status(config, pane).is_ok_and(|status| status == Status::Busy)
            && job.is_some_and(Job::is_shown_running)
    })
}
