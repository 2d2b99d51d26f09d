//! What is over at once: a start with nothing to do, and the last lines of files of any size.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    Effort,
    programs::{OURS, Programs},
    scratch::Scratch,
    table::{Table, at, ms, ratio},
};

pub(crate) fn start_up(programs: &Programs, scratch: &Scratch, effort: Effort, table: &mut Table) {
    let empty = scratch.path("empty.jsonl");
    fs::write(&empty, "").unwrap();
    let ours = || {
        let mut command = programs.ours();
        command.arg(&empty);
        command
    };
    let [none, ours] = side_by_side(effort.runs, [&|| Command::new("true"), &ours]);
    for (name, times) in [("true", &none), (OURS, &ours)] {
        let more = format!("p50; least {}, p99 {}", ms(times[0]), ms(at(times, 99)));
        table.row("start-up", name, ms(at(times, 50)), more);
    }
    let times = ratio(at(&ours, 50), at(&none, 50));
    table.bound(format!("start-up: {times:.2} x `true` (bound 1.3)"), times <= 1.3);
}

pub(crate) fn last_lines(
    programs: &Programs,
    scratch: &Scratch,
    effort: Effort,
    table: &mut Table,
) {
    let small = scratch.sparse("small.jsonl", 10_000);
    let large = scratch.sparse("large-sparse.jsonl", 10_000_000_000);
    let of = |mut command: Command, path: &std::path::Path| {
        command.args(["-n", "10"]).arg(path);
        command
    };
    let [a, b, c, d] = side_by_side(
        effort.runs,
        [
            &|| of(programs.ours(), &small),
            &|| of(programs.ours(), &large),
            &|| of(Command::new("tail"), &small),
            &|| of(Command::new("tail"), &large),
        ],
    );
    for (name, times) in [
        ("aimax-tail, 10 KB", &a),
        ("aimax-tail, 10 GB", &b),
        ("tail, 10 KB", &c),
        ("tail, 10 GB", &d),
    ] {
        table.row("-n 10", name, ms(at(times, 50)), format!("p99 {}", ms(at(times, 99))));
    }
    let more = at(&b, 50).saturating_sub(at(&a, 50));
    let text = format!("-n 10 of 10 GB: {} more than of 10 KB (bound 2 ms)", ms(more));
    table.bound(text, more <= Duration::from_millis(2));
}

/// Runs each command so often, in turns; the sorted times of each.
fn side_by_side<const N: usize>(
    runs: usize,
    commands: [&dyn Fn() -> Command; N],
) -> [Vec<Duration>; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..runs {
        for (make, times) in commands.iter().zip(&mut times) {
            let mut command = make();
            command.stdin(Stdio::null()).stdout(Stdio::null());
            let begin = Instant::now();
            command.status().unwrap();
            times.push(begin.elapsed());
        }
    }
    times.each_mut().map(|times| {
        times.sort();
        std::mem::take(times)
    })
}
