//! An agent in a pane of its own, and the steps of a scene done to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use aimax::EventKind as Happened;
use aimax::internal::Backend;
use aimax::internal::{InputBox, Profile};
use aimax::internal::{Look, Pane, Screen};
use serde_json::Value;

use super::clean::Cleaner;
use super::scenes::{Setup, Sign, Step};
use super::{Recording, Shot, profile};
use crate::agents::{Agent, Kind, Trust};
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::tmux::Tmux;
use crate::util::wait::{wait_for, wait_until};

/// How long any one wait may last.
const DEADLINE: Duration = Duration::from_secs(30);

/// A screen that has not changed for so long is drawn.
const DRAWN: Duration = Duration::from_millis(500);

/// A screen that the profile does not know is taken for the expected dialog after so long.
const UNKNOWN: Duration = Duration::from_secs(4);

/// A transcript that has not grown for so long is whole.
const WRITTEN: Duration = Duration::from_millis(700);

/// The running agent.
pub(super) struct Stage<'a> {
    agent: Agent,
    model: &'a Model,
    home: &'a Home,
    profile: Profile,
    cleaner: Cleaner,
    argv: Vec<String>,
    pane: String,
}

/// A home as `setup` wants it, for the time before the agent starts.
pub(super) fn home(agent: Agent, model: &Model, setup: &[Setup]) -> Home {
    let unseen = setup.iter().any(|part| matches!(part, Setup::Unseen));
    let mut home = agent.home(model, if unseen { Trust::Ask } else { Trust::Seeded });
    for part in setup {
        match part {
            Setup::HomeFile(path, content) => {
                home.write(path, content);
            }
            Setup::ProjFile(path, content) => {
                home.write(&format!("../proj/{path}"), content);
            }
            Setup::Missing(path) => {
                fs::remove_file(home.home().join(path)).expect("a seeded file");
            }
            Setup::Unset(parent, field) => unset(&home, parent, field),
            Setup::Config(begin, line) => {
                let old = config(&home);
                let lines = old.lines().map(|l| if l.starts_with(begin) { line } else { l });
                home.write(CONFIG, lines.map(|line| format!("{line}\n")).collect::<String>());
            }
            Setup::ConfigMore(more) => {
                home.write(CONFIG, config(&home) + more);
            }
            Setup::Env(name, value) => home.set(name, *value),
            Setup::Repository => {
                let git = Command::new("git").args(["init", "-q"]).arg(home.proj()).status();
                assert!(git.expect("git").success(), "git init");
            }
            Setup::Unseen
            | Setup::InHome
            | Setup::Args(_)
            | Setup::Permissions(_)
            | Setup::Before(_) => {}
        }
    }
    home
}

const CONFIG: &str = ".codex/config.toml";

fn config(home: &Home) -> String {
    fs::read_to_string(home.home().join(CONFIG)).expect("the seeded configuration")
}

fn unset(home: &Home, parent: &str, field: &str) {
    let file = ".claude/settings.json";
    let text = fs::read_to_string(home.home().join(file)).expect("the seeded settings");
    let mut settings: Value = serde_json::from_str(&text).expect("JSON");
    let fields = settings.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    fields.remove(field).expect("a seeded field");
    home.write(file, settings.to_string());
}

fn argv(agent: Agent, setup: &[Setup]) -> Vec<String> {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut argv = owned(agent.argv());
    for part in setup {
        match part {
            Setup::Permissions(args) => {
                argv.pop();
                argv.extend(owned(args));
            }
            Setup::Args(args) => argv.extend(owned(args)),
            Setup::Before(words) => {
                argv.splice(0..0, owned(words));
            }
            _ => {}
        }
    }
    argv
}

impl<'a> Stage<'a> {
    /// Starts the agent in a home that [`home`] has made.
    pub(super) fn open(agent: Agent, model: &'a Model, home: &'a Home, setup: &[Setup]) -> Self {
        let in_home = setup.iter().any(|part| matches!(part, Setup::InHome));
        let folder = if in_home { home.home() } else { home.proj() };
        let argv = argv(agent, setup);
        let pane = home.tmux().start("agent", &folder, &argv);
        let cleaner = Cleaner::new(home, &model.url());
        Stage { agent, model, home, profile: profile(agent), cleaner, argv, pane }
    }

    fn tmux(&self) -> Tmux<'_> {
        self.home.tmux()
    }

    /// Does one step; what it records goes into `into`.
    pub(super) fn play(&mut self, step: &Step, into: &mut Recording) {
        match step {
            Step::Until(sign) => self.wait(*sign),
            Step::Send(prompt) => self.send(prompt, "Enter"),
            Step::SendLater(prompt) => self.send(prompt, "Tab"),
            Step::Draft(prompt) => self.draft(prompt),
            Step::Clear => self.clear(),
            Step::Command(text) => self.command(text),
            Step::Key(key) => {
                self.tmux().keys(&self.pane, &[key]);
                // Two of them at once would be another key.
                thread::sleep(Duration::from_millis(200));
            }
            Step::Interrupt => {
                // It takes no Escape while whole lines of an answer stream.
                let deaf = !self.agent.heeds_keys_while_it_streams();
                self.tmux().keys(&self.pane, &[if deaf { "C-c" } else { "Escape" }]);
            }
            Step::Release => self.model.release(),
            Step::OpenAgain => self.open_again(),
            Step::Screen(name) => {
                let shot = self.shot();
                self.cleaner.check(name, &shot.plain);
                into.screens.insert(name, shot);
            }
            Step::Transcript(name) => {
                let path = self.transcripts().pop().expect("a transcript");
                into.transcripts.insert(name, self.settled(&path));
            }
            Step::OldTranscript(name) => {
                let path = self.transcripts().swap_remove(0);
                into.transcripts.insert(name, self.settled(&path));
            }
        }
    }

    fn wait(&self, sign: Sign) {
        match sign {
            Sign::Ready => self.ready("the agent is ready"),
            Sign::Over(count) => {
                self.over(count);
                self.ready("the agent is ready after the turn");
            }
            Sign::Stopped(count) => {
                self.over(count);
                wait_until(DEADLINE, "the agent is idle after the turn", || self.is_idle());
            }
            Sign::Called(count) => {
                self.events(&format!("{count} tool calls"), count, |kind| {
                    kind == Happened::ToolCall
                });
            }
            Sign::Recorded(text) => {
                wait_for(DEADLINE, &format!("{text:?} in the transcript"), |saw| {
                    let path = self.transcripts().pop()?;
                    *saw = fs::read_to_string(path).unwrap_or_default();
                    saw.contains(text).then_some(())
                });
            }
            Sign::Text(text) => self.text(text),
            Sign::Dialog(name) => self.dialog(name),
            Sign::Ended => wait_until(DEADLINE, "the end of the program", || {
                // tmux 3.3a now and then misses the end of a child until another one ends.
                self.tmux().run(["run-shell", "true"]);
                self.tmux().ask(&self.pane, "pane_dead") == "1"
            }),
            Sign::FirstFrame => self.first_frame(),
        }
    }

    /// Waits until so many turns have ended in whatever way.
    fn over(&self, count: usize) {
        use Happened::{Error, Interrupted, TurnEnd, Unanswered};
        self.events(&format!("{count} turns over"), count, |kind| {
            matches!(kind, TurnEnd | Unanswered | Interrupted | Error)
        });
    }

    fn text(&self, text: &str) {
        wait_for(DEADLINE, &format!("{text:?} on the screen"), |saw| {
            *saw = self.tmux().capture(&self.pane);
            saw.to_lowercase().contains(&text.to_lowercase()).then_some(())
        });
    }

    /// Idle by the agent's own word, with an empty box, and drawn.
    fn ready(&self, what: &str) {
        wait_for(DEADLINE, what, |saw| {
            let shot = self.shot();
            let ready = self.is_idle() && self.profile.input_box(&shot.look()) == InputBox::Empty;
            *saw = shot.plain;
            ready.then_some(())
        });
        self.drawn();
    }

    /// Waits until the screen stays as it is; one that never does is taken at the deadline.
    fn drawn(&self) {
        let begun = Instant::now();
        let (mut last, mut since) = (self.shot(), Instant::now());
        while since.elapsed() < DRAWN && begun.elapsed() < DRAWN * 10 {
            thread::sleep(Duration::from_millis(50));
            let now = self.shot();
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
    }

    /// The dialog of that name; or one that the profile does not know, which stands there and is no
    /// agent that waits for a prompt: that is what a new version is recorded for.
    fn dialog(&self, name: &str) {
        let (mut last, mut since) = (String::new(), Instant::now());
        wait_for(DEADLINE, &format!("the {name} dialog"), |saw| {
            let shot = self.shot();
            let found = self.profile.open_dialog(&shot.look()).map(|dialog| dialog.name.clone());
            if shot.plain != last {
                (last, since) = (shot.plain.clone(), Instant::now());
            }
            *saw = shot.plain;
            if found.is_some() {
                return (found.as_deref() == Some(name)).then_some(());
            }
            let stands = since.elapsed() > UNKNOWN && !saw.trim().is_empty();
            let dead = self.tmux().ask(&self.pane, "pane_dead") == "1";
            if !stands || dead || self.is_idle() {
                return None;
            }
            println!(
                "{:?}: taken for the {name} dialog, unknown to the profile:\n{saw}",
                self.agent
            );
            Some(())
        });
        self.drawn();
    }

    /// Looks as fast as it can: the frame stands for a moment only.
    fn first_frame(&self) {
        let begun = Instant::now();
        while begun.elapsed() < DEADLINE {
            let shot = self.shot();
            if self.profile.input_box(&shot.look()) == InputBox::Empty {
                assert!(!self.is_idle(), "the first frame came and went too fast");
                return;
            }
        }
        panic!("not within {DEADLINE:?}: a frame with an input box");
    }

    /// Waits until the newest transcript has so many events of these kinds.
    fn events(&self, what: &str, count: usize, of: impl Fn(Happened) -> bool) {
        let backend = Backend::parse(self.agent.backend()).expect("a backend");
        wait_for(DEADLINE, &format!("{what} in the transcript"), |saw| {
            *saw = self.tmux().capture(&self.pane);
            let text = fs::read_to_string(self.transcripts().pop()?).ok()?;
            let whole = &text[..=text.rfind('\n')?];
            let events = whole.lines().flat_map(|line| backend.agent().parse_line(line.as_bytes()));
            (events.filter(|event| of(event.kind)).count() >= count).then_some(())
        });
    }

    /// Claude Code's state file of this very process, or Codex's title with a thread in it.
    fn is_idle(&self) -> bool {
        match self.agent.kind {
            Kind::Claude => self.state()["status"] == "idle",
            Kind::Codex => self.tmux().ask(&self.pane, "pane_title").starts_with("Ready | "),
        }
    }

    fn state(&self) -> Value {
        let pid = self.tmux().ask(&self.pane, "pane_pid");
        let path = self.home.home().join(format!(".claude/sessions/{pid}.json"));
        // It is written in place: what does not parse now will at the next look.
        serde_json::from_slice(&fs::read(path).unwrap_or_default()).unwrap_or_default()
    }

    /// The screen, its cursor and what the agent says, by one question.
    fn shot(&self) -> Shot {
        let facts = "#{cursor_x}\t#{cursor_y}\t#{cursor_flag}\t#{alternate_on}\t#{pane_dead}\t\
            #{host}\t#{pane_title}";
        let mut command = vec!["display-message", "-p", "-t", &self.pane, facts, ";"];
        command.extend(["capture-pane", "-p", "-t", &self.pane, ";"]);
        command.extend(["capture-pane", "-p", "-e", "-t", &self.pane]);
        let said = self.tmux().run(command);
        let mut lines = said.split_inclusive('\n');
        let facts: Vec<&str> =
            lines.next().expect("facts").trim_end_matches('\n').splitn(7, '\t').collect();
        let [x, y, flag, alternate, dead, host, title] = facts[..] else {
            panic!("unexpected facts {facts:?}");
        };
        let lines: Vec<&str> = lines.collect();
        let (plain, styled) = lines.split_at(lines.len() / 2);
        Shot {
            plain: self.cleaner.text(&plain.concat()),
            styled: self.cleaner.text(&styled.concat()),
            cursor: (x.parse().expect("a column"), y.parse().expect("a line")),
            flag: flag == "1",
            alternate: alternate == "1",
            title: if title == host { "host".to_owned() } else { self.cleaner.text(title) },
            status: if dead == "1" { "ended".to_owned() } else { self.status() },
        }
    }

    /// The words of Claude Code's state file.
    fn status(&self) -> String {
        if self.agent.kind == Kind::Codex {
            return String::new();
        }
        let state = self.state();
        let status = state["status"].as_str().unwrap_or_default();
        match state["waitingFor"].as_str() {
            Some(what) if status == "waiting" => format!("{status} ({what})"),
            _ => status.to_owned(),
        }
    }

    /// Pastes a prompt as the agent takes it.
    fn draft(&self, prompt: &str) {
        let lead = if self.agent.kind == Kind::Claude { "" } else { " " };
        self.tmux().paste(&self.pane, &format!("{lead}{prompt} "));
    }

    fn box_line(&self) -> String {
        let shot = self.shot();
        shot.plain.lines().nth(shot.cursor.1).unwrap_or_default().to_owned()
    }

    /// Pastes a prompt, waits until the box holds its end, and presses the key.
    fn send(&self, prompt: &str, key: &str) {
        self.draft(prompt);
        let tail: String = prompt.chars().skip(prompt.chars().count().max(12) - 12).collect();
        let held = |line: &str| line.contains(&tail) || line.contains("[Pasted ");
        wait_for(DEADLINE, &format!("{tail:?} in the input box"), |saw| {
            *saw = self.box_line();
            held(saw).then_some(())
        });
        self.press_until(key, || !held(&self.box_line()));
    }

    /// Types a command. Its list is drawn a little later, and Enter chooses from it.
    fn command(&self, text: &str) {
        self.tmux().run(["send-keys", "-l", "-t", &self.pane, text]);
        self.text(text);
        self.drawn();
        self.press_until("Enter", || !self.box_line().contains(text));
    }

    /// Presses the key, and once more where the agent has swallowed it.
    fn press_until(&self, key: &str, done: impl Fn() -> bool) {
        for _ in 0..3 {
            self.tmux().keys(&self.pane, &[key]);
            let pressed = Instant::now();
            while pressed.elapsed() < Duration::from_secs(2) {
                if done() {
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
        panic!("{key} has no effect:\n{}", self.tmux().capture(&self.pane));
    }

    fn clear(&self) {
        let backend = Backend::parse(self.agent.backend()).expect("a backend");
        wait_until(DEADLINE, "an empty input box", || {
            self.tmux().keys(&self.pane, backend.facts().clear_keys);
            thread::sleep(Duration::from_millis(100));
            self.profile.input_box(&self.shot().look()) == InputBox::Empty
        });
    }

    /// The same conversation in a second pane.
    fn open_again(&mut self) {
        let path = self.transcripts().pop().expect("a transcript");
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a UTF-8 name");
        let id = &stem[stem.len() - 36..];
        let mut argv = self.argv.clone();
        argv.extend(["resume", id].map(str::to_owned));
        self.pane = self.tmux().start("again", &self.home.proj(), &argv);
    }

    /// The transcripts, the oldest first.
    fn transcripts(&self) -> Vec<PathBuf> {
        let folder = match self.agent.kind {
            Kind::Claude => ".claude/projects",
            Kind::Codex => ".codex/sessions",
        };
        let mut found = Vec::new();
        find_transcripts(&self.home.home().join(folder), &mut found);
        found.sort();
        found.into_iter().map(|(_, path)| path).collect()
    }

    /// A transcript once it does not grow any more, cleaned.
    fn settled(&self, path: &Path) -> String {
        let length = || fs::metadata(path).map_or(0, |file| file.len());
        let (mut last, mut since) = (length(), Instant::now());
        wait_until(DEADLINE, "a transcript that does not grow", || {
            let now = length();
            if now != last {
                (last, since) = (now, Instant::now());
            }
            since.elapsed() > WRITTEN
        });
        let text = fs::read_to_string(path).expect("the transcript");
        assert!(text.ends_with('\n'), "whole lines");
        self.cleaner.transcript(&text)
    }
}

impl Shot {
    /// What the profile judges.
    pub(super) fn look(&self) -> Look {
        let pane = Pane {
            cursor_x: self.cursor.0,
            cursor_y: self.cursor.1,
            cursor_hidden: !self.flag,
            ..Pane::default()
        };
        Look { pane, screen: Screen::parse(&self.styled) }
    }
}

fn find_transcripts(folder: &Path, found: &mut Vec<(std::time::SystemTime, PathBuf)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find_transcripts(&path, found);
        } else if path.extension().is_some_and(|end| end == "jsonl") {
            let made = entry.metadata().and_then(|file| file.created());
            found.push((made.expect("when the file was made"), path));
        }
    }
}
