//! What becomes of a prompt, the queue, an answer and an interruption.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    dialog::{Dialog, Question},
    files::{Activity, Place, StateWriter},
    hook::Hooks,
    log::{GOING_ON, INTERRUPTED, INTERRUPTED_TOOL, Log, REFUSED},
    screen::Screen,
    turn::{Directive, Tool, Turn},
};
use crate::{
    error::{Error, Result},
    sys,
    time::{self, Deadline},
};

/// How long the agent is idle between a turn and a queued one. See claude/FACTS.md, "State file".
const BETWEEN: Duration = Duration::from_millis(20);

/// What the agent tells the model behind a usage limit.
const GO_ON: &str = "The usage limit has ended. Go on.";

/// How many lines of one text are shown.
const SHOWN: usize = 20;

/// A conversation, its files and its screen.
pub(crate) struct Session {
    pub(crate) place: Place,
    pub(crate) log: Log,
    pub(crate) state: StateWriter,
    pub(crate) hooks: Hooks,
    pub(crate) screen: Screen<Box<dyn std::io::Write>>,
    pub(crate) dialog: Option<Dialog>,
    pub(crate) queue: Vec<String>,
    pub(crate) turn: Option<Turn>,
    /// When the queued prompts become a turn.
    pub(crate) next_turn: Option<Deadline>,
    /// When it goes on by itself behind a usage limit.
    pub(crate) goes_on: Option<Deadline>,
    /// The exit status, once the program has to end.
    pub(crate) over: Option<i32>,
}

impl Session {
    /// Whether a new prompt has to be queued.
    pub(crate) fn is_busy(&self) -> bool {
        self.turn.is_some() || self.next_turn.is_some()
    }

    /// Runs the hooks of `event`, with `fields` besides those that every event has. Returns the words of
    /// one that objects.
    pub(crate) fn hook(&self, event: &str, fields: &Value) -> Option<String> {
        let mut input = json!({
            "session_id": self.log.session,
            "transcript_path": self.log.path.to_string_lossy(),
            "cwd": self.place.cwd.to_string_lossy(),
            "hook_event_name": event,
            "permission_mode": "default",
        });
        if let (Some(input), Some(fields)) = (input.as_object_mut(), fields.as_object()) {
            input.extend(fields.clone());
        }
        self.hooks.run(event, &input)
    }

    /// A prompt from the box. Returns it when a hook refused it: then it goes back there.
    pub(crate) fn submit(&mut self, prompt: String) -> Result<Option<String>> {
        match prompt.trim() {
            "/exit" | "/quit" | "exit" | "quit" | ":q" | ":q!" | ":wq" | ":wq!" => {
                self.leave("prompt_input_exit", 0);
            }
            _ if self.is_busy() => {
                self.log.queue("enqueue", Some(&prompt))?;
                self.queue.push(prompt);
            }
            "/clear" => self.clear()?,
            _ => {
                self.state.set(Activity::Busy)?;
                if let Some(words) = self.hook("UserPromptSubmit", &json!({"prompt": prompt})) {
                    let told = self.log.refused(&words, &prompt)?;
                    self.screen.say("● ", &told, SHOWN);
                    self.state.set(Activity::Idle)?;
                    return Ok(Some(prompt));
                }
                self.begin(vec![prompt], "typed")?;
            }
        }
        Ok(None)
    }

    /// The queue goes back into the box.
    pub(crate) fn recall(&mut self) -> Result<String> {
        let items = std::mem::take(&mut self.queue);
        for item in &items {
            self.log.queue("popAll", Some(item))?;
        }
        self.next_turn = None;
        Ok(items.join("\n"))
    }

    fn begin(&mut self, prompts: Vec<String>, source: &str) -> Result<()> {
        let mut id = String::new();
        for prompt in &prompts {
            id = self.log.prompt(prompt, source)?;
            self.screen.say("> ", prompt, SHOWN);
        }
        self.turn = Some(Turn::new(prompts, id));
        self.state.set(Activity::Busy)
    }

    fn begin_queued(&mut self) -> Result<()> {
        self.next_turn = None;
        let mut items = std::mem::take(&mut self.queue);
        for prompt in &items {
            self.log.queue("dequeue", None)?;
            // See claude/FACTS.md, "Prompts during a turn".
            self.state.set(Activity::Idle)?;
            self.hook("UserPromptSubmit", &json!({"prompt": prompt}));
        }
        if items.iter().any(|item| item.trim() == "/clear") {
            self.clear()?;
            items.retain(|item| item.trim() != "/clear");
        }
        if items.is_empty() { Ok(()) } else { self.begin(items, "queued") }
    }

    /// Another conversation, in another file, in the same process.
    fn clear(&mut self) -> Result<()> {
        self.hook("SessionEnd", &json!({"reason": "clear"}));
        let id = uuid::Uuid::new_v4().to_string();
        self.log = self.log.restart(&self.place, &id);
        self.state.rename(&id);
        self.screen.clear()?;
        self.hook("SessionStart", &json!({"source": "clear"}));
        self.state.set(Activity::Idle)
    }

    /// The program ends with `status`. When the terminal hangs up, this is called twice, for the
    /// signal and for the end of the input: the first call counts, and the hook runs once.
    pub(crate) fn leave(&mut self, reason: &str, status: i32) {
        self.turn = None;
        if self.over.is_none() {
            self.over = Some(status);
            self.hook("SessionEnd", &json!({"reason": reason}));
        }
    }

    /// Does everything that can be done now; the rest waits for a key, the tool, or a timer.
    pub(crate) fn advance(&mut self) -> Result<()> {
        if self.dialog.is_none() && self.next_turn.is_some_and(Deadline::passed) {
            self.begin_queued()?;
        }
        if self.turn.is_none()
            && self.dialog.is_none()
            && self.goes_on.is_some_and(Deadline::passed)
        {
            self.goes_on = None;
            self.log.queue("enqueue", Some(GO_ON))?;
            self.log.queue("dequeue", None)?;
            self.begin(vec![GO_ON.to_owned()], GOING_ON)?;
        }
        while self.over.is_none() && self.dialog.is_none() {
            let Some(turn) = &mut self.turn else { break };
            if let Some(tool) = &mut turn.tool {
                let Some(status) = tool.status() else { break };
                let (id, output) = (tool.id.clone(), tool.output());
                turn.tool = None;
                self.result(&id, &output, !status.success())?;
                continue;
            }
            if !turn.wake.passed() {
                break;
            }
            match turn.directives.pop_front() {
                Some(directive) => self.follow(directive)?,
                None => self.finish()?,
            }
        }
        Ok(())
    }

    fn follow(&mut self, directive: Directive) -> Result<()> {
        let Some(turn) = &mut self.turn else { return Ok(()) };
        match directive {
            Directive::Wait(span) => turn.wake = Deadline::after(span),
            Directive::Hang => {
                turn.mute = true;
                turn.wake = Deadline::NEVER;
            }
            Directive::Pad(bytes) => turn.padding = bytes,
            Directive::Run(command) => {
                let id = self.log.tool_use(&command)?;
                self.run(id, &command)?;
            }
            Directive::Ask(command) => {
                let id = self.log.tool_use(&command)?;
                let dialog = Dialog::new(Question::Permission, &command);
                turn.asked = Some((id, command.clone()));
                let input = json!({"tool_name": "Bash", "tool_input": {"command": command}});
                self.hook("PermissionRequest", &input);
                self.open(dialog)?;
            }
            Directive::Fail(status) => self.fail(status)?,
            Directive::Limit(span) => self.limit(span)?,
            Directive::Exit(status) => self.leave("other", status),
            Directive::Die => die(),
        }
        Ok(())
    }

    fn run(&mut self, id: String, command: &str) -> Result<()> {
        self.screen.say("● ", &format!("Bash({command})"), 3);
        let tool = Tool::start(id, command).map_err(|e| Error::io("sh", &e))?;
        if let Some(turn) = &mut self.turn {
            turn.tool = Some(tool);
        }
        Ok(())
    }

    /// A tool has ended: the model gets its output, and the prompts queued meanwhile.
    fn result(&mut self, id: &str, output: &str, is_error: bool) -> Result<()> {
        self.log.tool_result(id, output, is_error)?;
        self.screen.say("  ⎿  ", output, SHOWN);
        for prompt in std::mem::take(&mut self.queue) {
            self.log.absorbed(&prompt)?;
            self.screen.say("> ", &prompt, SHOWN);
            if let Some(turn) = &mut self.turn {
                turn.heard.push(prompt);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        let Some(turn) = &self.turn else { return Ok(()) };
        let (answer, since) = (turn.answer(), turn.since_ms);
        self.log.answer(&answer)?;
        self.screen.say("● ", &answer, SHOWN);
        let fields = json!({"stop_hook_active": false, "last_assistant_message": answer});
        self.hook("Stop", &fields);
        self.log.turn_duration(time::now_ms().saturating_sub(since))?;
        self.end(BETWEEN)
    }

    fn fail(&mut self, status: u16) -> Result<()> {
        let error = match status {
            401 | 403 => "authentication_failed",
            404 => "model_not_found",
            429 => "rate_limit",
            400..=499 => "invalid_request",
            500..=599 => "server_error",
            _ => "unknown",
        };
        let text = format!("API Error: {status} practice error");
        self.log.api_error(status, error, &text, None)?;
        self.failed(error, &text)
    }

    fn limit(&mut self, span: Duration) -> Result<()> {
        self.goes_on = Some(Deadline::after(span));
        let ends = Duration::from_millis(time::now_ms()) + span;
        let text = "You've hit your practice limit";
        self.log.api_error(429, "rate_limit", text, Some(ends.as_secs_f64()))?;
        self.failed("rate_limit", text)
    }

    fn failed(&mut self, error: &str, text: &str) -> Result<()> {
        self.screen.say("● ", text, SHOWN);
        self.hook("StopFailure", &json!({"error": error, "last_assistant_message": text}));
        self.end(BETWEEN)
    }

    /// The turn is over; after `pause`, the queued prompts, if any, are the next one.
    fn end(&mut self, pause: Duration) -> Result<()> {
        self.turn = None;
        self.next_turn = (!self.queue.is_empty()).then(|| Deadline::after(pause));
        self.state.set(Activity::Idle)
    }

    /// Escape in a turn. It runs no hook. Before the model's first word nothing is written either:
    /// the prompt is returned, to go back into the box.
    pub(crate) fn interrupt(&mut self) -> Result<Option<String>> {
        let Some(turn) = self.turn.take() else { return Ok(None) };
        if turn.mute {
            self.end(Duration::ZERO)?;
            return Ok(Some(turn.heard.join("\n")));
        }
        let marker = match &turn.tool {
            Some(tool) => {
                self.log.tool_result(&tool.id, REFUSED, true)?;
                INTERRUPTED_TOOL
            }
            None => INTERRUPTED,
        };
        self.log.interrupted(marker, Some(&turn.prompt_id))?;
        self.screen.say("  ⎿  ", "Interrupted by user", SHOWN);
        self.end(Duration::ZERO)?;
        Ok(None)
    }

    /// Opens `dialog` over the box.
    pub(crate) fn open(&mut self, dialog: Dialog) -> Result<()> {
        let status = if dialog.at_start() {
            Activity::Starting
        } else {
            Activity::Waiting(dialog.waiting_for())
        };
        self.dialog = Some(dialog);
        self.state.set(status)
    }

    /// A dialog over the box has closed: the state file shows again whether a turn runs.
    pub(crate) fn closed(&mut self) -> Result<()> {
        self.state.set(if self.turn.is_some() { Activity::Busy } else { Activity::Idle })
    }

    /// The permission question was answered.
    pub(crate) fn permitted(&mut self, yes: bool) -> Result<()> {
        let Some((id, command)) = self.turn.as_mut().and_then(|turn| turn.asked.take()) else {
            return self.closed();
        };
        if yes {
            self.closed()?;
            return self.run(id, &command);
        }
        self.log.tool_result(&id, REFUSED, true)?;
        self.log.interrupted(INTERRUPTED_TOOL, None)?;
        self.screen.say("  ⎿  ", "Rejected by user", SHOWN);
        self.end(Duration::ZERO)
    }
}

/// Kills this process: no hook runs, nothing is cleaned up.
pub(crate) fn die() {
    if let Ok(pid) = i32::try_from(std::process::id()) {
        let _ = sys::kill(pid, libc::SIGKILL);
    }
}
