//! `check`: the answer at once, by the status.

use std::{ffi::OsString, time::Duration};

use super::{Args, Flag, status, worse};
use crate::{
    cli::{self, Tool},
    config::Config,
    error::{Error, Exit, Result},
    flag::{Failure, Flags},
    session::{self, JobState},
    state::Name,
    time,
    tmux::Tmux,
};

pub(crate) fn run(config: &Config, args: &Args, operands: &[OsString]) -> Result<Exit> {
    let mut worst = Exit::Done;
    let mut report = |name: &Name, flags: Option<&Flags>, state: &JobState| -> Result<()> {
        let exit = match args.older_than {
            None => status(state),
            Some(limit) => match runs_since(flags, state)?.filter(|ran| *ran > limit) {
                Some(ran) => {
                    let words = format!("{name}: the job has been running for {}", span(ran));
                    cli::say(Flag::DOC.name, &words);
                    Exit::No
                }
                None => Exit::Done,
            },
        };
        worst = worse(worst, exit);
        Ok(())
    };
    if args.root.is_some() {
        for name in args.target.names(config, operands)? {
            let flags = args.flags(config, &name)?;
            report(&name, Some(&flags), &by_the_files(&name, &flags)?)?;
        }
        return Ok(worst);
    }
    let sessions = args.sessions(config, operands)?;
    let seen = session::snapshots(config, &Tmux::new(config)?, &sessions)?;
    for (session, snapshot) in sessions.iter().zip(seen) {
        report(&session.name, session.flags().as_ref(), &snapshot.job?)?;
    }
    Ok(worst)
}

/// The job's state by the two files alone.
fn by_the_files(name: &Name, flags: &Flags) -> Result<JobState> {
    // `failed.flag` is written before `running.flag` is removed: once that is gone, a failure
    // shows.
    if flags.read_running()?.is_some() {
        return Ok(JobState::Running);
    }
    if let Some(fields) = flags.read_failed()? {
        return Ok(JobState::Failed(Failure::of(&fields)));
    }
    if flags.has_dir()? {
        return Ok(JobState::Done);
    }
    Err(Error::missing(name, format!("no folder {}", flags.dir().display())))
}

/// How long the job has been running since its last prompt; `None` when it does not run.
fn runs_since(flags: Option<&Flags>, state: &JobState) -> Result<Option<Duration>> {
    let (JobState::Running | JobState::Waiting(_), Some(flags)) = (state, flags) else {
        return Ok(None);
    };
    let began = flags.began_at()?;
    Ok(began.map(|began| Duration::from_millis(time::now_ms().saturating_sub(began))))
}

/// A time as a person reads it.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}
