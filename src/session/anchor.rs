//! Which pane and process are a session's: the only place that answers this, for one session.
//!
//! When a window becomes an agent, it knows everything: its process, its pane, its tmux server. That
//! is the session's anchor, kept in its private folder. From then on the session is that process in
//! that pane on that server, wherever the pane is moved and whatever its window is called. Only a
//! session that has no anchor, one of the Python package, is looked for by its name, in its backend's
//! hub on the caller's server; once found, it gets one.
//!
//! That an agent has ended needs evidence: its process is gone, or tmux shows its pane dead. What
//! cannot be seen is an error that says what is in the way, and ends nothing.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{RunDir, Session};
use crate::{
    config::Config,
    error::{Error, Result},
    fs, proc,
    state::Name,
    sys,
    time::Deadline,
    tmux::{Fault, Look, Pane, Tmux},
    watch::{Watch, Woke},
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
    /// The process that tmux started in the pane, if that is not the agent: the shell of a person
    /// who started the agent in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<u32>,
}

/// What is to be seen of a session's pane.
pub(crate) enum Sight {
    /// The pane, live or dead; `None` when the agent has ended and its pane is gone.
    Seen(Option<Pane>),
    /// The agent may live, but its pane cannot be seen.
    Unseen {
        /// What is in the way, and what helps.
        why: Error,
        /// What is known of the pane where the process is known to live: what tmux would add is
        /// missing.
        pane: Option<Box<Pane>>,
    },
}

impl Sight {
    /// What is known of the pane.
    pub(crate) fn known_pane(&self) -> Option<&Pane> {
        match self {
            Sight::Seen(pane) => pane.as_ref(),
            Sight::Unseen { pane, .. } => pane.as_deref(),
        }
    }

    /// The pane.
    ///
    /// # Errors
    /// Why it is not seen.
    fn pane(self) -> Result<Option<Pane>> {
        match self {
            Sight::Seen(pane) => Ok(pane),
            Sight::Unseen { why, .. } => Err(why),
        }
    }
}

/// How long a process may take to end once its terminal is gone, before it counts as living on.
const HANG_UP: Duration = Duration::from_secs(1);

impl Anchor {
    /// The anchor of this process, in the pane `pane` of the server that `tmux`, the value of `TMUX`,
    /// names.
    pub(crate) fn here(tmux: &str, pane: &str) -> Option<Anchor> {
        // SOCKET,PID,SESSION: a socket's path may hold commas.
        let mut parts = tmux.rsplitn(3, ',');
        let (_session, server_pid, socket) = (parts.next()?, parts.next()?, parts.next()?);
        let pid = std::process::id();
        Some(Anchor {
            pid,
            process: proc::Identity::of(pid),
            pane: pane.to_owned(),
            socket: socket.into(),
            server_pid: server_pid.parse().ok()?,
            shell: None,
        })
    }

    /// The anchor of what runs in `pane`.
    fn at(pane: &Pane) -> Anchor {
        Anchor {
            pid: pane.pid,
            process: proc::Identity::of(pane.pid),
            pane: pane.id.clone(),
            socket: pane.socket.clone(),
            server_pid: pane.server_pid,
            shell: None,
        }
    }

    /// The anchor of the agent `pid`, which a person started in `pane`.
    pub(crate) fn inside(pane: &Pane, pid: u32) -> Anchor {
        let process = proc::Identity::of(pid);
        let shell = Some(pane.pid).filter(|shell| *shell != pid);
        Anchor { pid, process, shell, ..Anchor::at(pane) }
    }

    /// Writes it where only the user can read it. The folder is not made: it may have been removed
    /// meanwhile, by whoever stopped the start.
    pub(crate) fn write(&self, run_dir: &RunDir) -> Result<()> {
        let path = run_dir.anchor();
        let text = serde_json::to_vec(self).map_err(|e| Error::system(path.display(), e))?;
        fs::write_durable(&path, &text, 0o600)
    }

    /// The anchor that is kept of a session; `None` when there is none.
    ///
    /// # Errors
    /// [`crate::error::Kind::Missing`] when it cannot be read: the session may live, but where?
    pub(super) fn read(session: &Session, config: &Config) -> Result<Option<Anchor>> {
        let path = session.run_dir(config).anchor();
        let damaged = |why: String| {
            Error::missing(&session.name, format!("{} cannot be read: {why}", path.display()))
                .advise("remove it, and the session is found by the name of its window")
        };
        let Some(bytes) = fs::read_small(&path).map_err(|e| damaged(e.cause))? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|e| damaged(e.to_string()))
    }

    /// Whether `pane` is the one that was made for the agent, and still runs it or shows its end.
    fn is(&self, pane: &Pane) -> bool {
        let is_its = pane.pid == self.shell.unwrap_or(self.pid);
        pane.id == self.pane && (is_its || pane.dead && pane.pid == 0)
    }

    /// The pane with the agent's own process; `None` when only the shell is left in it.
    fn with_agent(&self, pane: Pane) -> Option<Pane> {
        let is_gone = self.shell.is_some() && self.lives() == Some(false);
        Some(Pane { pid: self.pid, ..pane }).filter(|_| !is_gone)
    }

    /// What `found` on its server means for `session`. An end that is seen is noted: another machine
    /// with the same home cannot see it.
    pub(super) fn sight(
        &self,
        session: &Session,
        config: &Config,
        found: std::result::Result<Option<Pane>, Fault>,
    ) -> Result<Sight> {
        let note = || session.run_dir(config).ended();
        let own = || serde_json::to_vec(self).map_err(|e| Error::system(note().display(), e));
        let is_noted = || Ok::<bool, Error>(fs::read(&note())?.as_ref() == Some(&own()?));
        if self.process.as_ref().is_some_and(|process| process.elsewhere().is_some()) && is_noted()?
        {
            return Ok(Sight::Seen(None));
        }
        let sight = self.judge(&session.name, found)?;
        if let Sight::Seen(pane) = &sight
            && pane.as_ref().is_none_or(|pane| pane.dead)
            && !is_noted()?
        {
            // Without a note, the other machine knows less: a look does not fail for that.
            drop(fs::write_atomic(&note(), &own()?, 0o600));
            // The session may have been ended and cleared away meanwhile.
            if !session.run_dir(config).anchor().exists() {
                drop(fs::remove(&note()));
            }
        }
        Ok(sight)
    }

    /// What `found` on its server means. A server of another machine is not the one at that path here.
    fn judge(&self, name: &Name, found: std::result::Result<Option<Pane>, Fault>) -> Result<Sight> {
        if let Some(host) = self.process.as_ref().and_then(proc::Identity::elsewhere) {
            let cause = format!("it was started on the host {host}, and this is {}", sys::host());
            let advice = format!(
                "look there, as by `ssh {host} aimax-ls {name}`; if there is no such machine any more, \
                 remove run/*/{name}/anchor.json below the data folder"
            );
            return Ok(Sight::Unseen {
                why: Error::missing(name, cause).advise(advice),
                pane: None,
            });
        }
        let fault = match found {
            Ok(Some(pane)) if self.is(&pane) => return Ok(Sight::Seen(self.with_agent(pane))),
            found => found.err(),
        };
        let lost = match fault {
            None | Some(Fault::NotFound) => true,
            Some(Fault::NoServer) => proc::Identity::lives(self.server_pid, None) == Some(false),
            Some(Fault::Said(_)) => false,
        };
        let lives = if lost { self.lives_on()? } else { self.lives() };
        if lives == Some(false) {
            return Ok(Sight::Seen(None));
        }
        let pane = Pane {
            window_name: name.to_string(),
            id: self.pane.clone(),
            pid: self.pid,
            socket: self.socket.clone(),
            server_pid: self.server_pid,
            ..Pane::default()
        };
        let pane = lives.map(|_| Box::new(pane));
        Ok(Sight::Unseen { why: self.unseen(name, fault, pane.is_some()), pane })
    }

    /// Whether the process lives; `None` where that cannot be known.
    fn lives(&self) -> Option<bool> {
        proc::Identity::lives(self.pid, self.process.as_ref())
    }

    /// The same of a process that has just lost its terminal, which ends it in a moment.
    fn lives_on(&self) -> Result<Option<bool>> {
        let mut watch = Watch::new()?;
        watch.process(self.pid)?;
        let deadline = Deadline::after(HANG_UP);
        while self.lives() == Some(true) && watch.wait(deadline)? != Woke::Deadline {}
        Ok(self.lives())
    }

    /// Why an agent is not seen that may well live.
    fn unseen(&self, name: &Name, fault: Option<Fault>, runs: bool) -> Error {
        let Anchor { pid, server_pid, pane, .. } = self;
        let agent = if runs {
            format!("process {pid} is running")
        } else {
            format!("process {pid} may be running")
        };
        let socket = self.socket.display();
        let server = proc::Identity::lives(*server_pid, None) != Some(false);
        let (cause, advice) = match fault {
            Some(Fault::Said(text)) => (
                format!("{agent}, but tmux at {socket} says: {text}"),
                "fix that and try again".to_owned(),
            ),
            Some(Fault::NoServer) if server => (
                format!(
                    "{agent}, but its tmux server (process {server_pid}) cannot be reached at {socket}"
                ),
                format!("`kill -USR1 {server_pid}` makes the server recreate its socket"),
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
    /// Files and folders whose change may mean another status or another conversation.
    pub(crate) fn watch_paths(&self, config: &Config, pane: &Pane) -> Vec<PathBuf> {
        let mut paths = self.agent().watch_paths(&self.paths(config), pane);
        paths.extend(self.agent().facts().idle_title.map(|_| self.run_dir(config).title()));
        paths
    }

    /// Its private folder.
    #[must_use]
    pub(crate) fn run_dir(&self, config: &Config) -> RunDir {
        RunDir::of(config, self.backend, &self.name)
    }

    /// Its pane, live or dead, with the server that it is on; `None` when the agent has ended and its
    /// pane is gone.
    ///
    /// # Errors
    /// [`crate::error::Kind::Missing`] when the agent may live but cannot be seen: with what is in the
    /// way.
    pub(crate) fn pane(&self, config: &Config, tmux: &Tmux) -> Result<Option<Pane>> {
        self.sight(config, tmux)?.pane()
    }

    /// What is to be seen of its pane. It costs the same however many sessions there are.
    pub(super) fn sight(&self, config: &Config, tmux: &Tmux) -> Result<Sight> {
        match Anchor::read(self, config) {
            Ok(Some(anchor)) => {
                let found = tmux.at(&anchor.socket).pane(&anchor.pane)?;
                anchor.sight(self, config, found)
            }
            Ok(None) => {
                let found = tmux.panes_named(&self.backend.hub(config), self.name.as_str())?;
                Ok(named(self, config, &found))
            }
            Err(why) => Ok(Sight::Unseen { why, pane: None }),
        }
    }

    /// Whether it was started on another machine, which has the same home.
    pub(crate) fn is_elsewhere(&self, config: &Config) -> bool {
        let anchor = Anchor::read(self, config).ok().flatten();
        let process = anchor.and_then(|anchor| anchor.process);
        process.is_some_and(|process| process.elsewhere().is_some())
    }

    /// Its pane, if an agent is known to run there: a window of this name, which no state file knows,
    /// may be a person's.
    pub(crate) fn agent_pane(&self, config: &Config, tmux: &Tmux) -> Result<Option<Pane>> {
        let Some(pane) = self.pane(config, tmux)? else { return Ok(None) };
        let holds = self.agent().conversation(&self.paths(config), &pane)?.is_some();
        Ok(Some(pane).filter(|_| holds))
    }

    /// The same with its screen, by one question, where that is to be had.
    pub(crate) fn live_look(&self, config: &Config, tmux: &Tmux) -> Result<(Pane, Option<Look>)> {
        let anchor = Anchor::read(self, config).ok().flatten();
        // What stands in the way is told by the other way.
        let look = |anchor: &Anchor| tmux.at(&anchor.socket).capture(&anchor.pane).ok().flatten();
        if let Some(anchor) = anchor
            && let Some(look) = look(&anchor).filter(|look| !look.pane.dead)
            && let Sight::Seen(Some(pane)) =
                anchor.sight(self, config, Ok(Some(look.pane.clone())))?
        {
            let look = Look { pane: pane.clone(), ..look };
            return Ok((pane, Some(look)));
        }
        Ok((self.live_pane(config, tmux)?, None))
    }

    /// Its pane, in which the agent must live.
    pub(crate) fn live_pane(&self, config: &Config, tmux: &Tmux) -> Result<Pane> {
        let gone = match self.pane(config, tmux)? {
            Some(pane) if pane.dead => format!("the agent has ended{}", with_status(&pane)),
            Some(pane) => return Ok(pane),
            None => "its tmux window is gone".to_owned(),
        };
        Err(Error::missing(&self.name, gone).advise(self.revival()))
    }
}

/// ` with status N`, if tmux knows the exit status.
pub(crate) fn with_status(pane: &Pane) -> String {
    pane.status.map(|status| format!(" with status {status}")).unwrap_or_default()
}

/// The pane of a session that has no anchor: the one in its backend's hub whose window bears its name.
/// It gets an anchor. When several windows bear the name, which is the agent's cannot be told.
pub(super) fn named(session: &Session, config: &Config, hub: &[Pane]) -> Sight {
    let mut found = hub.iter().filter(|pane| pane.window_name == session.name.as_str());
    match (found.next(), found.next()) {
        (None, _) => Sight::Seen(None),
        (Some(pane), None) => {
            if !pane.dead && !session.entry.fields().is_empty() {
                let run_dir = session.run_dir(config);
                let made = fs::make_dir(run_dir.path(), 0o700);
                // Without a note it is found by its name again: a look does not fail for that.
                drop(made.and_then(|()| Anchor::at(pane).write(&run_dir)));
            }
            Sight::Seen(Some(pane.clone()))
        }
        (Some(a), Some(b)) => {
            let cause = format!("two windows have its name: {} and {}", a.window, b.window);
            let why = Error::missing(&session.name, cause)
                .advise("rename the one that is not the agent's");
            Sight::Unseen { why, pane: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(pid: u32, server_pid: u32, found: Fault) -> Sight {
        let anchor = Anchor {
            pid,
            process: proc::Identity::of(pid),
            pane: "%1".into(),
            socket: "/tmp/s".into(),
            server_pid,
            shell: None,
        };
        anchor.judge(&"one".parse().unwrap(), Err(found)).unwrap()
    }

    #[test]
    fn a_socket_that_may_not_be_used_ends_nothing() {
        let here = std::process::id();
        let denied = || Fault::Said("error connecting to /tmp/s (Permission denied)".into());
        let Sight::Unseen { why, pane } = judged(here, here, denied()) else {
            panic!("a live agent is not seen dead");
        };
        assert_eq!(pane.map(|pane| pane.pid), Some(here));
        assert_eq!(why.kind, crate::error::Kind::Missing);
        assert!(why.cause.contains(&format!("process {here} is running")), "{why}");
        assert!(why.cause.contains("Permission denied"), "{why}");
        assert!(why.advice == "fix that and try again", "{why}");
        // A process that is gone is evidence, whatever tmux says.
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert!(matches!(judged(child.id(), here, denied()), Sight::Seen(None)));
    }
}
