//! What became of an agent's files and ours, and when: by it a disagreement is judged afterwards.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use serde_json::Value;

use super::home::Home;

/// How often it looks.
const PAUSE: Duration = Duration::from_millis(5);

/// What of a record is told: of a transcript's, of an agent's state, of a job's account.
const TOLD: [&str; 15] = [
    "/timestamp",
    "/type",
    "/subtype",
    "/operation",
    "/attachment/type",
    "/promptSource",
    "/message/stop_reason",
    "/durationMs",
    "/payload/type",
    "/status",
    "/statusUpdatedAt",
    "/waitingFor",
    "/prompts",
    "/sending",
    "/ended",
];

/// One change: when it was seen, and what it was.
type Note = (Instant, String);

/// Looks at all files that tell of one session until it is ended.
pub(crate) struct Witness {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Note>>,
}

impl Witness {
    /// Begins to look at the files of session `name`.
    pub(crate) fn start(home: &Home, name: &str) -> Witness {
        let agents = [".claude/sessions", ".claude/projects", ".codex/sessions"];
        let mut folders: Vec<PathBuf> = agents.map(|folder| home.home().join(folder)).into();
        folders.push(home.data().join("practice"));
        folders.push(home.proj().join(".imac/flags").join(name));
        for backend in fs::read_dir(home.data().join("run")).into_iter().flatten().flatten() {
            folders.push(backend.path().join(name));
        }
        let stop = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let (mut seen, mut notes) = (HashMap::new(), Vec::new());
            while !over.load(Ordering::Relaxed) {
                look(&folders, &mut seen, &mut notes);
                thread::sleep(PAUSE);
            }
            notes
        });
        Witness { stop, thread }
    }

    /// Ends it, and gives all that it saw.
    pub(crate) fn end(self) -> Vec<Note> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the witness looks to the end")
    }
}

/// When a file was last written, and how long it was then.
type Seen = HashMap<PathBuf, (SystemTime, u64)>;

fn look(folders: &[PathBuf], seen: &mut Seen, notes: &mut Vec<Note>) {
    let mut there = Vec::new();
    for folder in folders {
        files(folder, &mut there);
    }
    let mut note = |text: String| notes.push((Instant::now(), text));
    seen.retain(|path, _| {
        let stays = there.contains(path);
        if !stays {
            note(format!("{} is gone", name(path)));
        }
        stays
    });
    for path in there {
        let Ok(data) = path.metadata() else { continue };
        let now = (data.modified().expect("a time"), data.len());
        let before = seen.insert(path.clone(), now);
        if before == Some(now) {
            continue;
        }
        let Ok(bytes) = fs::read(&path) else { continue };
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            // What is written from here on is told at the next look.
            let [begin, end] = [before.map_or(0, |(_, len)| len), now.1]
                .map(|at| usize::try_from(at).expect("a length").min(bytes.len()));
            let lines = bytes[begin.min(end)..end].split(|byte| *byte == b'\n');
            lines.filter(|line| !line.is_empty()).for_each(|line| note(brief("record", line)));
        } else {
            note(brief(&name(&path), &bytes));
        }
    }
}

/// The files below a folder that tell of a session, however deep.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let tells = ["jsonl", "flag"].map(|kind| path.extension() == Some(kind.as_ref()));
        let is_state = folder.ends_with("sessions") || path.ends_with("job.json");
        if path.is_dir() {
            files(&path, found);
        } else if tells.contains(&true) || is_state {
            found.push(path);
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What the record says, in few words: `NAME KEY=VALUE...`.
fn brief(name: &str, record: &[u8]) -> String {
    let Ok(record) = serde_json::from_slice::<Value>(record) else {
        return format!("{name} of {} bytes, no JSON", record.len());
    };
    let told = TOLD.iter().filter_map(|at| Some((at, record.pointer(at)?)));
    let told = told.map(|(at, value)| format!(" {}={value}", &at[1..]));
    format!("{name}{}", told.collect::<String>())
}
