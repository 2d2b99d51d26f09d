//! How long a delivery takes, beside the agent's own time and beside the Python `aimax` 0.1.0.
//!
//! `cargo bench --bench deliver [-- RUNS [AGENT]]`. The other program is found by `AIMAX_ORIGINAL`,
//! or as `aimax` on PATH if that is the Python one. `AIMAX_BEFORE` names a folder with our programs of
//! another build, which then take turns with these. All runs are on the real agents with a loopback
//! model, in private tmux servers.
//!
//! The agent's own time runs from an Enter behind a text that stands in its box. No sender can be as
//! fast who has to paste first; so the floor is measured too: one tmux command that pastes and one that
//! presses Enter, with nothing looked at. A start has a floor of the same kind: an agent that says that it
//! is ready may still be at work, and reads a prompt later than one that rests.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on stops")]

#[expect(dead_code, reason = "each test program uses its own part of it")]
#[path = "../tests/real_agents/agents.rs"]
mod agents;
#[expect(dead_code, reason = "each test program uses its own part of it")]
#[path = "../tests/real_agents/run.rs"]
mod run;
#[expect(dead_code, reason = "each test program uses its own part of it")]
#[path = "../tests/util/mod.rs"]
mod util;

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use agents::{Agent, Kind, Trust};
use run::run;
use util::{home::Home, model::Model};

/// Longer than anything measured here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A prompt that is typed by hand is recorded within this, or its Enter was ignored, as Codex does it
/// now and then when it has just started. Such a run does not count.
const SOON: Duration = Duration::from_secs(5);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let runs = words.first().map_or(20, |word| word.parse().expect("how many runs"));
    let only = words.get(1);
    let (original, before) = (original(), std::env::var_os("AIMAX_BEFORE").map(PathBuf::from));
    println!("medians of {runs} runs, in ms; least and most in brackets");
    for agent in agents::all() {
        let name = format!("{} {}", agent.program(), agent.version);
        if only.is_none_or(|only| name.contains(only.as_str())) {
            println!("\n{name}");
            paste(agent, runs, original.as_deref(), before.as_deref());
            spawn(agent, runs.min(8), original.as_deref(), before.as_deref());
        }
    }
}

/// The Python program, if it is installed.
fn original() -> Option<PathBuf> {
    let named = std::env::var_os("AIMAX_ORIGINAL").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("aimax"));
    let is_python = |path: &PathBuf| fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"#!"));
    named.into_iter().chain(on_path).find(is_python)
}

/// Shows a row and gives its median.
fn row(what: &str, times: &mut [Duration]) -> Option<f64> {
    if times.is_empty() {
        println!("  {what:52} not installed, or it failed");
        return None;
    }
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let (least, most) = (ms(times[0]), ms(times[times.len() - 1]));
    let median = ms(times[times.len() / 2]);
    let late = ms(times[times.len() * 99 / 100]);
    println!("  {what:52} {median:7.0}   [{least:.0}, {most:.0}], 99 of 100 within {late:.0}");
    Some(median)
}

fn verdict(what: &str, took: Option<f64>, own: Option<f64>, bound: f64) {
    if let (Some(took), Some(own)) = (took, own) {
        let over = took - own;
        let word = if over <= bound { "within" } else { "OVER" };
        println!("  {what:52} {over:+7.0}   {word} the bound of {bound:.0}");
    }
}

/// Where the agent records, and how long that file is.
struct Record {
    folder: PathBuf,
    sizes: Vec<(PathBuf, u64)>,
}

impl Record {
    fn begin(agent: Agent, home: &Home) -> Record {
        let folder = match agent.kind {
            Kind::Claude => home.home().join(".claude/projects"),
            Kind::Codex => home.home().join(".codex/sessions"),
        };
        let mut files = Vec::new();
        find_jsonl(&folder, &mut files);
        let size = |path: PathBuf| (path.clone(), fs::metadata(path).map_or(0, |data| data.len()));
        Record { folder, sizes: files.into_iter().map(size).collect() }
    }

    /// Waits for the record of `prompt`: looks every millisecond.
    fn is_there_within(&self, patience: Duration, prompt: &str) -> bool {
        let end = Instant::now() + patience;
        while !self.holds(prompt) {
            if Instant::now() > end {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }

    fn holds(&self, prompt: &str) -> bool {
        let mut files = Vec::new();
        find_jsonl(&self.folder, &mut files);
        files.iter().any(|path| {
            let before =
                self.sizes.iter().find(|(known, _)| known == path).map_or(0, |known| known.1);
            let Ok(bytes) = fs::read(path) else { return false };
            let new = bytes.get(usize::try_from(before).unwrap()..).unwrap_or_default();
            let told = String::from_utf8_lossy(new);
            let is_prompt = |line: &str| {
                ["\"type\":\"user\"", "\"UserMessage\"", "\"user_message\""]
                    .iter()
                    .any(|kind| line.contains(kind))
            };
            told.split_inclusive('\n')
                .any(|line| line.ends_with('\n') && line.contains(prompt) && is_prompt(line))
        })
    }
}

/// Whether the agent says that it waits for a prompt.
fn is_idle(agent: Agent, home: &Home, pane: &str, pid: &str) -> bool {
    match agent.kind {
        Kind::Claude => {
            fs::read_to_string(home.home().join(format!(".claude/sessions/{pid}.json")))
                .is_ok_and(|text| text.contains("\"status\":\"idle\""))
        }
        Kind::Codex => home.tmux().ask(pane, "pane_title").starts_with("Ready | "),
    }
}

/// How long an agent that is idle writes nothing before it is at rest: what follows a turn, such
/// as its own saving, is no part of a delivery.
const REST: Duration = Duration::from_millis(300);

/// Waits until the agent is idle and has written nothing for a while.
fn rest(agent: Agent, home: &Home, pane: &str) {
    let pid = home.tmux().ask(pane, "pane_pid");
    let end = Instant::now() + PATIENCE;
    let (mut since, mut before) = (Instant::now(), Vec::new());
    while since.elapsed() < REST {
        assert!(Instant::now() < end, "no rest");
        thread::sleep(Duration::from_millis(10));
        let now = Record::begin(agent, home).sizes;
        if now != before || !is_idle(agent, home, pane, &pid) {
            (since, before) = (Instant::now(), now);
        }
    }
}

fn find_jsonl(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find_jsonl(&path, found);
        } else if path.extension().is_some_and(|end| end == "jsonl") {
            found.push(path);
        }
    }
}

/// Pastes by hand, waits for the echo, and measures from Enter to the record.
fn by_hand(agent: Agent, home: &Home, pane: &str, prompt: &str) -> Option<Duration> {
    let record = Record::begin(agent, home);
    let typed = match agent.kind {
        Kind::Claude => format!("{prompt} "),
        Kind::Codex => format!(" {prompt} "),
    };
    home.tmux().paste(pane, &typed);
    home.tmux().wait_text(pane, prompt);
    let entered = Instant::now();
    home.tmux().keys(pane, &["Enter"]);
    record.is_there_within(SOON, prompt).then(|| entered.elapsed())
}

/// Pastes and presses Enter by the agent's own rule, in one command of tmux or in two, without a look.
fn floor(agent: Agent, home: &Home, pane: &str, prompt: &str) -> Option<Duration> {
    let record = Record::begin(agent, home);
    let began = Instant::now();
    match agent.kind {
        Kind::Claude => {
            home.tmux().paste(pane, &format!("{prompt} "));
            home.tmux().keys(pane, &["Enter"]);
        }
        Kind::Codex => {
            let keys = format!("\x1b[200~ {prompt} \x1b[201~\r");
            home.tmux().run(["send-keys", "-t", pane, "-l", &keys]);
        }
    }
    record.is_there_within(SOON, prompt).then(|| began.elapsed())
}

/// `aimax-NAME ARGS` of the build in the folder `programs`; how long it took, if it succeeded.
fn timed(home: &Home, programs: &Path, name: &str, args: &[&str]) -> Option<Duration> {
    let began = Instant::now();
    let done = home.command(programs.join(format!("aimax-{name}"))).args(args).output();
    done.is_ok_and(|done| done.status.success()).then(|| began.elapsed())
}

fn paste(agent: Agent, runs: usize, original: Option<&Path>, before: Option<&Path>) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let spawned = run(&home, "spawn", &["-b", agent.backend(), "-s", "m", "-p", "begin"]);
    let pane = spawned.record()["paneId"].as_str().unwrap().to_owned();
    let rest = || rest(agent, &home, &pane);
    let (mut own, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut least, mut others) = (Vec::new(), Vec::new());
    for n in 0..runs {
        rest();
        own.extend(by_hand(agent, &home, &pane, &format!("by hand {n} of the measurement")));
        rest();
        least.extend(floor(agent, &home, &pane, &format!("blind {n} of the measurement")));
        if let Some(before) = before {
            rest();
            let prompt = format!("before {n} of the measurement");
            others.extend(timed(&home, before, "paste", &["-s", "m", "-p", &prompt]));
        }
        rest();
        let prompt = format!("ours {n} of the measurement");
        let began = Instant::now();
        run(&home, "paste", &["-s", "m", "-p", &prompt]).record();
        ours.push(began.elapsed());
        let Some(original) = original else { continue };
        rest();
        let prompt = format!("theirs {n} of the measurement");
        let record = Record::begin(agent, &home);
        let began = Instant::now();
        let sent = python(&home, original, "send", agent, "m").args(["-p", &prompt]).output();
        let took = began.elapsed();
        if sent.is_ok_and(|sent| sent.status.success()) && record.holds(&prompt) {
            theirs.push(took);
        }
    }
    let own = row("the agent: Enter to record", &mut own);
    row("the floor: a paste and Enter, unseen, to record", &mut least);
    let ours = row("aimax-paste: call to proof", &mut ours);
    verdict("  over the agent's own time", ours, own, 20.0);
    if before.is_some() {
        row("aimax-paste of the other build", &mut others);
    }
    row("aimax 0.1.0 send: call to return, recorded", &mut theirs);
    rest();
    run(&home, "kill", &["m"]).record();
}

fn python(home: &Home, program: &Path, verb: &str, agent: Agent, name: &str) -> Command {
    // It knows tmux's default socket alone.
    for folder in fs::read_dir(home.root().join("tmux")).unwrap().flatten() {
        let _there_already = symlink(util::tmux::Tmux::SOCKET, folder.path().join("default"));
    }
    // For Claude it counts on a file that need not be there, and on a login shell's PATH.
    fs::create_dir_all(home.home().join(".claude")).unwrap();
    fs::write(home.home().join(".claude/settings.api.json"), "{}").unwrap();
    let path = home.env().into_iter().find(|(name, _)| name == "PATH").unwrap().1;
    fs::write(home.home().join(".bash_profile"), format!("export PATH='{path}'\n")).unwrap();
    let mut command = home.command(program);
    command.env("AIMAX_RUN_PREFLIGHT", "0");
    command.args([verb, "-b", agent.backend(), "-s", name, "--json"]).stdin(Stdio::null());
    command
}

/// Types a prompt into a pane, and measures the time to its record.
type Send = fn(Agent, &Home, &str, &str) -> Option<Duration>;

/// Starts the agent by hand: the time to its earliest readiness, and the time that `send` takes from
/// there.
fn start_by_hand(agent: Agent, home: &Home, prompt: &str, send: Send) -> Option<Duration> {
    let marker = match agent.kind {
        Kind::Claude => "❯",
        Kind::Codex => "›",
    };
    let began = Instant::now();
    let pane = home.tmux().start("by-hand", &home.proj(), agent.argv());
    let pid = home.tmux().ask(&pane, "pane_pid");
    while !is_idle(agent, home, &pane, &pid) {
        assert!(began.elapsed() < PATIENCE, "not ready");
        thread::sleep(Duration::from_millis(1));
    }
    // It says so some milliseconds before its box is there, and loses what comes between.
    home.tmux().wait_text(&pane, marker);
    let readiness = began.elapsed();
    let took = send(agent, home, &pane, prompt).map(|took| readiness + took);
    home.tmux().run(["kill-window", "-t", &pane]);
    took
}

fn spawn(agent: Agent, runs: usize, original: Option<&Path>, before: Option<&Path>) {
    let model = Model::start();
    let home = agent.home(&model, Trust::Seeded);
    let (mut own, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut least, mut others) = (Vec::new(), Vec::new());
    let proj = home.proj().to_string_lossy().into_owned();
    for n in 0..runs {
        own.extend(start_by_hand(agent, &home, &format!("by hand {n} of the start"), by_hand));
        least.extend(start_by_hand(agent, &home, &format!("blind {n} of the start"), floor));
        if let Some(before) = before {
            let prompt = format!("before {n} of the start");
            let args = ["-b", agent.backend(), "-s", "before", "-p", &prompt];
            others.extend(timed(&home, before, "spawn", &args));
            run(&home, "kill", &["before"]).record();
        }
        let name = format!("ours-{n}");
        let prompt = format!("ours {n} of the start");
        let began = Instant::now();
        run(&home, "spawn", &["-b", agent.backend(), "-s", &name, "-p", &prompt]).record();
        ours.push(began.elapsed());
        run(&home, "kill", &[&name]).record();
        // Its start of a Codex ends in a time-out.
        let Some(original) = original.filter(|_| agent.kind == Kind::Claude && n < 3) else {
            continue;
        };
        let (name, prompt) = (format!("theirs-{n}"), format!("theirs {n} of the start"));
        let record = Record::begin(agent, &home);
        let began = Instant::now();
        let mut create = python(&home, original, "create", agent, &name);
        let created = create.args(["--cwd", &proj, "--use-proxy", "false", "-p", &prompt]).output();
        let took = began.elapsed();
        // It does not wait for the record.
        let done = created.is_ok_and(|created| created.status.success());
        if done && record.is_there_within(Duration::from_secs(10), &prompt) {
            theirs.push(took);
        }
        let _ended_or_never_there = run(&home, "kill", &[&name]);
    }
    let own = row("the agent: start to ready, Enter to record", &mut own);
    row("the floor: ready, a paste and Enter, to record", &mut least);
    let ours = row("aimax-spawn -p: call to proof", &mut ours);
    verdict("  over the agent's own time", ours, own, 60.0);
    if before.is_some() {
        row("aimax-spawn -p of the other build", &mut others);
    }
    row("aimax 0.1.0 create: call to return, recorded", &mut theirs);
}
