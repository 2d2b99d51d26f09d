//! Where a session's pane and process are: everything that looks for them asks here.
//!
//! When a window becomes an agent, it knows everything: its process, its pane, its tmux server. That
//! is the session's anchor, kept in its private folder. From then on the session is that process in
//! that pane on that server, wherever the pane is moved and whatever its window is called. Only a
//! session that has no anchor, one of the Python package, is looked for by its name, in its backend's
//! hub on the caller's server; once found, it gets one.
//!
//! That an agent has ended needs evidence: its process is gone, or tmux shows its pane dead. What
//! cannot be seen is an error that says what is in the way, and ends nothing.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{RunDir, Session};
use crate::{
    agent::Backend,
    config::Config,
    error::{Error, Result},
    fs, proc,
    state::Name,
    tmux::{Fault, Pane, Tmux},
};

/// What a window knew when it became the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Anchor {
    /// The agent's process, or its launcher's.
    pub pid: u32,
    /// Which process that is, for its number may be given again.
    #[serde(default)]
    pub process: Option<proc::Identity>,
    /// `%N`.
    pub pane: String,
    /// The tmux server's socket.
    pub socket: PathBuf,
    /// The tmux server's process.
    pub server_pid: u32,
}

/// The session's pane, on the server that it is on.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The server.
    pub tmux: Tmux,
    /// The pane: live, or dead with how its program ended.
    pub pane: Pane,
}

impl Anchor {
    /// The anchor of whatever runs in pane `pane` of the server that `tmux` (the value of `TMUX`)
    /// names, as process `pid`.
    pub(crate) fn of(tmux: &str, pane: &str, pid: u32) -> Option<Anchor> {
        // SOCKET,PID,SESSION: a socket's path may hold commas.
        let mut parts = tmux.rsplitn(3, ',');
        let (_session, server_pid, socket) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Anchor {
            pid,
            process: proc::Identity::of(pid),
            pane: pane.to_owned(),
            socket: socket.into(),
            server_pid: server_pid.parse().ok()?,
        })
    }

    /// Writes it where only the user can read it.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_vec(self).map_err(|e| Error::system(path.display(), e))?;
        fs::write_durable(path, &text, 0o600)
    }

    /// The anchor that is kept of a session; `None` when there is none.
    fn read(run_dir: &RunDir) -> Result<Option<Anchor>> {
        let path = run_dir.anchor();
        let Some(bytes) = fs::read(&path)? else { return Ok(None) };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|e| Error::system(path.display(), format!("not an anchor: {e}")))
    }

    /// Whether `pane` is the one that was made for the agent, and still runs it or shows its end.
    fn is(&self, pane: &Pane) -> bool {
        pane.id == self.pane && pane.pid == self.pid
    }

    /// What `found` on its server means; `None` when the agent has ended and its pane is gone.
    fn judge(&self, name: &Name, found: std::result::Result<Option<Pane>, Fault>) -> Result<Option<Pane>> {
        let found = match found {
            Ok(Some(pane)) if self.is(&pane) => return Ok(Some(pane)),
            found => found.err(),
        };
        match proc::Identity::lives(self.pid, self.process.as_ref()) {
            Some(false) => Ok(None),
            known => Err(self.unseen(name, found, known.is_some())),
        }
    }

    /// Why an agent is not seen that may well live.
    fn unseen(&self, name: &Name, fault: Option<Fault>, runs: bool) -> Error {
        let Anchor { pid, server_pid, pane, .. } = self;
        let agent = if runs { format!("process {pid} runs") } else { format!("process {pid} may run") };
        let socket = self.socket.display();
        let server = proc::Identity::lives(*server_pid, None) != Some(false);
        let (cause, advice) = match fault {
            Some(Fault::Said(text)) => {
                (format!("{agent}, but tmux at {socket} says: {text}"), "mend that and try again".to_owned())
            }
            Some(Fault::NoServer) if server => (
                format!("{agent}, but its tmux server (process {server_pid}) cannot be reached at {socket}"),
                format!("`kill -USR1 {server_pid}` makes the server create its socket anew"),
            ),
            Some(Fault::NoServer) => (
                format!("{agent}, but its tmux server at {socket} is gone"),
                format!("`kill {pid}` ends the agent"),
            ),
            Some(Fault::NotFound) | None => (
                format!("{agent}, but no longer in its tmux pane {pane}"),
                format!("`kill {pid}` ends it"),
            ),
        };
        Error::missing(name, cause).advise(advice)
    }
}

impl Session {
    /// Its private folder.
    #[must_use]
    pub(crate) fn run_dir(&self, config: &Config) -> RunDir {
        RunDir::of(config, self.backend, &self.name)
    }

    /// Where it is; `None` when it has ended and its pane is gone.
    ///
    /// # Errors
    /// [`crate::error::Kind::Missing`] when it may live but cannot be seen: with what is in the way.
    pub(crate) fn place(&self, config: &Config, tmux: &Tmux) -> Result<Option<Place>> {
        Places::new(config, tmux).of(self)
    }

    /// Where it is; it must live.
    pub(crate) fn live_place(&self, config: &Config, tmux: &Tmux) -> Result<Place> {
        let gone = match self.place(config, tmux)? {
            Some(Place { pane, .. }) if pane.dead => {
                format!("the agent has ended{}", with_status(&pane))
            }
            Some(place) => return Ok(place),
            None => "its tmux window is gone".to_owned(),
        };
        Err(Error::missing(&self.name, gone)
            .advise(format!("start it again with `aimax-spawn -s {} --resume …`", self.name)))
    }
}

/// ` with status N`, where tmux knows it.
pub(crate) fn with_status(pane: &Pane) -> String {
    pane.status.map(|status| format!(" with status {status}")).unwrap_or_default()
}

/// Looks for the panes of sessions. A single one is asked for by itself; of many, each server is asked
/// once, for all that it has.
pub(crate) struct Places<'a> {
    config: &'a Config,
    tmux: &'a Tmux,
    /// What each server answered, by its socket.
    servers: Vec<(PathBuf, std::result::Result<Vec<Pane>, Fault>)>,
    /// The panes of the hubs on the caller's server.
    hubs: Vec<(Backend, Vec<Pane>)>,
}

impl<'a> Places<'a> {
    /// `tmux` is the caller's server, for sessions without an anchor.
    pub(crate) fn new(config: &'a Config, tmux: &'a Tmux) -> Places<'a> {
        Places { config, tmux, servers: Vec::new(), hubs: Vec::new() }
    }

    /// Where a session is, as [`Session::place`] says it.
    pub(crate) fn of(&mut self, session: &Session) -> Result<Option<Place>> {
        match Anchor::read(&session.run_dir(self.config))? {
            Some(anchor) => {
                let tmux = self.tmux.at(&anchor.socket);
                let known = self.servers.iter().position(|(socket, _)| *socket == anchor.socket);
                let at = match known {
                    Some(at) => at,
                    None => {
                        self.servers.push((anchor.socket.clone(), tmux.all_panes()?));
                        self.servers.len() - 1
                    }
                };
                let pane = |panes: &Vec<Pane>| panes.iter().find(|pane| anchor.is(pane)).cloned();
                let found = self.servers[at].1.as_ref().map(pane).map_err(Clone::clone);
                let pane = anchor.judge(&session.name, found)?;
                Ok(pane.map(|pane| Place { tmux, pane }))
            }
            None => {
                let pane = self.named(session)?;
                Ok(pane.map(|pane| Place { tmux: self.tmux.clone(), pane }))
            }
        }
    }

    /// The pane of a session without an anchor: in its backend's hub, if exactly one window bears its
    /// name.
    fn named(&mut self, session: &Session) -> Result<Option<Pane>> {
        let known = self.hubs.iter().position(|(backend, _)| *backend == session.backend);
        let at = match known {
            Some(at) => at,
            None => {
                let panes = self.tmux.panes(&session.backend.hub(self.config))?;
                self.hubs.push((session.backend, panes));
                self.hubs.len() - 1
            }
        };
        only(&session.name, &self.hubs[at].1)
    }
}

/// The one pane whose window bears the name.
///
/// # Errors
/// [`crate::error::Kind::Missing`] when several do: which is the session's cannot be told.
fn only(name: &Name, panes: &[Pane]) -> Result<Option<Pane>> {
    let mut found = panes.iter().filter(|pane| pane.window_name == name.as_str());
    match (found.next(), found.next()) {
        (one, None) => Ok(one.cloned()),
        (Some(a), Some(b)) => {
            let cause = format!("two windows bear its name, {} and {}", a.window, b.window);
            Err(Error::missing(name, cause).advise("rename the one that is not the agent's"))
        }
        (None, Some(_)) => Ok(None),
    }
}
