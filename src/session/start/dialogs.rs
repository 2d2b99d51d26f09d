//! The dialogs of a start: answering those that have a conservative answer, and telling that one is
//! open that nobody knows.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::session::{Session, attached_pane::AttachedPane, still::Still};
use crate::{
    agent::{
        Status,
        profile::{Dialog, DialogStep, InputBox},
    },
    error::{Error, Kind, Result},
    sys,
    time::Deadline,
    tmux::Look,
    trace,
};

/// How long a dialog must look the same before a key is pressed. An agent throws away what is typed
/// while a dialog opens, and may draw it again with another line selected.
// Measured: claude/FACTS.md, "Start dialogs"; codex/FACTS.md, "Start dialogs"
const REST: Duration = Duration::from_millis(300);

/// How long after a key that was read its effect may still come.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a screen must look the same before it is taken for a dialog that is not known.
const STAY: Duration = Duration::from_secs(3);

/// A dialog as the next step depends on it: its name, that step, and its choices.
type Shown = (String, DialogStep, Vec<String>);

/// Watches over the dialogs of one start.
pub(super) struct Dialogs {
    shown: Still<Shown>,
    /// The key that was pressed last: at what look, and when.
    pressed: Option<(Shown, Instant)>,
    stranger: Still<String>,
}

impl Dialogs {
    pub(super) fn new() -> Self {
        Dialogs { shown: Still::default(), pressed: None, stranger: Still::default() }
    }

    /// Presses the next key of a dialog if it is time, and says when to look again at the latest.
    ///
    /// # Errors
    /// [`Kind::Person`] for a dialog that only a person answers, and for one that is not known.
    pub(super) fn look(
        &mut self,
        attached: &mut AttachedPane<'_>,
        session: &Session,
        look: &Look,
    ) -> Result<Deadline> {
        let Some(dialog) = attached.profile.open_dialog(look).cloned() else {
            return self.look_at_stranger(attached, session, look);
        };
        if dialog.choose.is_empty() {
            let cause = format!("the {} dialog is open", dialog.name);
            return Err(Error::new(Kind::Person, &session.name, cause).advise(&dialog.advice));
        }
        self.answer(attached, &dialog, look)
    }

    /// Answers a dialog one key at a time, each after the effect of the one before has been seen and
    /// the dialog has come to rest. A key that was read without effect is pressed again; one that
    /// has not been read yet never is.
    fn answer(
        &mut self,
        attached: &mut AttachedPane<'_>,
        dialog: &Dialog,
        look: &Look,
    ) -> Result<Deadline> {
        let step = attached.profile.step(dialog, &look.screen);
        let shown = (dialog.name.clone(), step, attached.profile.choices(&look.screen));
        if self.shown.since(shown.clone()) < REST {
            return Ok(self.shown.will_be(REST));
        }
        let DialogStep::Press { key, .. } = step else { return Ok(Deadline::NEVER) };
        if let Some((last, at)) = &self.pressed
            && *last == shown
        {
            if at.elapsed() < PATIENCE {
                return Ok(Deadline::after(PATIENCE.saturating_sub(at.elapsed())));
            }
            if sys::terminal_input(&look.pane.tty).is_ok_and(|input| input.unread > 0) {
                return Ok(Deadline::after(REST));
            }
        }
        trace::step(&format!("the {} dialog is open", dialog.name), || json!({ "key": key }));
        // If the pane takes no input now, the next look tries again.
        let _taken = attached.view.key(key)?;
        self.pressed = Some((shown, Instant::now()));
        Ok(Deadline::after(PATIENCE))
    }

    /// An agent that has drawn something without an input box, reads keys and says that it is not
    /// ready waits for an answer. What it asks is not known, so nothing is typed.
    fn look_at_stranger(
        &mut self,
        attached: &AttachedPane<'_>,
        session: &Session,
        look: &Look,
    ) -> Result<Deadline> {
        let is_ready = matches!(attached.status(look)?, Status::Idle(_) | Status::Busy);
        let words = look.screen.first_words();
        if is_ready || words.is_empty() || attached.profile.input_box(look) == InputBox::Empty {
            self.stranger = Still::default();
            return Ok(Deadline::NEVER);
        }
        let reads_keys = || sys::terminal_input(&look.pane.tty).is_ok_and(|input| input.by_key);
        if self.stranger.since(look.screen.text()) < STAY {
            return Ok(self.stranger.will_be(STAY));
        }
        if !reads_keys() {
            return Ok(Deadline::after(REST));
        }
        let (profile, _) = attached.agent.facts().profile;
        let path = attached.config.screens.join(profile);
        let program = attached.agent.facts().program;
        let cause = format!("an unknown-dialog is open; it begins: {words}");
        Err(Error::new(Kind::Person, &session.name, cause).advise(format!(
            "run `{program}` once by hand and answer it, or describe it in {}",
            path.display()
        )))
    }
}
