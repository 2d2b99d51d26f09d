//! Ending a session: its window, its processes, its files, its entry in the state file.

use std::time::Duration;

use super::{Job, JobState, Session};
use crate::{
    config::Config,
    error::Result,
    proc, sys,
    time::Deadline,
    tmux::{Pane, Tmux},
    watch::Watch,
};

/// What was ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Whether there was a pane, and its process is gone.
    pub killed: bool,
    /// Whether a turn was running in it.
    pub was_working: bool,
}

/// How long a process may take to end by itself after its window is gone.
// Measured: claude/FACTS.md, "Ends of the process"
const GRACE: Duration = Duration::from_secs(3);

/// Ends the session and removes all that was made for it: the window, its processes, the flags and
/// the files. The state file keeps its conversation among the archived sessions.
pub(crate) fn end(
    config: &Config,
    tmux: &Tmux,
    session: &Session,
    wait: Deadline,
) -> Result<Ended> {
    let run_dir = session.run_dir(config);
    let _held = run_dir.lock(&session.name, wait)?;
    let pane = session.pane(config, tmux)?;
    let mut ended = Ended { killed: false, was_working: false };
    if let Some(pane) = &pane {
        // What is archived is the conversation that the agent holds now.
        drop(session.clone().keep_up(config, Some(pane)));
        if let Some(mut job) = Job::of(config, session) {
            ended.was_working = matches!(
                job.settle(config, Some(pane))?.state,
                JobState::Running | JobState::Waiting(_)
            );
        }
        ended.killed = kill(tmux, pane)?;
    }
    session.backend.store(config).forget(&session.name)?;
    remove_files(config, session)?;
    Ok(ended)
}

/// Removes the flags and the private files of a session.
pub(crate) fn remove_files(config: &Config, session: &Session) -> Result<()> {
    // Hold the lock of the flags until the job's account is gone too: another process may be about to
    // note that the agent has ended, and to show it by a flag, which would stay behind.
    let job = Job::of(config, session);
    let _held = job.as_ref().map(Job::hold).transpose()?;
    let removed = job.map_or(Ok(()), |job| job.flags().remove());
    session.run_dir(config).clear().and(removed)
}

/// Closes the window and sees its processes end. An agent may leave a tool's process behind; what
/// does not end by itself is told to, and then made to.
pub(crate) fn kill(tmux: &Tmux, pane: &Pane) -> Result<bool> {
    let mut family = proc::descendants(pane.pid);
    family.insert(0, pane.pid);
    // A pid alone may be reused soon; with the start time it names one process.
    let family: Vec<(u32, Option<String>)> =
        family.into_iter().map(|pid| (pid, proc::start_time(pid))).collect();
    let mut watch = Watch::new()?;
    if !pane.dead {
        for (pid, _) in &family {
            watch.process(*pid)?;
        }
    }
    tmux.of(pane).kill_pane(pane)?;
    if pane.dead {
        return Ok(true);
    }
    let left = |family: &[(u32, Option<String>)]| -> Vec<u32> {
        let same = |(pid, start): &&(u32, Option<String>)| {
            start.is_some() && proc::start_time(*pid) == *start
        };
        family.iter().filter(same).map(|(pid, _)| *pid).collect()
    };
    // Once the agent has ended, the tools that it left behind get the signal at once. The agent
    // itself is already ending, since its window is closed, and gets the grace period.
    for signal in [sys::TERMINATE, sys::KILL] {
        let grace = Deadline::after(GRACE);
        let mut signalled = false;
        while !left(&family).is_empty() && !grace.passed() {
            if !signalled && !left(&family[..1]).contains(&pane.pid) {
                for pid in left(&family) {
                    send(pid, signal);
                }
                signalled = true;
            }
            let _woke = watch.wait(grace)?;
        }
        if left(&family).is_empty() {
            break;
        }
        for pid in left(&family) {
            send(pid, signal);
        }
    }
    Ok(left(&family[..1]).is_empty())
}

/// Sends the signal. It may fail: the process may have ended meanwhile, which is what we want.
fn send(pid: u32, signal: i32) {
    if let Ok(pid) = i32::try_from(pid) {
        drop(sys::kill(pid, signal));
    }
}
