//! The whole of a large transcript, into a pipe that somebody empties.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    Effort,
    programs::{EVENTS, GNU, HISTORY, HISTORY_JSON, ORIGINAL, OURS, Programs, RAW, USAGE, WRAPPED},
    scratch::Scratch,
    table::{Table, mb, ms, ratio},
};

/// Each is run so often; the quickest counts, the others were disturbed.
const RUNS: usize = 5;

const JQ: &str = "jq -c .";

/// What is measured; the first three are the rivals.
const NAMES: [&str; 10] =
    ["cat", GNU, OURS, RAW, EVENTS, HISTORY, HISTORY_JSON, USAGE, JQ, ORIGINAL];

/// What a run took.
#[derive(Clone, Copy)]
struct Taken {
    /// By the clock, with the `cat` behind it.
    time: Duration,
    /// Of the processor, in the program itself.
    user: Duration,
    /// The most memory that the program held at once, in bytes.
    peak: u64,
}

pub(crate) fn measure(programs: &Programs, scratch: &Scratch, effort: Effort, table: &mut Table) {
    for agent in ["claude", "codex"] {
        of_agent(agent, programs, scratch, effort, table);
    }
}

fn of_agent(
    agent: &str,
    programs: &Programs,
    scratch: &Scratch,
    effort: Effort,
    table: &mut Table,
) {
    let (path, lines) = scratch.transcript(agent, effort.megabytes * 1_000_000);
    let make = |name: &str| programs.reading(name, agent, &path, lines);
    // The rounds go over all programs, so that a busy moment hits all of them.
    let mut best = [None; NAMES.len()];
    for round in 0..RUNS {
        for (name, best) in NAMES.into_iter().zip(&mut best) {
            let slow = matches!(name, JQ | ORIGINAL);
            if let Some(command) = make(name).filter(|_| !slow || round == 0) {
                let now = piped(command);
                let before = best.unwrap_or(now);
                *best = Some(Taken {
                    time: before.time.min(now.time),
                    user: before.user.min(now.user),
                    peak: before.peak.max(now.peak),
                });
            }
        }
    }
    fs::remove_file(&path).unwrap();
    let what = format!("{} MB of {agent}, {lines} lines", effort.megabytes);
    let of = |name: &str| best[NAMES.iter().position(|one| *one == name).unwrap()];
    let checked = of(OURS).unwrap();
    for (name, taken) in NAMES.into_iter().zip(best) {
        if let Some(taken) = taken {
            let more = format!(
                "{:.2} x {OURS}; user {}, {:.2} x; peak {}",
                ratio(taken.time, checked.time),
                ms(taken.user),
                ratio(taken.user, checked.user),
                mb(taken.peak)
            );
            table.row(&what, &format!("{name} | cat"), ms(taken.time), more);
        }
    }
    for (name, rival, bound) in [(OURS, "cat", 2.0), (OURS, GNU, 1.1), (RAW, "cat", 1.1)] {
        let times = ratio(of(name).unwrap().time, of(rival).unwrap().time);
        let text = format!("{agent}, {name}: {times:.2} x `{rival} | cat` (bound {bound})");
        table.bound(text, times <= bound);
    }
    for name in [EVENTS, HISTORY, HISTORY_JSON, USAGE] {
        let told = of(name).unwrap();
        let (time, user) = (ratio(told.time, checked.time), ratio(told.user, checked.user));
        let text = format!("{agent}, {name}: {time:.2} x {OURS}, user {user:.2} x (bound 4)");
        table.bound(text, time <= 4.0 && user <= 4.0);
    }
    let ours = [OURS, RAW, EVENTS, HISTORY, HISTORY_JSON, USAGE];
    let peak = ours.iter().filter_map(|name| of(name)).map(|taken| taken.peak).max().unwrap();
    table.bound(format!("{agent}, peak memory: {} (bound 8 MB)", mb(peak)), peak <= 8_000_000);
}

/// A record that is longer than what may be held of it.
pub(crate) fn long_line(programs: &Programs, scratch: &Scratch, effort: Effort, table: &mut Table) {
    let megabytes = effort.megabytes * 5 / 2;
    let path = scratch.long_line(megabytes * 1_000_000);
    let what = format!("a line of {megabytes} MB");
    let ours = [OURS, RAW, WRAPPED, EVENTS, HISTORY, HISTORY_JSON, USAGE];
    let peak = ours.into_iter().filter_map(|name| {
        let taken = piped(programs.reading(name, "claude", &path, 3)?);
        let more = format!("user {}; peak {}", ms(taken.user), mb(taken.peak));
        table.row(&what, &format!("{name} | cat"), ms(taken.time), more);
        Some(taken.peak)
    });
    let peak = peak.max().unwrap();
    fs::remove_file(&path).unwrap();
    table.bound(format!("{what}, peak memory: {} (bound 8 MB)", mb(peak)), peak <= 8_000_000);
}

/// `command | cat > /dev/null`.
#[expect(clippy::zombie_processes, reason = "`reap` waits for the first")]
fn piped(mut command: Command) -> Taken {
    let begin = Instant::now();
    let mut first = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let pipe = first.stdout.take().unwrap();
    let mut cat = Command::new("cat").stdin(pipe).stdout(Stdio::null()).spawn().unwrap();
    let (user, peak) = reap(first.id());
    cat.wait().unwrap();
    Taken { time: begin.elapsed(), user, peak }
}

/// Waits for the end of the child `pid`; the processor's time that it took for itself, and the most
/// memory that it held at once, in bytes.
#[expect(unsafe_code, reason = "std waits without asking what the child used")]
fn reap(pid: u32) -> (Duration, u64) {
    // SAFETY: rusage is plain data, and all zeroes is a value of it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: a null status is allowed, and `usage` is a live rusage that the call fills.
    let ended = unsafe { libc::wait4(pid.cast_signed(), std::ptr::null_mut(), 0, &raw mut usage) };
    assert!(ended > 0, "{}", std::io::Error::last_os_error());
    // Linux counts in KiB, macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    let user = Duration::from_secs(usage.ru_utime.tv_sec.cast_unsigned())
        + Duration::from_micros(u64::try_from(usage.ru_utime.tv_usec).unwrap());
    (user, u64::try_from(usage.ru_maxrss).unwrap() * unit)
}
