//! What was true when, and whether what our programs showed at random moments agrees with it.

use std::fmt;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use aimax::Config;
use aimax::internal::Tmux;
use aimax::internal::{self as session, JobState, Session};
use serde_json::Value;

use super::{home::Home, witness::Witness};

/// How far from a change a look may still show the other side of it.
const GRACE: Duration = Duration::from_millis(150);

/// How far around a disagreement all is told that was seen.
const AROUND: Duration = Duration::from_secs(3);

/// One thing's values over time, each by a word.
pub(crate) struct Truth {
    values: Vec<Span>,
}

/// A value, and when it began: not before the one moment, and for certain at the other.
struct Span {
    value: &'static str,
    from: Instant,
    to: Instant,
}

impl Span {
    /// Its begin, in words.
    fn notes(&self, what: &str) -> [(Instant, String); 2] {
        let value = self.value;
        [
            (self.from, format!("from here on the {what} may be {value}")),
            (self.to, format!("from here on the {what} is {value}")),
        ]
    }
}

impl Truth {
    /// It is `value` from now on.
    pub(crate) fn new(value: &'static str) -> Truth {
        let now = Instant::now();
        Truth { values: vec![Span { value, from: now, to: now }] }
    }

    /// It became `value` at some moment from `from` to `to`.
    pub(crate) fn became(&mut self, value: &'static str, from: Instant, to: Instant) {
        let to = to.max(from);
        self.values.push(Span { value, from, to });
    }

    /// All that it may have been at some moment from `begin` to `end`.
    fn during(&self, begin: Instant, end: Instant) -> Vec<&'static str> {
        let ends = self.values.iter().skip(1).map(|next| Some(next.to)).chain([None]);
        let spans = self.values.iter().zip(ends);
        let held = spans
            .filter(|(span, until)| span.from <= end && until.is_none_or(|until| until >= begin));
        let mut held: Vec<_> = held.map(|(span, _)| span.value).collect();
        held.sort_unstable();
        held.dedup();
        held
    }
}

/// One look.
struct Sample {
    by: &'static str,
    begin: Instant,
    end: Instant,
    state: Option<String>,
    job: Option<String>,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sample { by, begin, end, .. } = self;
        let [state, job] = [&self.state, &self.job].map(|saw| saw.as_deref().unwrap_or("-"));
        write!(f, "{by} looks for {:?}: {state}, {job}", *end - *begin)
    }
}

/// Looks at one session at random moments until it is ended.
pub(crate) struct Sampler {
    stop: Arc<AtomicBool>,
    samples: Arc<Mutex<Vec<Sample>>>,
    thread: JoinHandle<()>,
    witness: Witness,
}

impl Sampler {
    /// Begins to look at session `name`, a look every `pause` in the middle.
    pub(crate) fn start(home: &Home, name: &str, pause: Duration) -> Sampler {
        let stop = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&stop);
        let samples = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&samples);
        let vars = home.env().into_iter().map(|(name, value)| (name.into(), value.into()));
        let config = Config::from_vars(vars.collect());
        let ls = home.command(env!("CARGO_BIN_EXE_aimax-ls"));
        let check = home.command(env!("CARGO_BIN_EXE_aimax-flag"));
        let mut eyes = Eyes { config: config.expect("settings"), name: name.to_owned(), ls, check };
        eyes.ls.arg(name).stdin(Stdio::null());
        eyes.check.args(["check", name]).stdin(Stdio::null());
        let thread = thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let sample = eyes.look(random(10));
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
                thread::sleep(pause * 2 * random(1000) / 1000);
            }
        });
        Sampler { stop, samples, thread, witness: Witness::start(home, name) }
    }

    /// How many looks there were.
    pub(crate) fn taken(&self) -> usize {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Ends it, and compares all that it saw; `subject` is whom the count is printed for.
    pub(crate) fn agrees(self, subject: &str, states: &Truth, jobs: &Truth) -> Count {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the sampler looks to the end");
        let mut notes = self.witness.end();
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let began = states.values[0].from;
        let mut count = Count { samples: samples.len(), apart: 0, wrong: 0 };
        let mut wrong = Vec::new();
        for sample in samples.iter() {
            let (begin, end) = (sample.begin - GRACE, sample.end + GRACE);
            let mut apart = true;
            for (what, saw, truth) in [("state", &sample.state, states), ("job", &sample.job, jobs)]
            {
                let Some(saw) = saw else { continue };
                let held = truth.during(begin, end);
                apart &= held.len() == 1;
                if !held.contains(&saw.as_str()) {
                    count.wrong += 1;
                    let at = sample.begin - began;
                    let took = sample.end - sample.begin;
                    println!(
                        "{subject}: {at:?} +{took:?}: {} shows the {what} {saw}, not {held:?}",
                        sample.by
                    );
                    wrong.push(sample.begin);
                }
            }
            count.apart += usize::from(apart);
        }
        println!(
            "{subject}: {} samples, {} of them apart from any change, {} disagreements",
            count.samples, count.apart, count.wrong
        );
        for (what, truth) in [("state", states), ("job", jobs)] {
            notes.extend(truth.values.iter().flat_map(|span| span.notes(what)));
        }
        let seen = samples.iter().map(|sample| (sample.begin, sample.to_string()));
        notes.extend(seen);
        tell(began, notes, &wrong);
        count
    }
}

/// Prints what happened around the moments in `wrong`, in order.
fn tell(began: Instant, mut notes: Vec<(Instant, String)>, wrong: &[Instant]) {
    notes.sort_by_key(|(at, _)| *at);
    let is_near =
        |at: Instant| wrong.iter().any(|wrong| at + AROUND > *wrong && *wrong + AROUND > at);
    for (at, note) in notes.iter().filter(|(at, _)| is_near(*at)) {
        println!("    {:8.3} {note}", at.saturating_duration_since(began).as_secs_f64());
    }
}

/// What came of the comparison.
pub(crate) struct Count {
    /// All looks.
    pub(crate) samples: usize,
    /// Those that no change was near: only one answer was right.
    pub(crate) apart: usize,
    /// Those that showed what was not so.
    pub(crate) wrong: usize,
}

/// The ways to look.
struct Eyes {
    config: Config,
    name: String,
    ls: std::process::Command,
    check: std::process::Command,
}

impl Eyes {
    /// Mostly by the library, and now and then by the programs.
    fn look(&mut self, way: u32) -> Sample {
        let begin = Instant::now();
        let (by, state, job) = match way {
            0 => ("aimax-ls", Some(self.listed()), None),
            1 => ("aimax-flag", None, Some(self.checked())),
            _ => {
                let (state, job) = self.seen();
                ("the library", Some(state), Some(job))
            }
        };
        Sample { by, begin, end: Instant::now(), state, job }
    }

    fn seen(&self) -> (String, String) {
        let name = self.name.parse().expect("a name");
        let session = Session::find(&self.config, &name, None).expect("the session");
        let tmux = Tmux::new(&self.config).expect("tmux");
        let snapshots = session::snapshots(&self.config, &tmux, &[session]).expect("a look");
        let job = match snapshots[0].job.as_ref().expect("its job") {
            JobState::Done => "done",
            JobState::Failed(_) => "failed",
            JobState::Running => "running",
            JobState::Waiting(_) => "waiting",
        };
        (snapshots[0].state().name().to_owned(), job.to_owned())
    }

    fn listed(&mut self) -> String {
        let output = self.ls.output().expect("aimax-ls");
        let record: Value = serde_json::from_slice(&output.stdout).expect("one record");
        record["state"].as_str().expect("a state").to_owned()
    }

    fn checked(&mut self) -> String {
        let output = self.check.output().expect("aimax-flag");
        match output.status.code() {
            Some(0) => "done".to_owned(),
            Some(1) => "failed".to_owned(),
            Some(124) => "running".to_owned(),
            Some(5) => "waiting".to_owned(),
            _ => format!("{output:?}"),
        }
    }
}

/// A number below `end`.
pub(crate) fn random(end: u32) -> u32 {
    let bits = uuid::Uuid::new_v4().as_u128() & u128::from(u32::MAX);
    u32::try_from(bits).expect("32 bits") % end
}

/// Epoch milliseconds, as the agents write them, on the clock of the test.
pub(crate) struct Clock {
    instant: Instant,
    epoch: u64,
}

impl Clock {
    /// The two clocks, read together.
    pub(crate) fn new() -> Clock {
        Clock { instant: Instant::now(), epoch: aimax::internal::now_ms() }
    }

    /// The moment `ms`; those before the clock was made are that one.
    pub(crate) fn at(&self, ms: u64) -> Instant {
        self.instant + Duration::from_millis(ms.saturating_sub(self.epoch))
    }
}

/// When our program typed, by its trace: the moment that `step` was noted last.
pub(crate) fn traced(trace: &str, step: &str) -> Option<u64> {
    let mut records = trace.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let last = records.rfind(|record| record["step"] == step)?;
    aimax::internal::parse_rfc3339(last["at"].as_str()?)
}
