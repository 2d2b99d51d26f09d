//! The loopback model and each real agent understand each other.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::agents::{Agent, Kind, Trust, claude_new, claude_old, codex_new, codex_old};
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::tmux::Tmux;
use crate::util::wait::{PATIENCE, wait_for, wait_until};

/// An agent in a window, driven by raw tmux commands.
struct Window<'a> {
    agent: Agent,
    home: &'a Home,
    pane: String,
}

impl<'a> Window<'a> {
    /// Starts the agent as the docs say and waits until it is ready.
    fn open(agent: Agent, home: &'a Home) -> Self {
        let pane = home.tmux().start("agent", &home.proj(), agent.argv());
        let window = Window { agent, home, pane };
        wait_for(PATIENCE, "the agent is ready", |saw| {
            *saw = window.tmux().capture(&window.pane);
            window.is_idle().then_some(())
        });
        window
    }

    fn tmux(&self) -> Tmux<'_> {
        self.home.tmux()
    }

    /// Claude's state file of this very process, or Codex's title with a thread in it.
    fn is_idle(&self) -> bool {
        match self.agent.kind {
            Kind::Claude => self.registry()["status"] == "idle" && self.box_is_empty(),
            Kind::Codex => self.tmux().ask(&self.pane, "pane_title").starts_with("Ready | "),
        }
    }

    fn registry(&self) -> Value {
        let pid = self.tmux().ask(&self.pane, "pane_pid");
        let path = self.home.home().join(format!(".claude/sessions/{pid}.json"));
        // It is written in place: what does not parse now will at the next look.
        let text = std::fs::read_to_string(path).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// The line of the screen that the cursor is on: the last one of the input box.
    fn box_line(&self) -> String {
        let row: usize = self.tmux().ask(&self.pane, "cursor_y").parse().unwrap_or_default();
        self.tmux().capture(&self.pane).lines().nth(row).unwrap_or_default().to_owned()
    }

    fn box_is_empty(&self) -> bool {
        self.tmux().ask(&self.pane, "cursor_x") == "2" && self.box_line().starts_with('❯')
    }

    /// Pastes a prompt, waits for its echo where the agent shows one, and presses Enter once.
    fn send(&self, prompt: &str) {
        match self.agent.kind {
            Kind::Claude => {
                self.tmux().paste(&self.pane, &format!("{prompt} "));
                wait_until(PATIENCE, "the echo of the prompt", || !self.box_is_empty());
                let end = prompt.lines().next_back().unwrap_or_default();
                let tail: String = end.chars().skip(end.chars().count().max(12) - 12).collect();
                wait_for(PATIENCE, "the end of the prompt in the box", |saw| {
                    *saw = self.tmux().capture(&self.pane);
                    (saw.contains(&tail) || saw.contains("[Pasted text #")).then_some(())
                });
            }
            Kind::Codex => self.tmux().paste(&self.pane, &format!(" {prompt} ")),
        }
        self.tmux().keys(&self.pane, &["Enter"]);
        // 2.1.197 swallows an Enter now and then: another one only while the text is still there.
        let still_there = |screen: &str| self.agent.kind == Kind::Claude && screen.contains(prompt);
        let sent = Instant::now();
        while still_there(&self.box_line()) && sent.elapsed() < Duration::from_secs(2) {
            std::thread::sleep(Duration::from_millis(20));
        }
        if still_there(&self.box_line()) {
            self.tmux().keys(&self.pane, &["Enter"]);
        }
    }

    /// The transcript's entries: every whole line of the only file that there is.
    fn entries(&self) -> Vec<Value> {
        let folder = match self.agent.kind {
            Kind::Claude => ".claude/projects",
            Kind::Codex => ".codex/sessions",
        };
        let mut files = Vec::new();
        find_jsonl(&self.home.home().join(folder), &mut files);
        let text: String =
            files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The prompts that the transcript records.
    fn recorded(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let of = |entry: &Value| match self.agent.kind {
            Kind::Claude => {
                let content = &entry["message"]["content"];
                (entry["type"] == "user").then(|| text(content)).flatten()
            }
            Kind::Codex => {
                let payload = &entry["payload"];
                match payload["type"].as_str() {
                    Some("user_message") => text(&payload["message"]),
                    Some("item_completed") if payload["item"]["type"] == "UserMessage" => {
                        text(&payload["item"]["content"][0]["text"])
                    }
                    _ => None,
                }
            }
        };
        self.entries().iter().filter_map(of).collect()
    }

    fn wait_recorded(&self, what: &str, test: impl Fn(&Value) -> bool) {
        wait_until(PATIENCE, what, || self.entries().iter().any(&test));
    }

    fn wait_idle(&self) {
        wait_for(PATIENCE, "the agent is idle again", |saw| {
            *saw = self.tmux().capture(&self.pane);
            self.is_idle().then_some(())
        });
    }
}

fn find_jsonl(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find_jsonl(&path, found);
        } else if path.extension().is_some_and(|end| end == "jsonl") {
            found.push(path);
        }
    }
}

fn whole_turns(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let window = Window::open(agent, &home);

    let plain = "Say hello to the loopback model, please";
    window.send(plain);
    assert!(model.wait_turns(PATIENCE, 1), "the first turn ends");
    assert_eq!(model.prompts(), [plain]);
    wait_until(PATIENCE, "the prompt is in the transcript", || window.recorded() == [plain]);
    window.tmux().wait_text(&window.pane, "echo: Say hello");
    window.wait_idle();

    window.send("TOOL:echo made by $((40 + 2))");
    assert!(model.wait_turns(PATIENCE, 2), "the turn with a tool ends");
    window.wait_idle();
    window.wait_recorded("the tool's output", |entry| {
        let text = entry.to_string();
        text.contains("made by 42") && text.contains("tool said")
    });

    window.send("SLOW:60000");
    window.tmux().wait_text(&window.pane, "slow 3");
    // Where it does not heed an Escape, and only while a turn runs, one C-c interrupts.
    let key = if agent.heeds_keys_while_it_streams() { "Escape" } else { "C-c" };
    window.tmux().keys(&window.pane, &[key]);
    window.wait_recorded("the interruption", |entry| match agent.kind {
        Kind::Claude => entry.to_string().contains("[Request interrupted by user]"),
        Kind::Codex => entry["payload"]["type"] == "turn_aborted",
    });
    window.wait_idle();

    window.send("ERROR:400");
    window.wait_recorded("the error ends the turn", |entry| match agent.kind {
        Kind::Claude => entry["isApiErrorMessage"] == true,
        Kind::Codex => {
            entry["payload"]["type"] == "task_complete"
                && entry["payload"]["last_agent_message"].is_null()
        }
    });
    window.wait_idle();
    assert_eq!(model.turn_ended_at().len(), 2, "an error and an interruption are no answers");
    assert!(model.wait(Duration::ZERO, |seen| seen.len() >= 5));
    assert_eq!(model.strays(), [""; 0], "everything asked for is there");
    model.check();
}

on_agents!(whole_turns: claude_old, claude_new, codex_old, codex_new);

/// What a start in a folder that the agent has never seen shows.
fn asks_for_trust(agent: Agent, text: &str) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Ask);
    let pane = home.tmux().start("agent", &home.proj(), &[agent.program()]);
    home.tmux().wait_text(&pane, text);
    assert!(model.seen().is_empty(), "no request before the answer");
    model.check();
}

#[test]
fn claude_asks_for_trust() {
    asks_for_trust(claude_old(), "1. Yes, I trust this folder");
    asks_for_trust(claude_new(), "❯ No, exit");
}

#[test]
fn codex_old_asks_for_trust() {
    asks_for_trust(codex_old(), "Do you trust the contents of this directory?");
}

/// What an agent sends again, and what it wraps, counts once and plain.
fn prompts_are_told_apart(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let window = Window::open(agent, &home);
    window.send("ERROR:500x2 and then well");
    assert!(model.wait_turns(PATIENCE, 1), "the agent tries again");
    window.wait_idle();
    window.send("HANG until released");
    assert!(model.wait_prompt(PATIENCE, "HANG until released"));
    assert!(!model.wait_turns(Duration::from_millis(300), 2), "it hangs");
    model.release();
    assert!(model.wait_turns(PATIENCE, 2), "it goes on");
    window.wait_idle();
    // The same words again are a prompt of their own.
    window.send("LONG:20000 words");
    assert!(model.wait_turns(PATIENCE, 3));
    window.wait_idle();
    window.send("LONG:20000 words");
    assert!(model.wait_turns(PATIENCE, 4));
    let sent = [
        "ERROR:500x2 and then well",
        "HANG until released",
        "LONG:20000 words",
        "LONG:20000 words",
    ];
    assert_eq!(model.prompts(), sent);
    assert_eq!(model.seen().len(), 6, "two errors, four answers");
    model.check();
}

#[test]
fn claude_prompts_are_told_apart() {
    prompts_are_told_apart(claude_old());
    prompts_are_told_apart(claude_new());
}

#[test]
fn codex_prompts_are_told_apart() {
    prompts_are_told_apart(codex_new());
    prompts_are_told_apart(codex_old());
}

/// A prompt sent while a command runs reaches the model as it was sent.
fn prompt_during_a_tool(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let window = Window::open(agent, &home);
    let first = "TOOL:for i in 1 2 3 4 5 6; do sleep 0.5; done; echo done";
    window.send(first);
    window.wait_recorded("the tool call", |entry| {
        let text = entry.to_string();
        text.contains("\"tool_use\"") || text.contains("_call\"")
    });
    window.send("sent while it runs");
    assert!(model.wait_prompt(PATIENCE, "sent while it runs"), "got {:?}", model.prompts());
    assert!(model.wait_turns(PATIENCE, 1));
    assert_eq!(model.prompts(), [first, "sent while it runs"]);
    model.check();
}

#[test]
fn claude_takes_a_prompt_during_a_tool() {
    prompt_during_a_tool(claude_old());
    prompt_during_a_tool(claude_new());
}

#[test]
fn codex_takes_a_prompt_during_a_tool() {
    prompt_during_a_tool(codex_new());
    prompt_during_a_tool(codex_old());
}
