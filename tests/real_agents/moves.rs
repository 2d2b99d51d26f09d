//! Conversations that go on in another transcript, and a follower that goes with them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::mpsc::{self, Receiver};

use serde_json::Value;

use crate::agents::{Agent, Kind, Trust};
use crate::run::{command, run};
use crate::truth::Stage;
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::wait::{PATIENCE, wait_until};

/// A follower of one session, and its records; it ends with the value.
struct Follower {
    child: std::process::Child,
    records: Receiver<Value>,
}

impl Follower {
    fn of(home: &Home, session: &str) -> Self {
        let mut child =
            command(home, "tail", &["-s", session, "-f", "--offsets"]).spawn().expect("tail");
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

    /// All records up to the first one that `wanted` takes.
    fn until(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut seen = Vec::new();
        loop {
            let record = self.records.recv_timeout(PATIENCE);
            seen.push(record.unwrap_or_else(|_| panic!("not the wanted one: {seen:#?}")));
            if seen.last().is_some_and(&wanted) {
                return seen;
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
    let follower = Follower::of(&home, "m");
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

/// A repository with one commit in the project folder.
fn repository(home: &Home) {
    for words in [&["init", "-q"][..], &["commit", "-q", "--allow-empty", "-m", "first"]] {
        let mut git = home.command("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(words);
        assert!(git.status().expect("git").success(), "{words:?}");
    }
}

/// Where a follower has come that saw each record of one transcript once.
fn once_each(seen: &[Value]) -> u64 {
    let mut next = 0;
    for record in seen {
        assert_eq!(record["offset"], next, "{record}");
        next = record["next"].as_u64().unwrap_or(next);
    }
    next
}

/// The transcript of a conversation moves within a turn.
fn moves_along(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    repository(&home);
    let stage = Stage { model, home };
    let home = &stage.home;
    run(home, "spawn", &["-b", agent.backend(), "-s", "t", "-p", "hello"]).record();
    assert_eq!(stage.waits().0, Some(0));
    let follower = Follower::of(home, "t");
    let ended = |record: &Value| {
        let text = record["entry"].to_string();
        text.contains("turn_duration") || text.contains("task_complete")
    };
    let mut seen = follower.until(ended);
    let cursor = || run(home, "tail", &["-s", "t", "--offsets", "--cursor", "place"]);
    let mut kept = cursor().records;

    // Claude Code's tools move it with the working folder; since 2.1.330, see the facts. Codex's
    // `archive` moves it under an agent that runs, up to 0.142; later ones refuse.
    let id = stage.listed()["agentSessionId"].as_str().expect("an id").to_owned();
    let gate = "TOOL:until test -e gate; do sleep 0.1; done";
    let put = |verb: &str| {
        stage.works(gate);
        let done = home.command("codex").args([verb, &id]).output().expect("codex");
        assert_eq!(done.status.success(), !agent.since("0.155.0"), "{done:?}");
        std::fs::write(home.proj().join("gate"), "").expect("the gate");
    };
    let steps: [(&str, &dyn Fn()); 3] = match agent.kind {
        Kind::Claude => [
            ("EnterWorktree", &|| stage.paste(r#"CALL:EnterWorktree {"name":"wt"}"#)),
            ("still here", &|| stage.paste("still here")),
            ("ExitWorktree", &|| stage.paste(r#"CALL:ExitWorktree {"action":"keep"}"#)),
        ],
        Kind::Codex => [
            ("archive", &|| put("archive")),
            ("still here", &|| stage.paste("still here")),
            ("unarchive", &|| put("unarchive")),
        ],
    };
    let moves = match agent.kind {
        Kind::Claude => agent.since("2.1.330"),
        Kind::Codex => !agent.since("0.155.0"),
    };
    for (step, act) in steps {
        act();
        let (status, record) = stage.waits();
        assert_eq!((status, &record["state"]), (Some(0), &"done".into()), "{step}: {record}");
        assert_eq!(run(home, "flag", &["check", "t"]).status, Some(0), "{step}");
        wait_until(PATIENCE, "rest", || stage.listed()["state"] == "idle");
        kept.extend(cursor().records);
    }
    for _ in 0..steps.len() {
        seen.extend(follower.until(ended));
    }
    for records in [&seen, &kept] {
        let told = records.iter().filter(|record| record.get("moved").is_some()).count();
        assert_eq!(told, if moves { 2 } else { 0 }, "one note for each move");
        once_each(records);
    }
    if agent.kind == Kind::Claude {
        let deeper = home.proj().join("deeper");
        std::fs::create_dir(&deeper).expect("a folder");
        let words = format!("/cd {}", deeper.display());
        let went = run(home, "paste", &["-s", "t", "--command", "-p", &words]);
        assert_eq!(went.record()["verdict"], "submitted");
        seen.extend(follower.until(|record| record.get("moved").is_some()));
        stage.paste("from there");
        assert_eq!(stage.waits().0, Some(0));
    }
    run(home, "kill", &["t"]).record();
    // After the end, too.
    if agent.kind == Kind::Codex {
        let done = home.command("codex").args(["archive", &id]).output().expect("codex");
        assert!(done.status.success(), "{done:?}");
        seen.extend(follower.until(|record| record.get("moved").is_some()));
        let again = run(home, "tail", &["-s", "t", "--offsets"]);
        let path = seen[seen.len() - 1]["moved"]["to"].as_str().expect("a path");
        assert!(path.contains("/archived_sessions/"), "{path}");
        let size = Path::new(path).metadata().expect("the transcript").len();
        assert_eq!(once_each(&again.records), size);
        kept.extend(cursor().records);
        assert_eq!(once_each(&kept), size);
    }
    stage.model.check();
}

/// A session that begins in a worktree of its own.
fn begins_in_a_worktree(agent: Agent) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    repository(&home);
    let stage = Stage { model, home };
    let words = ["-b", agent.backend(), "-s", "t", "-p", "hello", "--", "--worktree", "x"];
    let spawned = run(&stage.home, "spawn", &words);
    let path = spawned.record()["jsonlPath"].as_str().expect("a path").to_owned();
    assert!(path.contains("--claude-worktrees-x/") && Path::new(&path).exists(), "{path}");
    assert_eq!(stage.waits().0, Some(0));
    let seen = run(&stage.home, "tail", &["-s", "t", "--offsets"]).records;
    once_each(&seen);
    stage.paste("and again");
    assert_eq!(stage.waits().0, Some(0));
    run(&stage.home, "kill", &["t"]).record();
    stage.model.check();
}

on_agents!(begins_in_a_worktree: claude_old, claude_new);
on_agents!(moves_along: claude_old, claude_new, codex_old, codex_new);
on_agents!(goes_along: claude_old, claude_new, codex_old, codex_new);
