//! What one session costs beside few and many others: each program on one session, with 1, 10, 100, 400
//! and 1,000 of them on one tmux server, and the list of all of them beside tmux's own.
//!
//! One session is a real practice agent; the others are windows that `sleep`, with all the files that a
//! session has. tmux itself answers the later the more windows it has, whatever it is asked: it polls the
//! terminals of all of them at each step. So a bound is on the time that our processes compute, and the
//! time until they end stands beside that of tmux's shortest command. What waits for 1,000 sessions is
//! to sleep while nothing happens.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on stops")]

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use serde_json::{Value, json};

const SIZES: [usize; 5] = [1, 10, 100, 400, 1000];
const ROUNDS: usize = 15;
/// How long a program that waits must not have woken up before it counts as at rest.
const SETTLED: Duration = Duration::from_secs(2);
/// How long it is watched then.
const REST: Duration = Duration::from_secs(10);
/// Longer than it takes to come to rest.
const PATIENCE: Duration = Duration::from_secs(120);
const HUB: &str = "imac_practice_agent_hub";
const FIELDS: &str = "#{window_name}\t#{window_id}\t#{window_index}\t#{window_activity}\t#{pane_id}\t#{pane_pid}\t\
    #{pane_dead}\t#{pane_dead_status}\t#{pane_dead_signal}\t#{pane_in_mode}\t#{pane_input_off}\t\
    #{pane_synchronized}\t#{cursor_x}\t#{cursor_y}\t#{socket_path}\t#{pid}\t#{pane_current_command}\t#{pane_title}";

/// Those of them that `aimax-ls` asks for.
const BRIEF: &str = "\t#{window_id}\t0\t0\t#{pane_id}\t#{pane_pid}\t#{pane_dead}\t#{pane_dead_status}\t\
    #{pane_dead_signal}\t0\t0\t0\t0\t#{cursor_y}\t#{cursor_flag}\t1\t\t0\t\t\t#{pane_title}";

struct Room {
    root: PathBuf,
    fakes: usize,
}

/// The medians of the time until the end, and of the time computed.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    computed: Duration,
}

impl Room {
    fn new() -> Room {
        let root = std::env::temp_dir().join(format!("aimax-growth-{}", std::process::id()));
        fs::create_dir_all(root.join("work")).unwrap();
        let room = Room { root, fakes: 0 };
        room.run(&["aimax-spawn", "-s", "one", "-p", "hello"]);
        room
    }

    /// One of our programs or tmux, on a server, a home and folders of its own.
    fn command(&self, words: &[&str]) -> Command {
        let programs = Path::new(env!("CARGO_BIN_EXE_aimax")).parent().unwrap();
        let mut command = match words[0] {
            "tmux" => Command::new("tmux"),
            ours => Command::new(programs.join(ours)),
        };
        if words[0] == "tmux" {
            command.args(["-L", "growth", "-f", "/dev/null"]);
        }
        command.args(&words[1..]).env_clear().current_dir(self.root.join("work"));
        command.env("PATH", std::env::var("PATH").unwrap()).env("HOME", &self.root);
        command.env("TMUX_TMPDIR", &self.root).env("AIMAX_TMUX_SOCKET", "growth");
        command.env("AIMAX_DATA_DIR", self.root.join("data"));
        command.env("AIMAX_PRACTICE_HOME", self.root.join("practice"));
        command.env("AIMAX_BACKEND", "tmux-practice").stdin(Stdio::null());
        command
    }

    fn run(&self, words: &[&str]) -> String {
        let done = self.command(words).output().unwrap();
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// Sessions until there are so many.
    fn grow(&mut self, sessions: usize) {
        let files = ["runtime", "archive"]
            .map(|name| self.root.join(format!("data/practice-hub-{name}.json")));
        let mut state = files.each_ref().map(|path| read(path));
        let run = self.root.join("data/run/tmux-practice");
        let anchor = read(&run.join("one/anchor.json"));
        let job = read(&run.join("one/job.json"));
        let own = self.root.join(format!("practice/sessions/{}.json", anchor["pid"]));
        let own = read(&own);
        while self.fakes + 1 < sessions {
            self.fakes += 1;
            let name = format!("fake-{}", self.fakes);
            let window = ["tmux", "new-window", "-d", "-P", "-F", "#{pane_id} #{pane_pid}"];
            let rest = ["-t", &format!("={HUB}:"), "-n", &name, "sleep", "86400"];
            let made = self.run(&[&window[..], &rest].concat());
            let (pane, pid) = made.trim().split_once(' ').unwrap();
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            let start = stat.rsplit(')').next().unwrap().split(' ').nth(20).unwrap();
            let mut entry = state[0]["one"].clone();
            let id = format!("00000000-0000-4000-8000-{:012}", self.fakes);
            let transcript = entry["jsonlPath"].as_str().unwrap();
            let transcript = Path::new(transcript).with_file_name(format!("{id}.jsonl"));
            fs::write(&transcript, "").unwrap();
            entry["agentSessionId"] = id.as_str().into();
            entry["jsonlPath"] = transcript.to_str().unwrap().into();
            state.iter_mut().for_each(|state| state[&name] = entry.clone());
            let mut anchor = anchor.clone();
            (anchor["pane"], anchor["pid"]) = (pane.into(), pid.parse::<u32>().unwrap().into());
            anchor["process"]["start"] = start.into();
            fs::create_dir_all(run.join(&name)).unwrap();
            write(&run.join(&name).join("anchor.json"), &anchor);
            let mut job = job.clone();
            (job["transcript"], job["conversation"]) = (json!(transcript), json!(id));
            job["offset"] = 0.into();
            write(&run.join(&name).join("job.json"), &job);
            let mut own = own.clone();
            (own["sessionId"], own["procStart"]) = (json!(id), json!(start));
            write(&self.root.join(format!("practice/sessions/{pid}.json")), &own);
        }
        files.iter().zip(&state).for_each(|(path, state)| write(path, state));
    }

    /// Has a job run in each session but the first, whose prompt the agent has not taken up yet.
    fn set_jobs(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let run = self.root.join("data/run/tmux-practice");
        for n in 1..=self.fakes {
            let path = run.join(format!("fake-{n}/job.json"));
            let mut job = read(&path);
            (job["ended"], job["at"]) = (Value::Null, json!(now.as_millis()));
            write(&path, &job);
        }
    }

    /// How often a program wakes up in some seconds in which nothing happens, and the memory that it
    /// takes, in kilobytes.
    fn rest(&self, words: &[&str]) -> (u64, u64) {
        let mut child = self.command(words).stdout(Stdio::null()).spawn().unwrap();
        let of = |key: &str| -> u64 {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
            let line = status.lines().find(|line| line.starts_with(key)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        let waits = || of("voluntary_ctxt_switches:");
        // It begins to rest once it has looked at all of them.
        let begun = Instant::now();
        let mut before = None;
        while before != Some(waits()) || begun.elapsed() < SETTLED {
            assert!(begun.elapsed() < PATIENCE, "{words:?} does not come to rest");
            before = Some(waits());
            std::thread::sleep(SETTLED);
        }
        std::thread::sleep(REST);
        let found = (waits() - before.unwrap(), of("VmRSS:"));
        child.kill().unwrap();
        child.wait().unwrap();
        found
    }

    fn cost(&self, words: &[&str]) -> Cost {
        middle((0..ROUNDS).map(|_| timed(&mut self.command(words))).collect())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        drop(self.command(&["tmux", "kill-server"]).output());
        drop(fs::remove_dir_all(&self.root));
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn write(path: &Path, value: &Value) {
    fs::write(path, serde_json::to_string_pretty(value).unwrap()).unwrap();
}

fn middle(mut costs: Vec<Cost>) -> Cost {
    let half = costs.len() / 2;
    costs.sort_by_key(|cost| cost.computed);
    let computed = costs[half].computed;
    costs.sort_by_key(|cost| cost.wall);
    Cost { wall: costs[half].wall, computed }
}

/// The time until a command ends, and what it and the clients of tmux that it runs compute.
#[expect(unsafe_code, reason = "std waits without asking what the child used")]
#[expect(clippy::zombie_processes, reason = "wait4 waits for it")]
fn timed(command: &mut Command) -> Cost {
    let begun = Instant::now();
    let child = command.stdout(Stdio::null()).process_group(0).spawn().unwrap();
    // SAFETY: rusage is plain data, and all zeroes is a value of it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let mut status = 0;
    // SAFETY: the two pointers are to live values that the call fills.
    let ended =
        unsafe { libc::wait4(child.id().cast_signed(), &raw mut status, 0, &raw mut usage) };
    let wall = begun.elapsed();
    assert!(ended > 0 && status == 0, "{command:?}: {status}");
    let time = |of: libc::timeval| {
        Duration::from_micros((of.tv_sec * 1_000_000 + of.tv_usec).cast_unsigned())
    };
    Cost { wall, computed: time(usage.ru_utime) + time(usage.ru_stime) }
}

fn measure(room: &Room) -> Vec<(&'static str, Cost)> {
    let of = |name, words: &[&str]| (name, room.cost(words));
    let mut found = vec![
        of("ls NAME", &["aimax-ls", "one"]),
        of("flag check NAME", &["aimax-flag", "check", "-s", "one"]),
        of("tail NAME", &["aimax-tail", "-s", "one", "-n", "1"]),
        of("paste NAME", &["aimax-paste", "-s", "one", "-p", "hello again", "--when", "idle"]),
    ];
    let (mut made, mut ended) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        made.push(timed(&mut room.command(&["aimax-spawn", "-s", "new"])));
        ended.push(timed(&mut room.command(&["aimax-kill", "new"])));
    }
    found.push(("spawn", middle(made)));
    found.push(("kill NAME", middle(ended)));
    found.push(of("ls", &["aimax-ls"]));
    found.push(of("tmux list-panes -a", &["tmux", "list-panes", "-a", "-F", FIELDS]));
    found.push(of("the same, brief", &["tmux", "list-panes", "-a", "-F", BRIEF]));
    found.push(of("tmux display-message", &["tmux", "display-message", "-p", "x"]));
    let (hub, bare) = (format!("={HUB}:"), format!("={HUB}:bare"));
    let window = [
        &["tmux", "new-window", "-d", "-t", &hub, "-n", "bare", "sleep", "86400"][..],
        &["tmux", "pipe-pane", "-O", "-t", &bare, "cat >/dev/null"],
        &["tmux", "kill-window", "-t", &bare],
    ];
    let rounds = (0..ROUNDS).map(|_| window.map(|words| timed(&mut room.command(words))));
    let rounds: Vec<[Cost; 3]> = rounds.collect();
    for (at, name) in ["tmux new-window", "tmux pipe-pane", "tmux kill-window"].iter().enumerate() {
        found.push((name, middle(rounds.iter().map(|costs| costs[at]).collect())));
    }
    found
}

fn main() {
    let mut room = Room::new();
    let found: Vec<_> = SIZES
        .into_iter()
        .map(|sessions| {
            room.grow(sessions);
            eprintln!("measuring: {sessions} sessions");
            measure(&room)
        })
        .collect();
    let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
    print!("{:22}", "ms: to the end, computed");
    SIZES.iter().for_each(|sessions| print!("{sessions:>16}"));
    println!();
    for (row, (name, _)) in found[0].iter().enumerate() {
        print!("{name:22}");
        for of in &found {
            let Cost { wall, computed } = of[row].1;
            print!("{:>16}", format!("{}, {}", ms(wall), ms(computed)));
        }
        println!();
    }
    println!();
    let at = |size: usize, row: usize| found[size][row].1;
    let times = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
    let bound = |what: &str, is: f64, most: f64| {
        let word = if is <= most { "holds " } else { "BROKEN" };
        println!("{word}  {what}: {is:.2} times (bound {most})");
    };
    for row in [0, 1, 2, 3, 5] {
        let what = format!("{}, computed: 1,000 beside 1", found[0][row].0);
        bound(&what, times(at(4, row).computed, at(0, row).computed), 1.2);
    }
    bound("spawn, computed: 1,000 beside 10", times(at(4, 4).computed, at(1, 4).computed), 1.3);
    bound("ls of 1,000 beside tmux list-panes -a", times(at(4, 6).wall, at(4, 7).wall), 1.5);
    println!("        beside the same, brief: {:.2} times", times(at(4, 6).wall, at(4, 8).wall));
    room.set_jobs();
    for words in [&["aimax-ls", "--watch"][..], &["aimax-flag", "wait", "--all"]] {
        let (woken, kilobytes) = room.rest(words);
        let megabytes = kilobytes as f64 / 1024.0;
        let word = if woken == 0 && megabytes < 20.0 { "holds " } else { "BROKEN" };
        let (what, seconds) = (words.join(" "), REST.as_secs());
        println!(
            "{word}  {what} of 1,000: {woken} wake-ups in {seconds} s (bound 0), {megabytes:.1} MB (bound 20)"
        );
    }
}
