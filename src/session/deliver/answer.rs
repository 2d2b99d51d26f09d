//! Answering a question that the agent asks during a session, with a key that the caller chose.

use std::{
    fmt::{self, Display},
    time::Duration,
};

use serde_json::{Value, json};

use super::{DeliveryOptions, checks::Obstacle};
use crate::session::{
    Session,
    attached_pane::{self, AttachedPane},
};
use crate::{
    agent::profile::{Choice, Dialog, DialogStep},
    cli::{Member, Type},
    config::Config,
    error::{Error, Kind, Result},
    time::Deadline,
    tmux::Tmux,
    trace,
    watch::{Watch, Woke},
};

/// A question of the agent's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// The dialog's name in the screen profile, or the agent's name for the question.
    pub name: String,
    /// What it says.
    pub text: String,
    /// What can be chosen.
    pub choices: Vec<Choice>,
}

impl Question {
    /// What [`Question::add_to`] adds.
    pub(crate) const MEMBERS: &[Member] = &[
        Member::new("waitingFor", Type::Text, "The question's name, for `--expect`").optional(),
        Member::new("question", Type::Text, "What it says").optional(),
        Member::new(
            "choices",
            Type::List(&Type::Object(&[&[
                Member::new("key", Type::Text, "What `--answer` takes"),
                Member::new("label", Type::Text, "Its words"),
            ]])),
            "What can be chosen",
        )
        .optional(),
    ];

    /// Adds it to a record.
    pub(crate) fn add_to(&self, record: &mut Value) {
        record["waitingFor"] = json!(self.name);
        record["question"] = json!(self.text);
        record["choices"] = json!(self.choices);
    }
}

impl Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.text.lines().last() {
            Some(last) => write!(f, ": {last}"),
            None => Ok(()),
        }
    }
}

/// How long an agent that says that it asks something may take to draw its question.
const DRAWN: Duration = Duration::from_secs(1);

/// How long to wait for a drawing before the next look.
const LOOK: Duration = Duration::from_millis(30);

/// The question that the session's agent asks now, if it asks one. Waits until it is drawn: an agent
/// says earlier that it asks something.
pub(crate) fn question(
    config: &Config,
    tmux: &Tmux,
    session: &Session,
) -> Result<Option<Question>> {
    let pane = session.live_pane(config, tmux)?;
    let profile = session.profile(config)?;
    let drawn = Deadline::after(DRAWN);
    let mut watch = Watch::new()?;
    loop {
        let Some(look) = tmux.of(&pane).capture(&pane.id)? else { return Ok(None) };
        let status = session.status(config, &look.pane)?;
        let asked = attached_pane::question(&profile, &look, &status);
        let Some((name, _)) = asked else { return Ok(None) };
        let choices = profile.options(&look.screen);
        let is_whole = !choices.is_empty() || profile.hides_box(&look);
        if drawn.passed() || profile.open_dialog(&look).is_some() && is_whole {
            return Ok(Some(Question { name, text: profile.question(&look.screen), choices }));
        }
        let _woke = watch.wait(drawn.min(Deadline::after(LOOK)))?;
    }
}

/// Answers the dialog called `expected`, if it is open, and waits until it is gone: by the choice
/// whose key is `key`, which is gone to and looked at before Enter, or else by pressing `key`.
///
/// # Errors
/// [`Kind::Refused`] when no dialog or another one is open; no key was pressed then.
/// [`Kind::Unproven`] when the dialog stays.
pub(crate) fn answer(
    config: &Config,
    tmux: &Tmux,
    session: &Session,
    key: &str,
    expected: &str,
    lock_wait: Deadline,
    timeout: Duration,
) -> Result<()> {
    let _held = session.run_dir(config).lock(&session.name, lock_wait)?;
    let pane = session.live_pane(config, tmux)?;
    let mut attached = AttachedPane::attach(config, tmux, session, &pane, None, None)?;
    let look = attached.look(session)?;
    if let Some(obstacle) = Obstacle::of_pane(&look.pane) {
        return Err(obstacle.error(&session.name));
    }
    let status = attached.status(&look)?;
    match attached.question(&look, &status).map(|(name, _)| name) {
        Some(name) if name == expected => {}
        Some(name) => {
            let cause = format!("the {name} dialog is open, not {expected}");
            return Err(Error::new(Kind::Refused, &session.name, cause));
        }
        None => {
            return Err(Error::new(Kind::Refused, &session.name, "no dialog is open"));
        }
    }
    let deadline = Deadline::after(timeout);
    let look = attached.look(session)?;
    let mut choices = attached.profile.options(&look.screen).into_iter();
    match choices.find(|choice| choice.key == key) {
        Some(choice) => choose(&mut attached, session, choice.label, expected, deadline)?,
        None if attached.view.key(key)?.is_err() => {
            return Err(Error::new(Kind::Refused, &session.name, "the pane takes no input"));
        }
        None => {}
    }
    trace::step("answered", || json!({ "dialog": expected, "key": key }));
    loop {
        // The agent's status may say "waiting" for a moment after the dialog has closed.
        let look = attached.look(session)?;
        let is_gone = match attached.profile.open_dialog(&look) {
            Some(dialog) => dialog.name != expected,
            None => attached.question(&look, &attached.status(&look)?).is_none(),
        };
        if is_gone {
            return Ok(());
        }
        if attached.wait(deadline)? == Woke::Deadline {
            let cause = format!("the {expected} dialog is still open");
            return Err(Error::new(Kind::Unproven, &session.name, cause));
        }
    }
}

/// Answers the agent's question about a usage limit that has ended, if it asks one and the profile names a
/// choice.
pub(super) fn close_limit(
    config: &Config,
    tmux: &Tmux,
    session: &Session,
    options: &DeliveryOptions,
) -> Result<()> {
    let Some(question) = question(config, tmux, session)? else { return Ok(()) };
    let profile = session.profile(config)?;
    let dialogs = profile.dialogs.iter().filter(|dialog| dialog.limit);
    let labels = dialogs.filter(|dialog| dialog.name == question.name).flat_map(|it| &it.choose);
    let is_one = |choice: &&Choice| labels.clone().any(|label| choice.label.starts_with(label));
    let Some(choice) = question.choices.iter().find(is_one) else { return Ok(()) };
    let wait = Deadline::after(options.lock_wait);
    answer(config, tmux, session, &choice.key, &question.name, wait, options.timeout)
}

/// Moves to the choice with this label, one key at a time, and presses Enter once the pointer is
/// there.
fn choose(
    attached: &mut AttachedPane<'_>,
    session: &Session,
    label: String,
    expected: &str,
    deadline: Deadline,
) -> Result<()> {
    let wanted = Dialog {
        name: expected.to_owned(),
        texts: Vec::new(),
        choose: vec![label],
        advice: String::new(),
        limit: false,
    };
    let mut pressed = None;
    loop {
        let look = attached.look(session)?;
        let step = attached.profile.step(&wanted, &look.screen);
        if let DialogStep::Press { key, .. } = step
            && pressed != Some(step)
        {
            if attached.view.key(key)?.is_err() {
                let cause = "the pane takes no input";
                return Err(Error::new(Kind::Unproven, &session.name, cause));
            }
            if key == "Enter" {
                return Ok(());
            }
            pressed = Some(step);
        }
        if attached.wait(deadline)? == Woke::Deadline {
            let cause = format!("the pointer does not reach {}", wanted.choose.concat());
            return Err(Error::new(Kind::Unproven, &session.name, cause));
        }
    }
}
