//! Which pane and process are a session's: the only place that answers this.
//!
//! A session's window has the session's name and is in the hub of its backend. The agent is in the
//! oldest pane of that window.

use super::{RunDir, Session};
use crate::{
    agent::Backend,
    config::Config,
    error::{Error, Result},
    state::Name,
    tmux::{Pane, Tmux},
};

/// The pane of the session of that name, if its window is there.
pub(crate) fn find(
    config: &Config,
    tmux: &Tmux,
    backend: Backend,
    name: &Name,
) -> Result<Option<Pane>> {
    tmux.find(&backend.hub(config), name.as_str())
}

impl Session {
    /// Its pane, if the window is there.
    pub(crate) fn pane(&self, config: &Config, tmux: &Tmux) -> Result<Option<Pane>> {
        find(config, tmux, self.backend, &self.name)
    }

    /// Its pane. A pane that is gone or dead is an error.
    pub(crate) fn live_pane(&self, config: &Config, tmux: &Tmux) -> Result<Pane> {
        let gone = match self.pane(config, tmux)? {
            Some(pane) if pane.dead => format!("the agent has ended{}", with_status(&pane)),
            Some(pane) => return Ok(pane),
            None => "its tmux window is gone".to_owned(),
        };
        Err(Error::missing(&self.name, gone)
            .advise(format!("start it again with `aimax-spawn -s {} --resume …`", self.name)))
    }

    /// Its private folder.
    #[must_use]
    pub(crate) fn run_dir(&self, config: &Config) -> RunDir {
        RunDir::of(config, self.backend, &self.name)
    }
}

/// ` with status N`, if tmux knows the exit status.
pub(crate) fn with_status(pane: &Pane) -> String {
    pane.status.map(|status| format!(" with status {status}")).unwrap_or_default()
}

/// The panes of all windows of `backends` that have the name of a session, with one call of tmux.
/// Windows whose name no session can have are left out, such as a hub's own window.
pub(crate) fn all(
    config: &Config,
    tmux: &Tmux,
    backends: &[Backend],
) -> Result<Vec<(Backend, Name, Pane)>> {
    let hubs: Vec<String> = backends.iter().map(|backend| backend.hub(config)).collect();
    let named = |(hub, pane): (String, Pane)| {
        let at = hubs.iter().position(|name| *name == hub)?;
        Some((backends[at], pane.window_name.parse().ok()?, pane))
    };
    Ok(tmux.panes_of(&hubs)?.into_iter().filter_map(named).collect())
}

/// The panes of the hubs. tmux is asked for each hub once, when it is first needed.
#[derive(Default)]
pub(crate) struct Panes {
    hubs: Vec<(Backend, Vec<Pane>)>,
}

impl Panes {
    /// The session's pane.
    pub(crate) fn of(
        &mut self,
        config: &Config,
        tmux: &Tmux,
        session: &Session,
    ) -> Result<Option<Pane>> {
        let known = self.hubs.iter().position(|(backend, _)| *backend == session.backend);
        let hub = match known {
            Some(known) => known,
            None => {
                let mut panes = tmux.panes(&session.backend.hub(config))?;
                panes.sort_by(|a, b| a.window_name.cmp(&b.window_name));
                self.hubs.push((session.backend, panes));
                self.hubs.len() - 1
            }
        };
        let panes = &self.hubs[hub].1;
        let found = panes.partition_point(|pane| *pane.window_name < *session.name.as_str());
        Ok(panes.get(found).filter(|pane| pane.window_name == session.name.as_str()).cloned())
    }
}
