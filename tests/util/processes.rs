//! The processes that there are.

use std::process::Command;

/// The process and all that are below it.
pub(crate) fn family(of: u32) -> Vec<u32> {
    let table = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().expect("ps");
    let table = String::from_utf8(table.stdout).expect("numbers");
    let numbers = |line: &str| {
        let mut words = line.split_whitespace().map(|word| word.parse::<u32>().expect("a number"));
        (words.next().expect("a process"), words.next().expect("its parent"))
    };
    let pairs: Vec<(u32, u32)> = table.lines().map(numbers).collect();
    let mut found = vec![of];
    let mut at = 0;
    while let Some(&parent) = found.get(at) {
        found.extend(pairs.iter().filter(|(_, above)| *above == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found
}
