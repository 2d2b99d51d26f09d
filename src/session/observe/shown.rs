//! What only the agents' screens tell, of many sessions at once.

use std::{
    collections::{HashMap, hash_map},
    path::Path,
};

use super::snapshot::Snapshot;
use crate::{
    agent::{Backend, Status, profile::Profile},
    config::Config,
    error::Result,
    session::Session,
    tmux::{Look, Pane, Tmux},
};

/// What only the agent's screen tells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    /// What it shows while it tries a request again, if it does.
    pub(crate) retrying: Option<String>,
    /// How many things it has started that run in the background, if it tells.
    pub(crate) background: Option<usize>,
}

/// A session whose screen may tell something.
struct Asked<'a> {
    at: usize,
    snapshot: &'a Snapshot,
    profile: &'a Profile,
    pane: &'a Pane,
}

/// What the screens tell beside the snapshots, for each session in turn. Only those are looked at that
/// may tell something, with one call of tmux for each server among them.
pub(crate) fn shown(
    config: &Config,
    tmux: &Tmux,
    seen: &[(&Session, &Snapshot)],
) -> Result<Vec<Shown>> {
    let panes: Vec<Option<&Pane>> = seen.iter().map(|(_, snapshot)| may_tell(snapshot)).collect();
    let mut profiles: HashMap<Backend, Profile> = HashMap::new();
    for ((session, _), _) in seen.iter().zip(&panes).filter(|(_, pane)| pane.is_some()) {
        if let hash_map::Entry::Vacant(free) = profiles.entry(session.backend) {
            free.insert(session.profile(config)?);
        }
    }
    let mut asked: HashMap<&Path, Vec<Asked>> = HashMap::new();
    for (at, (&(session, snapshot), pane)) in seen.iter().zip(panes).enumerate() {
        let Some(pane) = pane else { continue };
        let one = Asked { at, snapshot, profile: &profiles[&session.backend], pane };
        if one.may_tell() {
            asked.entry(&pane.socket).or_default().push(one);
        }
    }
    let told = |(_, snapshot): &(&Session, &Snapshot)| Shown {
        background: (snapshot.beside == Some(false)).then_some(0),
        ..Shown::default()
    };
    let mut shown: Vec<Shown> = seen.iter().map(told).collect();
    for asked in asked.values() {
        let panes: Vec<&str> = asked.iter().map(|one| one.pane.id.as_str()).collect();
        let screens = tmux.of(asked[0].pane).screens(&panes)?;
        for (one, screen) in asked.iter().zip(screens) {
            let look = screen.map(|screen| Look { pane: one.pane.clone(), screen });
            shown[one.at] = one.told(look.as_ref());
        }
    }
    Ok(shown)
}

/// The pane, if an agent's screen may tell more than the snapshot.
fn may_tell(snapshot: &Snapshot) -> Option<&Pane> {
    let tells = match snapshot.status.as_ref()? {
        Status::Busy => true,
        Status::Idle(_) => snapshot.beside != Some(false),
        _ => false,
    };
    snapshot.pane.as_ref().filter(|pane| tells && !pane.dead && snapshot.unseen.is_none())
}

impl Asked<'_> {
    /// Whether this agent's screen does.
    fn may_tell(&self) -> bool {
        let retries =
            self.snapshot.status == Some(Status::Busy) && !self.profile.retrying.is_empty();
        retries || self.profile.background.is_some()
    }

    fn told(&self, look: Option<&Look>) -> Shown {
        let counted = look.and_then(|look| self.profile.background(look));
        let is_busy = self.snapshot.status == Some(Status::Busy);
        Shown {
            retrying: look.filter(|_| is_busy).and_then(|look| self.profile.retry(look)),
            background: match self.snapshot.beside {
                Some(_) => Some(counted.unwrap_or(0).max(1)),
                None => counted.filter(|count| !is_busy || *count > 0),
            },
        }
    }
}
