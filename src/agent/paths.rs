//! The agent's own files and folders, as each session keeps them.
//!
//! Two sessions of one agent may use different ones, by `CLAUDE_CONFIG_DIR`, `CODEX_HOME` or
//! `config.json`. A session keeps in the state file those that it was started with, so that whoever
//! looks at it looks there, whatever their own settings say.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::Facts;
use crate::{config::Config, state::Entry};

/// Absolute paths by the keys of their settings: those of [`Facts::kept_paths`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentPaths(Vec<(&'static str, PathBuf)>);

/// The field of the state file that keeps them: an object of paths by their keys.
const FIELD: &str = "agentPaths";

impl AgentPaths {
    /// The paths of an agent that is started now.
    pub(crate) fn of(config: &Config, facts: &Facts) -> AgentPaths {
        AgentPaths::kept(config, facts, &Entry::default())
    }

    /// The paths of a session: those that its `entry` keeps, else those of the settings. A session of
    /// the Python package keeps none.
    pub(crate) fn kept(config: &Config, facts: &Facts, entry: &Entry) -> AgentPaths {
        let field = entry.fields().get(FIELD).and_then(Value::as_object);
        let kept = |key: &str| field?.get(key)?.as_str().map(PathBuf::from);
        let path = |&key: &&'static str| {
            (key, kept(key).unwrap_or_else(|| config.path_of(key).to_owned()))
        };
        AgentPaths(facts.kept_paths.iter().map(path).collect())
    }

    /// Keeps them in the state entry of a session. JSON cannot hold a path that is not UTF-8.
    pub(crate) fn keep(&self, entry: &mut Entry) {
        let text = |(key, path): &(&str, PathBuf)| Some(((*key).into(), path.to_str()?.into()));
        entry.set(FIELD, self.0.iter().filter_map(text).collect::<Map<String, Value>>());
    }

    /// The path of a setting, which must be one of [`Facts::kept_paths`].
    pub(super) fn get(&self, key: &str) -> &Path {
        let found = self.0.iter().find(|(known, _)| *known == key);
        found.map(|(_, path)| path.as_path()).unwrap_or_else(|| panic!("{key} is a kept path"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Backend;

    #[test]
    fn a_session_keeps_the_paths_that_it_was_started_with() {
        let config = |home: &str| {
            let vars = [("HOME", "/h"), ("CLAUDE_CONFIG_DIR", home)];
            Config::from_vars(vars.map(|(name, value)| (name.into(), value.into())).into()).unwrap()
        };
        let facts = Backend::Claude.facts();
        let mut entry = Entry::default();
        let paths = AgentPaths::of(&config("/started"), facts);
        paths.keep(&mut entry);
        assert_eq!(AgentPaths::kept(&config("/looked"), facts, &entry), paths);
        assert_eq!(paths.get("claude_projects_dir"), Path::new("/started/projects"));
        let unknown = AgentPaths::kept(&config("/looked"), facts, &Entry::default());
        assert_eq!(unknown.get("claude_home"), Path::new("/looked"));
    }
}
