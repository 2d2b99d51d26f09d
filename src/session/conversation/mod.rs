//! Where a session's conversation is now, and how to follow it from one transcript to the next.
//!
//! A conversation is its id, not its path. The name of a transcript holds the id, and a transcript
//! that is moved keeps its name: so a transcript that is not where it was is looked for by its name
//! wherever its agent may put it.

use std::{
    collections::VecDeque,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use super::Session;
use crate::{
    agent::{Agent, AgentPaths, Conversation, Status, Told, status_by_turn},
    config::Config,
    error::{Error, Kind, Result},
    state::Entry,
    time,
    tmux::{Pane, Tmux},
    transcript::{
        condense::Condensed,
        follow::{Follow, Part, Seen},
        lines::Line,
        long::Long,
        start::Start,
        zst,
    },
};
pub(crate) use reader::{ConversationReader, ReadEnd, is_same};

mod reader;

impl Session {
    /// Its conversation according to the state file, and where its transcript is now.
    #[must_use]
    pub(crate) fn kept_conversation(&self, config: &Config) -> Conversation {
        let transcript = self.entry.jsonl_path().map(|path| self.places(config).now(path));
        Conversation { id: self.entry.agent_session_id().map(str::to_owned), transcript }
    }

    /// Where its transcripts may be.
    pub(crate) fn places(&self, config: &Config) -> Places {
        Places { agent: self.agent(), paths: self.paths(config) }
    }

    /// What its agent in `pane` is doing: as it says itself, or by its transcript when its sign is
    /// gone.
    ///
    /// # Errors
    /// [`Kind::Missing`] when it cannot be told, and why.
    pub(crate) fn status(&self, config: &Config, pane: &Pane) -> Result<Status> {
        Ok(self.standing(config, pane)?.status)
    }

    /// The same, and what that look tells besides.
    fn standing(&self, config: &Config, pane: &Pane) -> Result<Told> {
        let told = self.agent().standing(&self.paths(config), pane)?;
        let status = self.or_by_turn(config, pane, told.status)?;
        Ok(Told { status, ..told })
    }

    /// This status of its agent's, or that by its transcript when its sign is gone.
    fn or_by_turn(&self, config: &Config, pane: &Pane, status: Status) -> Result<Status> {
        let agent = self.agent();
        if status != Status::Starting || agent.conversation(&self.paths(config), pane)?.is_some() {
            return Ok(status);
        }
        let now = self.without_sign(config, pane)?;
        now.map_or(Ok(status), |now| status_by_turn(agent, now.transcript.as_deref()))
    }

    /// The same; when the status cannot be told, by the conversation that was kept, and why.
    pub(crate) fn status_or_kept(
        &self,
        config: &Config,
        pane: &Pane,
    ) -> Result<(Told, Option<Error>)> {
        match self.standing(config, pane) {
            Err(why) if why.kind == Kind::Missing => {
                let kept = self.kept_conversation(config).transcript;
                Ok((Told::of(status_by_turn(self.agent(), kept.as_deref())?), Some(why)))
            }
            told => told.map(|told| (told, None)),
        }
    }

    /// The conversation that its agent in `pane` holds while that has no sign of its own: once it
    /// was ready, somebody else has taken the sign away.
    fn without_sign(&self, config: &Config, pane: &Pane) -> Result<Option<Conversation>> {
        let kept = self.kept_conversation(config);
        let changed =
            kept.transcript.as_ref().and_then(|path| path.metadata().ok()?.modified().ok());
        let changed = changed.map(time::epoch_ms);
        let started = self.entry.started_at();
        // An agent that is not ready has written nothing.
        let was_ready = changed.zip(started).is_some_and(|(changed, start)| changed > start)
            || self.run_dir(config).is_ready();
        if !was_ready {
            return Ok(None);
        }
        let unknown = |why| Error { subject: self.name.to_string(), ..why };
        let (paths, since) = (self.paths(config), started.unwrap_or_default());
        let now = self.agent().conversation_without_sign(&paths, pane, &kept, since);
        now.map_err(unknown)
    }

    /// The conversation that its agent in `pane` reports, while that is alive.
    pub(crate) fn reported(
        &self,
        config: &Config,
        pane: Option<&Pane>,
    ) -> Result<Option<Conversation>> {
        let Some(pane) = pane.filter(|pane| !pane.dead) else { return Ok(None) };
        match self.agent().conversation(&self.paths(config), pane)? {
            None => match self.without_sign(config, pane) {
                Err(why) if why.kind == Kind::Missing => Ok(None),
                now => now,
            },
            now => Ok(now),
        }
    }

    /// Its conversation: as its agent in `pane` reports it, else as it was kept. The agent may know
    /// the id before it knows where the transcript will be.
    pub(crate) fn conversation_in(
        &self,
        config: &Config,
        pane: Option<&Pane>,
    ) -> Result<Conversation> {
        let Some(mut now) = self.reported(config, pane)? else {
            return Ok(self.kept_conversation(config));
        };
        if let (None, Some(id)) = (&now.transcript, &now.id) {
            let kept = self.kept_conversation(config).transcript;
            now.transcript = kept.filter(|path| is_of(path, id));
        }
        Ok(now)
    }

    /// Like [`Session::conversation_in`]. Saves what the agent reports in the state file.
    pub(crate) fn conversation(
        &mut self,
        config: &Config,
        pane: Option<&Pane>,
    ) -> Result<Conversation> {
        if let Some(now) = self.reported(config, pane)? {
            self.bind(config, &now)?;
        }
        Ok(self.kept_conversation(config))
    }

    /// Like [`Session::conversation_in`]. Once another conversation that a person has begun or resumed
    /// there has a transcript, the session keeps that one. A look does not fail for the note.
    pub(crate) fn keep_up(&mut self, config: &Config, pane: Option<&Pane>) -> Result<Conversation> {
        let now = self.conversation_in(config, pane)?;
        if now.transcript.as_deref().is_some_and(is_there) {
            drop(self.bind(config, &now));
        }
        Ok(now)
    }

    /// Whether it keeps the conversation that its agent has `told`, by the id or its beginning, and the
    /// transcript of that is where it was.
    pub(crate) fn keeps(&self, told: &str) -> bool {
        self.entry.agent_session_id().is_some_and(|id| id.starts_with(told))
            && self.entry.jsonl_path().is_some_and(is_there)
    }

    /// Like [`Session::conversation`], but asks tmux for the pane.
    pub(crate) fn find_conversation(&mut self, config: &Config) -> Result<Conversation> {
        // Without tmux no agent runs, but there may be transcripts of earlier sessions.
        let pane = match config.program("tmux") {
            Some(_) => self.pane(config, &Tmux::new(config)?)?,
            None => None,
        };
        self.conversation(config, pane.as_ref())
    }

    /// Saves in the state file which conversation the session holds now. It changes when a Codex
    /// thread gets its first prompt, and when a person clears a conversation.
    pub(crate) fn bind(&mut self, config: &Config, conversation: &Conversation) -> Result<()> {
        let mut change = Entry::default();
        if let Some(id) = &conversation.id
            && self.entry.agent_session_id() != Some(id)
        {
            change.set("agentSessionId", id.as_str());
        }
        if let Some(path) = &conversation.transcript
            && self.entry.jsonl_path() != Some(path)
        {
            change.set("jsonlPath", path.to_string_lossy());
        }
        if change == Entry::default() {
            return Ok(());
        }
        if let Some((key, value)) = self.agent().conversation_field(conversation) {
            change.set(key, value);
        }
        self.backend.store(config).put(&self.name, &change)?;
        for (key, value) in change.fields() {
            self.entry.set(key, value.clone());
        }
        Ok(())
    }
}

/// Where the transcripts of an agent may be.
#[derive(Clone)]
pub(crate) struct Places {
    agent: &'static dyn Agent,
    paths: AgentPaths,
}

impl Places {
    /// Where the transcript is that was at `path`: there, or where it was moved to.
    pub(crate) fn now(&self, path: &Path) -> PathBuf {
        if is_there(path) {
            return path.to_owned();
        }
        self.all(path).into_iter().find(|place| is_there(place)).unwrap_or_else(|| path.to_owned())
    }

    /// Every place to which the transcript may be moved that was at `path`.
    fn all(&self, path: &Path) -> Vec<PathBuf> {
        self.agent.places(&self.paths, path)
    }
}

/// Whether the transcript at `path` is of the conversation `id`.
fn is_of(path: &Path, id: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains(id))
}

/// Whether there is a transcript at `path`, packed or not.
pub(crate) fn is_there(path: &Path) -> bool {
    zst::identity(path).is_ok_and(|found| found.is_some())
}

/// The newest lines of a transcript.
pub(crate) struct Newest<T> {
    /// What `take` made of them.
    pub lines: VecDeque<T>,
    /// How many lines counted in all.
    pub total: usize,
    /// The transcript, read to its end.
    pub follow: Follow,
}

/// Reads the transcript at `path` and keeps what `take` makes of its newest lines, at most `most`.
/// A line for which `take` returns `None` does not count. Of a record that is long, by `long`, it gets
/// what is left without its long strings, and the end of the line.
pub(crate) fn newest<T>(
    path: &Path,
    most: usize,
    long: Long,
    mut take: impl FnMut(Line<'_>, Option<&Condensed>) -> Option<T>,
) -> Result<Newest<T>> {
    let mut follow = Follow::open(path, Start::Offset(0))?;
    let (mut lines, mut total) = (VecDeque::new(), 0);
    loop {
        let mut keep = |taken: Option<T>| {
            total += usize::from(taken.is_some());
            lines.extend(taken);
            if lines.len() > most {
                lines.pop_front();
            }
        };
        let seen = follow.read_parts(long, |part| {
            match part {
                Part::Lines(block) => block.lines().for_each(|line| keep(take(line, None))),
                Part::Condensed(line, left) => keep(take(line, Some(left))),
                Part::OfLong(..) => {}
            }
            Ok(ControlFlow::Continue(()))
        })?;
        match seen {
            Seen::Truncated | Seen::Replaced => (lines, total) = (VecDeque::new(), 0),
            Seen::Same => {}
            Seen::All | Seen::Stopped | Seen::Absent | Seen::Removed => {
                return Ok(Newest { lines, total, follow });
            }
        }
    }
}
