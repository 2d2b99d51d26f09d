//! The list of verified versions is in order, and the fixtures are of these versions.

use std::fs;
use std::path::Path;

use crate::util::versions;

/// The names of the folders in a folder.
fn folders(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> =
        folders.map(|entry| entry.file_name().into_string().expect("a UTF-8 name")).collect();
    names.sort();
    names
}

#[test]
fn the_list_of_versions_is_oldest_first() {
    for agent in ["claude", "codex"] {
        let numbers: Vec<&str> = versions::of(agent).map(|version| version.number).collect();
        let is_older = |older, newer| !versions::since(older, newer);
        assert!(numbers.is_sorted_by(|older, newer| is_older(older, newer)), "{numbers:?}");
    }
}

#[test]
fn each_verified_version_and_no_other_has_fixtures() {
    let agents = folders(&versions::fixtures());
    assert_eq!(agents, ["claude", "codex"]);
    for agent in &agents {
        let mut verified: Vec<&str> = versions::of(agent).map(|version| version.number).collect();
        verified.sort_unstable();
        assert_eq!(folders(&versions::fixtures().join(agent)), verified, "{agent}");
    }
}
