//! All settings, the common ones and those of the agents; and the configuration made of them.

use std::{ffi::OsString, sync::LazyLock};

use super::Backend;
use crate::{
    config::{self, Config, Setting},
    error::Result,
};

/// All settings: those of the original program in its order, then ours.
pub static SETTINGS: LazyLock<Vec<&'static Setting>> = LazyLock::new(|| {
    let agents = Backend::ALL.into_iter().flat_map(|backend| backend.facts().settings);
    let mut all: Vec<_> = config::COMMON.iter().chain(agents).chain(config::LAST).collect();
    all.sort_by_key(|setting| setting.place);
    all
});

impl Config {
    /// Reads the process's environment, and the file.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`], with the variable, or the file and the key, for a bad value
    /// and for a key that is no setting.
    pub fn from_env() -> Result<Self> {
        Self::from_vars(config::process_environment())
    }

    /// The same from any set of variables.
    ///
    /// # Errors
    /// As [`from_env`](Config::from_env).
    pub fn from_vars(environment: Vec<(OsString, OsString)>) -> Result<Self> {
        Self::resolve(environment, &SETTINGS)
    }

    /// The configuration that was [set](Config::set), or else that of the environment.
    ///
    /// # Errors
    /// As [`from_env`](Config::from_env).
    pub fn current() -> Result<Self> {
        Self::chosen().map_or_else(Self::from_env, Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Fallback, SettingKind};

    #[test]
    fn the_table_is_sound() {
        for (n, setting) in SETTINGS.iter().enumerate() {
            let others = &SETTINGS[..n];
            assert!(others.iter().all(|other| other.key != setting.key), "{} twice", setting.key);
            if let Fallback::Below(key, _) = setting.fallback {
                let above = others.iter().find(|other| other.key == key);
                let is_path = |other: &&Setting| other.kind == SettingKind::Path;
                assert!(above.copied().is_some_and(|other| is_path(&other)), "{}", setting.key);
            }
            let own = format!("AIMAX_{}", setting.key.to_uppercase());
            assert!(setting.variables()[0] == own || setting.key == "claude_home", "{own}");
            let place = u8::try_from(n + 1).unwrap();
            assert!(setting.place == place || setting.place == config::OURS, "{}", setting.key);
        }
    }
}
