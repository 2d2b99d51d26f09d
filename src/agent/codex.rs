//! Codex.

use std::{
    ffi::OsString,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Agent, Ask, Backend, Launch, Status, Thread, Typing, codex_log, proc};
use crate::{
    config::Config,
    error::{Error, Result},
    tmux::{Enter, Pane},
    transcript::{
        follow::Follow,
        packed::packed,
        record::{Event, Kind},
        start::Start,
    },
};

/// Codex. Verified with 0.142.5 and 0.169.0.
pub(super) struct Codex;

/// Command line overrides: the title tells state and thread, nothing blinks, nobody asks for an
/// update, and no daemon shared by all windows runs their tools in the first one's environment.
const OVERRIDES: [&str; 4] = [
    r#"tui.terminal_title=["activity","run-state","thread-id"]"#,
    "tui.animations=false",
    "check_for_update_on_startup=false",
    "features.daemon_auto_start=false",
];

/// By this an agent that we started is known.
const TITLE: &str = "tui.terminal_title";

impl Agent for Codex {
    fn program(&self) -> &'static str {
        "codex"
    }

    fn profile(&self) -> (&'static str, &'static str) {
        ("codex.json", include_str!("profile/codex.json"))
    }

    fn launch(&self, config: &Config, ask: &Ask) -> Result<Launch> {
        let program = config.program("codex").ok_or_else(|| {
            Error::missing("codex", "not found on PATH")
                .advise("install it, for example `npm install -g @openai/codex`")
        })?;
        let mut argv = vec![program.into_os_string()];
        if let Some(profile) = profile(config, ask) {
            argv.extend(["-p", profile].map(OsString::from));
        }
        if let Some(id) = &ask.resume {
            if uuid::Uuid::parse_str(id).is_err() {
                return Err(Error::usage(format!("thread {id:?}"), "not a thread id (a UUID)"));
            }
            argv.push("resume".into());
        }
        for value in OVERRIDES {
            argv.extend(["-c", value].map(OsString::from));
        }
        if !ask.ask_permission {
            argv.push("--dangerously-bypass-approvals-and-sandbox".into());
        }
        if let Some(model) = ask.model.as_ref().or(config.codex_model.as_ref()) {
            argv.extend(["-m".into(), OsString::from(model)]);
        }
        argv.extend(["-C".into(), ask.cwd.clone().into_os_string()]);
        argv.extend(ask.rest.iter().cloned());
        argv.extend(ask.resume.iter().map(OsString::from));
        let thread = ask
            .resume
            .as_ref()
            .map(|id| Thread { id: Some(id.clone()), transcript: rollout(config, id) });
        let secrets = config.rightcode_env_file.clone();
        let sources = if secrets.exists() { vec![secrets] } else { Vec::new() };
        Ok(Launch { argv, env: Vec::new(), sources, thread })
    }

    fn status(&self, config: &Config, pane: &Pane) -> Result<Status> {
        let title = Title::parse(&pane.title);
        if title.status != Status::Starting {
            return Ok(title.status);
        }
        // Its tool servers may still start, which is all that the title then tells, though it takes
        // prompts; or somebody else has started it, with another title. The transcript tells more.
        let Some(thread) = self.thread(config, pane)? else { return Ok(Status::Starting) };
        let open = thread.transcript.map(|path| turn_is_open(&path)).transpose()?;
        Ok(if open == Some(true) { Status::Busy } else { Status::Idle(None) })
    }

    fn thread(&self, config: &Config, pane: &Pane) -> Result<Option<Thread>> {
        let Some(part) = Title::parse(&pane.title).thread else {
            return Ok(
                foreign(pane).map(|path| Thread { id: id_of(&path), transcript: Some(path) })
            );
        };
        // The title holds 29 of the id's 36 characters; the files of the pane's own process hold
        // all of it. A lock that another process holds means that the thread is open elsewhere.
        let locked = lock_of(config, part);
        let mut thread = Thread::default();
        match open_files(pane.pid) {
            Some(open) => {
                if let Some(lock) = &locked
                    && !open.iter().any(|path| path.file_name() == lock.file_name())
                {
                    return Ok(None);
                }
                thread.transcript = open.into_iter().find(|path| is_rollout(path, part));
            }
            None => thread.transcript = rollout(config, part),
        }
        // Gone on with, it holds no rollout open before the first prompt.
        let id = locked.as_deref().and_then(Path::file_stem).and_then(|stem| stem.to_str());
        if thread.transcript.is_none() {
            thread.transcript = id.and_then(|id| rollout(config, id));
        }
        thread.id = id.map(str::to_owned).or_else(|| id_of(thread.transcript.as_deref()?));
        Ok(Some(thread))
    }

    fn witnesses(&self, config: &Config, pane: &Pane) -> Vec<PathBuf> {
        // The rollout appears in a folder named after the day, as Codex counts it: the local one.
        let day = |offset: i64| {
            let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(offset);
            let at = at.to_zoned(jiff::tz::TimeZone::UTC);
            config.codex_sessions.join(format!(
                "{:04}/{:02}/{:02}",
                at.year(),
                at.month(),
                at.day()
            ))
        };
        let days = [day(-14), day(0), day(14)];
        // The folder of a day to come appears in that of its month, and so on; the lock of another
        // thread appears as soon as a person goes over to it.
        let above = days.iter().flat_map(|day| day.ancestors().skip(1).take(3));
        let mut witnesses: Vec<PathBuf> = above.map(Path::to_owned).collect();
        witnesses.push(config.codex_home.join("thread-writer-locks"));
        witnesses.push(config.title_witness(Backend::Codex.name(), &pane.window_name));
        witnesses.extend(days);
        if Title::parse(&pane.title).thread.is_none() {
            witnesses.extend(foreign(pane));
        }
        witnesses.sort();
        witnesses.dedup();
        witnesses
    }

    fn title_at_turn_end(&self) -> Option<&'static str> {
        Some("Ready*")
    }

    fn end_needs_idle(&self) -> bool {
        false
    }

    fn turn_is_open(&self, config: &Config, pane: &Pane) -> Result<Option<bool>> {
        let transcript = self.thread(config, pane)?.and_then(|thread| thread.transcript);
        transcript.map(|path| turn_is_open(&path)).transpose()
    }

    fn command_needs_idle(&self) -> bool {
        true
    }

    fn may_swallow_enter(&self) -> bool {
        false
    }

    fn objection(&self, prompt: &str) -> Option<String> {
        prompt
            .trim_start()
            .starts_with('!')
            .then(|| "a leading `!` makes it a shell command in some versions".into())
    }

    fn typing(&self, prompt: &str, command: bool) -> Typing {
        // A blank on each side makes slash commands and `@` and `$` words plain text, and is
        // trimmed away. A long paste becomes a placeholder, blanks and all, so there they come alone.
        let folded = prompt.chars().count() >= 1000;
        let pieces = if command {
            vec![prompt.to_owned()]
        } else if folded && prompt.trim_start().starts_with('/') {
            vec![" ".into(), prompt.to_owned(), " ".into()]
        } else {
            vec![format!(" {prompt} ")]
        };
        Typing { pieces, enter: Enter::AtOnce }
    }

    fn clear_keys(&self) -> &'static [&'static str] {
        // A round takes one line; C-c would end an idle agent.
        &["C-k", "C-u", "BSpace", "C-e"]
    }

    fn ran_command(&self, _command: &str, event: &Event) -> bool {
        // A command is a turn without a prompt; the rollout does not name it.
        event.kind == Kind::TurnStart
    }

    fn same(&self, sent: &str, recorded: &str) -> std::result::Result<Vec<&'static str>, String> {
        if sent.trim() != recorded.trim() {
            return Err(super::difference(sent.trim(), recorded));
        }
        Ok(if sent == recorded { vec![] } else { vec!["outer_blanks"] })
    }

    fn read(&self, line: &[u8]) -> Vec<Event> {
        codex_log::read(line)
    }
}

/// What the pane's title says.
struct Title<'a> {
    status: Status,
    /// The beginning of the thread's id.
    thread: Option<&'a str>,
}

impl Title<'_> {
    fn parse(title: &str) -> Title<'_> {
        let (state, rest) = title.split_once(" | ").unwrap_or((title, ""));
        let part = rest.rsplit(" | ").next().unwrap_or_default().trim_end_matches(['.', '…']);
        let is_id = part.len() >= 20 && part.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let status = if title.contains("Action Required") {
            Status::Waiting("approval".into())
        } else if state == "Ready" && is_id {
            Status::Idle(None)
        } else if state != "Starting" && (is_id || matches!(state, "Working" | "Thinking")) {
            Status::Busy
        } else {
            Status::Starting
        };
        Title { status, thread: is_id.then_some(part) }
    }
}

/// The profile that belongs to the way out: `plus` through the proxy, else `rightcode`; if there is
/// such a profile, and the caller names no other. Codex itself says nothing of one that is not there.
fn profile(config: &Config, ask: &Ask) -> Option<&'static str> {
    let name = if ask.use_proxy { "plus" } else { "rightcode" };
    let names_one = |word: &OsString| {
        let word = word.to_string_lossy();
        word == "-p" || word == "--profile" || word.starts_with("--profile=")
    };
    let there = config.codex_home.join(format!("{name}.config.toml")).exists();
    (there && !ask.rest.iter().any(names_one)).then_some(name)
}

/// The files that the pane's process and those that it launched hold open.
fn open_files(pid: u32) -> Option<Vec<PathBuf>> {
    let first = proc::open_files(pid)?;
    let others = proc::family(pid).skip(1).filter_map(proc::open_files).flatten();
    Some(first.into_iter().chain(others).collect())
}

/// The rollout of an agent that somebody else has started, who did not ask for our title: then the
/// transcript that it holds open is all that tells of its state.
fn foreign(pane: &Pane) -> Option<PathBuf> {
    let asked = |pid| {
        let words = proc::command_line(pid).unwrap_or_default();
        words.windows(TITLE.len()).any(|part| part == TITLE.as_bytes())
    };
    if proc::family(pane.pid).any(asked) {
        return None;
    }
    open_files(pane.pid)?.into_iter().find(|path| is_rollout(path, ""))
}

/// Whether the last turn in a rollout has begun and not ended.
fn turn_is_open(rollout: &Path) -> Result<bool> {
    let mut count = 64;
    loop {
        let (mut open, mut lines) = (None, 0);
        let _seen = Follow::open(rollout, Start::Last(count))?.read(|line| {
            lines += 1;
            for event in codex_log::read(line.bytes) {
                match event.kind {
                    Kind::TurnStart => open = Some(true),
                    Kind::TurnEnd | Kind::Unanswered | Kind::Interrupted | Kind::Error => {
                        open = Some(false);
                    }
                    _ => {}
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        match open {
            Some(open) => return Ok(open),
            None if lines < count => return Ok(false),
            // A turn of many lines: further back.
            None => count *= 8,
        }
    }
}

/// The lock file of the thread whose id begins with `part`.
fn lock_of(config: &Config, part: &str) -> Option<PathBuf> {
    let folder = std::fs::read_dir(config.codex_home.join("thread-writer-locks")).ok()?;
    folder.flatten().map(|file| file.path()).find(|path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with(part) && name.ends_with(".lock"))
    })
}

fn is_rollout(path: &Path, part: &str) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
        name.starts_with("rollout-") && name.contains(part) && name.ends_with(".jsonl")
    })
}

/// The rollout of which `path` is the file, also when that is packed: a reader asks for the one and
/// takes the other.
fn unpacked(path: PathBuf) -> PathBuf {
    let named = path.to_str().and_then(|name| name.strip_suffix(".zst"));
    named.map(PathBuf::from).unwrap_or(path)
}

/// The id at the end of a rollout's name.
fn id_of(rollout: &Path) -> Option<String> {
    let stem = rollout.file_stem()?.to_str()?;
    let id = stem.get(stem.len().checked_sub(36)?..)?;
    uuid::Uuid::parse_str(id).is_ok().then(|| id.to_owned())
}

/// The rollout of the thread whose id is, or begins with, `part`: from Codex's index, else from the
/// folders themselves. The index is a hint; what it names must exist.
fn rollout(config: &Config, part: &str) -> Option<PathBuf> {
    let there = |path: &PathBuf| path.exists() || packed(path).exists();
    indexed(&config.codex_state_db, part).map(unpacked).filter(there).or_else(|| {
        let mut folders = vec![config.codex_sessions.clone()];
        while let Some(folder) = folders.pop() {
            let entries = std::fs::read_dir(folder).ok()?.flatten();
            let mut entries: Vec<PathBuf> = entries.map(|entry| unpacked(entry.path())).collect();
            if let Some(found) = entries.iter().find(|path| is_rollout(path, part)) {
                return Some(found.clone());
            }
            // The newest day is looked at first.
            entries.retain(|path| path.is_dir());
            entries.sort();
            folders.extend(entries);
        }
        None
    })
}

/// What the index says; nothing when it is absent, locked, or of another shape.
fn indexed(database: &Path, part: &str) -> Option<PathBuf> {
    use rusqlite::{Connection, OpenFlags};

    let open = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    open.busy_timeout(Duration::from_secs(1)).ok()?;
    let sql = "select rollout_path from threads where id >= ?1 and id < ?1 || 'g' limit 1";
    let path: String = open.query_row(sql, [part], |row| row.get(0)).ok()?;
    Some(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_tells_state_and_thread() {
        let id = "01a20300-6ab9-7f92-845b-5c85c";
        let of = |title: &str| {
            let parsed = Title::parse(title);
            (parsed.status, parsed.thread.map(str::to_owned))
        };
        assert_eq!(of(&format!("Ready | {id}...")), (Status::Idle(None), Some(id.into())));
        assert_eq!(of(&format!("Working | {id}...")), (Status::Busy, Some(id.into())));
        let asks = Status::Waiting("approval".into());
        assert_eq!(of(&format!("[ ! ] Action Required | {id}...")), (asks, Some(id.into())));
        assert_eq!(of(&format!("Starting | {id}...")).0, Status::Starting);
        assert_eq!(of("Ready").0, Status::Starting, "the command centre has no thread");
        assert_eq!(of("myhost"), (Status::Starting, None));
    }

    #[test]
    fn a_turn_is_open_until_its_end_however_long_it_is() {
        let path = std::env::temp_dir().join(format!("aimax-turn-{}", std::process::id()));
        let line = |kind: &str| {
            format!("{{\"type\":\"event_msg\",\"payload\":{{\"type\":\"{kind}\"}}}}\n")
        };
        let begun = line("task_complete") + &line("task_started") + &line("other").repeat(1000);
        for (text, open) in
            [(String::new(), false), (begun.clone(), true), (begun + &line("turn_aborted"), false)]
        {
            std::fs::write(&path, text).unwrap();
            assert_eq!(turn_is_open(&path).unwrap(), open);
        }
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn an_id_stands_at_the_end_of_a_rollouts_name() {
        let name = "/x/rollout-2026-11-22T10-00-00-01a20300-6ab9-7f92-845b-5c85cabcdef0.jsonl";
        assert_eq!(id_of(Path::new(name)).unwrap(), "01a20300-6ab9-7f92-845b-5c85cabcdef0");
        assert!(is_rollout(Path::new(name), "01a20300-6ab9-7f92-845b-5c85c"));
        assert_eq!(id_of(Path::new("/x/y.jsonl")), None);
    }

    #[test]
    fn a_packed_rollout_is_found_under_its_own_name() {
        let home = std::env::temp_dir().join(format!("aimax-codex-{}", std::process::id()));
        let day = home.join("sessions/2026/11/22");
        std::fs::create_dir_all(&day).unwrap();
        let id = "01a20300-6ab9-7f92-845b-5c85cabcdef0";
        let path = day.join(format!("rollout-2026-11-22T10-00-00-{id}.jsonl"));
        std::fs::write(packed(&path), "").unwrap();
        let home_text = home.to_str().unwrap();
        let config = Config::from_vars(vec![("CODEX_HOME".into(), home_text.into())]).unwrap();
        assert_eq!(rollout(&config, id), Some(path));
        std::fs::remove_dir_all(&home).unwrap();
    }
}
