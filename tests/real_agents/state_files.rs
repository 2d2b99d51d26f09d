//! Many processes that add sessions at once, while both programs read the state files.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::original::{ours, practice_home, theirs};
use crate::util::home::Home;

const PROCESSES: usize = 20;
const SESSIONS: usize = 10;

/// How many sessions a state file holds.
fn kept(home: &Home, file: &str) -> usize {
    let text = std::fs::read_to_string(home.data().join(file)).expect(file);
    let state: Value = serde_json::from_str(&text).expect(file);
    state.as_object().expect("an object").len()
}

#[test]
fn every_session_survives() {
    let home = practice_home();
    let stop = AtomicBool::new(false);
    let (mut here, mut there) = (0, 0);
    std::thread::scope(|scope| {
        let reader = |read: fn(&Home, &[&str]) -> crate::original::Said| {
            let (home, stop) = (&home, &stop);
            move || {
                let mut reads = 0;
                while !stop.load(Ordering::Relaxed) {
                    read(home, &["list", "-b", "tmux-claude-code"]).document();
                    reads += 1;
                }
                reads
            }
        };
        let readers = [scope.spawn(reader(ours)), scope.spawn(reader(theirs))];
        let script = format!(
            "for n in $(seq {SESSIONS}); do\n\
             '{}' -b tmux-claude-code -s \"$1-$n\" >/dev/null || exit 1\ndone",
            env!("CARGO_BIN_EXE_aimax-spawn")
        );
        let children: Vec<_> = (0..PROCESSES)
            .map(|n| {
                let mut command = home.command("sh");
                command.args(["-c", &script, "sh", &format!("p{n}")]);
                command.stdin(Stdio::null()).spawn().expect("a shell")
            })
            .collect();
        for mut child in children {
            assert!(child.wait().expect("its end").success());
        }
        stop.store(true, Ordering::Relaxed);
        [here, there] = readers.map(|reader| reader.join().expect("a reader"));
    });
    let all = PROCESSES * SESSIONS;
    let (live, archived) = (kept(&home, "hub-runtime.json"), kept(&home, "hub-archive.json"));
    println!(
        "{live} of {all} sessions, {archived} in the archive; ours read {here} times, the original \
         {there} times"
    );
    assert_eq!((live, archived), (all, all));
    assert!(here > 0 && there > 0);
    let listed = theirs(&home, &["list", "-b", "tmux-claude-code"]).document();
    // `_root` is among them.
    assert_eq!(listed["tmux-claude-code"].as_array().expect("a list").len(), all + 1);
}
