//! Reading a conversation on, wherever its transcript goes.
//!
//! A session moves to another conversation when a person clears it or resumes another, and when it is
//! restarted with another. The agent names the new transcript before it has written the end of the
//! old one, so the old transcript is read until the new one has begun.
//!
//! The transcript of one conversation moves, too: to another folder, when the agent or a person moves
//! it, and into a packed file. There it goes on at the same offset, once it holds what was read.

use std::{
    collections::BTreeSet,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use super::{Places, is_there};
use crate::{
    agent::Conversation,
    error::Result,
    transcript::{
        follow::{Follow, Seen},
        left::Holds,
        lines::Line,
        long::LONG,
        start::Start,
        zst,
    },
    watch::{Watch, WatchId},
};

/// Reads a conversation: one transcript to its end, then the next.
pub(crate) struct ConversationReader {
    /// The transcript being read, once its path is known.
    path: Option<PathBuf>,
    /// Where the conversation is now, if that is elsewhere. Reading continues there once that
    /// transcript has begun, or holds what was read.
    next: Option<PathBuf>,
    /// Where else the transcript may be; `None` for a plain file, which stays where it is.
    places: Option<Places>,
    /// Where the transcript may turn up that was read and is gone.
    lost: Vec<PathBuf>,
    /// Where to begin in the first transcript.
    pub(crate) start: Start,
    longest: usize,
    follow: Option<Follow>,
    /// The watches on `path`, `next` and `lost`.
    spots: BTreeSet<WatchId>,
}

/// How a read ended.
#[must_use]
pub(crate) enum ReadEnd {
    /// There is nothing more to read for now.
    Paused(Seen),
    /// The file was truncated, replaced, packed or copied: read again.
    Again(Seen),
    /// The conversation continues in another transcript: watch that, and read again.
    Moved {
        /// The transcript that was read to its end.
        from: PathBuf,
        /// The transcript in which the conversation continues.
        to: PathBuf,
        /// Where it continues there: at 0 in another conversation.
        offset: u64,
    },
}

impl ConversationReader {
    /// Reads a plain file from `start` on.
    pub(crate) fn of_file(path: PathBuf, start: Start) -> Self {
        ConversationReader {
            path: Some(path),
            next: None,
            places: None,
            lost: Vec::new(),
            start,
            longest: usize::MAX,
            follow: None,
            spots: BTreeSet::new(),
        }
    }

    /// Reads from `start` on, in the transcript at `path` or in the first one passed to
    /// [`ConversationReader::found`]. It is looked for in `places`.
    pub(crate) fn new(places: Places, path: Option<PathBuf>, start: Start) -> Self {
        let reader = ConversationReader::of_file(PathBuf::new(), start);
        ConversationReader { path, places: Some(places), ..reader }
    }

    /// Reads from the present end of the conversation `now`, and watches it.
    pub(crate) fn from_end(places: Places, now: Conversation, watch: &mut Watch) -> Result<Self> {
        let mut reader = ConversationReader::new(places, now.transcript, Start::Last(0));
        reader.watch(watch)?;
        reader.begin()?;
        Ok(reader)
    }

    /// Whether it began at `offset` of the conversation that the transcript at `path` is of.
    pub(crate) fn begins_like(&self, path: Option<&Path>, offset: u64) -> bool {
        let is_of = path.map_or(self.path.is_none(), |path| self.is_of(path));
        is_of && self.start == Start::Offset(offset)
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
        self.path = self.path.as_deref().map(|path| self.now(path));
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

    /// Where the transcript is that was at `path`.
    pub(crate) fn now(&self, path: &Path) -> PathBuf {
        self.places.as_ref().map_or_else(|| path.to_owned(), |places| places.now(path))
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
        [&self.path, &self.next].into_iter().flatten().chain(&self.lost).map(PathBuf::as_path)
    }

    /// Watches the transcripts that it reads, now or later.
    pub(crate) fn watch(&mut self, watch: &mut Watch) -> Result<()> {
        self.spots = self.paths().map(|path| watch.path(path)).collect::<Result<_>>()?;
        Ok(())
    }

    /// Has the next read take it for granted that the transcript at hand has only been written to
    /// since the last one, unless the conversation goes on elsewhere.
    pub(crate) fn note_writes(&mut self) {
        let is_elsewhere = self.next.is_some() || !self.lost.is_empty();
        if let Some(follow) = self.follow.as_mut().filter(|_| !is_elsewhere) {
            follow.note_writes();
        }
    }

    /// The watches on those transcripts.
    pub(crate) fn spots(&self) -> &BTreeSet<WatchId> {
        &self.spots
    }

    /// Whether the transcript at `path` is of the conversation that it reads.
    fn is_of(&self, path: &Path) -> bool {
        self.path.as_ref().is_some_and(|own| is_same(own, path))
    }

    fn open(&mut self) -> Result<Option<(&Path, &mut Follow)>> {
        let Some(path) = &self.path else { return Ok(None) };
        let follow = match &mut self.follow {
            Some(follow) => follow,
            none => none.insert(Follow::open(path, self.start)?.longest(self.longest)),
        };
        Ok(Some((path, follow)))
    }

    /// Has `read` read on in the current transcript. When that was read to its end and the
    /// conversation goes on elsewhere, the next call reads there. If a transcript is gone and not
    /// found anywhere, the places are watched where it may turn up.
    pub(crate) fn read_with(
        &mut self,
        mut watch: Option<&mut Watch>,
        read: impl FnOnce(&Path, &mut Follow) -> Result<Seen>,
    ) -> Result<ReadEnd> {
        // Checked before the read: once the next transcript has begun, the current one is complete,
        // and reading it to its end misses nothing. After the read, its end might have come in
        // between.
        let begun = self.next.clone().filter(|next| has_begun(next));
        let seen = match self.open()? {
            Some((path, follow)) => read(path, follow)?,
            None => Seen::Absent,
        };
        let moved = match seen {
            Seen::Truncated | Seen::Replaced | Seen::Same => return Ok(ReadEnd::Again(seen)),
            Seen::Stopped => None,
            Seen::All | Seen::Absent | Seen::Removed => {
                let same = self.same_elsewhere(seen, &mut watch)?;
                same.or(begun.filter(|next| !self.is_of(next)).map(|to| (to, 0)))
            }
        };
        let Some((to, offset)) = moved else { return Ok(ReadEnd::Paused(seen)) };
        let from = self.path.replace(to.clone()).unwrap_or_default();
        self.next.take_if(|next| *next == to);
        self.lost.clear();
        if offset == 0 {
            (self.follow, self.start) = (None, Start::Offset(0));
        }
        if let Some(watch) = watch {
            self.watch(watch)?;
        }
        Ok(ReadEnd::Moved { from, to, offset })
    }

    /// Where this conversation goes on, if its transcript is elsewhere, and at which offset.
    fn same_elsewhere(
        &mut self,
        seen: Seen,
        watch: &mut Option<&mut Watch>,
    ) -> Result<Option<(PathBuf, u64)>> {
        if seen == Seen::All && self.next.is_none() {
            return Ok(None);
        }
        let Some(path) = self.path.clone() else { return Ok(None) };
        let told = self.next.clone().filter(|next| is_same(next, &path) && is_there(next));
        // A path of another name may lead to the same file, by a symbolic link.
        let file = |path: &Path| zst::identity(path).ok().flatten().map(|(file, _)| file);
        if told.as_deref().is_some_and(|told| file(told) == file(&path)) {
            return Ok(None);
        }
        let to = match told {
            None if seen != Seen::All => self.look_elsewhere(&path, watch)?,
            told => told,
        };
        let (Some(to), Some(follow)) = (to, &mut self.follow) else { return Ok(None) };
        Ok(match follow.move_to(&to)? {
            Holds::All => Some((to, follow.offset())),
            Holds::Less => None,
            Holds::Other => Some((to, 0)),
        })
    }

    /// Where the transcript is that is not at `path`.
    fn look_elsewhere(
        &mut self,
        path: &Path,
        watch: &mut Option<&mut Watch>,
    ) -> Result<Option<PathBuf>> {
        let Some(places) = self.places.clone() else { return Ok(None) };
        let elsewhere = || Some(places.now(path)).filter(|now| now != path);
        let to = elsewhere();
        if to.is_some()
            || !self.lost.is_empty()
            || !self.follow.as_ref().is_some_and(Follow::is_lost)
        {
            return Ok(to);
        }
        self.lost = places.all(path);
        if let Some(watch) = watch {
            self.watch(watch)?;
        }
        Ok(elsewhere())
    }

    /// Passes all complete lines that are there now to `sink`, but of a long record only what is left
    /// without its long strings: its type, its time and its numbers are there.
    pub(crate) fn read_condensed(&mut self, mut sink: impl FnMut(Line<'_>)) -> Result<()> {
        while !matches!(
            self.read_with(None, |_, follow| follow.read_condensed(LONG, &mut sink))?,
            ReadEnd::Paused(_)
        ) {}
        Ok(())
    }

    /// Passes all complete lines that are there now to `sink`, until it breaks off. Continues in a
    /// file that was truncated, replaced or packed meanwhile, and wherever the conversation goes on,
    /// which `watch` then watches.
    pub(crate) fn read(
        &mut self,
        mut watch: Option<&mut Watch>,
        mut sink: impl FnMut(Line<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        loop {
            let end =
                self.read_with(watch.as_deref_mut(), |_, follow| follow.read_new(&mut sink))?;
            if matches!(end, ReadEnd::Paused(_)) {
                return Ok(());
            }
        }
    }
}

/// Whether two paths are of one conversation: the name of a transcript holds its id.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    zst::unpacked(one).file_name() == zst::unpacked(other).file_name()
}

/// Whether the transcript at `path` has content, packed or not.
fn has_begun(path: &Path) -> bool {
    zst::identity(path).is_ok_and(|found| found.is_some_and(|(_, size)| size > 0))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        agent::{AgentPaths, Backend},
        config::Config,
    };

    /// A practice agent's folders, and a reader of a conversation that is in the first one.
    struct Scene {
        root: PathBuf,
        reader: ConversationReader,
    }

    impl Scene {
        fn new(name: &str) -> Scene {
            let name = format!("aimax-reader-{name}-{}", std::process::id());
            let root = std::env::temp_dir().join(name);
            let vars = [("HOME", root.to_str().unwrap())];
            let vars = vars.map(|(name, value)| (name.into(), value.into())).into();
            let config = Config::from_vars(vars).unwrap();
            let root = config.path_of("practice_home").join("projects");
            for folder in ["a", "b", "c"] {
                fs::create_dir_all(root.join(folder)).unwrap();
            }
            let agent = Backend::Practice.agent();
            let places = Places { agent, paths: AgentPaths::of(&config, agent.facts()) };
            let path = Some(root.join("a/id.jsonl"));
            Scene { root, reader: ConversationReader::new(places, path, Start::Offset(0)) }
        }

        fn path(&self, folder: &str) -> PathBuf {
            self.root.join(folder).join("id.jsonl")
        }

        fn write(&self, folder: &str, text: &str) {
            fs::write(self.path(folder), text).unwrap();
        }

        fn moved(&self, from: &str, to: &str) {
            fs::rename(self.path(from), self.path(to)).unwrap();
        }

        fn removed(&self, folder: &str) {
            fs::remove_file(self.path(folder)).unwrap();
        }

        /// What is read now, and `>` where the transcript has moved, with the offset there.
        fn read(&mut self) -> String {
            let mut got = String::new();
            loop {
                let read = |_: &Path, follow: &mut Follow| {
                    follow.read_new(|line| {
                        got.push_str(str::from_utf8(line.bytes).unwrap());
                        Ok(ControlFlow::Continue(()))
                    })
                };
                match self.reader.read_with(None, read).unwrap() {
                    ReadEnd::Paused(_) => return got,
                    ReadEnd::Again(_) => {}
                    ReadEnd::Moved { offset, .. } => got.push_str(&format!(">{offset} ")),
                }
            }
        }
    }

    impl Drop for Scene {
        fn drop(&mut self) {
            let home = self.root.ancestors().find(|folder| {
                let name = folder.file_name().unwrap_or_default();
                name.to_string_lossy().starts_with("aimax-reader-")
            });
            fs::remove_dir_all(home.unwrap()).unwrap();
        }
    }

    #[test]
    fn a_transcript_that_moves_goes_on_at_the_same_offset() {
        let mut scene = Scene::new("moves");
        assert_eq!(scene.read(), "");
        scene.write("a", "one\n");
        assert_eq!(scene.read(), "one");
        scene.moved("a", "b");
        assert_eq!(scene.read(), ">4 ");
        scene.write("b", "one\ntwo\n");
        assert_eq!(scene.read(), "two");
        // Twice while nobody looks, and written to in between.
        scene.moved("b", "c");
        scene.write("c", "one\ntwo\nthree\n");
        scene.moved("c", "a");
        assert_eq!(scene.read(), "three>14 ");
        // Packed on its way.
        let packed = ruzstd::encoding::compress_to_vec(
            &b"one\ntwo\nthree\nfour\n"[..],
            ruzstd::encoding::CompressionLevel::Fastest,
        );
        fs::write(scene.path("b").with_extension("jsonl.zst"), packed).unwrap();
        scene.removed("a");
        assert_eq!(scene.read(), ">14 four");
    }

    #[test]
    fn a_copy_is_gone_over_to_once_it_holds_what_was_read() {
        let mut scene = Scene::new("copied");
        scene.write("a", "one\ntwo\n");
        assert_eq!(scene.read(), "onetwo");
        scene.removed("a");
        for part in ["", "on", "one\ntw"] {
            scene.write("b", part);
            assert_eq!(scene.read(), "", "{part:?}");
        }
        scene.write("b", "one\ntwo\nthree\n");
        assert_eq!(scene.read(), ">8 three");
        // Gone for a moment, and put back in parts.
        scene.removed("b");
        assert_eq!(scene.read(), "");
        for part in ["", "one\n"] {
            scene.write("b", part);
            assert_eq!(scene.read(), "", "{part:?}");
        }
        scene.write("b", "one\ntwo\nthree\nfour\n");
        assert_eq!(scene.read(), "four");
        // A copy elsewhere is of no interest while the transcript is where it was.
        scene.write("c", "one\n");
        scene.write("b", "one\ntwo\nthree\nfour\nfive\n");
        assert_eq!(scene.read(), "five");
        // What is begun anew is no copy.
        scene.removed("b");
        scene.removed("c");
        assert_eq!(scene.read(), "");
        scene.write("b", "new\n");
        assert_eq!(scene.read(), "new");
        scene.removed("b");
        scene.write("c", "another\n");
        assert_eq!(scene.read(), ">0 another");
    }

    #[test]
    fn where_the_agent_says_that_it_is_counts_before_where_it_was() {
        let mut scene = Scene::new("told");
        let at = |path| Conversation { id: None, transcript: Some(path) };
        scene.write("a", "one\n");
        assert_eq!(scene.read(), "one");
        let (a, b) = (scene.path("a"), scene.path("b"));
        assert!(scene.reader.found(&at(b.clone())));
        assert_eq!(scene.read(), "", "it is not there yet");
        scene.write("b", "on");
        scene.write("a", "one\ntwo\n");
        assert_eq!(scene.read(), "two", "nor whole");
        scene.write("b", "one\ntwo\nthree\n");
        assert_eq!(scene.read(), ">8 three");
        assert!(!scene.reader.found(&at(b)));
        assert!(scene.reader.found(&at(a)), "back");
        assert_eq!(scene.read(), "", "which does not hold all");
        std::os::unix::fs::symlink(scene.root.join("b"), scene.root.join("link")).unwrap();
        assert!(scene.reader.found(&at(scene.path("link"))));
        scene.write("b", "one\ntwo\nthree\nfour\n");
        assert_eq!(scene.read(), "four", "the same place by another name");
    }

    #[test]
    fn a_transcript_is_read_to_its_end_before_that_of_another_conversation_that_has_begun() {
        let mut scene = Scene::new("another");
        let new = scene.root.join("a/new.jsonl");
        let now = Conversation { id: None, transcript: Some(new.clone()) };
        scene.write("a", "a\n");
        assert_eq!(scene.read(), "a");
        assert!(scene.reader.found(&now));
        assert!(!scene.reader.found(&now), "known");
        fs::write(&new, "").unwrap();
        scene.write("a", "a\nb\n");
        assert_eq!(scene.read(), "b", "the new one has not begun");
        scene.write("a", "a\nb\nc\n");
        scene.moved("a", "b");
        fs::write(&new, "d\n").unwrap();
        assert_eq!(scene.read(), "c>6 >0 d");
    }
}
