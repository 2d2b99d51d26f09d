//! The versions of the real agents that everything is verified with, and what each of them wrote.
//!
//! The one list of them, oldest first, is in each agent's screen profile. Whatever else needs a
//! version takes it from here.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// Where an agent's screen profile is, below the root of the package.
pub(crate) fn profile(agent: &str) -> String {
    format!("src/agent/{agent}/profile.json")
}

/// A verified version of an agent. It is shown as the path of its fixtures below those of all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    /// The agent's command, `claude` or `codex`.
    pub(crate) agent: &'static str,
    /// The version's number, as npm knows it.
    pub(crate) number: &'static str,
}

static VERIFIED: LazyLock<Vec<Version>> =
    LazyLock::new(|| ["claude", "codex"].into_iter().flat_map(listed).collect());

/// The versions in an agent's profile.
fn listed(agent: &'static str) -> Vec<Version> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(profile(agent));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let profile: serde_json::Value = serde_json::from_str(&text).expect("a profile");
    // They are read once, and live as long as the program.
    let number = |one: &serde_json::Value| one.as_str().expect("a version").to_owned().leak();
    let list = profile["verified"].as_array().expect("its versions").iter();
    let versions: Vec<_> = list.map(|one| Version { agent, number: number(one) }).collect();
    assert!(!versions.is_empty(), "{}: no versions", path.display());
    versions
}

/// The verified versions of all agents.
pub(crate) fn all() -> impl Iterator<Item = Version> {
    VERIFIED.iter().copied()
}

/// The verified versions of one agent, oldest first.
pub(crate) fn of(agent: &str) -> impl DoubleEndedIterator<Item = Version> {
    VERIFIED.iter().copied().filter(move |version| version.agent == agent)
}

/// The newest version of an agent.
pub(crate) fn newest(agent: &str) -> Version {
    of(agent).next_back().expect("a version")
}

/// Whether a version is `first` or a later one.
pub(crate) fn since(version: &str, first: &str) -> bool {
    let numbers = |version: &str| -> Vec<u64> {
        version.split('.').map(|part| part.parse().expect("a number")).collect()
    };
    numbers(version) >= numbers(first)
}

/// The folder with a folder of fixtures for each agent.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

impl Version {
    /// Whether it is `first` or a later one.
    pub(crate) fn since(self, first: &str) -> bool {
        since(self.number, first)
    }

    /// The folder of its fixtures.
    pub(crate) fn fixtures(self) -> PathBuf {
        fixtures().join(self.agent).join(self.number)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.agent, self.number)
    }
}
