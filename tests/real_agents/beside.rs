//! Ours beside the original, verb by verb: on the same state files and the same sessions, those
//! that each of them made, at the same time.
//!
//! What they print is compared key by key. A difference that remains must be one that is meant, and
//! stands in [`MEANT`] with its reason; any other fails.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::agents::{Agent, Kind, Trust};
use crate::original::{Said, ours, practice_home, share, theirs};
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::wait::{PATIENCE, wait_for, wait_until};

/// How the differences that are meant begin and end, and why they are.
const MEANT: &[(&str, &str, &str)] = &[
    ("config config.codex_default_model: ", "", "the agent's own default unless a model is named"),
    ("config config.", ": only here", "settings that the original has not"),
    ("config env_overrides.", ": only here", "variables that the original has not"),
    ("config sources: only here", "", "where each value came from"),
    ("config file: only here", "", "the file of settings"),
    ("admin agentBackendDefaults.tmux-claude-code.useProxy: ", "", "no proxy unless asked for"),
    ("send ", ": only here", "the verdict, and the offset before the prompt"),
    // It goes by the last record alone, and there the reason for the stop may be missing.
    ("status working: true / false", "", "what it takes for work may be over"),
    ("end-status working: true / false", "", "what it takes for work may be over"),
    ("list _root: ", "", "`_root` is listed as a session"),
    ("create: ", "", "`create` on Codex times out: unknown dialogs"),
    ("end-status jobGoalAccomplished: ", "", "nothing removes `running.flag`"),
    ("alive-after-pause: ", "", "`pause` by three C-c ends the agent"),
];

/// The differences of one run.
struct Differences(Vec<String>);

impl Differences {
    fn note(&mut self, verb: &str, there: impl std::fmt::Display, here: impl std::fmt::Display) {
        self.0.push(format!("{verb}: {there} / {here}"));
    }

    /// Compares two values key by key.
    fn compare(&mut self, at: &str, there: &Value, here: &Value) {
        match (there, here) {
            (Value::Object(there), Value::Object(here)) => {
                let at = if at.contains(' ') { format!("{at}.") } else { format!("{at} ") };
                for (key, value) in there {
                    match here.get(key) {
                        Some(own) => self.compare(&format!("{at}{key}"), value, own),
                        None => self.0.push(format!("{at}{key}: only there")),
                    }
                }
                for key in here.keys().filter(|key| !there.contains_key(*key)) {
                    self.0.push(format!("{at}{key}: only here"));
                }
            }
            (Value::Array(there), Value::Array(here)) if there.len() == here.len() => {
                for (n, (there, here)) in there.iter().zip(here).enumerate() {
                    self.compare(&format!("{at}[{n}]"), there, here);
                }
            }
            _ if there != here => self.note(at, there, here),
            _ => {}
        }
    }

    /// The same where some keys' values are those of different sessions, or of different moments:
    /// only their types are compared.
    fn compare_but(&mut self, at: &str, own: &[&str], there: &Value, here: &Value) {
        self.compare(at, &typed(there, own), &typed(here, own));
    }

    /// Prints all, and fails if one is not meant.
    fn conclude(self, who: &str) {
        let mut unknown = Vec::new();
        for difference in &self.0 {
            let meant = MEANT
                .iter()
                .find(|(begin, end, _)| difference.starts_with(begin) && difference.ends_with(end));
            match meant {
                Some((.., why)) => println!("{who}: {difference}   (meant: {why})"),
                None => unknown.push(difference),
            }
        }
        assert!(unknown.is_empty(), "{who}: differences that nobody meant: {unknown:#?}");
    }
}

/// The value, with the name of the type in the place of what is under these keys.
fn typed(value: &Value, keys: &[&str]) -> Value {
    let name = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "yes or no",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| match keys.contains(&key.as_str()) {
                true => (key.clone(), name(value).into()),
                false => (key.clone(), typed(value, keys)),
            })
            .collect(),
        Value::Array(items) => items.iter().map(|item| typed(item, keys)).collect(),
        other => other.clone(),
    }
}

/// An agent in a home that both programs share.
struct Stage {
    home: Home,
    backend: &'static str,
    /// A prompt whose turn takes long, and what its transcript holds once it is under way: an
    /// agent that has said nothing yet gives the prompt back when it is stopped.
    slow: [&'static str; 2],
    /// Whether the original can start it.
    starts: bool,
    found: Differences,
}

impl Stage {
    fn of(home: Home, backend: &'static str, slow: [&'static str; 2]) -> Stage {
        Stage { home, backend, slow, starts: true, found: Differences(Vec::new()) }
    }

    fn both(&self, args: &[&str]) -> (Said, Said) {
        (theirs(&self.home, args), ours(&self.home, args))
    }

    /// Compares what both print of the same.
    fn same(&mut self, at: &str, own: &[&str], args: &[&str]) {
        let (there, here) = self.both(args);
        self.found.compare_but(at, own, &there.told(), &here.told());
    }

    fn idle(&self, name: &str) {
        wait_for(PATIENCE, "an idle session", |saw| {
            let status = ours(&self.home, &["status", "-b", self.backend, "-s", name]).told();
            *saw = status.to_string();
            (status["working"] == false && status["jobGoalAccomplished"] == true).then_some(())
        });
    }

    fn working(&self, name: &str) {
        wait_until(PATIENCE, "a working session", || {
            let history = ours(&self.home, &["history", "-s", name]).document().to_string();
            let working = ours(&self.home, &["status", "-s", name]).told()["working"] == true;
            working && history.contains(self.slow[1])
        });
    }

    /// What both say of a session that rests. The original goes by the last records alone, which
    /// may come a moment later.
    fn status(&mut self, name: &str) {
        let args = ["status", "-b", self.backend, "-s", name];
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let (there, here) = self.both(&args);
            if there.told() == here.told() || Instant::now() > end {
                self.found.compare("status", &there.told(), &here.told());
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What has nothing to do with a session.
    fn settings(&mut self) {
        self.same("version", &["version"], &["version"]);
        self.same("config", &["version"], &["config", "show"]);
        self.same("admin", &[], &["admin", "show"]);
        // What one sets, the other sees.
        let codex = ["admin", "set-proxy", "-b", "tmux-codex", "--value", "true"];
        let set = ours(&self.home, &codex).document();
        assert_eq!(set["agentBackendDefaults"]["tmux-codex"]["useProxy"], true);
        let shown = theirs(&self.home, &["admin", "show"]).document();
        assert_eq!(shown["agentBackendDefaults"]["tmux-codex"]["useProxy"], true);
        let claude = ["admin", "set-proxy", "-b", "tmux-claude-code", "--value", "no"];
        let set = theirs(&self.home, &claude).document();
        assert_eq!(set, ours(&self.home, &["admin", "show"]).document());
        let (there, here) = self.both(&[&codex[..5], &["off"]].concat());
        assert_eq!(there.document(), here.document());
    }

    fn create(&mut self) {
        let proj = self.home.proj().to_string_lossy().into_owned();
        let args = |name: &'static str| {
            let to = ["create", "-b", self.backend, "-s", name, "--cwd", &proj];
            [&to[..], &["--use-proxy", "false", "-p", "hi"]].concat()
        };
        let here = ours(&self.home, &args("ours"));
        let there = theirs(&self.home, &args("theirs"));
        let own = ["sessionId", "agentSessionId", "jsonlPath", "startedAt"];
        if there.status == Some(0) {
            self.found.compare_but("create", &own, &there.told(), &here.document());
        } else {
            assert_eq!(self.backend, "tmux-codex", "{there:#?}");
            self.starts = false;
            let last = there.text.trim().lines().last().unwrap_or_default().to_owned();
            self.found.note("create", last, here.document());
            ours(&self.home, &args("theirs")).document();
        }
    }

    fn look(&mut self) {
        let moments = ["lastActivityMs", "lastActivityAt"];
        for args in [&["list"][..], &["list", "-b", self.backend]] {
            let (there, here) = self.both(args);
            let mut there = there.document();
            for windows in there.as_object_mut().expect("lists").values_mut() {
                let windows = windows.as_array_mut().expect("a list");
                let before = windows.len();
                windows.retain(|window| window["sessionId"] != "_root");
                if windows.len() < before {
                    self.found.note("list _root", "listed", "not listed");
                }
            }
            self.found.compare_but("list", &moments, &there, &here.document());
        }
    }

    fn run(mut self, who: &str) {
        self.settings();
        self.create();
        self.idle("ours");
        if self.starts {
            // Nobody of ours has looked at it yet.
            let backend = self.backend;
            let status = ["status", "-b", backend, "-s", "theirs"];
            wait_until(PATIENCE, "the end of the turn", || {
                let history = ours(&self.home, &["history", "-s", "theirs"]).document();
                history.to_string().contains("echo: hi")
            });
            let there = theirs(&self.home, &status).document();
            self.idle("theirs");
            let here = ours(&self.home, &status).document();
            self.found.compare("end-status", &there, &here);
        }
        self.idle("theirs");
        self.look();
        for name in ["theirs", "ours"] {
            self.status(name);
        }
        self.send();
        for name in ["theirs", "ours"] {
            self.read(name);
        }
        self.pause();
        self.stop();
        self.found.conclude(who);
    }

    /// Each prompts the session that the other made.
    fn send(&mut self) {
        let backend = self.backend;
        let to = |name: &'static str| ["send", "-b", backend, "-s", name, "-p", "two words, é"];
        let here = ours(&self.home, &to("theirs")).document();
        let there = theirs(&self.home, &to("ours")).document();
        self.found.compare_but("send", &["sessionId"], &there, &here);
        for name in ["theirs", "ours"] {
            wait_for(PATIENCE, "the prompt in the transcript", |saw| {
                let history = ours(&self.home, &["history", "-s", name]).document();
                *saw = history.to_string();
                saw.contains("two words, é").then_some(())
            });
            self.idle(name);
        }
    }

    /// What both read of a conversation.
    fn read(&mut self, name: &str) {
        let backend = self.backend;
        // The transcript rests.
        let history = ["history", "-b", backend, "-s", name];
        let whole = wait_for(PATIENCE, "a transcript that rests", |_| {
            let (there, here) = self.both(&history);
            let again = ours(&self.home, &history).document();
            (here.document() == again).then(|| (there.document(), again))
        });
        self.found.compare("history", &whole.0, &whole.1);
        self.same("history-tail", &[], &[&history[..], &["--tail", "2"]].concat());
        let sentinel = whole.1["sentinel"].to_string();
        assert!(whole.1["sentinel"]["primary"].as_u64() > Some(0), "{sentinel}");
        let stream = ["stream", "-b", backend, "-s", name, "--max", "3", "--from-sentinel"];
        let (there, here) = self.both(&[&stream[..], &["0"]].concat());
        assert_eq!(here.status, Some(0), "{here:#?}");
        assert_eq!(here.values.last(), Some(&json!({ "received": 3 })), "{here:#?}");
        // It may get some more than it counts.
        self.found.compare("stream", &json!(there.values[..3]), &json!(here.values[..3]));
    }

    fn pause(&mut self) {
        let backend = self.backend;
        for name in ["theirs", "ours"] {
            ours(&self.home, &["send", "-s", name, "-p", self.slow[0]]).document();
            self.working(name);
        }
        let pause = |name: &'static str| ["pause", "-b", backend, "-s", name];
        let here = ours(&self.home, &pause("ours")).document();
        let there = theirs(&self.home, &pause("theirs")).document();
        self.found.compare_but("pause", &["sessionId"], &there, &here);
        let alive = |name: &str| {
            ours(&self.home, &["status", "-b", backend, "-s", name]).told()["alive"] == true
        };
        assert!(alive("ours"));
        // What its keys do shows a moment later.
        let end = Instant::now() + Duration::from_secs(3);
        while alive("theirs") && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(100));
        }
        if !alive("theirs") {
            self.found.note("alive-after-pause", "no", "yes");
        }
        let again = [&pause("ours")[..], &["-p", "once more"]].concat();
        let resent = ours(&self.home, &again).document();
        assert_eq!(resent, json!({ "ok": true, "sessionId": "ours", "resentPrompt": true }));
        self.idle("ours");
    }

    /// Each ends the session that the other made.
    fn stop(&mut self) {
        let backend = self.backend;
        let stop = |name: &'static str| ["stop", "-b", backend, "-s", name];
        let here = ours(&self.home, &stop("theirs")).document();
        let there = theirs(&self.home, &stop("ours")).document();
        let own = ["sessionId", "killed", "wasWorking"];
        self.found.compare_but("stop", &own, &there, &here);
        assert_eq!((&there["killed"], &there["wasWorking"]), (&json!(true), &json!(false)));
        for name in ["theirs", "ours"] {
            self.same("gone-status", &[], &["status", "-b", backend, "-s", name]);
            self.same("gone-stop", &[], &stop(name));
        }
        self.look();
        let mut windows = self.home.command("tmux");
        windows.args(["list-windows", "-a", "-F", "#{window_name}"]);
        let windows = windows.output().expect("tmux on the PATH").stdout;
        let windows = String::from_utf8(windows).expect("UTF-8");
        assert!(windows.lines().all(|name| name == "_root"), "{windows}");
    }
}

fn every_verb(agent: Agent) {
    let model = Model::start();
    let mut home = agent.home(&model, Trust::Seeded);
    share(&mut home);
    let who = format!("{} {}", agent.program(), agent.version);
    let under_way = match agent.kind {
        Kind::Claude => "\"tool_use\"",
        Kind::Codex => "_call\"",
    };
    Stage::of(home, agent.backend(), ["TOOL:for i in $(seq 60); do sleep 1; done", under_way])
        .run(&who);
    model.check();
}

/// The practice agent in the place of Claude Code: the original knows no other two.
fn on_practice() {
    let home = practice_home();
    Stage::of(home, "tmux-claude-code", [":slow 60000", ":slow 60000"]).run("practice");
}

#[test]
fn practice() {
    on_practice();
}

on_agents!(every_verb: claude_old, claude_new, codex_old, codex_new);
