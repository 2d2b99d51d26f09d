//! `aimax-tail` side by side with other programs, in one run on one machine.
//!
//! `cargo bench --bench tail` prints the table; `… -- --quick` measures less, for a first look, and
//! `… -- latency idle` only these parts. A program that is not installed is left out and named.
//! `AIMAX_BENCH_DIR` says where the files are put, which take 1 GB. The original (PyPI `aimax`
//! 0.1.0) is the program that `AIMAX_ORIGINAL` names.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on stops")]

mod catch_up;
mod follow;
mod programs;
mod scratch;
mod start;
mod table;
#[expect(dead_code, reason = "the tests use the rest of it")]
#[path = "../../tests/util/versions.rs"]
mod versions;

use programs::Programs;
use scratch::Scratch;
use table::Table;

/// How much is measured.
#[derive(Clone, Copy)]
struct Effort {
    /// The large transcript, in megabytes.
    megabytes: usize,
    /// Appends whose way is timed.
    appends: usize,
    /// Runs of what is short.
    runs: usize,
    /// Seconds of idleness, and of appends to many files.
    seconds: u64,
    /// Files followed at once.
    files: usize,
}

const FULL: Effort = Effort { megabytes: 400, appends: 1000, runs: 200, seconds: 10, files: 1000 };
const QUICK: Effort = Effort { megabytes: 50, appends: 100, runs: 30, seconds: 2, files: 200 };

type Part = fn(&Programs, &Scratch, Effort, &mut Table);

const PARTS: [(&str, Part); 7] = [
    ("catch-up", catch_up::measure),
    ("long-line", catch_up::long_line),
    ("latency", follow::latency),
    ("last-lines", start::last_lines),
    ("start-up", start::start_up),
    ("idle", follow::idle),
    ("many", follow::many),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let effort = if words.iter().any(|word| word == "--quick") { QUICK } else { FULL };
    let asked = |name: &str| {
        let mut named = words.iter().filter(|word| !word.starts_with('-')).peekable();
        named.peek().is_none() || named.any(|word| word == name)
    };
    let scratch = Scratch::new();
    let programs = Programs::find(&scratch);
    let mut table = Table::default();
    for (name, part) in PARTS.into_iter().filter(|(name, _)| asked(name)) {
        eprintln!("measuring: {name}");
        part(&programs, &scratch, effort, &mut table);
    }
    table.print();
}
