//! Where a session's conversation is now, and how to follow it from one transcript to the next.
//!
//! A session moves to another transcript when a person clears the conversation or resumes another,
//! and when the session is restarted with another conversation. The agent names the new transcript
//! before it has written the end of the old one, so the old transcript is read until the new one
//! has begun.

use std::{
    collections::{BTreeSet, VecDeque},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use super::Session;
use crate::{
    agent::{Conversation, Status},
    config::Config,
    error::Result,
    state::Entry,
    time,
    tmux::{Pane, Tmux},
    transcript::{
        follow::{Follow, Seen},
        lines::Line,
        start::Start,
        zst::packed_path,
    },
    watch::{Watch, WatchId},
};

impl Session {
    /// Its conversation according to the state file.
    #[must_use]
    pub(crate) fn kept_conversation(&self) -> Conversation {
        Conversation {
            id: self.entry.agent_session_id().map(str::to_owned),
            transcript: self.entry.jsonl_path().map(Path::to_owned),
        }
    }

    /// What its agent in `pane` is doing: as it says itself, or by the conversation that was kept
    /// when its sign is gone.
    pub(crate) fn status(&self, config: &Config, pane: &Pane) -> Result<Status> {
        let (agent, paths) = (self.agent(), self.paths(config));
        let status = agent.status(&paths, pane)?;
        if status != Status::Starting || agent.conversation(&paths, pane)?.is_some() {
            return Ok(status);
        }
        // An agent that starts has no sign yet, but it has written nothing either.
        let written = |path: &&Path| {
            let changed = path.metadata().and_then(|data| data.modified());
            let changed = changed.ok().map(time::epoch_ms);
            changed.zip(self.entry.started_at()).is_some_and(|(changed, start)| changed > start)
        };
        let transcript = self.entry.jsonl_path().filter(written);
        let told = transcript.map(|path| agent.status_without_sign(pane, path)).transpose()?;
        Ok(told.flatten().unwrap_or(status))
    }

    /// The conversation that its agent in `pane` reports, while that is alive.
    pub(crate) fn reported(
        &self,
        config: &Config,
        pane: Option<&Pane>,
    ) -> Result<Option<Conversation>> {
        let live = pane.filter(|pane| !pane.dead);
        live.map_or(Ok(None), |pane| self.agent().conversation(&self.paths(config), pane))
    }

    /// Its conversation: as its agent in `pane` reports it, else as it was kept. The agent may know
    /// the id before it knows where the transcript will be.
    pub(crate) fn conversation_in(
        &self,
        config: &Config,
        pane: Option<&Pane>,
    ) -> Result<Conversation> {
        let kept = self.kept_conversation();
        Ok(match self.reported(config, pane)? {
            Some(now) => Conversation { transcript: now.transcript.or(kept.transcript), ..now },
            None => kept,
        })
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
        Ok(self.kept_conversation())
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

/// Reads a conversation: one transcript to its end, then the next.
pub(crate) struct ConversationReader {
    /// The transcript being read, once its path is known.
    path: Option<PathBuf>,
    /// The transcript that the conversation has moved to, if it has. Reading continues there once
    /// that transcript has begun.
    next: Option<PathBuf>,
    /// Where to begin in the first transcript.
    pub(crate) start: Start,
    longest: usize,
    follow: Option<Follow>,
    /// The watches on `path` and `next`.
    spots: BTreeSet<WatchId>,
}

/// How a read ended.
#[must_use]
pub(crate) enum ReadEnd {
    /// There is nothing more to read for now.
    Paused(Seen),
    /// The file was truncated, replaced or packed: read again.
    Again,
    /// The conversation continues in another transcript: read again.
    Moved {
        /// The transcript that was read to its end.
        from: PathBuf,
        /// The transcript in which the conversation continues.
        to: PathBuf,
    },
}

impl ConversationReader {
    /// Reads from `start` on, in the transcript at `path` or in the first one passed to
    /// [`ConversationReader::found`].
    pub(crate) fn new(path: Option<PathBuf>, start: Start) -> Self {
        let (longest, spots) = (usize::MAX, BTreeSet::new());
        ConversationReader { path, next: None, start, longest, follow: None, spots }
    }

    /// Reads from the present end of the conversation `now`, and watches it.
    pub(crate) fn from_end(now: Conversation, watch: &mut Watch) -> Result<Self> {
        let mut reader = ConversationReader::new(now.transcript, Start::Last(0));
        reader.watch(watch)?;
        reader.begin()?;
        Ok(reader)
    }

    /// Reads the conversation of a job that began at `offset` of the transcript `began`, if that is
    /// known. Also returns whether the session has left that conversation for the one in `now`.
    pub(crate) fn of_job(began: Option<PathBuf>, offset: u64, now: Conversation) -> (Self, bool) {
        let left = began.is_some() && now.transcript.is_some() && began != now.transcript;
        (ConversationReader::new(began.or(now.transcript), Start::Offset(offset)), left)
    }

    /// Whether both begin at the same place of the same conversation.
    pub(crate) fn begins_like(&self, other: &Self) -> bool {
        (&self.path, self.start) == (&other.path, other.start)
    }

    /// Limits the length of a line. A longer line is an error that names its offset.
    #[must_use]
    pub(crate) fn longest(mut self, bytes: Option<usize>) -> Self {
        self.longest = bytes.unwrap_or(usize::MAX);
        self
    }

    /// Begins at `offset` of the transcript at `path` instead of the place given to the
    /// constructor.
    pub(crate) fn begin_at(&mut self, path: PathBuf, offset: u64) {
        (self.path, self.start) = (Some(path), Start::Offset(offset));
    }

    /// Opens the transcript now instead of at the first read, so that a wrong offset is refused at
    /// once and [`Start::Last`] counts back from the present end.
    pub(crate) fn begin(&mut self) -> Result<()> {
        if self.open()?.is_none() && matches!(self.start, Start::Last(_)) {
            // There is no transcript yet, so all its lines are new.
            self.start = Start::Offset(0);
        }
        Ok(())
    }

    /// Where the next line begins.
    pub(crate) fn offset(&self) -> u64 {
        self.follow.as_ref().map_or(0, Follow::offset)
    }

    /// Whether the path of the transcript is known.
    pub(crate) fn is_placed(&self) -> bool {
        self.path.is_some()
    }

    /// Takes note of where the conversation is now. Returns whether it has moved since the last
    /// call.
    pub(crate) fn found(&mut self, now: &Conversation) -> bool {
        let Some(now) = &now.transcript else { return false };
        let here = self.path.get_or_insert_with(|| now.clone());
        let next = (here != now).then(|| now.clone());
        let is_news = next.is_some() && next != self.next;
        self.next = next;
        is_news
    }

    /// The transcripts that it reads, now or later.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        [&self.path, &self.next].into_iter().flatten().map(PathBuf::as_path)
    }

    /// Watches the transcripts that it reads, now or later.
    pub(crate) fn watch(&mut self, watch: &mut Watch) -> Result<()> {
        self.spots = self.paths().map(|path| watch.path(path)).collect::<Result<_>>()?;
        Ok(())
    }

    /// The watches on those transcripts.
    pub(crate) fn spots(&self) -> &BTreeSet<WatchId> {
        &self.spots
    }

    fn open(&mut self) -> Result<Option<(&Path, &mut Follow)>> {
        let Some(path) = &self.path else { return Ok(None) };
        let follow = match &mut self.follow {
            Some(follow) => follow,
            none => none.insert(Follow::open(path, self.start)?.longest(self.longest)),
        };
        Ok(Some((path, follow)))
    }

    /// Has `read` read on in the current transcript. When that was read to its end and the next one
    /// has begun, the next call reads there.
    pub(crate) fn read_with(
        &mut self,
        read: impl FnOnce(&Path, &mut Follow) -> Result<Seen>,
    ) -> Result<ReadEnd> {
        // Checked before the read: once the next transcript has begun, the current one is complete,
        // and reading it to its end misses nothing. After the read, its end might have come in
        // between.
        let next = self.next.clone().filter(|next| has_begun(next));
        let seen = match self.open()? {
            Some((path, follow)) => read(path, follow)?,
            None => Seen::Absent,
        };
        Ok(match (seen, next) {
            (Seen::Truncated | Seen::Replaced | Seen::Packed, _) => ReadEnd::Again,
            (Seen::All | Seen::Absent | Seen::Removed, Some(to)) => {
                let from = self.path.replace(to.clone()).unwrap_or_default();
                (self.next, self.follow, self.start) = (None, None, Start::Offset(0));
                ReadEnd::Moved { from, to }
            }
            (Seen::All | Seen::Absent | Seen::Removed | Seen::Stopped, _) => ReadEnd::Paused(seen),
        })
    }

    /// Passes all complete lines that are there now to `sink`, until it breaks off. Continues in a
    /// file that was truncated, replaced or packed meanwhile, and in the next transcript.
    pub(crate) fn read(
        &mut self,
        mut sink: impl FnMut(Line<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        loop {
            let end = self.read_with(|_, follow| follow.read_new(&mut sink))?;
            if matches!(end, ReadEnd::Paused(_)) {
                return Ok(());
            }
        }
    }
}

/// Whether the transcript at `path` has content, packed or not.
fn has_begun(path: &Path) -> bool {
    let full = |path: &Path| path.metadata().is_ok_and(|data| data.len() > 0);
    full(path) || full(&packed_path(path))
}

/// The newest lines of a transcript.
pub(crate) struct Newest<T> {
    /// What `take` made of them.
    pub lines: VecDeque<T>,
    /// How many lines counted in all.
    pub total: usize,
    /// Where the next line will begin.
    pub end: u64,
}

/// Reads the transcript at `path` and keeps what `take` makes of its newest lines, at most `most`.
/// A line for which `take` returns `None` does not count.
pub(crate) fn newest<T>(
    path: &Path,
    most: usize,
    mut take: impl FnMut(Line<'_>) -> Option<T>,
) -> Result<Newest<T>> {
    let mut follow = Follow::open(path, Start::Offset(0))?;
    let (mut lines, mut total) = (VecDeque::new(), 0);
    loop {
        let seen = follow.read_new(|line| {
            if let Some(taken) = take(line) {
                total += 1;
                lines.push_back(taken);
                if lines.len() > most {
                    lines.pop_front();
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        match seen {
            Seen::Truncated | Seen::Replaced => (lines, total) = (VecDeque::new(), 0),
            Seen::Packed => {}
            Seen::All | Seen::Stopped | Seen::Absent | Seen::Removed => {
                return Ok(Newest { lines, total, end: follow.offset() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_transcript_is_read_to_its_end_before_the_next_one_that_has_begun() {
        let folder =
            std::env::temp_dir().join(format!("aimax-conversation-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let [old, new] = ["old", "new"].map(|name| folder.join(name));
        let at = |path: &Path| Conversation { id: None, transcript: Some(path.to_owned()) };
        let mut reader = ConversationReader::new(None, Start::Offset(0));
        let read = |reader: &mut ConversationReader| {
            let mut got = String::new();
            let sink = |line: Line<'_>| {
                got.push_str(str::from_utf8(line.bytes).unwrap());
                Ok(ControlFlow::Continue(()))
            };
            reader.read(sink).unwrap();
            got
        };
        assert_eq!(read(&mut reader), "");
        assert!(!reader.found(&at(&old)), "it has not moved: it was nowhere");
        fs::write(&old, "a\n").unwrap();
        assert_eq!(read(&mut reader), "a");

        assert!(reader.found(&at(&new)));
        assert!(!reader.found(&at(&new)), "known");
        fs::write(&new, "").unwrap();
        fs::write(&old, "a\nb\n").unwrap();
        assert_eq!(read(&mut reader), "b", "the new one has not begun");
        fs::write(&old, "a\nb\nc\n").unwrap();
        fs::write(&new, "d\n").unwrap();
        let first =
            reader.read_with(|_, follow| follow.read_blocks(|_| Ok(ControlFlow::Continue(()))));
        assert!(matches!(first, Ok(ReadEnd::Moved { from, to }) if (&from, &to) == (&old, &new)));
        assert_eq!(read(&mut reader), "d");
        fs::remove_dir_all(&folder).unwrap();
    }
}
