//! A live pane that is being watched: its screen, and a wait for anything that may change it.

use super::{Job, JobState, Session};
use crate::{
    agent::{Agent, Conversation, Status, profile::Profile},
    config::Config,
    error::{Error, Result},
    time::Deadline,
    tmux::{Look, Pane, Tmux, View},
    watch::{Watch, Woke},
};

/// A pane that this process watches and types into.
pub(crate) struct AttachedPane<'a> {
    pub(crate) config: &'a Config,
    /// The server that the pane is on.
    pub(crate) tmux: Tmux,
    pub(crate) agent: &'static dyn Agent,
    pub(crate) profile: Profile,
    pub(crate) view: View,
    pub(crate) watch: Watch,
    /// The session's job, if it has a folder for flags.
    pub(crate) job: Option<Job>,
    session: Session,
    pane: Pane,
}

impl<'a> AttachedPane<'a> {
    /// Begins to watch the session's pane; the caller holds the session's lock, and may have just seen
    /// it as `fresh`. Any change from now on ends a wait.
    pub(crate) fn attach(
        config: &'a Config,
        tmux: &Tmux,
        session: &Session,
        pane: &Pane,
        fresh: Option<Look>,
        job: Option<Job>,
    ) -> Result<AttachedPane<'a>> {
        let (agent, tmux) = (session.agent(), tmux.of(pane));
        let profile = session.profile(config)?;
        let view = View::open(&tmux, &pane.id, &session.run_dir(config).output(), fresh)
            .map_err(|error| Error { subject: session.name.to_string(), ..error })?;
        let mut watch = Watch::new()?;
        watch.process(pane.pid)?;
        for path in session.watch_paths(config, pane) {
            watch.path(&path)?;
        }
        let (session, pane) = (session.clone(), pane.clone());
        let mut attached =
            AttachedPane { config, tmux, agent, profile, view, watch, job, session, pane };
        attached.listen(true);
        Ok(attached)
    }

    /// The pane and its screen now.
    ///
    /// # Errors
    /// [`crate::error::Kind::Missing`] when the window is gone.
    pub(crate) fn look(&mut self, session: &Session) -> Result<Look> {
        self.view.capture()?.ok_or_else(|| Error::missing(&session.name, "its tmux window is gone"))
    }

    /// The agent's status.
    pub(crate) fn status(&self, look: &Look) -> Result<Status> {
        self.session.status(self.config, &look.pane)
    }

    /// The conversation that the agent reports.
    pub(crate) fn conversation(&self, look: &Look) -> Result<Option<Conversation>> {
        self.session.reported(self.config, Some(&look.pane))
    }

    /// Whether a turn is open by the transcript, where that shows it earlier than the status.
    pub(crate) fn turn_is_open(&self, look: &Look) -> Result<Option<bool>> {
        self.agent.turn_is_open(&self.session.paths(self.config), &look.pane)
    }

    /// Settles the session's job, if it has one, and returns its state.
    pub(crate) fn settle(&mut self, look: &Look) -> Result<Option<JobState>> {
        let Some(job) = &mut self.job else { return Ok(None) };
        Ok(Some(job.settle(self.config, Some(&look.pane))?.state))
    }

    /// The agent's question, if it asks one.
    pub(crate) fn question(&self, look: &Look, status: &Status) -> Option<(String, String)> {
        question(&self.profile, look, status)
    }

    /// Sets whether output of the pane ends a wait. At first it does.
    pub(crate) fn listen(&mut self, to_output: bool) {
        self.watch.ignore(&self.view);
        if to_output {
            self.watch.readable(&self.view);
        }
        self.view.listen(to_output);
    }

    /// Sleeps until the pane, a file of the agent or the process has changed, or `deadline`.
    pub(crate) fn wait(&mut self, deadline: Deadline) -> Result<Woke> {
        self.view.forget();
        // Subscribe, read, then wait: the pane's output is subscribed to by the next look.
        if self.view.must_look() && !deadline.passed() {
            return Ok(Woke::Event);
        }
        // An agent behind a launcher creates its files later than its pane.
        for path in self.session.watch_paths(self.config, &self.pane) {
            self.watch.path(&path)?;
        }
        match self.watch.wait(deadline.min(self.view.patience()))? {
            // The view's patience has ended; the caller's deadline has not passed.
            Woke::Deadline if !deadline.passed() => Ok(Woke::Event),
            woke => Ok(woke),
        }
    }
}

/// The name of a dialog that no screen profile knows.
pub(crate) const UNKNOWN: &str = "unknown-dialog";

/// The name of the agent's question and the advice for a person: from the dialog on the screen,
/// else from the agent's status.
pub(crate) fn question(
    profile: &Profile,
    look: &Look,
    status: &Status,
) -> Option<(String, String)> {
    match (profile.open_dialog(look), status) {
        (Some(dialog), _) => Some((dialog.name.clone(), dialog.advice.clone())),
        (None, Status::Waiting(what)) => {
            Some((what.replace(' ', "-"), "attach to the window and answer".into()))
        }
        (None, Status::Idle(_)) if profile.hides_box(look) => {
            Some((UNKNOWN.into(), "attach to the window and answer".into()))
        }
        (None, _) => None,
    }
}
