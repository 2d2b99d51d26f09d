//! The one way in which raw tests wait for what has no event: look again until a deadline.

use std::process::{Child, Output};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for a slow, busy machine. A passing test never waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Longer than any program of ours may run in a test. One that hangs is to fail it, not to hold it up.
const LONGEST: Duration = Duration::from_secs(300);

/// Waits for the end of `what`, and gives what it printed.
#[track_caller]
pub(crate) fn ended(child: Child, what: &str) -> Output {
    let pid = child.id();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = receiver.recv_timeout(LONGEST) else {
        let killed =
            aimax::internal::kill(pid.try_into().expect("a process id"), aimax::internal::KILL);
        let said = receiver.recv_timeout(Duration::from_secs(5));
        panic!("not ended within {LONGEST:?}: {what}; killed: {killed:?}; it said {said:?}");
    };
    output.unwrap_or_else(|e| panic!("{what}: {e}"))
}

/// Looks every 20 ms until `cond` holds, and panics with `what` when `within` is over first.
pub(crate) fn wait_until(within: Duration, what: &str, mut cond: impl FnMut() -> bool) {
    let end = Instant::now() + within;
    while !cond() {
        assert!(Instant::now() < end, "not within {within:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Like [`wait_until`], for a value: `look` says `Some` when it is there, and otherwise leaves in its
/// argument what it saw, which the failure shows.
pub(crate) fn wait_for<T>(
    within: Duration,
    what: &str,
    mut look: impl FnMut(&mut String) -> Option<T>,
) -> T {
    let end = Instant::now() + within;
    let mut saw = String::new();
    loop {
        if let Some(found) = look(&mut saw) {
            return found;
        }
        assert!(Instant::now() < end, "not within {within:?}: {what}; last seen:\n{saw}");
        thread::sleep(Duration::from_millis(20));
    }
}
