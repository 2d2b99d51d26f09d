//! A person who does to tmux what people do, at random moments, while an agent works.

use std::{
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{home::Home, tmux::Tmux, truth::random};

/// Moves, renames and splits the pane of an agent until it is told to stop.
pub(crate) struct Meddler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<usize>,
}

/// The meddler's own session.
const MINE: &str = "=mine:";

/// A program for a pane of the meddler's.
const SLEEP: [&str; 3] = ["sh", "-c", "exec sleep 600"];

impl Meddler {
    /// Begins to meddle with `pane`, whose session is called `name`.
    pub(crate) fn start(home: &Home, name: &str, pane: &str) -> Meddler {
        let (env, name, pane) = (home.env(), name.to_owned(), pane.to_owned());
        let tmux = move |args: &[&str]| {
            let mut tmux = Command::new("tmux");
            tmux.env_clear().envs(env.iter().cloned()).args(["-L", Tmux::SOCKET]).args(args);
            // A move that tmux refuses, such as a pane into its own window, is an event as well.
            let ran = tmux.stdin(Stdio::null()).output().expect("tmux on the PATH");
            String::from_utf8_lossy(&ran.stdout).trim().to_owned()
        };
        tmux(&[&["new-session", "-d", "-s", "mine"][..], &SLEEP].concat());
        let stop = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut count = 0;
            while !over.load(Ordering::Relaxed) {
                event(&tmux, &name, &pane);
                count += 1;
                thread::sleep(Duration::from_millis(50 + u64::from(random(250))));
            }
            count
        });
        Meddler { stop, thread }
    }

    /// Ends it, and tells how much it did.
    pub(crate) fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the meddler meddles to the end")
    }
}

fn event(tmux: &impl Fn(&[&str]) -> String, name: &str, pane: &str) {
    let session = tmux(&["display-message", "-p", "-t", pane, "#{session_id}"]);
    let name = [name, "notes", "a b"][random(3) as usize];
    match random(9) {
        0 => tmux(&["rename-window", "-t", pane, name]),
        1 => tmux(&["rename-session", "-t", &session, ["elsewhere", "work"][random(2) as usize]]),
        2 => tmux(&["move-window", "-d", "-s", pane, "-t", MINE]),
        3 => tmux(&["link-window", "-d", "-s", pane, "-t", MINE]),
        4 => tmux(&["break-pane", "-d", "-s", pane, "-n", name]),
        // Never more than one pane beside it: an agent needs some room.
        5 if tmux(&["display-message", "-p", "-t", pane, "#{window_panes}"]) == "1" => {
            tmux(&[&["split-window", "-d", "-b", "-l", "3", "-t", pane][..], &SLEEP].concat())
        }
        6 => tmux(&[&["new-window", "-d", "-t", MINE, "-n", name][..], &SLEEP].concat()),
        7 => tmux(&["swap-window", "-d", "-s", pane, "-t", MINE]),
        _ => tmux(&["rename-window", "-t", MINE, name]),
    };
}
