//! Sessions without a window, windows without a session, flags without either.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::finding::{Finding, word};
use crate::{
    agent::{AgentPaths, Backend},
    config::Config,
    error::Result,
    session::{self, JobState, Session, Snapshot},
    state::Name,
    tmux::Tmux,
};

/// Each session, and each window that no state file knows.
pub(crate) fn sessions(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    // What is wrong with tmux itself is a finding of `agents::tmux`.
    let tmux = Tmux::new(config).ok();
    for backend in Backend::ALL {
        match of_backend(config, tmux.as_ref(), backend) {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(Finding::problem("session", backend.name(), error)),
        }
    }
    findings
}

fn of_backend(config: &Config, tmux: Option<&Tmux>, backend: Backend) -> Result<Vec<Finding>> {
    let sessions = Session::all(config, Some(backend))?;
    let Some(tmux) = tmux else { return Ok(Vec::new()) };
    let snapshots = session::snapshots(config, tmux, &sessions)?;
    let mut findings: Vec<Finding> = sessions
        .iter()
        .zip(&snapshots)
        .map(|(session, snapshot)| judge(session, snapshot))
        .collect();
    let known: BTreeSet<&str> = sessions.iter().map(|session| session.name.as_str()).collect();
    for pane in tmux.panes(&backend.hub(config))? {
        let name = pane.window_name.as_str();
        if name == "_root" || known.contains(name) {
            continue;
        }
        let says = format!("a window of {} that is in no state file", backend.hub(config));
        let paths = AgentPaths::of(config, backend.facts());
        let is_agent = backend.agent().conversation(&paths, &pane)?.is_some();
        findings.push(Finding::note("session", name, says).mend(match name.parse::<Name>() {
            Ok(_) if is_agent => format!("aimax-kill -b {} {name}", backend.name()),
            _ => format!("tmux -S {} kill-window -t {}", word(&pane.socket), pane.window),
        }));
    }
    Ok(findings)
}

fn judge(session: &Session, snapshot: &Snapshot) -> Finding {
    let name = &session.name;
    if let Some(why) = &snapshot.unseen {
        return Finding::problem("session", name, &why.cause).advise(&why.advice);
    }
    if snapshot.status.is_none() {
        let says =
            if snapshot.pane.is_some() { "its agent has ended" } else { "its window is gone" };
        let kill = format!("aimax-kill -b {} {name}", session.backend.name());
        return Finding::problem("session", name, says).mend(kill);
    }
    match &snapshot.job {
        Err(error) => Finding::problem("session", name, format!("its flags: {error}")),
        Ok(JobState::Waiting(what)) => Finding::note("session", name, format!("it asks: {what}"))
            .advise(format!("`aimax-ls {name}` shows the choices")),
        Ok(_) => Finding::ok("session", name, snapshot.state().name()),
    }
}

/// Each `running.flag` of a session that is gone: nobody will ever remove it. All folders that a
/// session has ever had are searched.
pub(crate) fn flags(config: &Config) -> Vec<Finding> {
    let mut roots: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    for backend in Backend::ALL {
        let store = backend.store(config);
        let live: BTreeSet<Name> =
            store.sessions().unwrap_or_default().into_iter().map(|(name, _)| name).collect();
        for (name, entry) in store.archived().unwrap_or_default() {
            if let Some(root) = entry.flag_root() {
                let names = roots.entry(root.to_owned()).or_default();
                if live.contains(&name) {
                    names.insert(name.to_string());
                }
            }
        }
    }
    roots.iter().flat_map(|(root, live)| without_session(root, live)).collect()
}

fn without_session(root: &Path, live: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let folder = root.join(".imac/flags");
    for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if live.contains(&name) || !entry.path().join("running.flag").exists() {
            continue;
        }
        let says = format!(
            "{} exists, but its session does not",
            entry.path().join("running.flag").display()
        );
        let clear = format!("aimax-flag clear {name} --root {}", word(root));
        findings.push(Finding::problem("flag", name, says).mend(clear));
    }
    findings
}
