//! The sessions that are tailed: which join, which leave, and where each conversation is now.
//!
//! The state files name the sessions. The agent tells where its conversation is, once the session's
//! window is known: a person may have cleared it, or gone over to another one. tmux is asked only
//! when a state file changed, a process ended, or an agent shows its conversation in the title.

use std::collections::{BTreeMap, BTreeSet};

use super::{cursor::CursorFolder, options::Args, tailed::Tailed};
use crate::{
    agent::Backend,
    config::Config,
    error::{Error, Kind, Result},
    session::{
        Session,
        anchor::Sight,
        conversation::{ConversationReader, is_there},
        panes::Panes,
    },
    state::Name,
    tmux::Tmux,
    transcript::start::Start,
    watch::{Watch, WatchId},
};

/// Which sessions are asked for.
pub(crate) enum Selection {
    /// These, which must be there.
    Named(Vec<Name>),
    /// All live ones, also those to come.
    All,
}

/// The sessions that are tailed.
pub(crate) struct SessionSet {
    config: Config,
    backend: Option<Backend>,
    selection: Selection,
    /// `None` where there is no tmux: then the state files are all that is known.
    tmux: Option<Tmux>,
    stores: BTreeMap<WatchId, Backend>,
    /// Where to begin in those that are there at the beginning.
    start: Start,
    /// Where the places in all of them are kept.
    cursors: Option<CursorFolder>,
    max_line: Option<usize>,
    /// Whether the run waits for what is not there yet.
    waits: bool,
}

impl SessionSet {
    pub(crate) fn new(
        config: Config,
        selection: Selection,
        args: &Args,
        start: Start,
        cursors: Option<CursorFolder>,
    ) -> Result<SessionSet> {
        let tmux = match Tmux::new(&config) {
            Ok(tmux) => Some(tmux),
            Err(e) if e.kind == Kind::Missing => None,
            Err(e) => return Err(e),
        };
        let backend = args.target.backend(&config)?;
        let (stores, max_line, waits) = (BTreeMap::new(), args.longest(), args.follow);
        Ok(SessionSet { config, backend, selection, tmux, stores, start, cursors, max_line, waits })
    }

    /// The sessions that are there now.
    pub(crate) fn sessions(&self) -> Result<Vec<Tailed>> {
        let mut start = self.start;
        let sessions = match &self.selection {
            Selection::All => {
                let mut sessions = self.all(self.backend)?;
                if let Some(cursors) = self.cursors.as_ref().filter(|cursors| cursors.is_resumed) {
                    // Who has no place yet has joined since.
                    start = Start::Offset(0);
                    sessions.extend(self.ended(self.backend, |session| {
                        cursors.has_missed(session) || cursors.file(session).exists()
                    })?);
                }
                sessions
            }
            Selection::Named(names) => names
                .iter()
                .map(|name| Session::find_any(&self.config, name, self.backend))
                .collect::<Result<_>>()?,
        };
        sessions.into_iter().map(|session| self.tailed(session, start)).collect()
    }

    /// The live sessions of this machine: others may share the folder.
    fn all(&self, backend: Option<Backend>) -> Result<Vec<Session>> {
        let mut all = Vec::new();
        for session in Session::all(&self.config, backend)? {
            if !session.is_elsewhere(&self.config) {
                all.push(session);
            }
        }
        Ok(all)
    }

    /// The sessions that were ended, of which a record may be unread by `is_unread`.
    fn ended(
        &self,
        backend: Option<Backend>,
        is_unread: impl Fn(&Session) -> bool,
    ) -> Result<Vec<Session>> {
        let mut ended = Session::past(&self.config, backend)?;
        ended.retain(|session| {
            let path = session.entry.jsonl_path();
            let is_here = |path| is_there(&session.places(&self.config).now(path));
            is_unread(session) && path.is_some_and(is_here)
        });
        Ok(ended)
    }

    fn tailed(&self, session: Session, start: Start) -> Result<Tailed> {
        let reader = ConversationReader::new(session.places(&self.config), None, start);
        let file = self.cursors.as_ref().map(|cursors| cursors.file(&session));
        let mut tailed = Tailed::of_session(session, reader.longest(self.max_line));
        if let Some(file) = file {
            tailed.keep_place(&file)?.join()?;
        }
        Ok(tailed)
    }

    /// Watches the state files.
    pub(crate) fn watch(&mut self, watch: &mut Watch) -> Result<()> {
        for backend in self.backend.map_or(Backend::ALL.to_vec(), |one| vec![one]) {
            self.stores.insert(watch.path(backend.store(&self.config).runtime())?, backend);
        }
        Ok(())
    }

    /// Whether sessions come and go.
    fn is_open(&self) -> bool {
        matches!(self.selection, Selection::All)
    }

    /// Brings `streams` up to date with what `changed`, or with everything: those that are `due`, or
    /// all. Streams that are new or have moved watch what they read.
    pub(crate) fn update(
        &self,
        watch: &mut Watch,
        streams: &mut Vec<Tailed>,
        due: Option<&[usize]>,
        changed: Option<&BTreeSet<WatchId>>,
        note: &mut dyn FnMut(&str),
    ) -> Result<()> {
        let is_changed = |spot: &WatchId| changed.is_none_or(|changed| changed.contains(spot));
        let stores = self.stores.iter().filter(|(spot, _)| is_changed(spot));
        let stores: Vec<Backend> = stores.map(|(_, &backend)| backend).collect();
        for &backend in &stores {
            match self.reread(backend, streams) {
                // The sessions that were there are still followed; a change to the file wakes us.
                Err(e) if self.waits && e.kind == Kind::System => note(&e.to_string()),
                done => done?,
            }
        }
        let mut panes = Panes::of_many(streams.len());
        for at in due.map_or_else(|| (0..streams.len()).collect(), <[usize]>::to_vec) {
            let stream = &mut streams[at];
            let Some(session) = &stream.session else { continue };
            let listed = stores.contains(&session.backend);
            if listed && let Some(tmux) = &self.tmux {
                // Of an agent that cannot be seen, what it has written can still be read.
                stream.pane = match panes.sight(&self.config, tmux, session)? {
                    Sight::Seen(pane) => pane.filter(|pane| !pane.dead),
                    Sight::Unseen { .. } => None,
                };
            }
            let signs = changed.is_some_and(|changed| !changed.is_disjoint(&stream.signs));
            if listed || signs || !stream.reader.is_placed() {
                self.place(watch, stream)?;
            }
        }
        Ok(())
    }

    /// Reads a state file again: adds the sessions that joined, marks those that left, and updates
    /// the others.
    fn reread(&self, backend: Backend, streams: &mut Vec<Tailed>) -> Result<()> {
        let mut listed = match &self.selection {
            Selection::All => self.all(Some(backend))?,
            Selection::Named(names) => Session::some(&self.config, backend, names)?,
        };
        // A file that is gone (it was broken, and set aside) says nothing about the sessions.
        if listed.is_empty() && !backend.store(&self.config).runtime().exists() {
            return Ok(());
        }
        for stream in streams.iter_mut() {
            let Some(session) = &mut stream.session else { continue };
            if session.backend != backend {
                continue;
            }
            match listed.iter().position(|other| other.name == session.name) {
                Some(place) => *session = listed.swap_remove(place),
                None => stream.leaving = self.is_open(),
            }
        }
        if self.is_open() {
            if let Some(cursors) = &self.cursors {
                // They came and went while nobody looked.
                listed.extend(self.ended(Some(backend), |session| cursors.has_missed(session))?);
            }
            listed.sort_by(|a, b| a.name.cmp(&b.name));
            for session in listed {
                streams.push(self.tailed(session, Start::Offset(0))?);
            }
        }
        Ok(())
    }

    /// Finds where the conversation of one session is now.
    fn place(&self, watch: &mut Watch, stream: &mut Tailed) -> Result<()> {
        let Some(session) = &mut stream.session else { return Ok(()) };
        // An offset is one in the transcript that the state file names, even if the conversation
        // has moved since.
        if matches!(stream.reader.start, Start::Offset(1..)) && !stream.reader.is_placed() {
            stream.reader.found(&session.kept_conversation(&self.config));
        }
        if let (Some(pane), Some(tmux)) = (&mut stream.pane, &self.tmux) {
            for witness in session.watch_paths(&self.config, pane) {
                stream.signs.insert(watch.path(&witness)?);
            }
            // After the subscription: some agents show their conversation in the title.
            if session.agent().facts().idle_title.is_some()
                && let Some(now) = session.pane(&self.config, tmux)?
            {
                *pane = now;
            }
        }
        let now = session.conversation(&self.config, stream.pane.as_ref())?;
        match &stream.pane {
            _ if now.transcript.is_some() => {}
            // The end of the agent ends the wait for its first transcript.
            Some(pane) if stream.process != Some(pane.pid) => {
                watch.process(pane.pid)?;
                stream.process = Some(pane.pid);
            }
            None if self.waits && !self.is_open() => {
                return Err(Error::missing(
                    &session.name,
                    "it has no transcript and no running agent",
                )
                .advise(session.revival()));
            }
            _ => {}
        }
        stream.fresh |= stream.reader.found(&now);
        stream.reader.watch(watch)
    }
}
