//! `wait`: sleeps until the jobs have ended, and reports each as it ends.

use std::{ffi::OsString, ops::ControlFlow};

use serde_json::json;

use super::{Args, Flag, status, worse};
use crate::{
    agent::Status,
    cli::{self, Member, Output, RecordDoc, Tool, Type},
    config::Config,
    error::{Error, Exit, Result},
    flag::Failure,
    session::{self, JobState, Limit, Question, Session, SessionWatcher, Snapshot},
    time::Deadline,
    tmux::Tmux,
    watch::Woke,
};

/// What `wait` waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Until {
    /// The job has ended.
    #[default]
    Done,
    /// The agent waits for a prompt.
    Idle,
    /// The agent asks something.
    Waiting,
    /// The agent waits for a prompt, and nothing that it has started runs on.
    Quiet,
    /// No usage limit holds.
    Reset,
}

impl Until {
    pub(crate) const NAMES: &'static [&'static str] =
        &["done", "idle", "waiting", "quiet", "reset"];

    pub(crate) fn of(name: &str) -> Until {
        match name {
            "idle" => Until::Idle,
            "waiting" => Until::Waiting,
            "quiet" => Until::Quiet,
            "reset" => Until::Reset,
            _ => Until::Done,
        }
    }

    /// The outcome for this session, if the wait for it is over.
    fn outcome(self, snapshot: &Snapshot, job: &JobState) -> Option<Outcome> {
        let outcome = Outcome::of(job);
        match (self, job) {
            (Until::Reset, _) if snapshot.status.is_none() => {
                Some(Outcome::of(&JobState::Failed(Failure::new("the agent ended"))))
            }
            (Until::Reset, _) => match Limit::of(job) {
                Limit::Over => Some(Outcome { exit: Exit::Done, message: None, ..outcome }),
                Limit::Holds(_) => None,
                Limit::Unknown => Some(Outcome {
                    message: Some("the agent does not say when its usage limit ends".into()),
                    ..outcome
                }),
            },
            (Until::Waiting, JobState::Waiting(_)) => {
                Some(Outcome { exit: Exit::Done, message: None, ..outcome })
            }
            (Until::Waiting, JobState::Done) => Some(Outcome {
                exit: Exit::No,
                message: Some("the job ended without a question".into()),
                ..outcome
            }),
            (Until::Idle | Until::Quiet, _) if snapshot.rests => match &snapshot.status {
                None => Some(Outcome::of(&JobState::Failed(Failure::new("the agent ended")))),
                Some(Status::Idle(_)) => {
                    let state = if self == Until::Quiet { "quiet" } else { "idle" };
                    Some(Outcome { state, message: None, ..Outcome::of(&JobState::Done) })
                }
                Some(Status::Waiting(what)) => Some(Outcome::of(&JobState::Waiting(what.clone()))),
                Some(Status::Busy | Status::Starting) => None,
            },
            // What began behind the end of the job has not ended, or cannot be seen.
            (Until::Quiet, JobState::Done | JobState::Failed(_)) => None,
            (_, JobState::Running) => None,
            (_, JobState::Done | JobState::Failed(_) | JobState::Waiting(_)) => Some(outcome),
        }
    }

    /// When the wait may be over though nothing happens.
    fn due(self, job: &JobState) -> Deadline {
        match (self, Limit::of(job)) {
            (Until::Reset, Limit::Holds(left)) => Deadline::after(left),
            _ => Deadline::NEVER,
        }
    }

    /// The outcome for a session when the time is up.
    fn late(self, job: &JobState) -> Outcome {
        match self {
            Until::Reset => Outcome {
                exit: Exit::Timeout,
                message: Some("the usage limit has not ended".into()),
                ..Outcome::of(job)
            },
            Until::Done | Until::Idle | Until::Waiting | Until::Quiet => {
                Outcome::of(&JobState::Running)
            }
        }
    }
}

/// The record of a session.
pub(super) const WAITED: RecordDoc = RecordDoc {
    name: "flag-wait",
    about: "`aimax-flag wait`: how a session's job stands",
    fields: &[
        Session::MEMBERS,
        &[
            Member::new(
                "state",
                Type::OneOf(&["done", "failed", "waiting", "working", "idle", "quiet"]),
                "How it stands",
            ),
            Member::new("background", Type::Count, "What of the agent's runs beside a turn")
                .optional(),
        ],
        Question::MEMBERS,
        Failure::MEMBERS,
    ],
};

/// What is reported of a session.
struct Outcome {
    state: &'static str,
    reason: Option<Failure>,
    exit: Exit,
    message: Option<String>,
    background: Option<usize>,
}

impl Outcome {
    fn of(job: &JobState) -> Outcome {
        let (state, reason, message) = match job {
            JobState::Done => ("done", None, None),
            JobState::Failed(why) => {
                ("failed", Some(why.clone()), Some(format!("the job failed: {}", why.words())))
            }
            JobState::Waiting(what) => {
                ("waiting", Some(Failure::new(what)), Some(format!("the agent asks: {what}")))
            }
            JobState::Running => ("working", None, Some("the job is still running".into())),
        };
        Outcome { state, reason, exit: status(job), message, background: None }
    }

    /// Prints it, with the question if the agent asks one.
    fn report(
        self,
        session: &Session,
        question: Option<&Question>,
        out: &mut Output,
    ) -> Result<Exit> {
        let mut record = session.record();
        record["state"] = json!(self.state);
        if let Some(count) = self.background.filter(|count| *count > 0) {
            record["background"] = json!(count);
        }
        let (mut reason, mut message) = (self.reason, self.message);
        if let Some(question) = question {
            question.add_to(&mut record);
            reason = Some(Failure::new(&question.name));
            message = message.map(|_| format!("the agent asks: {question}"));
        }
        if let Some(reason) = reason {
            reason.add_to(&mut record);
        }
        out.record(&WAITED, &record)?;
        if let Some(words) = message {
            cli::say(Flag::DOC.name, &format!("{}: {words}", session.name));
        }
        Ok(self.exit)
    }
}

impl Until {
    /// What is to be reported of the session; `None` while it is to be waited for.
    fn reached(
        self,
        config: &Config,
        tmux: &Tmux,
        session: &Session,
        snapshot: &Snapshot,
        is_last: bool,
    ) -> Result<Option<Outcome>> {
        let job = match &snapshot.job {
            // What cannot be seen now may be seen later.
            Err(_) if snapshot.unseen.is_some() && !is_last => return Ok(None),
            job => job.as_ref().map_err(Clone::clone)?,
        };
        let outcome = self.outcome(snapshot, job);
        let background = match outcome {
            Some(_) => session::shown(config, tmux, &[(session, snapshot)])?[0].background,
            None => None,
        };
        let runs_on = self == Until::Quiet && background > Some(0);
        let outcome = outcome.filter(|_| !runs_on);
        let late = || is_last.then(|| self.late(job));
        Ok(outcome.map(|outcome| Outcome { background, ..outcome }).or_else(late))
    }
}

pub(crate) fn run(
    config: &Config,
    args: &Args,
    operands: &[OsString],
    out: &mut Output,
) -> Result<Exit> {
    if args.root.is_some() {
        return Err(Error::usage(
            "--root",
            "`wait` also looks at the agent, so it takes no folder",
        ));
    }
    let sessions = args.sessions(config, operands)?;
    let deadline = args.timeout.map_or(Deadline::NEVER, Deadline::after);
    let tmux = Tmux::new(config)?;
    let mut watcher = SessionWatcher::new(config, &tmux)?;
    if args.until == Until::Quiet {
        watcher.follow_on();
    }
    for session in sessions {
        watcher.add(session)?;
    }
    let mut worst = Exit::Done;
    let mut first = None;
    let mut last_look = false;
    loop {
        let mut next = Deadline::NEVER;
        // Each look tells when the limit of a session ends.
        if args.until == Until::Reset {
            watcher.look_at_all();
        }
        let left = watcher.observe(|session, snapshot| {
            let reached = args.until.reached(config, &tmux, session, snapshot, last_look)?;
            let Some(outcome) = reached else {
                let due = snapshot.job.as_ref().map(|job| args.until.due(job));
                next = next.min(due.unwrap_or(Deadline::NEVER));
                return Ok(ControlFlow::Continue(()));
            };
            // With `--any`, a session that ended together with the first is left to the next wait.
            if args.any && first.is_some() {
                return Ok(ControlFlow::Break(()));
            }
            let question = match outcome.state {
                "waiting" => session::question(config, &tmux, session)?,
                _ => None,
            };
            // It has been answered since, and that ends the wait below.
            if outcome.state == "waiting" && question.is_none() && !last_look {
                return Ok(ControlFlow::Continue(()));
            }
            let exit = outcome.report(session, question.as_ref(), out)?;
            worst = worse(worst, exit);
            if !last_look {
                first = Some(exit);
            }
            Ok(ControlFlow::Break(()))
        })?;
        match first {
            Some(exit) if args.any => return Ok(exit),
            _ if !left => return Ok(worst),
            _ => {}
        }
        let woke = watcher.wait(deadline.min(next))?;
        last_look = woke == Woke::Deadline && deadline.passed();
    }
}
