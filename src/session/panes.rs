//! The panes of many sessions, by one question to each tmux server.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    thread,
};

use super::{
    Session,
    anchor::{Anchor, Sight, named},
};
use crate::{
    agent::Backend,
    config::Config,
    error::Result,
    state::Name,
    tmux::{Fault, Pane, Tmux},
};

/// The panes of all windows of some backends' hubs that bear a session's name, by one question to the
/// caller's server. Names that are not legal are left out, such as that of a hub's own window.
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

/// The panes of a server by their ids, or why they cannot be known.
type Listed = std::result::Result<HashMap<String, Pane>, Fault>;

/// The panes of many sessions: each server is asked once, when it is needed.
#[derive(Default)]
pub(crate) struct Panes {
    /// What each server answered, by its socket: the panes by their ids.
    servers: Vec<(PathBuf, Listed)>,
    /// The hubs on the caller's server, for sessions without an anchor.
    hubs: Vec<(Backend, Vec<Pane>)>,
    /// A single session is asked for by itself.
    is_single: bool,
    /// Nobody asks for more than [`Pane::BRIEF`] tells.
    is_brief: bool,
}

impl Panes {
    /// The panes of so many sessions, for a caller that does not ask for more than [`Pane::BRIEF`] tells.
    pub(crate) fn of_many(sessions: usize) -> Panes {
        Panes { is_single: sessions == 1, is_brief: true, ..Panes::default() }
    }

    /// What is to be seen of the session's pane.
    pub(crate) fn sight(
        &mut self,
        config: &Config,
        tmux: &Tmux,
        session: &Session,
    ) -> Result<Sight> {
        if self.is_single {
            return session.sight(config, tmux);
        }
        self.sight_by(Anchor::read(session, config), config, tmux, session)
    }

    /// The same of many sessions. Their anchors are read while tmux makes the list of the first one's
    /// server, which is that of most.
    pub(crate) fn sights(
        &mut self,
        config: &Config,
        tmux: &Tmux,
        sessions: &[Session],
    ) -> Result<Vec<Sight>> {
        let read = |session: &Session| Anchor::read(session, config);
        let first = sessions.first().filter(|_| !self.is_single).map(read);
        let Some(Ok(Some(Anchor { socket, .. }))) = first else {
            return sessions.iter().map(|session| self.sight(config, tmux, session)).collect();
        };
        let (anchors, listed) = thread::scope(|scope| {
            let listed = scope.spawn(|| listed(tmux, &socket, self.is_brief));
            let anchors: Vec<_> = sessions.iter().map(read).collect();
            (anchors, listed.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        self.servers.push((socket, listed?));
        let seen = sessions.iter().zip(anchors);
        seen.map(|(one, anchor)| self.sight_by(anchor, config, tmux, one)).collect()
    }

    fn sight_by(
        &mut self,
        anchor: Result<Option<Anchor>>,
        config: &Config,
        tmux: &Tmux,
        session: &Session,
    ) -> Result<Sight> {
        let anchor = match anchor {
            Ok(Some(anchor)) => anchor,
            Ok(None) => {
                let hub = || tmux.panes(&session.backend.hub(config));
                return Ok(named(session, config, find_or(&mut self.hubs, &session.backend, hub)?));
            }
            Err(why) => return Ok(Sight::Unseen { why, pane: None }),
        };
        let is_brief = self.is_brief;
        let panes =
            find_or(&mut self.servers, &anchor.socket, || listed(tmux, &anchor.socket, is_brief))?;
        let own = |panes: &HashMap<String, Pane>| panes.get(&anchor.pane).cloned();
        anchor.sight(session, config, panes.as_ref().map(own).map_err(Clone::clone))
    }
}

fn listed(tmux: &Tmux, socket: &Path, is_brief: bool) -> Result<Listed> {
    let server = tmux.at(socket);
    let panes = if is_brief { server.many_panes() } else { server.all_panes() };
    let by_id = |pane: Pane| (pane.id.clone(), Pane { socket: socket.to_owned(), ..pane });
    Ok(panes?.map(|panes| panes.into_iter().map(by_id).collect()))
}

/// The value of `key` in `list`; made with `make` if it is not there yet.
fn find_or<'a, K: Clone + PartialEq, V>(
    list: &'a mut Vec<(K, V)>,
    key: &K,
    make: impl FnOnce() -> Result<V>,
) -> Result<&'a V> {
    let at = match list.iter().position(|(known, _)| known == key) {
        Some(at) => at,
        None => {
            list.push((key.clone(), make()?));
            list.len() - 1
        }
    };
    Ok(&list[at].1)
}
