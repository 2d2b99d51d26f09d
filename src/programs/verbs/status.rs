//! `aimax status`: how one session is.

use std::ffi::OsString;

use serde_json::json;

use super::list;
use crate::programs::options::{NAMES, VerbArgs, output, target};
use crate::{
    agent::{Backend, Status as Doing},
    cli::{Member, Opt, Output, Paint, RecordDoc, Tool, ToolDoc, Type, ValueDoc, exit::visible},
    config::Config,
    error::{Exit, Kind, Result},
    session::{self, JobState, Question, Session, Snapshot, State},
    tmux::Tmux,
};

/// The verb.
pub struct Status;

impl Tool for Status {
    type Args = VerbArgs;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-status",
        tagline: "show the state of a session",
        synopsis: &["aimax status [-s] NAME [OPTION]..."],
        about: "\
Tells whether the session's agent is alive and working, whether its job
is done, and whether it uses the proxy.

The document of `--json` has the field names of the PyPI package:
`sessionId`, `backend`, `alive`, `working`, `jobGoalAccomplished`,
`failed` and `useProxy`, which is null if that is not known.
`jobGoalAccomplished` only means that there is no `running.flag`. If the
agent asks something, there are also `waitingFor`, `question` and
`choices`, as in `aimax-ls`.",
        operand: Some(ValueDoc { name: "NAME", complete: NAMES }),
        exits: &[
            (Exit::Done, "it is alive"),
            (Exit::No, "it is dead, or, with `-b`, there is no such session"),
        ],
        examples: &[("aimax status -s demo", "Show the state of a session.")],
        see_also: &[("aimax-list", 1), ("aimax-flag", 1), ("aimax-ls", 1)],
        ends: &[Exit::No, Exit::Missing],
        records: &[&STATUS],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<VerbArgs>] = &[target::session(), target::backend(), output::json()];

    fn run(mut args: VerbArgs, operands: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        args.target.operand(operands)?;
        let config = Config::from_env()?;
        let name = args.target.needed(&config)?;
        let backend = args.target.backend(&config)?;
        let tmux = Tmux::new(&config)?;
        let (session, snapshot) =
            match (target::session_or_window(&config, &tmux, &name, backend), backend) {
                (Ok(session), _) => {
                    let snapshot =
                        session::snapshots(&config, &tmux, std::slice::from_ref(&session))?.pop();
                    (session, snapshot)
                }
                (Err(error), Some(backend)) if error.kind == Kind::Missing => {
                    let entry = Default::default();
                    (Session { name: name.clone(), backend, entry }, None)
                }
                (Err(error), _) => return Err(error),
            };
        let status = snapshot.as_ref().and_then(|snapshot| snapshot.status.as_ref());
        // Without a folder for flags nothing is known of the job.
        let job = snapshot.as_ref().filter(|_| session.flags().is_some()).map(|seen| &seen.job);
        let question = match &snapshot {
            Some(seen) if seen.state() == State::Waiting => {
                session::question(&config, &tmux, &session)?
            }
            _ => None,
        };
        if args.output.json {
            let mut record = json!({
                "sessionId": name,
                "backend": session.backend.name(),
                "alive": status.is_some(),
                "working": matches!(status, Some(Doing::Busy | Doing::Waiting(_))),
                "jobGoalAccomplished": matches!(job, Some(Ok(JobState::Done | JobState::Failed(_)))),
                "failed": matches!(job, Some(Ok(JobState::Failed(_)))),
                "useProxy": session.entry.use_proxy(),
            });
            if let Some(question) = &question {
                question.add_to(&mut record);
            }
            output::document(out, &STATUS, &record)?;
        } else {
            print(&session, snapshot.as_ref(), job, out, Paint::stdout(&config))?;
            if let Some(question) = &question {
                ask(&session, question, out)?;
            }
        }
        if let Some(snapshot) = &snapshot {
            snapshot.seen()?;
        }
        match job {
            Some(Err(error)) => Err(error.clone()),
            _ if status.is_some() => Ok(Exit::Done),
            _ => Ok(Exit::No),
        }
    }
}

const STATUS: RecordDoc = RecordDoc {
    name: "status",
    about: "`aimax status --json`",
    fields: &[
        &[
            Member::new("sessionId", Type::Text, "The session's name"),
            Member::new("backend", Type::OneOf(Backend::NAMES), "The agent's backend"),
            Member::new("alive", Type::Switch, "Whether the agent lives"),
            Member::new("working", Type::Switch, "Whether a turn runs"),
            Member::new("jobGoalAccomplished", Type::Switch, "Whether no job runs"),
            Member::new("failed", Type::Switch, "Whether the last job failed"),
            Member::new("useProxy", Type::OrNull(&Type::Switch), "Whether it has the proxy"),
        ],
        Question::MEMBERS,
    ],
};

/// Prints a question and its choices.
fn ask(session: &Session, question: &Question, out: &mut Output) -> Result<()> {
    for line in question.text.lines() {
        output::line(out, &format!("  asks   {}", visible(line)))?;
    }
    for choice in &question.choices {
        output::line(out, &format!("  {:>5}  {}", choice.key, visible(&choice.label)))?;
    }
    let name = &session.name;
    let answer = format!("aimax-paste -s {name} --answer KEY --expect {}", question.name);
    output::line(out, &format!("  answer it with `{answer}`"))
}

fn print(
    session: &Session,
    snapshot: Option<&Snapshot>,
    job: Option<&Result<JobState>>,
    out: &mut Output,
    paint: Paint,
) -> Result<()> {
    let state = snapshot.map_or(("no such session".into(), "31"), list::state);
    let job = match job {
        Some(Ok(JobState::Failed(why))) => (format!("failed: {}", why.words()), "31"),
        Some(Ok(JobState::Done)) => ("done".into(), "32"),
        _ if snapshot.is_none() => ("unknown".into(), "2"),
        _ => ("running".into(), "33"),
    };
    let proxy = match session.entry.use_proxy() {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    };
    let name = paint.paint("1", session.name.as_str());
    output::line(out, &format!("{name} ({})", session.backend.name()))?;
    for (what, (value, style)) in [("agent", state), ("job", job), ("proxy", (proxy.into(), ""))] {
        output::line(out, &format!("  {what:5}  {}", paint.paint(style, &visible(&value))))?;
    }
    Ok(())
}
