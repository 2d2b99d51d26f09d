//! A live pane under our eyes: what it shows, and a wait for whatever may change that.

use super::Session;
use crate::{
    agent::{Agent, Status, profile::Profile},
    config::Config,
    error::{Error, Result},
    time::Deadline,
    tmux::{Control, Look, Pane, Tmux},
    watch::{Watch, Woke},
};

/// A pane that one process works on.
pub(super) struct Live<'a> {
    pub(super) config: &'a Config,
    pub(super) tmux: &'a Tmux,
    pub(super) agent: &'static dyn Agent,
    pub(super) profile: Profile,
    pub(super) control: Control,
    pub(super) watch: Watch,
}

impl<'a> Live<'a> {
    /// Begins to look at the session's pane. What changes from now on ends a wait.
    pub(super) fn attach(
        config: &'a Config,
        tmux: &'a Tmux,
        session: &Session,
        pane: &Pane,
    ) -> Result<Live<'a>> {
        let agent = session.agent();
        let (name, built_in) = agent.profile();
        let profile = Profile::load(config, name, built_in)?;
        let control = Control::attach(tmux, &session.backend.hub(config), &pane.id)?;
        let mut watch = Watch::new()?;
        watch.readable(&control);
        watch.process(pane.pid)?;
        for path in agent.witnesses(config, pane) {
            watch.path(&path)?;
        }
        Ok(Live { config, tmux, agent, profile, control, watch })
    }

    /// The pane and its screen now.
    ///
    /// # Errors
    /// [`crate::error::Kind::Missing`] when the window is gone.
    pub(super) fn look(&mut self, session: &Session) -> Result<Look> {
        self.control.look()?.ok_or_else(|| Error::missing(&session.name, "its tmux window is gone"))
    }

    /// What the agent says that it does.
    pub(super) fn status(&self, look: &Look) -> Result<Status> {
        self.agent.status(self.config, &look.pane)
    }

    /// The name of what the agent asks, and what to tell a person: by the screen, else in the
    /// agent's own words.
    pub(super) fn question(&self, look: &Look, status: &Status) -> Option<(String, String)> {
        match self.profile.dialog(&look.screen) {
            Some(dialog) => Some((dialog.name.clone(), dialog.advice.clone())),
            None => match status {
                Status::Waiting(what) => {
                    Some((what.replace(' ', "-"), "attach to the window and answer".into()))
                }
                _ => None,
            },
        }
    }

    /// Sleeps until the pane, a witness or the process has changed, or `deadline`.
    pub(super) fn wait(&mut self, deadline: Deadline) -> Result<Woke> {
        // What came while commands were answered has been read already; it still counts.
        if self.control.changed()? {
            return Ok(Woke::Event);
        }
        self.watch.wait(deadline)
    }
}
