//! The implementation of every backend: an agent in tmux.

use std::path::Path;

use super::{AgentBackend, Created, History, Record, Request, Sent, SessionInfo, ThoughtStream};
use crate::{
    agent::{Backend, Status},
    config::Config,
    error::{Error, Kind, Result},
    session::{
        self, DeliveryOptions, Ended, Interruption, JobState, LOCK_WAIT, PROOF_WAIT, Prompt,
        Reading, Recipient, SentPrompt, Session, Snapshot,
        conversation::{Newest, newest},
    },
    state::{Entry, Name},
    time::Deadline,
    tmux::Tmux,
    transcript::{long::Long, start::Start},
};

pub(crate) struct TmuxBackend {
    backend: Backend,
    config: Config,
}

impl TmuxBackend {
    pub(crate) fn new(backend: Backend, config: Config) -> Self {
        TmuxBackend { backend, config }
    }

    fn tmux(&self) -> Result<Tmux> {
        Tmux::new(&self.config)
    }

    /// The session, also one that was terminated.
    fn known(&self, name: &Name) -> Result<Option<Session>> {
        if_known(Session::find_any(&self.config, name, Some(self.backend)))
    }

    /// A snapshot of a session; `None` when neither a state file nor tmux knows it.
    fn snapshot(&self, session: &str) -> Result<Option<Snapshot>> {
        let name: Name = session.parse()?;
        let found = if_known(Session::find(&self.config, &name, Some(self.backend)))?;
        let is_known = found.is_some();
        let session = found.unwrap_or_else(|| self.unknown(name));
        let snapshot = session::snapshots(&self.config, &self.tmux()?, &[session])?.pop();
        Ok(snapshot.filter(|snapshot| is_known || snapshot.pane.is_some()))
    }

    /// A session that no state file knows.
    fn unknown(&self, name: Name) -> Session {
        Session { name, backend: self.backend, entry: Entry::default() }
    }

    /// The state of the session's last job.
    fn job(&self, session: &str) -> Result<Option<JobState>> {
        self.snapshot(session)?.map(|snapshot| snapshot.job).transpose()
    }

    /// Delivers to the session where it runs, or else starts it with the prompt.
    fn send(&self, request: &Request, how: How) -> Result<(Session, Sent)> {
        let name: Name = request.session_id.parse()?;
        let bytes = request.prompt.clone().into_bytes();
        let prompt = Prompt::new(bytes, self.backend.agent(), Reading::default())?;
        let tmux = self.tmux()?;
        let to = Recipient::find(&self.config, &tmux, &name, Some(self.backend))?;
        to.same_folder(request.cwd.as_deref(), "terminate it")?;
        let start = match how {
            How::Create => request.start_options(),
            How::Queue | How::Interrupt => to.resumed(request.start_options()),
        };
        to.can_be_reached(&start, "give a folder to start it")?;
        let interrupt = how == How::Interrupt;
        let options = DeliveryOptions { interrupt, ..DeliveryOptions::default() };
        let SentPrompt { session, delivery, started } = to.send(prompt, start, &options)?;
        if let Some(error) = delivery.failure(&name) {
            return Err(error);
        }
        let sent = Sent {
            session_id: name.to_string(),
            verdict: delivery.verdict,
            offset: delivery.offset,
            normalized: delivery.normalized,
            started,
            unrecorded: delivery.unrecorded,
        };
        Ok((session, sent))
    }
}

impl AgentBackend for TmuxBackend {
    fn name(&self) -> &'static str {
        self.backend.name()
    }

    fn create(&self, request: &Request) -> Result<Created> {
        if request.cwd.is_none() {
            return Err(Error::usage(&request.session_id, "no folder to work in is given"));
        }
        let (session, sent) = self.send(request, How::Create)?;
        let entry = &session.entry;
        Ok(Created {
            session_id: session.name.to_string(),
            agent_session_id: entry.agent_session_id().map(str::to_owned),
            jsonl_path: entry.jsonl_path().map(Path::to_owned),
            started_at: entry.started_at(),
            sent,
        })
    }

    fn queue(&self, request: &Request) -> Result<Sent> {
        Ok(self.send(request, How::Queue)?.1)
    }

    fn pause(&self, session: &str) -> Result<Interruption> {
        let mut session = Session::find(&self.config, &session.parse()?, Some(self.backend))?;
        let wait = Deadline::after(LOCK_WAIT);
        let tmux = self.tmux()?;
        let verdict = session::interrupt(&self.config, &tmux, &mut session, wait, PROOF_WAIT)?;
        verdict.failure(&session.name).map_or(Ok(verdict), Err)
    }

    fn pause_and_queue(&self, request: &Request) -> Result<Sent> {
        Ok(self.send(request, How::Interrupt)?.1)
    }

    fn terminate(&self, session: &str) -> Result<Ended> {
        let name: Name = session.parse()?;
        let session = self.known(&name)?.unwrap_or_else(|| self.unknown(name));
        session::end(&self.config, &self.tmux()?, &session, Deadline::after(LOCK_WAIT))
    }

    fn is_alive(&self, session: &str) -> Result<bool> {
        let Some(snapshot) = self.snapshot(session)? else { return Ok(false) };
        Ok(snapshot.seen()?.status.is_some())
    }

    fn is_working(&self, session: &str) -> Result<bool> {
        Ok(self.snapshot(session)?.is_some_and(|snapshot| match snapshot.status {
            None => false,
            Some(Status::Busy | Status::Waiting(_)) => true,
            Some(Status::Starting | Status::Idle(_)) => !snapshot.rests,
        }))
    }

    fn is_job_goal_accomplished(&self, session: &str) -> Result<bool> {
        Ok(matches!(self.job(session)?, Some(JobState::Done | JobState::Failed(_))))
    }

    fn is_failed(&self, session: &str) -> Result<bool> {
        Ok(matches!(self.job(session)?, Some(JobState::Failed(_))))
    }

    fn list_sessions(&self) -> Result<Vec<SessionInfo>> {
        let sessions = Session::all(&self.config, Some(self.backend))?;
        let snapshots = session::snapshots(&self.config, &self.tmux()?, &sessions)?;
        Ok(sessions
            .iter()
            .zip(&snapshots)
            .map(|(one, snapshot)| SessionInfo::of(one, snapshot))
            .collect())
    }

    fn history(&self, session: &str, last: Option<usize>) -> Result<History> {
        let mut session = Session::find_any(&self.config, &session.parse()?, Some(self.backend))?;
        let Some(path) = session.find_conversation(&self.config)?.transcript else {
            return Ok(History { entries: Vec::new(), total: 0, truncated: false, sentinel: 0 });
        };
        let most = last.unwrap_or(usize::MAX);
        let Newest { lines, total, follow } =
            newest(&path, most, Long::Held, |line, _| Some(Record::of(self.backend, line)))?;
        let truncated = total > lines.len();
        Ok(History { entries: lines.into(), total, truncated, sentinel: follow.offset() })
    }

    fn thought_stream(&self, session: &str, start: Start) -> Result<ThoughtStream> {
        let session = Session::find_any(&self.config, &session.parse()?, Some(self.backend))?;
        ThoughtStream::new(self.config.clone(), session, start)
    }

    fn use_proxy(&self, session: &str) -> Result<Option<bool>> {
        Ok(self.known(&session.parse()?)?.and_then(|session| session.entry.use_proxy()))
    }
}

/// What a prompt does to its session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// It starts the session; one that runs already only gets the prompt.
    Create,
    /// It is delivered to what runs; a session that does not run goes on in its conversation.
    Queue,
    /// The same, but the present turn is stopped first.
    Interrupt,
}

fn if_known(found: Result<Session>) -> Result<Option<Session>> {
    match found {
        Err(error) if error.kind == Kind::Missing => Ok(None),
        found => found.map(Some),
    }
}
