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
    let mut profiles: HashMap<Backend, Profile> = HashMap::new();
    for (session, _) in seen {
        if let hash_map::Entry::Vacant(free) = profiles.entry(session.backend) {
            free.insert(session.profile(config)?);
        }
    }
    let mut asked: HashMap<&Path, Vec<Asked>> = HashMap::new();
    for (at, &(session, snapshot)) in seen.iter().enumerate() {
        let profile = &profiles[&session.backend];
        if let Some(pane) = may_tell(snapshot, profile) {
            asked.entry(&pane.socket).or_default().push(Asked { at, snapshot, profile, pane });
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

/// The pane, if what it shows may tell more than the snapshot.
fn may_tell<'a>(snapshot: &'a Snapshot, profile: &Profile) -> Option<&'a Pane> {
    let tells = match snapshot.status.as_ref()? {
        Status::Busy => !profile.retrying.is_empty() || profile.background.is_some(),
        Status::Idle(_) => snapshot.beside != Some(false) && profile.background.is_some(),
        _ => false,
    };
    snapshot.pane.as_ref().filter(|pane| tells && !pane.dead && snapshot.unseen.is_none())
}

impl Asked<'_> {
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
