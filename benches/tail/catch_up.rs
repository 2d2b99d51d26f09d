//! The whole of a large transcript, into a pipe that somebody empties.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    Effort,
    programs::{EVENTS, GNU, ORIGINAL, OURS, Programs, RAW},
    scratch::Scratch,
    table::{Table, mb, ms, ratio},
};

/// Each is run so often; the quickest counts, the others were disturbed.
const RUNS: usize = 5;

pub(crate) fn measure(programs: &Programs, scratch: &Scratch, effort: Effort, table: &mut Table) {
    let (path, lines) = scratch.transcript("large.jsonl", effort.megabytes * 1_000_000);
    let what = format!("catch-up of {} MB, {lines} lines", effort.megabytes);
    let with = |mut command: Command, words: &[&str], path: &Path| {
        command.args(words).arg(path);
        command
    };
    let make = |name: &str| match name {
        "cat" => Some(with(Command::new("cat"), &[], &path)),
        GNU => Some(with(Command::new("tail"), &["-c", "+1"], &path)),
        OURS => Some(with(programs.ours(), &[], &path)),
        RAW => Some(with(programs.ours(), &["--raw"], &path)),
        EVENTS => Some(with(programs.ours(), &["--events"], &path)),
        "jq -c ." => programs.jq.then(|| with(Command::new("jq"), &["-c", "."], &path)),
        _ => programs.original(&path, Some(lines)),
    };
    // The rounds go over all programs, so that a busy moment hits all of them.
    let names = ["cat", GNU, OURS, RAW, EVENTS, "jq -c .", ORIGINAL];
    let mut best = [(Duration::MAX, 0); 7];
    for round in 0..RUNS {
        for (name, best) in names.into_iter().zip(&mut best) {
            let slow = matches!(name, "jq -c ." | ORIGINAL);
            if (slow && round > 0) || (name == ORIGINAL && !programs.has_original()) {
                continue;
            }
            if let Some(command) = make(name) {
                let (time, peak) = piped(command);
                *best = (best.0.min(time), best.1.max(peak));
            }
        }
    }
    for (name, (time, peak)) in names.into_iter().zip(best) {
        if time < Duration::MAX {
            let speed = effort.megabytes as f64 / time.as_secs_f64();
            let more = format!("{speed:.0} MB/s, peak {}", mb(peak));
            table.row(&what, &format!("{name} | cat"), ms(time), more);
        }
    }
    let (cat, ours, raw, events) = (best[0].0, best[2], best[3].0, best[4]);
    let (checked, passed) = (ratio(ours.0, cat), ratio(raw, cat));
    table.bound(format!("catch-up: {checked:.2} x `cat | cat` (bound 2)"), checked <= 2.0);
    table.bound(format!("catch-up, --raw: {passed:.2} x `cat | cat` (bound 1.1)"), passed <= 1.1);
    let told = ratio(events.0, ours.0);
    table.bound(format!("catch-up, --events: {told:.2} x without (bound 4)"), told <= 4.0);
    let peak = ours.1.max(events.1);
    table.bound(format!("peak memory: {} (bound 8 MB)", mb(peak)), peak <= 8_000_000);
}

/// `command | cat > /dev/null`: the time of both, and the peak memory of the first.
#[expect(clippy::zombie_processes, reason = "`reap` waits for the first")]
fn piped(mut command: Command) -> (Duration, u64) {
    let begin = Instant::now();
    let mut first = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let pipe = first.stdout.take().unwrap();
    let mut cat = Command::new("cat").stdin(pipe).stdout(Stdio::null()).spawn().unwrap();
    let peak = reap(first.id());
    cat.wait().unwrap();
    (begin.elapsed(), peak)
}

/// Waits for the end of the child `pid`; the most memory that it held at once, in bytes.
#[expect(unsafe_code, reason = "std waits without asking what the child used")]
fn reap(pid: u32) -> u64 {
    // SAFETY: rusage is plain data, and all zeroes is a value of it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: a null status is allowed, and `usage` is a live rusage that the call fills.
    let ended = unsafe { libc::wait4(pid.cast_signed(), std::ptr::null_mut(), 0, &raw mut usage) };
    assert!(ended > 0, "{}", std::io::Error::last_os_error());
    // Linux counts in KiB, macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    u64::try_from(usage.ru_maxrss).unwrap() * unit
}
