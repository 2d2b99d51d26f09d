//! What the system knows of a process. Without `/proc` nothing is known.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{sys, time};

fn dir(pid: u32) -> PathBuf {
    Path::new("/proc").join(pid.to_string())
}

/// When the process started, as the system counts it: with its id, this names the process for ever.
/// `None` when there is no such process, or no `/proc`; a zombie counts as gone.
pub fn start_time(pid: u32) -> Option<String> {
    let stat = Stat::of(pid)?;
    let gone = matches!(stat.field(3)?, "Z" | "X");
    stat.field(22).filter(|_| !gone).map(str::to_owned)
}

/// Whether the process is stopped, as by ^Z.
pub fn is_stopped(pid: u32) -> bool {
    Stat::of(pid).is_some_and(|stat| stat.field(3) == Some("T"))
}

/// Whether the process has a child that began after `since`, in epoch milliseconds, as far as that can be
/// known.
pub(crate) fn has_new_child(pid: u32, since: u64) -> bool {
    let ticks = |pid| start_time(pid)?.parse::<u64>().ok();
    let uptime = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let uptime = uptime.split(' ').next().and_then(|seconds| seconds.parse::<f64>().ok());
    let Some(uptime) = uptime else { return false };
    let age = time::now_ms().saturating_sub(since);
    let is_new = |child: u32| {
        // Linux counts a start in hundredths of a second, whatever its clock.
        ticks(child).is_some_and(|ticks| (uptime * 1000.0) as u64 <= ticks * 10 + age)
    };
    children(pid).into_iter().any(is_new)
}

/// Which process a number means, for ever: its start, and where its number counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identity {
    /// When it started, as the system counts it.
    pub start: String,
    /// The machine, as its kernel names it.
    host: Option<String>,
    /// The boot of that machine.
    boot: Option<String>,
    /// The PID namespace in which the number counts.
    namespace: Option<String>,
}

impl Identity {
    /// The process that has this number here and now; `None` where there is none, or no `/proc`.
    pub(crate) fn of(pid: u32) -> Option<Identity> {
        let line = |path: &str| Some(fs::read_to_string(path).ok()?.trim().to_owned());
        let namespace = fs::read_link("/proc/self/ns/pid").ok();
        Some(Identity {
            start: start_time(pid)?,
            host: line("/proc/sys/kernel/hostname"),
            boot: line("/proc/sys/kernel/random/boot_id"),
            namespace: namespace.map(|path| path.to_string_lossy().into_owned()),
        })
    }

    /// The machine that it is on, if that is another one.
    pub(crate) fn elsewhere(&self) -> Option<&str> {
        let here = sys::host();
        self.host.as_deref().filter(|host| *host != here)
    }

    /// Whether the process `pid` with this identity, if it has a known one, lives; `None` where that
    /// cannot be known from here: on another machine, in another PID namespace.
    pub(crate) fn lives(pid: u32, identity: Option<&Identity>) -> Option<bool> {
        let here = Identity::of(std::process::id());
        let (Some(here), Some(identity)) = (here, identity) else {
            return Some(start_time(pid).is_some() || here_is_no_proc() && sys::is_alive(pid));
        };
        if here.host != identity.host {
            return None;
        }
        if here.boot != identity.boot {
            return Some(false);
        }
        if here.namespace != identity.namespace {
            return None;
        }
        Some(start_time(pid).is_some_and(|start| start == identity.start))
    }
}

fn here_is_no_proc() -> bool {
    !Path::new("/proc/self/stat").exists()
}

fn parent(pid: u32) -> Option<u32> {
    Stat::of(pid)?.field(4)?.parse().ok()
}

/// What the system's file `stat` says of a process.
struct Stat(String);

impl Stat {
    /// One read, for the list of a thousand sessions asks a thousand times.
    fn of(pid: u32) -> Option<Stat> {
        let mut bytes = [0; 2048];
        let length = File::open(dir(pid).join("stat")).ok()?.read(&mut bytes).ok()?;
        Some(Stat(String::from_utf8_lossy(&bytes[..length]).into_owned()))
    }

    /// A field from the third on, counted from 1 as in proc(5). The second one, the program's name, may
    /// hold anything, so the fields are read from behind it.
    fn field(&self, field: usize) -> Option<&str> {
        let (_, behind_name) = self.0.rsplit_once(')')?;
        behind_name.split_ascii_whitespace().nth(field - 3)
    }
}

/// The process's ids in the PID namespaces inside ours that it is in, from the outermost on.
pub(crate) fn inner_ids(pid: u32) -> Vec<u32> {
    let status = fs::read_to_string(dir(pid).join("status")).unwrap_or_default();
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let ids = ids.into_iter().flat_map(str::split_whitespace);
    ids.skip(1).filter_map(|id| id.parse().ok()).collect()
}

/// The processes that have this id in a PID namespace inside ours.
pub(crate) fn with_inner_id(id: u32) -> impl Iterator<Item = u32> {
    everybody().filter(move |&pid| inner_ids(pid).contains(&id))
}

/// The files that the process holds open; `None` where that cannot be known.
pub(crate) fn open_files(pid: u32) -> Option<Vec<PathBuf>> {
    let list = fs::read_dir(dir(pid).join("fd")).ok()?;
    Some(list.flatten().filter_map(|fd| fs::read_link(fd.path()).ok()).collect())
}

/// The program that the process runs, where that can be known.
pub(crate) fn executable(pid: u32) -> Option<PathBuf> {
    fs::read_link(dir(pid).join("exe")).ok()
}

/// The list of files that are mapped into its memory, such as its libraries, as `/proc` has it.
pub(crate) fn mapped(pid: u32) -> Option<String> {
    let list = fs::read(dir(pid).join("maps")).ok().filter(|list| !list.is_empty())?;
    Some(String::from_utf8_lossy(&list).into_owned())
}

/// The environment that it was started with.
pub(crate) fn environment(pid: u32) -> Option<Vec<(String, String)>> {
    let text = fs::read(dir(pid).join("environ")).ok()?;
    let text = String::from_utf8_lossy(&text);
    let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
    Some(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// The process's program and arguments, each ended by a NUL; `None` where that cannot be known.
pub(crate) fn command_line(pid: u32) -> Option<Vec<u8>> {
    fs::read(dir(pid).join("cmdline")).ok()
}

/// The process's descendants, nearest first.
pub(crate) fn descendants(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&above) = found.get(next) {
        found.extend(children(above));
        next += 1;
    }
    found.split_off(1)
}

/// The process and its descendants: an agent may be the child of a launcher that stays, such as
/// npm's.
pub(crate) fn family(pid: u32) -> impl Iterator<Item = u32> {
    // The descendants are searched only if the process itself is not the one wanted.
    let mut below = None;
    std::iter::once(pid).chain(std::iter::from_fn(move || {
        below.get_or_insert_with(|| descendants(pid).into_iter()).next()
    }))
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(dir(pid).join("task")) else { return Vec::new() };
    let lists: Option<Vec<String>> = threads
        .flatten()
        .map(|task| fs::read_to_string(task.path().join("children")).ok())
        .collect();
    match lists {
        Some(lists) => {
            lists.concat().split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
        }
        // The kernel keeps no list of children: every process is asked for its parent.
        None => everybody().filter(|&child| parent(child) == Some(pid)).collect(),
    }
}

fn everybody() -> impl Iterator<Item = u32> {
    let list = fs::read_dir("/proc").into_iter().flatten().flatten();
    list.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_a_descendant_and_has_a_start() {
        if !Path::new("/proc/self/stat").exists() {
            return;
        }
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(descendants(std::process::id()).contains(&child.id()));
        assert!(family(std::process::id()).any(|pid| pid == child.id()));
        assert!(everybody().any(|pid| parent(pid) == Some(std::process::id())));
        assert!(start_time(child.id()).unwrap().parse::<u64>().is_ok());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(start_time(child.id()), None);
    }

    #[test]
    fn a_child_is_new_if_it_began_later() {
        if !Path::new("/proc/self/stat").exists() {
            return;
        }
        let before = time::now_ms() - 20;
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(has_new_child(std::process::id(), before));
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!has_new_child(child.id(), before));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
