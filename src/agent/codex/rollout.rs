//! Rollouts: the files that Codex writes its transcripts to.
//! See codex/FACTS.md, "Thread and files".

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{log, settings};
use crate::{
    agent::AgentPaths,
    error::Result,
    sqlite,
    transcript::{
        event::EventKind,
        follow::last_lines,
        lines::Line,
        validate,
        zst::{packed_path, unpacked},
    },
};

/// Whether the last turn in a rollout has begun and not ended. See codex/FACTS.md, "End of a turn".
pub(crate) fn turn_is_open(rollout: &Path) -> Result<bool> {
    let note = |is_open: &mut Option<bool>, line: Line<'_>| {
        for event in validate::records(line.bytes).into_iter().map(log::parse_record) {
            match event.kind {
                EventKind::TurnStart => *is_open = Some(true),
                EventKind::TurnEnd
                | EventKind::Unanswered
                | EventKind::Interrupted
                | EventKind::Error => *is_open = Some(false),
                _ => {}
            }
        }
    };
    Ok(last_lines(rollout, note, Option::is_some)?.unwrap_or(false))
}

/// Whether `path` has the name of a rollout whose id contains `part`.
pub(crate) fn is_rollout(path: &Path, part: &str) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
        name.starts_with("rollout-") && name.contains(part) && name.ends_with(".jsonl")
    })
}

/// The id at the end of a rollout's name.
pub(crate) fn id_of(rollout: &Path) -> Option<String> {
    let stem = rollout.file_stem()?.to_str()?;
    let id = stem.get(stem.len().checked_sub(36)?..)?;
    uuid::Uuid::parse_str(id).is_ok().then(|| id.to_owned())
}

/// The rollout of the thread whose id is, or begins with, `part`: by Codex's index, else by a
/// search of the folders. The index is only a hint: the file that it names must exist.
pub(crate) fn rollout(paths: &AgentPaths, part: &str) -> Option<PathBuf> {
    let there = |path: &PathBuf| path.exists() || packed_path(path).exists();
    indexed(settings::index(paths), part).map(|path| unpacked(&path)).filter(there).or_else(|| {
        let mut folders = vec![settings::archive(paths), settings::sessions(paths).to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let mut entries: Vec<PathBuf> = entries.map(|entry| unpacked(&entry.path())).collect();
            if let Some(found) = entries.iter().find(|path| is_rollout(path, part)) {
                return Some(found.clone());
            }
            // The newest day comes first.
            entries.retain(|path| path.is_dir());
            entries.sort();
            folders.extend(entries);
        }
        None
    })
}

/// Where the rollout of this name may be: in the folder of the day on which its thread began, or in
/// the archive.
pub(crate) fn places(paths: &AgentPaths, rollout: &Path) -> Vec<PathBuf> {
    let name = rollout.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let day = name
        .strip_prefix("rollout-")
        .and_then(|rest| rest.get(..10))
        .map(|day| settings::sessions(paths).join(day.replace('-', "/")));
    day.into_iter().chain([settings::archive(paths)]).map(|folder| folder.join(name)).collect()
}

/// The rollout in the index; `None` when the index is absent, locked or of another shape.
fn indexed(database: &Path, part: &str) -> Option<PathBuf> {
    let sql = "select rollout_path from threads where id >= ?1 and id < ?1 || 'g' limit 1";
    let found = sqlite::rows(database, Duration::from_secs(1), sql, [part], |row| row.get(0));
    let path: String = found.ok()?.into_iter().next()?;
    Some(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{agent::Backend, config::Config};

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
        std::fs::write(packed_path(&path), "").unwrap();
        let home_text = home.to_str().unwrap();
        let config = Config::from_vars(vec![("CODEX_HOME".into(), home_text.into())]).unwrap();
        let paths = AgentPaths::of(&config, Backend::Codex.facts());
        assert_eq!(rollout(&paths, id), Some(path));
        std::fs::remove_dir_all(&home).unwrap();
    }
}
