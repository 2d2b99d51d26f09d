//! Adopting an agent: one that a person started in a pane of their own becomes a session.

use std::path::{Path, PathBuf};

use super::{Session, anchor::Anchor};
use crate::{
    agent::{AgentPaths, Backend, Conversation},
    config::Config,
    error::{Error, Kind, Result},
    fs, proc,
    state::{Entry, Name},
    time::{self, Deadline},
    tmux::{Pane, Tmux},
};

/// What to adopt.
#[derive(Clone, Debug)]
pub(crate) struct Adoption {
    /// The session's name.
    pub name: Name,
    /// The agent's backend; `None` finds out.
    pub backend: Option<Backend>,
    /// The pane, `%N`; `None` takes the only one with an agent that is no session.
    pub pane: Option<String>,
    /// The folder for the flags, if not the one that the agent works in.
    pub flag_root: Option<PathBuf>,
}

/// An agent in a pane.
struct Found {
    backend: Backend,
    pane: Pane,
    /// The agent's own process.
    pid: u32,
    conversation: Conversation,
}

/// Makes a session of an agent that runs already. Returns the session and its pane.
///
/// # Errors
/// [`Kind::Missing`] when no agent is seen there, [`Kind::Refused`] when the name or the agent is a
/// session's, [`Kind::Usage`] when several panes come into question.
pub(crate) fn adopt(config: &Config, tmux: &Tmux, order: &Adoption) -> Result<(Session, Pane)> {
    let Adoption { name, .. } = order;
    let mut known = Vec::new();
    for session in Session::all(config, None)? {
        if let Some(pane) = session.pane(config, tmux)?.filter(|pane| !pane.dead) {
            known.push((session, pane));
        }
    }
    if let Some((session, _)) = known.iter().find(|(session, _)| session.name == *name) {
        let cause = format!("{} already has a session of this name", session.backend.name());
        return Err(Error::new(Kind::Refused, name, cause).advise("choose another name"));
    }
    let found = find(config, tmux, order, &known)?;
    let Found { backend, pane, pid, conversation } = &found;
    let cwd = tmux.current_path(&pane.id)?;
    let mut entry = entry(order, &cwd, conversation);
    let paths = AgentPaths::of(config, backend.facts());
    paths.keep(&mut entry);
    for (key, value) in backend.facts().entry_fields {
        entry.set(key, *value);
    }
    if let Some((key, value)) = backend.agent().conversation_field(conversation) {
        entry.set(key, value);
    }
    let session = Session { name: name.clone(), backend: *backend, entry };
    let run_dir = session.run_dir(config);
    let _held = run_dir.lock(name, Deadline::after(super::LOCK_WAIT))?;
    run_dir.clear()?;
    fs::make_dir(run_dir.path(), 0o700)?;
    Anchor::inside(pane, *pid).write(&run_dir)?;
    backend.store(config).put(name, &session.entry)?;
    Ok((session, Pane { pid: *pid, ..pane.clone() }))
}

fn entry(order: &Adoption, cwd: &Path, conversation: &Conversation) -> Entry {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    Entry::default()
        .with("agentSessionId", conversation.id.clone())
        .with("cwd", text(cwd))
        .with("flagRoot", text(order.flag_root.as_deref().unwrap_or(cwd)))
        .with("model", None::<String>)
        .with("useProxy", None::<bool>)
        .with("displayName", None::<String>)
        .with("jsonlPath", conversation.transcript.as_deref().map(text))
        .with("startedAt", time::now_ms())
        .with("permissions", None::<String>)
        .with("agentArgs", Vec::<String>::new())
}

/// The agent that is meant.
fn find(
    config: &Config,
    tmux: &Tmux,
    order: &Adoption,
    known: &[(Session, Pane)],
) -> Result<Found> {
    let panes = tmux.all_panes()?.map_err(|fault| fault.about("tmux"))?;
    let is_asked = |pane: &Pane| order.pane.as_ref().is_none_or(|id| pane.id == *id);
    let panes: Vec<Pane> = panes.into_iter().filter(|pane| is_asked(pane) && !pane.dead).collect();
    if let (Some(id), true) = (&order.pane, panes.is_empty()) {
        return Err(Error::missing(id, "no such pane, or nothing runs in it"));
    }
    let mut found = Vec::new();
    for pane in panes {
        let same = |other: &Pane| other.id == pane.id && other.socket == pane.socket;
        match known.iter().find(|(_, other)| same(other)) {
            Some((session, _)) if order.pane.is_some() => {
                let cause = format!("its agent is already the session {}", session.name);
                return Err(Error::new(Kind::Refused, &pane.id, cause));
            }
            Some(_) => {}
            None => found.extend(agent_in(config, order, &pane)?),
        }
    }
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(one), false) => {
            let ids: Vec<&str> =
                found.iter().chain([&one]).map(|one| one.pane.id.as_str()).collect();
            Err(Error::usage("pane", format!("there are agents in {}", ids.join(", ")))
                .advise("choose one with -t"))
        }
        (None, _) => {
            let subject = order.pane.as_deref().unwrap_or("tmux");
            Err(Error::missing(subject, "no agent found that is not a session yet"))
        }
    }
}

/// The agent that runs in a pane, if one is seen there.
fn agent_in(config: &Config, order: &Adoption, pane: &Pane) -> Result<Option<Found>> {
    for backend in order.backend.map_or(Backend::ALL.to_vec(), |one| vec![one]) {
        let paths = AgentPaths::of(config, backend.facts());
        let mut found: Option<Found> = None;
        // A process is asked together with those below it, so the last that gives the same answer is
        // the agent; another answer is that of an agent below it.
        for pid in proc::family(pane.pid) {
            let inside = Pane { pid, ..pane.clone() };
            let answer = backend.agent().conversation(&paths, &inside)?;
            if let Some(conversation) = answer
                && found.as_ref().is_none_or(|first| first.conversation == conversation)
            {
                found = Some(Found { backend, pane: pane.clone(), pid, conversation });
            }
        }
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}
