//! Files that grow, and files that do not.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    Effort,
    programs::{GNU, ORIGINAL, OURS, Programs},
    scratch::Scratch,
    table::{Table, at, ms, ratio},
};

/// A program that follows, and what it prints.
struct Follower {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Follower {
    /// Started, and seen to follow each of the last of `files`.
    fn start(mut command: Command, files: &mut [File]) -> Follower {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut follower = Follower { child, lines };
        // It cannot be seen from outside when a program has begun to follow: the first lines tell,
        // and are written again until one comes out.
        let writer = files.last_mut().unwrap().try_clone().unwrap();
        let stop = thread::spawn(move || {
            let mut writer = writer;
            for _ in 0..20 {
                writer.write_all(b"{\"ready\":1}\n").unwrap();
                thread::sleep(Duration::from_millis(100));
            }
        });
        follower.line("ready");
        stop.join().unwrap();
        thread::sleep(Duration::from_millis(500));
        follower
    }

    /// Waits for a line with `word` in it.
    fn line(&mut self, word: &str) {
        let mut line = String::new();
        while !line.contains(word) {
            line.clear();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "it ended");
        }
    }

    /// Appends a line to `file`; how long it takes to come out.
    fn append(&mut self, file: &mut File, number: usize) -> Duration {
        let line = format!("{{\"number\":{number},\"text\":\"{number:0300}\"}}\n");
        let begin = Instant::now();
        file.write_all(line.as_bytes()).unwrap();
        self.line("\"number\":");
        begin.elapsed()
    }

    /// Ticks computed, and how often it went to sleep of itself.
    fn doings(&self) -> (u64, u64) {
        let proc = PathBuf::from(format!("/proc/{}", self.child.id()));
        let stat = fs::read_to_string(proc.join("stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split(' ').collect();
        let field = |n: usize| fields.get(n).and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut sleeps = 0;
        for task in fs::read_dir(proc.join("task")).into_iter().flatten().flatten() {
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"));
            sleeps +=
                line.and_then(|l| l.split_whitespace().last()?.parse::<u64>().ok()).unwrap_or(0);
        }
        (field(12) + field(13), sleeps)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // One that has ended already is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn appending(path: &Path) -> File {
    OpenOptions::new().append(true).create(true).open(path).unwrap()
}

/// A follower, the files that it follows, and how long each append took to come out.
struct Lane {
    name: &'static str,
    follower: Follower,
    paths: Vec<PathBuf>,
    times: Vec<Duration>,
    begun: (u64, Instant),
}

impl Lane {
    fn start(name: &'static str, command: Command, paths: Vec<PathBuf>) -> Lane {
        let mut last = [appending(&paths[paths.len() - 1])];
        let follower = Follower::start(command, &mut last);
        let begun = (follower.doings().0, Instant::now());
        Lane { name, follower, paths, times: Vec::new(), begun }
    }

    fn append(&mut self, number: usize) {
        let mut file = appending(&self.paths[number * 7919 % self.paths.len()]);
        let time = self.follower.append(&mut file, number);
        self.times.push(time);
    }

    /// The share of a processor that it took, in percent.
    fn share(&self) -> f64 {
        let (ticks, begin) = self.begun;
        (self.follower.doings().0 - ticks) as f64 / begin.elapsed().as_secs_f64()
    }

    fn row(&mut self, what: &str, table: &mut Table) {
        self.times.sort();
        let (times, share) = (&self.times, self.share());
        let most = ms(times[times.len() - 1]);
        let more = format!("p99 {}, max {most}, CPU {share:.1} %", ms(at(times, 99)));
        table.row(what, self.name, ms(at(times, 50)), more);
    }
}

/// Appends to a file of each in turn, so that a busy moment of the machine hits all of them.
fn race(lanes: &mut [Lane], count: usize, pause: Duration) {
    let width = lanes.len();
    let begin = Instant::now();
    for number in 0..count {
        for turn in 0..width {
            let due = pause * (number * width + turn) as u32 / width as u32;
            thread::sleep(due.saturating_sub(begin.elapsed()));
            lanes[(turn + number) % width].append(number);
        }
    }
}

fn of(lanes: &[Lane], name: &str, percent: usize) -> Option<Duration> {
    lanes.iter().find(|lane| lane.name == name).map(|lane| at(&lane.times, percent))
}

/// How many times as long ours takes as GNU's, at most, and holds it?
fn beside_gnu(lanes: &[Lane], what: &str, percent: usize, bound: f64, table: &mut Table) {
    let (Some(ours), Some(gnu)) = (of(lanes, OURS, percent), of(lanes, GNU, percent)) else {
        return;
    };
    let times = ratio(ours, gnu);
    let text = format!("{what}, p{percent}: {times:.2} x `tail -F` (bound {bound})");
    table.bound(text, times <= bound);
}

pub(crate) fn latency(programs: &Programs, scratch: &Scratch, effort: Effort, table: &mut Table) {
    let what = "append to stdout";
    let lane = |name: &'static str| {
        let path = scratch.path(&format!("latency-{}.jsonl", name.replace(' ', "")));
        fs::write(&path, "").unwrap();
        Some(Lane::start(name, programs.following(name, &path)?, vec![path]))
    };
    let mut lanes: Vec<Lane> = [OURS, GNU].into_iter().filter_map(lane).collect();
    race(&mut lanes, effort.appends, Duration::from_millis(5));
    lanes.iter_mut().for_each(|lane| lane.row(&format!("{what}, p50"), table));
    beside_gnu(&lanes, what, 50, 1.05, table);
    beside_gnu(&lanes, what, 99, 1.0, table);
    let Some(ours) = of(&lanes, OURS, 99) else { return };
    drop(lanes);
    let mut originals: Vec<Lane> = lane(ORIGINAL).into_iter().collect();
    race(&mut originals, effort.appends / 10, Duration::from_millis(5));
    originals.iter_mut().for_each(|lane| lane.row(&format!("{what}, p50"), table));
    if let Some(original) = of(&originals, ORIGINAL, 99) {
        let times = ratio(original, ours);
        let text = format!("{what}, p99: {times:.0} x better than {ORIGINAL} (bound 100)");
        table.bound(text, times >= 100.0);
    }
}

pub(crate) fn idle(programs: &Programs, scratch: &Scratch, effort: Effort, table: &mut Table) {
    for name in [OURS, GNU, ORIGINAL] {
        let path = scratch.path("idle.jsonl");
        fs::write(&path, "").unwrap();
        let Some(command) = programs.following(name, &path) else { continue };
        let follower = Follower::start(command, &mut [appending(&path)]);
        let (ticks, sleeps) = follower.doings();
        thread::sleep(Duration::from_secs(effort.seconds));
        let (after, woken) = follower.doings();
        let what = format!("wake-ups in {} idle seconds", effort.seconds);
        let more = format!("{} ms computed", (after - ticks) * 10);
        table.row(&what, name, (woken - sleeps).to_string(), more);
        if name == OURS {
            let text = format!("wake-ups while idle: {} (bound 0)", woken - sleeps);
            table.bound(text, woken == sleeps);
        }
    }
}

pub(crate) fn many(programs: &Programs, scratch: &Scratch, effort: Effort, table: &mut Table) {
    let per_second = 100;
    let lane = |name: &'static str| {
        let folder = scratch.path(&format!("many-{}", name.replace(' ', "")));
        fs::create_dir_all(&folder).unwrap();
        let paths: Vec<PathBuf> =
            (0..effort.files).map(|n| folder.join(format!("{n}.jsonl"))).collect();
        paths.iter().for_each(|path| fs::write(path, "").unwrap());
        let mut command = if name == OURS { programs.ours() } else { Command::new("tail") };
        if name == OURS {
            let session = |(n, path): (usize, &PathBuf)| {
                let entry = serde_json::json!({"agentSessionId": n.to_string(), "jsonlPath": path});
                (format!("s{n}"), entry)
            };
            let state = serde_json::Value::Object(paths.iter().enumerate().map(session).collect());
            fs::write(folder.join("hub-runtime.json"), state.to_string()).unwrap();
            // No tmux: these sessions are but files.
            command.env("AIMAX_DATA_DIR", &folder).env("PATH", "/nonexistent");
            command.args(["--all", "-f", "-n", "0"]);
        } else {
            command.args(["-q", "-n", "0", "-F"]).args(&paths);
        }
        Lane::start(name, command, paths)
    };
    let mut lanes = [OURS, GNU].map(lane);
    let count = effort.seconds as usize * per_second;
    race(&mut lanes, count, Duration::from_secs(1) / per_second as u32);
    let what = format!("{} files, {per_second} appends/s", effort.files);
    for lane in &mut lanes {
        lane.row(&format!("{what}, p50"), table);
    }
    beside_gnu(&lanes, &what, 50, 1.3, table);
    // The clock has a hundred ticks in a second: one more or less says nothing.
    let [ours, gnu] = [&lanes[0], &lanes[1]].map(Lane::share);
    let text = format!("{what}, CPU: {ours:.1} % beside {gnu:.1} % (bound 1.3 x)");
    table.bound(text, ours <= gnu * 1.3 + 0.1);
}
