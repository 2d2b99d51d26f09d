//! `--watch`: the list, and then a record for each change in it.

use std::ops::ControlFlow;

use super::{LISTED, basics, record};
use crate::{
    agent::Backend,
    cli::Output,
    config::Config,
    error::{Exit, Result},
    session::{self, Session, SessionWatcher, Snapshot},
    state::Name,
    time::Deadline,
    tmux::Tmux,
};

/// Never returns by itself: its reader or a signal ends it.
pub(crate) fn run(
    config: &Config,
    backend: Option<Backend>,
    named: Option<&[Name]>,
    out: &mut Output,
) -> Result<Exit> {
    let tmux = Tmux::new(config)?;
    let mut watcher = SessionWatcher::new(config, &tmux)?;
    let mut stores = Vec::new();
    for backend in backend.map_or(Backend::ALL.to_vec(), |one| vec![one]) {
        stores.push(watcher.path(backend.store(config).runtime())?);
    }
    // Each with its last record, as text: that takes a tenth of the memory.
    let mut told: Vec<(Session, String)> = Vec::new();
    let same = |a: &Session, b: &Session| a.name == b.name && a.backend == b.backend;
    loop {
        if stores.iter().any(|store| watcher.is_changed(*store)) {
            // A session that is named may start later.
            let mut sessions = Session::all(config, backend)?;
            sessions.retain(|session| named.is_none_or(|names| names.contains(&session.name)));
            let is_gone = |(old, _): &mut (Session, _)| !sessions.iter().any(|new| same(old, new));
            for (gone, _) in told.extract_if(.., is_gone) {
                out.record(&LISTED, &basics(&gone, "archived"))?;
            }
            watcher.keep(sessions)?;
        }
        let mut seen: Vec<(Session, Snapshot)> = Vec::new();
        watcher.observe(|session, snapshot| {
            seen.push((session.clone(), snapshot.clone()));
            Ok(ControlFlow::Continue(()))
        })?;
        let seen: Vec<_> = seen.iter().map(|(session, snapshot)| (session, snapshot)).collect();
        let shown = session::shown(config, &tmux, &seen)?;
        for ((session, snapshot), shown) in seen.into_iter().zip(shown) {
            // What has changed meanwhile ends the wait below.
            let Some(record) = record(config, &tmux, session, snapshot, shown)? else { continue };
            let text = record.to_string();
            let known = told.iter_mut().find(|(old, _)| same(old, session));
            if known.as_ref().is_some_and(|(_, last)| *last == text) {
                continue;
            }
            out.record(&LISTED, &record)?;
            match known {
                Some(known) => *known = (session.clone(), text),
                None => told.push((session.clone(), text)),
            }
        }
        let _woke = watcher.wait(Deadline::NEVER)?;
    }
}
