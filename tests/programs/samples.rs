//! The state that is shown agrees with the truth, at random moments of a scripted session, while a
//! person moves, renames and splits the window.
//!
//! The script opens the gates that the turns wait at, presses the keys, and kills the agent. From
//! there to the moment that the agent's own word of it can be read, the change is under way.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    desk::{Desk, GATE, gone},
    records::{Killed, Proven, Ready},
    util::{
        meddler::Meddler,
        truth::{Clock, Sampler, Truth, traced},
        wait::{PATIENCE, wait_until},
    },
};

/// How many looks.
const LOOKS: usize = 250;

/// What is promised of a turn that is stopped: that it is told so within this.
const STOPPED: Duration = Duration::from_secs(1);

/// A session that plays its part, and what is true of it.
struct Play {
    desk: Desk,
    ready: Ready,
    clock: Clock,
    states: Truth,
    jobs: Truth,
}

impl Play {
    fn begin() -> Play {
        let desk = Desk::new();
        let ready = desk.ready("a");
        let (states, jobs) = (Truth::new("idle"), Truth::new("done"));
        Play { desk, ready, clock: Clock::new(), states, jobs }
    }

    /// Pastes, and says when the flag was set, when the key was pressed, and when it was proven.
    fn paste(&self, prompt: &str) -> [Instant; 3] {
        let trace = self.desk.home.root().join("trace");
        let mut paste = self.desk.command("aimax-paste", &["-s", "a", "-p", prompt]);
        paste.env("AIMAX_TRACE", &trace);
        self.desk.started("aimax-paste", paste).end().record::<Proven>();
        let trace = fs::read_to_string(trace).unwrap();
        let at = |step: &str| self.clock.at(traced(&trace, step).unwrap());
        [at("transcript offset noted"), at("Enter"), Instant::now()]
    }

    /// A turn begins.
    fn works(&mut self, prompt: &str) {
        let _ = fs::remove_file(self.desk.home.proj().join("gate"));
        let [flag, key, proven] = self.paste(prompt);
        self.jobs.became("running", flag, proven);
        // What became of the job before does not count any more.
        self.states.became("idle", flag, proven);
        self.states.became("working", key, proven);
    }

    /// Does `act`, and waits until the agent itself says `status`.
    fn until(&self, status: &str, act: impl FnOnce(&Desk)) -> [Instant; 2] {
        let from = Instant::now();
        act(&self.desk);
        let path = format!("practice/sessions/{}.json", self.ready.pid);
        let path = self.desk.home.data().join(path);
        wait_until(PATIENCE, status, || {
            let state: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            state["status"] == status
        });
        [from, Instant::now()]
    }

    fn ends(&mut self) {
        let [from, to] = self.until("idle", Desk::open_gate);
        self.states.became("idle", from, to);
        self.jobs.became("done", from, to);
    }

    fn escape(&mut self) {
        let pane = self.ready.pane_id.clone();
        let [from, to] = self.until("idle", |desk| desk.tmux().keys(&pane, &["Escape"]));
        self.states.became("idle", from, to);
        self.states.became("failed", from, to.max(from + STOPPED));
        self.jobs.became("failed", from, to.max(from + STOPPED));
        pause(1200);
        // A prompt without an answer went back into the box.
        self.desk.tmux().keys(&pane, &["C-c"]);
        pause(600);
    }

    /// All that a session does but its end.
    fn round(&mut self) {
        pause(600);
        self.works(GATE);
        pause(500);
        self.ends();
        pause(600);

        // What is queued is the next turn.
        self.works(":slow 700");
        self.paste(GATE);
        pause(1000);
        self.ends();
        pause(600);

        self.works(&format!("{GATE}\n:error 500"));
        pause(600);
        let [from, to] = self.until("idle", Desk::open_gate);
        self.states.became("failed", from, to);
        self.jobs.became("failed", from, to);
        pause(600);

        for prompt in [":slow 600000", ":hang"] {
            self.works(prompt);
            pause(600);
            self.escape();
        }

        self.works(&format!("{GATE}\n:ask true"));
        pause(600);
        let [from, to] = self.until("waiting", Desk::open_gate);
        self.states.became("waiting", from, to);
        self.jobs.became("waiting", from, to);
        pause(500);
        let pane = self.ready.pane_id.clone();
        let [from, to] = self.until("idle", |desk| desk.tmux().keys(&pane, &["Enter"]));
        for states in ["working", "idle"] {
            self.states.became(states, from, to);
        }
        for jobs in ["running", "done"] {
            self.jobs.became(jobs, from, to);
        }
    }

    fn dies(&mut self) {
        self.works(GATE);
        pause(600);
        let from = Instant::now();
        aimax::internal::kill(self.ready.pid.try_into().unwrap(), aimax::internal::KILL).unwrap();
        gone(self.ready.pid);
        self.states.became("dead", from, Instant::now());
        self.jobs.became("failed", from, Instant::now());
        pause(1000);
    }
}

/// Time in which nothing changes.
fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

#[test]
fn what_is_shown_is_so_whatever_happens_to_the_window() {
    let mut play = Play::begin();
    let sampler = Sampler::start(&play.desk.home, "a", Duration::from_millis(60));
    let meddler = Meddler::start(&play.desk.home, "a", &play.ready.pane_id);
    while sampler.taken() < LOOKS {
        play.round();
    }
    play.dies();
    println!("{} events beside it", meddler.end());
    let count = sampler.agrees("practice", &play.states, &play.jobs);
    play.desk.run("aimax-kill", &["a"]).record::<Killed>();
    assert!(count.samples >= LOOKS && count.apart >= LOOKS / 4, "too few");
    assert_eq!(count.wrong, 0, "disagreements");
}
