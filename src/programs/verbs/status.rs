//! `aimax status`: how one session is.

use std::ffi::OsString;

use serde_json::json;

use super::list;
use crate::programs::options::{
    output::{self, Args},
    target,
};
use crate::{
    agent::Status as Doing,
    cli::{
        exit::visible,
        option::{Opt, Tool, ToolDoc},
        output::Output,
        paint::Paint,
    },
    config::Config,
    error::{Error, Exit, Kind, Result},
    session::{self, JobState, Session, Snapshot},
    tmux::Tmux,
};

/// The verb.
pub struct Status;

impl Tool for Status {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-status",
        tagline: "tell how a session is",
        synopsis: &["aimax status -s NAME [OPTION]..."],
        about: "\
Tells whether the session's agent lives and works, how its job stands,
and whether it goes through the proxy.

The document of `--json` has `sessionId`, `backend`, `alive`, `working`,
`jobGoalAccomplished` (no `running.flag` is there), `failed` and
`useProxy`, which is null when it is not known.",
        exits: &[
            (Exit::Done, "it is alive"),
            (Exit::No, "it is not alive, or, with `-b`, there is no such session"),
        ],
        examples: &[("aimax status -s demo", "Tells how it is.")],
        see_also: &[("aimax-list", 1), ("aimax-flag", 1), ("aimax-ls", 1)],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = &[target::session(), target::backend(), output::json()];

    fn run(args: Args, _: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        let name = args.target.needed(&config)?;
        let backend = args.target.backend(&config)?;
        let tmux = Tmux::new(&config)?;
        let (session, snapshot) = match (target::find(&config, &tmux, &name, backend), backend) {
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
        let report = Report::of(&session, snapshot.as_ref());
        if args.output.json {
            output::document(
                out,
                &json!({
                    "sessionId": name,
                    "backend": session.backend.name(),
                    "alive": report.alive,
                    "working": report.working,
                    "jobGoalAccomplished": report.accomplished,
                    "failed": report.failure.is_some(),
                    "useProxy": report.use_proxy,
                }),
            )?;
        } else {
            report.print(&session, snapshot.as_ref(), out, Paint::stdout(&config))?;
        }
        if let Some(error) = report.trouble {
            return Err(error);
        }
        Ok(if report.alive { Exit::Done } else { Exit::No })
    }
}

/// What is told.
#[derive(Default)]
struct Report {
    alive: bool,
    working: bool,
    accomplished: bool,
    /// Why the last job failed, if it did.
    failure: Option<String>,
    use_proxy: Option<bool>,
    /// How the job stands could not be told.
    trouble: Option<Error>,
}

impl Report {
    fn of(session: &Session, snapshot: Option<&Snapshot>) -> Report {
        let Some(snapshot) = snapshot else { return Report::default() };
        let (accomplished, failure, trouble) = match &snapshot.job {
            // Without a folder for flags nothing is known.
            _ if session.flags().is_none() => (false, None, None),
            Ok(JobState::Done) => (true, None, None),
            Ok(JobState::Failed(reason)) => (true, Some(reason.clone()), None),
            Ok(JobState::Running | JobState::Waiting(_)) => (false, None, None),
            Err(error) => (false, None, Some(error.clone())),
        };
        Report {
            alive: snapshot.status.is_some(),
            working: matches!(snapshot.status, Some(Doing::Busy | Doing::Waiting(_))),
            accomplished,
            failure,
            use_proxy: session.entry.use_proxy(),
            trouble,
        }
    }

    fn print(
        &self,
        session: &Session,
        snapshot: Option<&Snapshot>,
        out: &mut Output,
        paint: Paint,
    ) -> Result<()> {
        let (state, style) = match snapshot {
            Some(snapshot) => list::state(snapshot),
            None => ("no such session".into(), "31"),
        };
        let job = match &self.failure {
            Some(reason) => (format!("failed: {reason}"), "31"),
            None if self.accomplished => ("done".into(), "32"),
            None if snapshot.is_none() => ("unknown".into(), "2"),
            None => ("running".into(), "33"),
        };
        let proxy = match self.use_proxy {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        let name = paint.paint("1", session.name.as_str());
        output::line(out, &format!("{name} ({})", session.backend.name()))?;
        for (what, (value, style)) in
            [("agent", (state, style)), ("job", job), ("proxy", (proxy.into(), ""))]
        {
            output::line(out, &format!("  {what:5}  {}", paint.paint(style, &visible(&value))))?;
        }
        Ok(())
    }
}
