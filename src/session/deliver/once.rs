//! A delivery under a key, which happens once however often it is tried.
//!
//! What is done under the key is noted on disk before it is done. A process that is killed leaves a
//! note that says what may have happened; the next one, which holds the session's lock, finds out
//! what did: the transcript shows the prompt, or else the agent has read all its input and rests,
//! and still shows nothing.

use std::{borrow::Cow, ops::ControlFlow, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Delivery, Prompt, Verdict,
    delivery::Repeated,
    evidence::{Evidence, Proof, judge},
    input_box,
    prompt::OnceKey,
};
use crate::{
    agent::{Conversation, Status, profile::InputBox},
    config::Config,
    error::{Error, Result},
    fs,
    session::{
        ARRIVES, RunDir, Session, attached_pane::AttachedPane, conversation::ConversationReader,
    },
    time::{self, Deadline},
    tmux::{Enter, Look},
    trace,
    transcript::start::Start,
    watch::Watch,
};

/// What is done under a key, and its note.
pub(crate) struct Once {
    path: PathBuf,
    key: OnceKey,
    stage: Option<Stage>,
}

/// How far a delivery has come, as it is kept on disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "stage")]
pub(crate) enum Stage {
    /// The session is being started; nothing is typed.
    Starting,
    /// The session is ready, and nothing is typed.
    Open,
    /// The prompt may be typed.
    Typing {
        /// Since when, in epoch milliseconds.
        at: u64,
        /// The transcript's end, which lies behind the offset where its last line is unfinished.
        end: u64,
        #[serde(flatten)]
        place: Repeated,
    },
    /// The transcript has it.
    Settled {
        #[serde(flatten)]
        place: Repeated,
        verdict: Verdict,
        normalized: Vec<String>,
        reason: String,
    },
}

/// How long an agent may take to record a prompt after it has read it.
// Measured: claude/FACTS.md, "Prompts during a turn"
const RECORDED: Duration = Duration::from_secs(1);

/// How long an agent may take to show a character that is typed.
const SHOWN: Duration = Duration::from_secs(10);

/// The delivery that was made under the prompt's key, if one is known.
pub(crate) fn known(
    config: &Config,
    session: &Session,
    prompt: &Prompt,
) -> Result<Option<Delivery>> {
    let Some(key) = prompt.key() else { return Ok(None) };
    Ok(Once::open(&session.run_dir(config), key)?.delivered())
}

/// The same, after a search for what a killed process may have typed. The caller holds the session's
/// lock.
pub(crate) fn search(
    attached: &mut AttachedPane<'_>,
    session: &mut Session,
    prompt: &Prompt,
    deadline: Deadline,
) -> Result<Option<Delivery>> {
    let Some(key) = prompt.key() else { return Ok(None) };
    let mut once = Once::open(&session.run_dir(attached.config), key)?;
    match once.delivered() {
        Some(known) => Ok(Some(known)),
        None => once.search(attached, session, deadline),
    }
}

impl Once {
    /// What is known of the key. To go by what is not settled, the caller holds the session's lock.
    pub(crate) fn open(run_dir: &RunDir, key: &OnceKey) -> Result<Once> {
        let path = run_dir.once(&key.file_name());
        let stage = match fs::read(&path)? {
            Some(bytes) => Some(serde_json::from_slice(&bytes).map_err(|error| {
                Error::system(path.display(), format!("not a delivery record: {error}"))
            })?),
            None => None,
        };
        Ok(Once { path, key: key.clone(), stage })
    }

    /// How far it has come.
    pub(crate) fn stage(&self) -> Option<&Stage> {
        self.stage.as_ref()
    }

    /// Notes how far it has come.
    pub(crate) fn note(&mut self, stage: Stage) -> Result<()> {
        let bytes = serde_json::to_vec(&stage).map_err(|e| Error::system(&self.key, e))?;
        if let Some(folder) = self.path.parent() {
            fs::make_dir(folder, 0o700)?;
        }
        fs::write_durable(&self.path, &bytes, 0o600)?;
        self.stage = Some(stage);
        Ok(())
    }

    /// Notes that the prompt is about to be typed.
    pub(crate) fn typing(&mut self, prompt: &Prompt, proof: &Proof) -> Result<()> {
        let (transcript, offset) = (proof.transcript(), proof.offset);
        let images = prompt.images().to_vec();
        let place = Repeated { text: prompt.text().to_owned(), images, transcript, offset };
        self.note(Stage::Typing { at: time::now_ms(), end: proof.end, place })
    }

    /// Notes what became of the prompt; the transcript may be known only now.
    pub(crate) fn done(&mut self, delivery: &Delivery, transcript: Option<PathBuf>) -> Result<()> {
        let Some(Stage::Typing { place, .. }) = &self.stage else { return Ok(()) };
        match delivery.verdict {
            Verdict::Blocked => self.note(Stage::Open),
            // Where it is, is found out by the next process.
            Verdict::TypedNotSubmitted | Verdict::Unproven => Ok(()),
            Verdict::Submitted | Verdict::Queued | Verdict::Altered => {
                let transcript = place.transcript.clone().or(transcript);
                let place = Repeated { transcript, ..place.clone() };
                self.note(Stage::Settled {
                    place,
                    verdict: delivery.verdict,
                    normalized: delivery.normalized.iter().map(ToString::to_string).collect(),
                    reason: delivery.reason.clone(),
                })
            }
        }
    }

    /// The delivery that was made under the key, if one is known.
    pub(crate) fn delivered(&self) -> Option<Delivery> {
        let Some(Stage::Settled { place, verdict, normalized, reason }) = &self.stage else {
            return None;
        };
        Some(Delivery {
            normalized: normalized.iter().cloned().map(Cow::Owned).collect(),
            repeated: Some(place.clone()),
            ..Delivery::new(*verdict, place.offset, reason.clone())
        })
    }

    /// Whether a process that was killed may have typed the prompt.
    pub(crate) fn is_unsettled(&self) -> bool {
        matches!(self.stage, Some(Stage::Typing { .. }))
    }

    /// Looks for the prompt that a killed process may have typed: until all that it gave to tmux has
    /// arrived and the agent rests, for a prompt that it takes into a running turn may be recorded
    /// only later. A copy of it that was not submitted is cleared out of the input box.
    fn search(
        &mut self,
        attached: &mut AttachedPane<'_>,
        session: &mut Session,
        deadline: Deadline,
    ) -> Result<Option<Delivery>> {
        let Some(Stage::Typing { at, place, .. }) = self.stage.clone() else { return Ok(None) };
        trace::step("a process was killed here: looking for its prompt", || json!(self.key));
        let arrived = Deadline::after(time::left_of(at, ARRIVES).unwrap_or_default());
        loop {
            let look = attached.look(session)?;
            if look.pane.dead {
                return Ok(None);
            }
            let status = attached.status(&look)?;
            if self.look(attached, session, &look)? {
                return Ok(self.delivered());
            }
            let rests = !matches!(status, Status::Busy);
            if rests && arrived.passed() {
                if attached.profile.input_box(&look) == InputBox::Text
                    && (attached.profile.holds(&look, &place.text)
                        || !place.images.is_empty() && attached.profile.images(&look) > 0)
                {
                    input_box::clear(attached, session, deadline)?;
                }
                return Ok(None);
            }
            if deadline.passed() {
                let reason =
                    "an earlier delivery with this key is undecided while a turn is running";
                let advice = "try again with the same key when the turn has ended".into();
                let unproven = Delivery::new(Verdict::Unproven, place.offset, reason);
                return Ok(Some(Delivery { advice, ..unproven }));
            }
            let _woke = attached.wait(if rests { deadline.min(arrived) } else { deadline })?;
        }
    }

    /// Has the agent read all its input, and looks once more. The input box is empty before and
    /// after it.
    pub(crate) fn probe(
        &mut self,
        attached: &mut AttachedPane<'_>,
        session: &mut Session,
        look: &Look,
    ) -> Result<Option<Delivery>> {
        // What stands in the box has been read after all that came before it.
        if attached.tmux.paste(&look.pane.id, ".", Enter::Later)?.is_ok() {
            let shown = Deadline::after(SHOWN);
            input_box::await_text(attached, session, shown)?;
            if shown.passed() || !input_box::clear(attached, session, shown)? {
                let reason = "the typed text does not show up on the screen";
                return Ok(Some(Delivery::new(Verdict::Unproven, 0, reason)));
            }
        }
        let recorded = Deadline::after(RECORDED);
        loop {
            let look = attached.look(session)?;
            if self.look(attached, session, &look)? {
                return Ok(self.delivered());
            }
            if recorded.passed() {
                trace::step("its prompt has not arrived", || json!(self.key));
                return Ok(None);
            }
            let _woke = attached.wait(recorded)?;
        }
    }

    /// Looks for the prompt in the transcript of an agent that has ended.
    pub(crate) fn search_dead(
        &mut self,
        config: &Config,
        session: &Session,
    ) -> Result<Option<Delivery>> {
        let now = session.kept_conversation(config);
        self.find(config, session, &now, None)?;
        Ok(self.delivered())
    }

    /// Whether the transcript has the prompt; this is noted.
    fn look(
        &mut self,
        attached: &mut AttachedPane<'_>,
        session: &Session,
        look: &Look,
    ) -> Result<bool> {
        let now = session.conversation_in(attached.config, Some(&look.pane))?;
        self.find(attached.config, session, &now, Some(&mut attached.watch))
    }

    fn find(
        &mut self,
        config: &Config,
        session: &Session,
        now: &Conversation,
        mut watch: Option<&mut Watch>,
    ) -> Result<bool> {
        let Some(Stage::Typing { place, end, .. }) = self.stage.clone() else { return Ok(false) };
        let agent = session.agent();
        let prompt = Prompt::again(place.text.clone(), place.images.clone());
        let transcript = place.transcript.clone().or_else(|| now.transcript.clone());
        let start = Start::Offset(place.offset);
        let mut reader = ConversationReader::new(session.places(config), transcript.clone(), start);
        reader.found(now);
        if let Some(watch) = &mut watch {
            reader.watch(watch)?;
        }
        let mut found = None;
        reader.read(watch, |line| {
            for event in agent.parse_line(line.behind(place.offset, end)) {
                if let Some(Evidence::Same(verdict, changes)) = judge(agent, &prompt, &event) {
                    found = Some((verdict, changes));
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let Some((verdict, changes)) = found else { return Ok(false) };
        let normalized = changes.into_iter().map(Cow::Borrowed).collect();
        let delivery = Delivery { normalized, ..Delivery::new(verdict, place.offset, "") };
        self.done(&delivery, transcript)?;
        Ok(true)
    }
}
