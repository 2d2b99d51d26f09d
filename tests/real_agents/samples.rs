//! The state that is shown agrees with the truth, at random moments of scripted sessions, while a
//! person moves, renames and splits the window.
//!
//! The loopback model knows when a turn is asked for and when its answer is out, the script when a
//! key is pressed or the agent killed. From there to the agent's own word of it, the change is under
//! way.

use std::fs;
use std::time::{Duration, Instant};

use crate::agents::{Agent, Kind, Trust};
use crate::run::{command, end, run};
use crate::util::home::Home;
use crate::util::meddler::Meddler;
use crate::util::model::Model;
use crate::util::truth::{Clock, Sampler, Truth, traced};
use crate::util::wait::{PATIENCE, wait_for, wait_until};

/// How many looks at each version.
const LOOKS: usize = 450;

/// What is promised of a turn that is stopped: that it is told so within this, or within the other
/// after the agent's own word.
const STOPPED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(500));

/// The reasons for which a model stops, and whether a turn of Claude Code's fails of it.
const STOPS: &[(&str, bool)] = &[
    ("STOP:stop", false),
    ("STOP:pause_turn", false),
    ("STOP:null", false),
    ("STOP:something_new", false),
    ("STOP:max_tokens", false),
    ("STOP:model_context_window_exceeded", false),
    ("STOP:refusal", false),
];

/// A turn shorter than this may never show in an agent's status.
const SHORT: Duration = Duration::from_secs(1);

/// A session that plays its part, and what is true of it.
struct Play {
    agent: Agent,
    model: Model,
    home: Home,
    pid: u64,
    pane: String,
    clock: Clock,
    states: Truth,
    jobs: Truth,
    count: usize,
    was_queued: bool,
}

impl Play {
    fn begin(agent: Agent) -> Play {
        let model = Model::start();
        let mut home = agent.home(&model, Trust::Seeded);
        home.set("CLAUDE_CODE_MAX_RETRIES", "1");
        let spawned = run(&home, "spawn", &["-b", agent.backend(), "-s", "t"]);
        let pid = spawned.record()["pid"].as_u64().expect("a process");
        let pane = spawned.record()["paneId"].as_str().expect("a pane").to_owned();
        let (states, jobs) = (Truth::new("idle"), Truth::new("done"));
        let (clock, count, was_queued) = (Clock::new(), 0, false);
        Play { agent, model, home, pid, pane, clock, states, jobs, count, was_queued }
    }

    /// Pastes `words`, and gives the prompt; and when the job's flag was set, when the key was pressed,
    /// and when the agent's own word of it could be read.
    fn paste(&mut self, words: &str) -> (String, [Instant; 3]) {
        self.count += 1;
        let prompt = format!("{words} number {}", self.count);
        let trace = self.home.root().join("trace");
        let mut paste =
            command(&self.home, "paste", &["-s", "t", "--replace-draft", "-p", &prompt]);
        let pasted = paste.args(["--wait-ready", "9"]).env("AIMAX_TRACE", &trace).spawn();
        self.was_queued = end(pasted.expect("aimax-paste")).record()["queued"] == true;
        let proven = Instant::now();
        let trace = fs::read_to_string(trace).expect("a trace");
        let flag = traced(&trace, "transcript offset noted").expect("the step before typing");
        let key = match self.agent.kind {
            Kind::Claude => traced(&trace, "Enter").expect("the key"),
            // It is in the same call as the paste.
            Kind::Codex => flag,
        };
        (prompt, [self.clock.at(flag), self.clock.at(key), proven])
    }

    /// When the model was asked for this prompt. An agent may name it again in a request of its own
    /// affairs, even after the turn.
    fn asked(&self, prompt: &str) -> Instant {
        assert!(self.model.wait_prompt(PATIENCE, prompt), "{prompt}: {:?}", self.model.prompts());
        let seen = self.model.seen();
        let mut about =
            seen.iter().filter(|seen| seen.texts.iter().any(|text| text.contains(prompt)));
        about.next().expect("a request").at
    }

    /// A turn begins.
    fn works(&mut self, words: &str) -> String {
        let (prompt, [flag, key, proven]) = self.paste(words);
        let asked = self.asked(&prompt).max(proven);
        self.jobs.became("running", flag, asked);
        // What became of the job before does not count any more.
        self.states.became("idle", flag, asked);
        self.states.became("working", key, asked);
        prompt
    }

    /// Waits for the agent's own word that it rests, given at `since` or later.
    fn rested(&self, since: Instant) -> Instant {
        wait_for(PATIENCE, "the agent's own word", |saw| {
            let word = self.agent.rests(&self.home, self.pid);
            *saw = format!("{word:?}");
            // From now on it can be read. A short turn may not show in its status at all.
            let told = self.clock.at(word?) >= since || since.elapsed() > SHORT;
            told.then(Instant::now)
        })
    }

    /// The turn of `prompt` ends by itself.
    fn ends(&mut self, prompt: &str) {
        let asked = self.asked(prompt);
        let ended = || self.model.turn_ended_at().last().copied().filter(|end| *end > asked);
        wait_until(PATIENCE, "the end of the answer", || ended().is_some());
        // It may be quicker than the model's own account.
        let word = self.rested(asked);
        let ended = ended().expect("an end").min(word);
        println!("{:?}: {prompt:?}: its own word after {:?}", self.agent, word - ended);
        self.states.became("idle", ended, word);
        self.jobs.became("done", ended, word);
    }

    /// The turn of `prompt` fails. The agent may rest before it says why.
    fn fails(&mut self, prompt: &str) {
        let asked = self.asked(prompt);
        let rested = self.rested(asked);
        let session = run(&self.home, "ls", &["t"]).record().clone();
        let told = wait_for(PATIENCE, "the agent's word of the failure", |saw| {
            let failed = self.agent.failed_at(&self.home, &session);
            *saw = format!("{failed:?}");
            (self.clock.at(failed?) >= asked).then(Instant::now)
        });
        println!("{:?}: {prompt:?}: told {:?} after its rest", self.agent, told - rested);
        self.states.became("idle", asked, rested);
        self.states.became("failed", asked, told);
        self.jobs.became("failed", asked, told);
    }

    /// For which reasons a model stops, and whether the turn fails of it.
    fn stops(&self) -> &'static [(&'static str, bool)] {
        let is_new = self.agent.since(match self.agent.kind {
            Kind::Claude => "2.1.330",
            Kind::Codex => "0.155.0",
        });
        match self.agent.kind {
            Kind::Codex if is_new => &[("STOP:max_output_tokens", true)],
            Kind::Codex => &[],
            Kind::Claude if is_new => STOPS,
            // Behind its refusal the older one does not go on.
            Kind::Claude => STOPS.split_last().expect("stops").1,
        }
    }

    /// The turn of `prompt` is stopped by a key.
    fn stopped(&mut self) {
        let pressed = Instant::now();
        self.home.tmux().keys(&self.pane, &["Escape"]);
        let word = self.rested(pressed);
        println!("{:?}: its own word {:?} after Escape", self.agent, word - pressed);
        let told = (pressed + STOPPED.0).max(word + STOPPED.1);
        self.states.became("idle", pressed, told);
        self.states.became("failed", pressed, told);
        self.jobs.became("failed", pressed, told);
        // Another Escape soon after it would be another key.
        std::thread::sleep(Duration::from_millis(1500));
    }

    /// The model stops for every reason, once.
    fn stopped_for_all_reasons(&mut self) {
        for (words, fails) in self.stops() {
            let prompt = self.works(words);
            if *fails {
                self.fails(&prompt);
            } else {
                self.ends(&prompt);
            }
            std::thread::sleep(Duration::from_millis(700));
        }
    }

    /// All that a session does but its end.
    fn round(&mut self, sampler: &Sampler) {
        let pause = || std::thread::sleep(Duration::from_millis(700));
        pause();
        for words in ["SLOW:2000", "TOOL:timeout 2 tail -f /dev/null", "short"] {
            let prompt = self.works(words);
            self.ends(&prompt);
            pause();
        }
        for words in ["SLOW:1500", "TOOL:timeout 1.5 tail -f /dev/null"] {
            let first = self.works(words);
            let begun = Instant::now();
            let (prompt, [_, _, proven]) = self.paste("SLOW:1000 queued");
            let asked = self.asked(&first);
            let is_late = self.model.turn_ended_at().last().is_some_and(|end| *end > asked);
            // On a busy machine it may come only when the turn before has ended: then the agent may
            // say that it is idle before it has recorded that the prompt is in its queue.
            if self.agent.kind == Kind::Claude && is_late {
                self.states.became("idle", begun, proven);
                self.states.became("working", begun, proven);
            }
            if self.agent.kind == Kind::Claude && !self.was_queued {
                self.jobs.became("done", begun, proven);
                self.jobs.became("running", begun, proven);
            }
            self.ends(&prompt);
            pause();
        }
        for words in ["ERROR:400", "ERROR:500x1"] {
            let prompt = self.works(words);
            if words == "ERROR:400" {
                self.fails(&prompt);
                pause();
            } else {
                self.ends(&prompt);
            }
        }
        let heeds = self.agent.heeds_keys_while_it_streams();
        for words in ["SLOW:30000", "HANG", "TOOL:timeout 30 tail -f /dev/null"] {
            if heeds || words == "HANG" {
                self.works(words);
                pause();
                self.stopped();
            }
        }
        self.works(if heeds { "SLOW:30000" } else { "HANG" });
        pause();
        let begun = Instant::now();
        run(&self.home, "paste", &["-s", "t", "--interrupt"]).record();
        self.states.became("idle", begun, Instant::now());
        self.states.became("failed", begun, Instant::now());
        self.jobs.became("failed", begun, Instant::now());
        pause();
        println!("{:?}: {} looks", self.agent, sampler.taken());
    }

    /// Killed in the middle of a turn.
    fn dies(&mut self) {
        self.works("SLOW:30000");
        std::thread::sleep(Duration::from_millis(700));
        let killed = Instant::now();
        let pid = self.pid.try_into().expect("a process number");
        aimax::internal::kill(pid, aimax::internal::KILL).expect("it lives");
        // The system may take its time to end so large a process. A dead one has no program any more.
        let program = format!("/proc/{pid}/exe");
        wait_until(PATIENCE, "its end", || fs::read_link(&program).is_err());
        let ended = Instant::now();
        self.states.became("dead", killed, ended);
        self.jobs.became("failed", killed, ended);
        std::thread::sleep(Duration::from_secs(2));
    }
}

fn samples(agent: Agent) {
    let mut play = Play::begin(agent);
    let sampler = Sampler::start(&play.home, "t", Duration::from_millis(80));
    let meddler = Meddler::start(&play.home, "t", &play.pane);
    play.stopped_for_all_reasons();
    while sampler.taken() < LOOKS {
        play.round(&sampler);
    }
    play.dies();
    println!("{agent:?}: {} events beside it", meddler.end());
    let count = sampler.agrees(&format!("{agent:?}"), &play.states, &play.jobs);
    play.model.release();
    run(&play.home, "kill", &["t"]).record();
    assert!(count.samples >= LOOKS && count.apart >= LOOKS / 2, "too few");
    assert_eq!(count.wrong, 0, "disagreements");
}

on_agents!(samples: claude_old, claude_new, codex_old, codex_new);
