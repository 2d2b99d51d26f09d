//! Our own folders: whether they can be written, what is left over in them, and who holds a lock.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use super::finding::{Finding, word};
use crate::{
    agent::Backend,
    config::Config,
    fs as files, proc,
    session::{RunDir, Session},
    state, time,
};

/// Whether our folders, and those of the sessions' flags, can be written.
pub(crate) fn folders(config: &Config) -> Vec<Finding> {
    let mut findings = vec![writable("the session files", &config.data_dir)];
    if let Ok(found) = fs::metadata(&config.data_dir) {
        let mode = found.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let says = format!("other users can read it (mode {mode:o})");
            let finding = Finding::note("folder", config.data_dir.display(), says);
            findings.push(finding.mend(format!("chmod 700 {}", word(&config.data_dir))));
        }
    }
    let run = config.data_dir.join("run");
    if run.exists() {
        findings.push(writable("locks and settings of sessions", &run));
    }
    if let Some(folder) = config.prompt_events.as_deref().and_then(Path::parent) {
        findings.push(writable("the delivery log", folder));
    }
    let sessions = Session::all(config, None).unwrap_or_default();
    let roots: BTreeSet<&Path> = sessions.iter().filter_map(|one| one.entry.flag_root()).collect();
    findings.extend(roots.into_iter().map(|root| writable("flags", root)));
    findings
}

/// Whether a file can be made in `folder`, or in the nearest folder above it that exists.
fn writable(what: &str, folder: &Path) -> Finding {
    let subject = folder.display();
    let there = folder.ancestors().find(|above| above.exists());
    let Some(there) = there else {
        return Finding::problem("folder", subject, "it does not exist");
    };
    let probe = there.join(format!(".aimax-doctor-{}", std::process::id()));
    match fs::OpenOptions::new().write(true).create_new(true).open(&probe) {
        Ok(_) => {
            drop(fs::remove_file(&probe));
            let yet = if there == folder { "" } else { ", once it exists" };
            Finding::ok("folder", subject, format!("holds {what}{yet}"))
        }
        Err(e) => {
            let says = format!("for {what}, but {} is not writable: {e}", there.display());
            let finding = Finding::problem("folder", subject, says);
            if e.kind() == std::io::ErrorKind::PermissionDenied {
                finding.mend(format!("chmod u+rwx {}", word(there)))
            } else {
                finding
            }
        }
    }
}

/// Leftovers in the data folder: of writers that were killed, of state files that made no sense,
/// and of sessions that are gone.
pub(crate) fn left_over(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for entry in fs::read_dir(&config.data_dir).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let is_old = entry.metadata().is_ok_and(|file| is_old(&file));
        let (says, is_waste) = if name.contains(files::ASIDE) && is_old {
            ("left behind by a killed process", true)
        } else if name.contains(".json.broken-") {
            ("an unreadable state file, set aside", false)
        } else {
            continue;
        };
        let finding = Finding::note("file", path.display(), says);
        findings.push(if is_waste {
            finding.mend(format!("rm {}", word(&path)))
        } else {
            finding.advise("fix it and put it back, or remove it")
        });
    }
    for (backend, name, run_dir) in RunDir::all(config) {
        let known = backend.store(config).get(&name).is_ok_and(|entry| entry.is_some());
        let busy = files::is_locked(&run_dir.lock_path()).unwrap_or(true);
        if known || busy || !run_dir.has_files() {
            continue;
        }
        let folder = run_dir.path();
        let says = "left over from a session that is gone";
        let mend = format!("aimax-kill -b {} {name} || rm -r {}", backend.name(), word(folder));
        findings.push(Finding::note("file", folder.display(), says).mend(mend));
    }
    findings
}

fn is_old(file: &fs::Metadata) -> bool {
    let age = |at| time::now_ms().saturating_sub(time::epoch_ms(at));
    file.modified().is_ok_and(|at| age(at) > 60_000)
}

/// Locks that are held. The kernel releases those of a process that ends, so a lock is stale only
/// when its holder is stopped.
pub(crate) fn locks(config: &Config) -> Vec<Finding> {
    let of_sessions = RunDir::all(config)
        .into_iter()
        .map(|(_, name, run_dir)| (run_dir.lock_path(), name.to_string()));
    let of_state = Backend::ALL.into_iter().map(|backend| {
        let path = state::lock_path(backend.store(config).runtime());
        (path.clone(), path.to_string_lossy().into_owned())
    });
    of_sessions
        .chain(of_state)
        .filter(|(path, _)| files::is_locked(path).unwrap_or(false))
        .map(|(path, subject)| held(&path, &subject))
        .collect()
}

fn held(path: &Path, subject: &str) -> Finding {
    match holder(path) {
        Some(pid) if proc::is_stopped(pid) => {
            let says = format!("process {pid} holds the lock, but is stopped");
            Finding::problem("lock", subject, says).mend(format!("kill -CONT {pid}"))
        }
        Some(pid) => Finding::note("lock", subject, format!("in use by process {pid}"))
            .advise(format!("`ps -o etime,args -p {pid}` shows it")),
        None => Finding::note("lock", subject, "in use by a process"),
    }
}

/// The process that holds a lock, where there is a `/proc` to ask.
fn holder(path: &Path) -> Option<u32> {
    let inode = fs::metadata(path).ok()?.ino().to_string();
    let locks = fs::read_to_string("/proc/locks").ok()?;
    // `1: FLOCK ADVISORY WRITE 4711 08:01:131 0 EOF`
    locks.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(1).filter(|word| *word != "->");
        let (kind, pid, file) = (words.next()?, words.nth(2)?, words.next()?);
        let is_this = kind == "FLOCK" && file.rsplit(':').next()? == inode;
        is_this.then(|| pid.parse().ok()).flatten()
    })
}
