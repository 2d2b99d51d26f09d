//! Delivering a prompt: looked at, pasted once, entered, and proven from the transcript.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Job, Prompt, Session, live::Live};
use crate::{
    agent::{Status, profile::Draft, takes_prompt},
    config::Config,
    error::{At, Error, Exit, Result},
    time::Deadline,
    tmux::{Enter, Look, Tmux},
    transcript::{
        follow::{Follow, Start},
        lines,
        record::{Event, Kind},
    },
};

/// What became of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The transcript holds the whole prompt, given to the model.
    Submitted,
    /// The agent recorded the whole prompt for later.
    Queued,
    /// The agent recorded another text.
    Altered,
    /// Nothing was typed: the reason says why.
    Blocked,
    /// The text is in the input box, and was not taken.
    TypedNotSubmitted,
    /// Nothing was seen before the deadline.
    Unproven,
}

/// A delivery and its proof, or what stood in its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What became of the prompt.
    pub verdict: Verdict,
    /// Where the transcript stood before it.
    pub offset: u64,
    /// The changes that the agent makes to every prompt and made to this one.
    pub normalized: Vec<&'static str>,
    /// Why it is not proven; empty when it is.
    pub reason: String,
    /// What to do about it.
    pub advice: String,
    /// Only a person can answer what stands in the way.
    pub person: bool,
}

impl Delivery {
    fn new(verdict: Verdict, offset: u64, reason: impl Into<String>) -> Self {
        Delivery {
            verdict,
            offset,
            normalized: Vec::new(),
            reason: reason.into(),
            advice: String::new(),
            person: false,
        }
    }

    /// The exit status that it stands for.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self.verdict {
            Verdict::Submitted | Verdict::Queued => Exit::Done,
            Verdict::Blocked if self.person => Exit::Person,
            Verdict::Blocked => Exit::Refused,
            Verdict::Altered | Verdict::TypedNotSubmitted | Verdict::Unproven => Exit::Unproven,
        }
    }
}

/// Delivers a prompt to a live session, alone: waits for the session's lock first.
pub fn deliver(
    config: &Config,
    tmux: &Tmux,
    session: &mut Session,
    prompt: &Prompt,
    deadline: Deadline,
) -> Result<Delivery> {
    let _held = Session::lock(config, session.backend, &session.name, deadline)?;
    let pane = session.live_pane(config, tmux)?;
    let mut live = Live::attach(config, tmux, session, &pane)?;
    type_prompt(&mut live, session, prompt, deadline)
}

/// The same on a pane that is under our eyes, with the lock held.
pub(super) fn type_prompt(
    live: &mut Live<'_>,
    session: &mut Session,
    prompt: &Prompt,
    deadline: Deadline,
) -> Result<Delivery> {
    let look = live.look(session)?;
    if let Some(blocked) = preflight(live, session, &look)? {
        return Ok(blocked);
    }
    let mut proof = Proof::begin(live, session, &look)?;
    let mut job = Job::of(session);
    if let Some(job) = &mut job {
        job.prompt(live.config, &look.pane, proof.offset)?;
    }
    let typed = paste(live, session, prompt, &mut proof, deadline)?;
    if let Some(job) = &mut job {
        match typed.verdict {
            Verdict::Blocked | Verdict::TypedNotSubmitted => job.unprompt()?,
            _ => {}
        }
    }
    Ok(typed)
}

/// What forbids typing now, if anything does.
fn preflight(live: &mut Live<'_>, session: &Session, look: &Look) -> Result<Option<Delivery>> {
    let blocked = |reason: &str, advice: &str, person: bool| {
        let mut delivery = Delivery::new(Verdict::Blocked, 0, reason);
        delivery.advice = advice.to_owned();
        delivery.person = person;
        Ok(Some(delivery))
    };
    let pane = &look.pane;
    if pane.dead {
        return Err(Error::missing(&session.name, "the agent has ended"));
    }
    if pane.in_mode {
        live.tmux.leave_mode(&pane.id)?;
    }
    if pane.input_off {
        return blocked("the pane takes no input", "`tmux select-pane -e` allows it", false);
    }
    if pane.synchronized {
        return blocked(
            "the pane is synchronised with others",
            "turn synchronize-panes off",
            false,
        );
    }
    let status = live.status(look)?;
    if !takes_prompt(&status) {
        return match live.question(look, &status) {
            Some((name, advice)) => blocked(&format!("the {name} dialog is open"), &advice, true),
            None => blocked("the agent is still starting", "try again", false),
        };
    }
    match live.profile.draft(look) {
        Draft::None => Ok(None),
        Draft::Some => blocked("somebody's draft is in the input box", "submit or clear it", false),
        Draft::NoBox => match live.question(look, &status) {
            Some((name, advice)) => blocked(&format!("the {name} dialog is open"), &advice, true),
            None => blocked("no input box is to be seen", "look at the window", false),
        },
    }
}

/// The transcript from where it stood before the prompt.
struct Proof {
    offset: u64,
    follow: Option<Follow>,
}

/// What the transcript said of a prompt.
enum Word {
    Same(Verdict, Vec<&'static str>),
    Other(String),
}

impl Proof {
    /// Remembers where the transcript stands. Where it is may be known only after a first prompt.
    fn begin(live: &mut Live<'_>, session: &mut Session, look: &Look) -> Result<Proof> {
        let mut proof = Proof { offset: 0, follow: None };
        proof.find(live, session, look, true)?;
        Ok(proof)
    }

    fn find(
        &mut self,
        live: &mut Live<'_>,
        session: &mut Session,
        look: &Look,
        before: bool,
    ) -> Result<()> {
        let Some(thread) = live.agent.thread(live.config, &look.pane)? else { return Ok(()) };
        session.bind(live.config, &thread)?;
        let Some(path) = thread.transcript else { return Ok(()) };
        live.watch.path(&path)?;
        if before {
            self.offset = match std::fs::File::open(&path) {
                Ok(file) => {
                    let size = file.metadata().at(&path)?.len();
                    lines::boundary_before(&file, size).at(&path)?
                }
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => 0,
                Err(e) => return Err(Error::io(path.display(), &e)),
            };
        }
        self.follow = Some(Follow::open(&path, Start::Offset(self.offset))?);
        Ok(())
    }

    /// What the transcript says of the prompt by now.
    fn look(
        &mut self,
        live: &mut Live<'_>,
        session: &mut Session,
        look: &Look,
        prompt: &Prompt,
    ) -> Result<Option<Word>> {
        if self.follow.is_none() {
            self.find(live, session, look, false)?;
        }
        let Some(follow) = &mut self.follow else { return Ok(None) };
        let agent = live.agent;
        let mut word = None;
        let _seen = follow.read(|line| {
            for event in agent.read(line.bytes) {
                word = of_prompt(&event, agent.same(prompt.text(), &event.text));
                if word.is_some() {
                    return Ok(std::ops::ControlFlow::Break(()));
                }
            }
            Ok(std::ops::ControlFlow::Continue(()))
        })?;
        Ok(word)
    }
}

/// What one event says of the prompt. Prompts that had been queued before ours are not ours.
fn of_prompt(event: &Event, same: Option<Vec<&'static str>>) -> Option<Word> {
    match (event.kind, same) {
        (Kind::Prompt, Some(changes)) => Some(Word::Same(Verdict::Submitted, changes)),
        (Kind::Queued, Some(changes)) => Some(Word::Same(Verdict::Queued, changes)),
        (Kind::Prompt, None) if !event.queued => Some(Word::Other(event.text.clone())),
        _ => None,
    }
}

/// How long a text may stand in the box after Enter before Enter is pressed again.
const SWALLOWED: Duration = Duration::from_secs(1);

/// Pastes, presses Enter, and waits for the proof.
fn paste(
    live: &mut Live<'_>,
    session: &mut Session,
    prompt: &Prompt,
    proof: &mut Proof,
    deadline: Deadline,
) -> Result<Delivery> {
    let typing = live.agent.typing(prompt.text());
    let pieces: Vec<&str> = typing.pieces.iter().map(String::as_str).collect();
    let pane = live.control.pane().to_owned();
    if live.tmux.paste(&pane, &pieces, typing.enter)?.is_err() {
        let reason = "the pane stopped taking input at that moment";
        return Ok(Delivery::new(Verdict::Blocked, proof.offset, reason));
    }
    let mut enters = u32::from(typing.enter == Enter::AtOnce);
    let mut last_enter = Instant::now();
    loop {
        let look = live.look(session)?;
        match proof.look(live, session, &look, prompt)? {
            Some(Word::Same(verdict, normalized)) => {
                return Ok(Delivery { normalized, ..Delivery::new(verdict, proof.offset, "") });
            }
            Some(Word::Other(text)) => {
                let reason = difference(prompt.text(), &text);
                return Ok(Delivery::new(Verdict::Altered, proof.offset, reason));
            }
            None => {}
        }
        if look.pane.dead {
            let reason = "the agent ended before it recorded the prompt";
            return Ok(Delivery::new(Verdict::Unproven, proof.offset, reason));
        }
        let in_box = live.profile.draft(&look) == Draft::Some;
        let status = live.status(&look)?;
        let again = enters == 0
            || (live.agent.may_swallow_enter() && enters < 3 && last_enter.elapsed() > SWALLOWED);
        if in_box && takes_prompt(&status) && again && live.control.key("Enter")?.is_ok() {
            enters += 1;
            last_enter = Instant::now();
        }
        if deadline.passed() {
            return Ok(unproven(live, &look, &status, proof.offset, in_box));
        }
        let next = if enters > 0 && enters < 3 && live.agent.may_swallow_enter() {
            Deadline::after(
                SWALLOWED.saturating_sub(last_enter.elapsed()) + Duration::from_millis(5),
            )
        } else {
            Deadline::NEVER
        };
        let _woke = live.wait(deadline.min(next))?;
    }
}

/// The deadline has passed; what is to be seen now.
fn unproven(live: &Live<'_>, look: &Look, status: &Status, offset: u64, in_box: bool) -> Delivery {
    let mut delivery = match live.question(look, status) {
        Some((name, advice)) if !takes_prompt(status) => {
            let reason = format!("the {name} dialog came up after the text was typed");
            Delivery { advice, ..Delivery::new(Verdict::Unproven, offset, reason) }
        }
        _ if in_box => {
            Delivery::new(Verdict::TypedNotSubmitted, offset, "the text is still in the input box")
        }
        _ => Delivery::new(Verdict::Unproven, offset, "the transcript does not show it"),
    };
    if delivery.advice.is_empty() {
        delivery.advice = "look at the window before you try again".into();
    }
    delivery
}

/// Where two texts part, for a person.
fn difference(sent: &str, recorded: &str) -> String {
    let same = sent.chars().zip(recorded.chars()).take_while(|(a, b)| a == b).count();
    format!(
        "the agent recorded another text: {} of {} characters are the same, then it holds {:?}",
        same,
        sent.chars().count(),
        recorded.chars().skip(same).take(20).collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let told = difference("one two", "one too many");
        assert!(told.contains("5 of 7 characters") && told.contains("\"oo many\""), "{told}");
    }

    #[test]
    fn another_prompt_that_was_queued_says_nothing_of_ours() {
        let event = |kind, queued| Event { queued, ..Event::new(kind, None, "x") };
        assert!(of_prompt(&event(Kind::Prompt, true), None).is_none());
        assert!(of_prompt(&event(Kind::Queued, false), None).is_none());
        assert!(matches!(of_prompt(&event(Kind::Prompt, false), None), Some(Word::Other(_))));
    }
}
