//! Conversations that go on in another transcript, and a follower that goes with them.

use std::io::{BufRead, BufReader};
use std::sync::mpsc::{self, Receiver};

use serde_json::Value;

use crate::agents::{Agent, Kind, Trust};
use crate::run::{command, run};
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::wait::PATIENCE;

/// A follower of one session, and its records; it ends with the value.
struct Follower {
    child: std::process::Child,
    records: Receiver<Value>,
}

impl Follower {
    fn start(home: &Home) -> Self {
        let mut child =
            command(home, "tail", &["-s", "m", "-f", "--offsets"]).spawn().expect("tail");
        let reader = BufReader::new(child.stdout.take().expect("its records"));
        let (send, records) = mpsc::channel();
        std::thread::spawn(move || {
            let lines = reader.lines().map_while(Result::ok);
            lines
                .map(|line| serde_json::from_str(&line).expect("JSON"))
                .all(|r| send.send(r).is_ok())
        });
        Follower { child, records }
    }

    /// The next record that `wanted` takes.
    fn next(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let record = self.records.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{what}"));
            if wanted(&record) {
                return record;
            }
        }
    }

    /// The conversation goes on elsewhere, from the beginning of that; where.
    fn moved(&self, from: &str) -> String {
        let moved = self.next("a move", |record| record.get("moved").is_some())["moved"].clone();
        assert_eq!(moved["from"], from);
        let to = moved["to"].as_str().expect("a path").to_owned();
        assert_ne!(to, from);
        let first = self.next("its first record", |_| true);
        assert_eq!(first["offset"], 0, "{first}");
        to
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // One that has ended is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn says(record: &Value, prompt: &str) -> bool {
    record["entry"].to_string().contains(prompt)
}

fn goes_along(agent: Agent) {
    let commands: &[&str] = match agent.kind {
        Kind::Claude => &["/clear"],
        Kind::Codex if agent.since("0.169.0") => &["/new", "/fork"],
        Kind::Codex => &["/new"],
    };
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let spawned = run(&home, "spawn", &["-b", agent.backend(), "-s", "m", "-p", "prompt zero"]);
    let record = spawned.record().clone();
    let first = record["jsonlPath"].as_str().expect("a transcript").to_owned();
    let id = record["agentSessionId"].as_str().expect("an id").to_owned();
    let follower = Follower::start(&home);
    follower.next("the first prompt", |record| says(record, "prompt zero"));

    let mut here = first.clone();
    for (n, name) in commands.iter().enumerate() {
        run(&home, "flag", &["wait", "m", "--timeout", "60"]).record();
        let args = ["-s", "m", "--when", "idle", "--command", "-p", name];
        let ran = run(&home, "paste", &args);
        assert_eq!(ran.record()["verdict"], "submitted", "{ran:#?}");
        let prompt = format!("prompt after {n}");
        let pasted = run(&home, "paste", &["-s", "m", "-p", &prompt, "--timeout", "60"]);
        assert_eq!(pasted.record()["verdict"], "submitted");
        here = follower.moved(&here);
        follower.next(&prompt, |record| says(record, &prompt));
    }
    if agent.kind == Kind::Claude {
        // The first conversation, taken up again under the same name.
        run(&home, "kill", &["m"]);
        let resumed = run(&home, "spawn", &["-b", agent.backend(), "-s", "m", "--resume", &id]);
        assert_eq!(resumed.record()["jsonlPath"], first.as_str());
        assert_eq!(follower.moved(&here), first);
    }
}

on_agents!(goes_along: claude_old, claude_new, codex_old, codex_new);
