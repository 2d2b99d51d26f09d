//! The checks before anything is typed: each obstacle has a name.

use serde_json::json;

use super::{Delivery, Prompt, Verdict, input_box};
use crate::session::{
    Session,
    attached_pane::{AttachedPane, UNKNOWN},
};
use crate::{
    agent::{
        Status,
        profile::{InputBox, Profile},
        takes_prompt,
    },
    error::{Error, Kind, Result},
    state::Name,
    time::Deadline,
    tmux::{Look, Pane, Tmux},
    trace,
};

/// A reason not to type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Obstacle {
    /// What it is, for the caller.
    pub reason: String,
    /// What to do about it.
    pub advice: String,
    kind: ObstacleKind,
}

/// What can remove an obstacle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ObstacleKind {
    /// Perhaps waiting.
    Passing,
    /// Only a person.
    Person,
    /// Clearing the input box of somebody's draft.
    Draft,
}

impl Obstacle {
    fn new(reason: impl Into<String>, advice: impl Into<String>) -> Self {
        Obstacle { reason: reason.into(), advice: advice.into(), kind: ObstacleKind::Passing }
    }

    /// Why the pane takes no keys, whoever presses them; `None` if it takes them.
    pub(super) fn of_pane(pane: &Pane) -> Option<Self> {
        let off = ("the pane takes no input", "allow it with `tmux select-pane -e`");
        let shared = ("the pane is synchronized with others", "turn synchronize-panes off");
        let found = pane.input_off.then_some(off).or(pane.synchronized.then_some(shared));
        found.map(|(reason, advice)| Obstacle::new(reason, advice))
    }

    /// The error of whoever would press keys.
    pub(super) fn error(self, name: &Name) -> Error {
        Error::new(Kind::Refused, name, self.reason).advise(self.advice)
    }

    /// The result of the delivery that it blocks.
    pub(crate) fn delivery(self) -> Delivery {
        Delivery {
            advice: self.advice,
            person: self.kind == ObstacleKind::Person,
            ..Delivery::new(Verdict::Blocked, 0, self.reason)
        }
    }
}

/// Programs that run each line that they read: they would run a pasted prompt.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "zsh", "fish", "ksh", "tcsh"];

/// What forbids typing now, if anything does. First leaves copy mode or another mode of tmux that a
/// person may have left the pane in.
fn obstacle(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    prompt: &Prompt,
) -> Result<(Look, Option<Obstacle>)> {
    let mut look = attached.look(session)?;
    if look.pane.dead {
        return Err(Error::missing(&session.name, "the agent has ended"));
    }
    if look.pane.in_mode {
        trace::step("left copy mode", || look.pane.id.clone().into());
        attached.tmux.leave_mode(&look.pane.id)?;
        look = attached.look(session)?;
    }
    let mut found = of_look(attached, &look, prompt)?;
    if found.is_none() && look.pane.unbracketed {
        trace::step("turned bracketed paste on again in tmux", || look.pane.id.clone().into());
        Tmux::bracket_again(&look.pane)?;
        look = attached.look(session)?;
        let forgot = "tmux no longer brackets pastes for the agent";
        found = look.pane.unbracketed.then(|| Obstacle::new(forgot, "try again"));
    }
    Ok((look, found))
}

fn of_look(attached: &AttachedPane<'_>, look: &Look, prompt: &Prompt) -> Result<Option<Obstacle>> {
    let some = |reason: &str, advice: &str| Ok(Some(Obstacle::new(reason, advice)));
    let pane = &look.pane;
    if let Some(found) = Obstacle::of_pane(pane) {
        return Ok(Some(found));
    }
    let status = attached.status(look)?;
    // An agent that was started by a script has a shell's name too, but it also has a status.
    if status == Status::Starting && SHELLS.contains(&pane.command.as_str()) {
        return some("a shell is in the foreground", "look at the window");
    }
    let asks = || {
        let (name, advice) = attached.question(look, &status)?;
        if name == UNKNOWN {
            return Some(stranger(&attached.profile, look));
        }
        let reason = format!("the {name} dialog is open");
        Some(Obstacle { kind: ObstacleKind::Person, ..Obstacle::new(reason, advice) })
    };
    if !takes_prompt(&status) {
        return Ok(asks().or_else(|| Some(starting(&status))));
    }
    if prompt.is_command() && status == Status::Busy && attached.agent.facts().command_needs_idle {
        return some("the agent takes no commands while it is working", "wait with --when idle");
    }
    match attached.profile.input_box(look) {
        InputBox::Empty => Ok(None),
        // The pointer in a dialog's list can look like the input box.
        InputBox::Text => {
            if let Some(asked) = asks() {
                return Ok(Some(asked));
            }
            let mut draft = Obstacle::new(
                "there is a draft in the input box",
                "submit it, or clear it with --replace-draft",
            );
            draft.kind = ObstacleKind::Draft;
            Ok(Some(draft))
        }
        InputBox::Missing => Ok(asks().or_else(|| Some(stranger(&attached.profile, look)))),
    }
}

/// Something that nobody knows is in place of the input box.
fn stranger(profile: &Profile, look: &Look) -> Obstacle {
    let reason = match words_of(profile, look).as_str() {
        "" => "the screen is empty".to_owned(),
        words => format!("an {UNKNOWN} is open: {words}"),
    };
    let kind = ObstacleKind::Person;
    Obstacle { kind, ..Obstacle::new(reason, "attach to the window and answer") }
}

/// The words of a dialog that nobody knows: its question, else the last ones on the screen.
pub(super) fn words_of(profile: &Profile, look: &Look) -> String {
    let asked = profile.question(&look.screen);
    let words = asked.lines().take(3).collect::<Vec<_>>().join(" / ");
    if words.is_empty() { look.screen.last_words() } else { words }
}

fn starting(status: &Status) -> Obstacle {
    match status {
        Status::Starting => Obstacle::new("the agent is still starting", "try again"),
        _ => Obstacle::new("the agent is not taking prompts now", "try again"),
    }
}

/// Waits until nothing forbids typing, but no longer than `wait`. `Err` holds an obstacle that
/// remains.
pub(crate) fn await_clear(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    prompt: &Prompt,
    replace_draft: bool,
    wait: Deadline,
) -> Result<std::result::Result<Look, Obstacle>> {
    let mut cleared = false;
    loop {
        let (look, found) = obstacle(attached, session, prompt)?;
        let Some(found) = found else { return Ok(Ok(look)) };
        trace::step(&found.reason, || json!({ "title": look.pane.title }));
        if found.kind == ObstacleKind::Draft && replace_draft && !cleared {
            cleared = true;
            // The caller asked for this, so it has a time limit of its own.
            input_box::clear(attached, session, Deadline::NEVER)?;
            continue;
        }
        if wait.passed() {
            return Ok(Err(found));
        }
        let _woke = attached.wait(wait)?;
    }
}
