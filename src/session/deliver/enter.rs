//! Enter after a paste: when it is pressed, and when again.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::session::{DeliveryOptions, Prompt, Session, attached_pane::AttachedPane};
use crate::{
    agent::Status,
    error::Result,
    time::{self, Deadline},
    tmux::{Enter, Look},
    trace,
};

/// How long a text may stay in the box after Enter before Enter is pressed again. Each further time
/// it is three times as long, in case the agent is only slow.
// Measured: claude/FACTS.md, "Enter"
const SWALLOWED: Duration = Duration::from_secs(1);

/// A prompt is usually recorded within this after Enter; until then the screen would only show that it
/// is not recorded yet.
// Measured: claude/FACTS.md, "Enter"
const RECORDED: Duration = Duration::from_millis(300);

/// How often Enter is pressed at most.
// Measured: claude/FACTS.md, "Enter"
const ENTERS: u32 = 4;

/// Enter after a paste, and its repetitions.
pub(super) struct EnterRetry {
    count: u32,
    /// When Enter was last pressed, or when the agent came to rest after that: it may have worked on an
    /// earlier text, and what it says of ours comes within moments.
    waits_since: Instant,
    /// Some agents may swallow Enter. One that has only just started may ignore it or take it for
    /// part of the paste.
    // Measured: codex/FACTS.md, "Readiness"; claude/FACTS.md, "Readiness"
    pub(super) may_repeat: bool,
    /// The agent was idle at the first Enter. If it is busy now, it has submitted the text.
    from_idle: bool,
    /// When Enter was first pressed, in epoch milliseconds.
    since: u64,
    /// A hook may be at the text by now.
    // Measured: claude/FACTS.md, "Hooks"
    at_hook: bool,
    /// The agent shows that a hook refused a prompt, and whether it did so before ours.
    pub(super) is_refused: bool,
    pub(super) was_refused: bool,
}

impl EnterRetry {
    /// The first Enter after a paste, if it has been pressed with it, or may be now.
    pub(super) fn begin(
        attached: &mut AttachedPane<'_>,
        look: &Look,
        enter: Enter,
        prompt: &Prompt,
        options: &DeliveryOptions,
    ) -> Result<EnterRetry> {
        let just_started = options.just_started;
        let is_later = just_started || !prompt.images().is_empty();
        let status = attached.status(look)?;
        let mut enters = EnterRetry {
            count: 0,
            waits_since: Instant::now(),
            may_repeat: attached.agent.facts().may_swallow_enter || just_started,
            from_idle: matches!(status, Status::Idle(_)),
            since: time::now_ms(),
            at_hook: false,
            is_refused: false,
            was_refused: attached.profile.shows_refusal(look),
        };
        match enter {
            Enter::AtOnce => enters.pressed(&status),
            Enter::Soon if enters.from_idle && !is_later => enters.press(attached, &status)?,
            Enter::Soon | Enter::Later => {}
        }
        Ok(enters)
    }

    /// Whether to press Enter now, given that our text is in the box.
    pub(super) fn is_due(&self, status: &Status) -> bool {
        self.count == 0
            || (self.may_repeat
                && !self.is_taken(status)
                && !self.is_refused
                && self.count < ENTERS
                && self.waits_since.elapsed() > self.patience())
    }

    /// Whether the agent has begun to work on the text, whatever its box still shows.
    pub(super) fn is_taken(&self, status: &Status) -> bool {
        self.at_hook || self.from_idle && *status == Status::Busy
    }

    /// Whether Enter was pressed so short a time ago that the agent may not have read it.
    pub(super) fn may_be_read_yet(&self) -> bool {
        self.count > 0 && self.waits_since.elapsed() < SWALLOWED
    }

    /// Notes when an agent that is idle came to rest.
    pub(super) fn note_rest(&mut self, status: &Status) {
        if let Status::Idle(Some(since)) = status {
            let rests = time::now_ms().checked_sub(*since).map(Duration::from_millis);
            let at_rest = rests.and_then(|rests| Instant::now().checked_sub(rests));
            self.waits_since = at_rest.map_or(self.waits_since, |at| at.max(self.waits_since));
        }
    }

    /// Looks at what has become of a text that still stands in the box.
    pub(super) fn note(
        &mut self,
        attached: &AttachedPane<'_>,
        session: &Session,
        look: &Look,
        in_box: bool,
    ) {
        let is_left = in_box && self.count > 0;
        let paths = session.paths(attached.config);
        self.at_hook = is_left && attached.agent.may_be_at_hook(&paths, &look.pane, self.since);
        self.is_refused = is_left && attached.profile.shows_refusal(look);
    }

    /// Whether the text must show before Enter is pressed.
    pub(super) fn awaits_text(&self) -> bool {
        self.count == 0
    }

    /// Until when the record is waited for before the screen is looked at; it has passed already where
    /// Enter was not pressed.
    pub(super) fn recorded_by(&self) -> Deadline {
        let left = RECORDED.saturating_sub(self.waits_since.elapsed());
        Deadline::after(if self.awaits_text() { Duration::ZERO } else { left })
    }

    fn patience(&self) -> Duration {
        SWALLOWED * 3_u32.pow(self.count.saturating_sub(1))
    }

    /// When Enter may be due again.
    pub(super) fn next_look(&self) -> Deadline {
        match self.patience().checked_sub(self.waits_since.elapsed()) {
            _ if self.at_hook => Deadline::after(SWALLOWED),
            Some(left) if self.count > 0 && self.may_repeat && self.count < ENTERS => {
                Deadline::after(left + Duration::from_millis(1))
            }
            _ => Deadline::NEVER,
        }
    }

    pub(super) fn press(&mut self, attached: &mut AttachedPane<'_>, status: &Status) -> Result<()> {
        if attached.view.key("Enter")?.is_ok() {
            self.pressed(status);
        }
        Ok(())
    }

    fn pressed(&mut self, status: &Status) {
        if self.count == 0 {
            self.from_idle = matches!(status, Status::Idle(_));
            self.since = time::now_ms();
        }
        self.count += 1;
        self.waits_since = Instant::now();
        trace::step("Enter", || json!({ "count": self.count }));
    }
}

/// Wakes the input of an agent that has left Enter unread. The gap doubles each time: an agent that
/// is woken for input that it has already read may hang.
// Measured: codex/FACTS.md, "Input in blocks of 1,024 bytes"
pub(super) struct InputWakeup {
    pub(super) next: Deadline,
    gap: Duration,
}

impl InputWakeup {
    pub(super) fn begin() -> InputWakeup {
        InputWakeup { next: Deadline::after(SWALLOWED), gap: SWALLOWED }
    }

    pub(super) fn give(&mut self, attached: &mut AttachedPane<'_>, in_box: bool) -> Result<()> {
        if self.next.passed() {
            self.gap *= 2;
            self.next = Deadline::after(self.gap);
            if in_box {
                trace::step("Enter may be unread: waking the agent's input", || json!(null));
                // If the pane takes no input now, the next time tries again.
                let _taken = attached.view.nudge()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_is_pressed_again_once_the_agent_has_rested_for_a_while_beside_the_text() {
        let now = time::now_ms();
        let is_due = |status| {
            let mut enters = EnterRetry {
                count: 1,
                waits_since: Instant::now().checked_sub(2 * SWALLOWED).unwrap(),
                may_repeat: true,
                from_idle: true,
                since: now - 2000,
                at_hook: false,
                is_refused: false,
                was_refused: false,
            };
            enters.note_rest(&status);
            enters.is_due(&status)
        };
        assert!(!is_due(Status::Busy), "it may be at our text");
        assert!(!is_due(Status::Idle(Some(now - 300))), "what it says of ours may still come");
        assert!(is_due(Status::Idle(Some(now - 1500))), "it was at an earlier text");
        assert!(is_due(Status::Idle(Some(now - 60_000))), "it did not see Enter");
        assert!(is_due(Status::Idle(None)));
        assert!(is_due(Status::Idle(Some(now + 60_000))), "a clock that was set back says nothing");
    }
}
