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

pub(crate) fn latency(programs: &Programs, scratch: &Scratch, effort: Effort, table: &mut Table) {
    let mut p99 = Vec::new();
    for name in [OURS, GNU, ORIGINAL, OURS, GNU] {
        let path = scratch.path("latency.jsonl");
        fs::write(&path, "").unwrap();
        let Some(command) = programs.following(name, &path) else { continue };
        let mut files = [appending(&path)];
        let mut follower = Follower::start(command, &mut files);
        let count = if name == ORIGINAL { effort.appends / 10 } else { effort.appends };
        let mut times: Vec<Duration> = (0..count)
            .map(|number| {
                thread::sleep(Duration::from_millis(2));
                follower.append(&mut files[0], number)
            })
            .collect();
        times.sort();
        let more = format!("p99 {}, max {}, of {count}", ms(at(&times, 99)), ms(times[count - 1]));
        table.row("append to stdout, p50", name, ms(at(&times, 50)), more);
        p99.push((name, at(&times, 99)));
    }
    let least = |name| p99.iter().filter(|(other, _)| *other == name).map(|(_, time)| *time).min();
    let (Some(ours), Some(gnu)) = (least(OURS), least(GNU)) else { return };
    let times = ratio(ours, gnu);
    table.bound(format!("append to stdout, p99: {times:.2} x `tail -F` (bound 1.2)"), times <= 1.2);
    if let Some(original) = least(ORIGINAL) {
        let times = ratio(original, ours);
        let text =
            format!("append to stdout, p99: {times:.0} x better than {ORIGINAL} (bound 100)");
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
    let folder = scratch.path("many");
    fs::create_dir_all(&folder).unwrap();
    let paths: Vec<PathBuf> =
        (0..effort.files).map(|n| folder.join(format!("{n}.jsonl"))).collect();
    let sessions = paths.iter().enumerate().map(|(n, path)| {
        (format!("s{n}"), serde_json::json!({"agentSessionId": format!("{n}"), "jsonlPath": path}))
    });
    let state = serde_json::Value::Object(sessions.collect());
    fs::write(folder.join("hub-runtime.json"), state.to_string()).unwrap();
    let per_second = 100;
    for name in [OURS, GNU] {
        // All are closed but those that are written: a process may have but so many open.
        for path in &paths {
            fs::write(path, "").unwrap();
        }
        let mut command = if name == OURS { programs.ours() } else { Command::new("tail") };
        if name == OURS {
            // No tmux: these sessions are but files.
            command.env("AIMAX_DATA_DIR", &folder).env("PATH", "/nonexistent");
            command.args(["--all", "-f", "-n", "0"]);
        } else {
            command.args(["-q", "-n", "0", "-F"]).args(&paths);
        }
        let mut last = [appending(&paths[paths.len() - 1])];
        let mut follower = Follower::start(command, &mut last);
        let (ticks, _) = follower.doings();
        let begin = Instant::now();
        let count = effort.seconds as usize * per_second;
        let mut times = Vec::new();
        for number in 0..count {
            let due = Duration::from_millis(1000 / per_second as u64) * number as u32;
            thread::sleep(due.saturating_sub(begin.elapsed()));
            let mut file = appending(&paths[number * 7919 % paths.len()]);
            times.push(follower.append(&mut file, number));
        }
        let (after, _) = follower.doings();
        times.sort();
        let share = (after - ticks) as f64 / begin.elapsed().as_secs_f64();
        let what = format!("{} files, {per_second} appends/s, p50", effort.files);
        let more = format!("p99 {}, CPU {share:.1} %", ms(at(&times, 99)));
        table.row(&what, name, ms(at(&times, 50)), more);
    }
}
