//! Where everything is: the environment and the file, read once.
//!
//! The variables and their defaults are those of the original program, with its older
//! `TMUX_AGENTS_…` names as second choice: see [`SETTINGS`]. Below the environment stands a file,
//! `$XDG_CONFIG_HOME/aimax/config.json`: an object of settings by their keys.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

use crate::{
    error::{Error, Result},
    fs,
    recorder::Recorder,
};

mod settings;
mod vars;

pub use settings::SETTINGS;
#[cfg(test)]
use settings::{Fallback, SettingKind};
pub(crate) use settings::{Resolved, Setting, Source, Value, switch};

use settings::{File, Resolver};
use vars::Vars;

/// What [`Config::set`] has set.
static SET: RwLock<Option<Config>> = RwLock::new(None);

/// Folders, files and names that the programs use.
#[derive(Clone, Debug)]
pub struct Config {
    /// What `~` means.
    pub home: PathBuf,
    /// The session files, private to the user.
    pub data_dir: PathBuf,
    /// Claude Code's own folder.
    pub claude_home: PathBuf,
    /// Where Claude Code writes transcripts.
    pub claude_projects: PathBuf,
    /// Settings for Claude Code that the caller wants merged in.
    pub claude_settings: PathBuf,
    /// The tmux session of the Claude Code windows.
    pub claude_hub: String,
    /// Codex's own folder.
    pub codex_home: PathBuf,
    /// Where Codex writes rollouts.
    pub codex_sessions: PathBuf,
    /// Codex's index of its threads.
    pub codex_state_db: PathBuf,
    /// The tmux session of the Codex windows.
    pub codex_hub: String,
    /// The model for Codex when none is named.
    pub codex_model: Option<String>,
    /// Variables for Codex, sourced before it starts.
    pub rightcode_env_file: PathBuf,
    /// Variables for an agent behind the proxy, sourced by bash.
    pub proxy_envs_bash: PathBuf,
    /// The configuration of proxychains.
    pub proxy_chains_conf: PathBuf,
    /// Whether a start looks first for what it needs.
    pub run_preflight: bool,
    /// A SQLite file for a record of each delivery.
    pub prompt_events: Option<PathBuf>,
    /// What a program that uses the library wants to be told of each delivery.
    pub recorder: Option<Recorder>,
    /// The practice agent's own folder.
    pub practice_home: PathBuf,
    /// Another tmux server, by its `-L` name.
    pub tmux_socket: Option<OsString>,
    /// Stands in for `-s`.
    pub session: Option<String>,
    /// Stands in for `-b`.
    pub backend: Option<String>,
    /// A file for every step and every call of tmux.
    pub trace: Option<PathBuf>,
    /// Screen profiles of the user's own: `$XDG_CONFIG_HOME/aimax/screens`.
    pub screens: PathBuf,
    /// The search path for programs.
    pub path: OsString,
    /// The whole environment, from which a window's is made.
    pub environment: Vec<(OsString, OsString)>,
    /// All settings as they were read, with where each came from.
    pub settings: Vec<Resolved>,
}

impl Config {
    /// Reads the process's environment, and the file.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`], with the variable, or the file and the key, for a bad value
    /// and for a key that is no setting.
    pub fn from_env() -> Result<Self> {
        Self::from_vars(env::vars_os().collect())
    }

    /// The same from any set of variables.
    pub fn from_vars(environment: Vec<(OsString, OsString)>) -> Result<Self> {
        let vars = Vars(&environment);
        let folder = Config::folder(vars)?;
        let path = folder.join("config.json");
        // Without a home there is no file either; a relative path would be anybody's.
        let text = if path.is_absolute() { fs::read(&path)? } else { None };
        let file = text.map(|text| File::parse(&path, &text)).transpose()?;
        let settings = Resolver { vars, file, done: Vec::new() }.run()?;
        let value = |key: &str| {
            let found = settings.iter().find(|one| one.setting.key == key);
            found.unwrap_or_else(|| panic!("{key} is in the table")).value.clone()
        };
        let path = |key: &str| match value(key) {
            Some(Value::Path(path)) => Some(path),
            _ => None,
        };
        let text = |key: &str| match value(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        };
        // What has a default is always there.
        let a_path = |key| path(key).unwrap_or_default();
        let a_text = |key| text(key).unwrap_or_default();
        Ok(Config {
            home: a_path("home"),
            data_dir: a_path("data_dir"),
            claude_home: a_path("claude_home"),
            claude_projects: a_path("claude_projects_dir"),
            claude_settings: a_path("claude_settings"),
            claude_hub: a_text("claude_hub"),
            codex_home: a_path("codex_home"),
            codex_sessions: a_path("codex_sessions_dir"),
            codex_state_db: a_path("codex_state_db"),
            codex_hub: a_text("codex_hub"),
            codex_model: text("codex_default_model"),
            rightcode_env_file: a_path("rightcode_env_file"),
            proxy_envs_bash: a_path("proxy_envs_bash"),
            proxy_chains_conf: a_path("proxy_chains_conf"),
            run_preflight: value("run_preflight") == Some(Value::Switch(true)),
            prompt_events: path("prompt_events"),
            recorder: None,
            practice_home: a_path("practice_home"),
            tmux_socket: text("tmux_socket").map(OsString::from),
            session: text("session"),
            backend: text("backend"),
            trace: path("trace"),
            screens: folder.join("screens"),
            path: vars.get("PATH").unwrap_or_default(),
            settings,
            environment,
        })
    }

    /// Where the file and the screen profiles are: the one thing that no file can tell.
    fn folder(vars: Vars<'_>) -> Result<PathBuf> {
        let own = ["AIMAX_HOME", "TMUX_AGENTS_HOME"].iter().find_map(|name| vars.get(name));
        let user = PathBuf::from(vars.get("HOME").unwrap_or_default());
        let home = match own {
            Some(path) => {
                let path = vars.expand(&path, &user);
                std::path::absolute(&path).map_err(|e| Error::io(path.display(), &e))?
            }
            None => user,
        };
        Ok(vars.xdg("XDG_CONFIG_HOME", &home, ".config").join("aimax"))
    }

    /// The file of the settings, whether it is there or not.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.screens.with_file_name("config.json")
    }

    /// Where the value of a setting came from.
    #[must_use]
    pub fn source(&self, key: &str) -> &Source {
        let found = self.settings.iter().find(|one| one.setting.key == key);
        found.map_or(&Source::Default, |one| &one.source)
    }

    /// Makes this the configuration of this process: that of the backends which [`crate::get`] gives
    /// from now on. Those that it gave before keep theirs.
    pub fn set(self) {
        *SET.write().unwrap_or_else(PoisonError::into_inner) = Some(self);
    }

    /// The configuration that was [set](Config::set), or else that of the environment.
    ///
    /// # Errors
    /// As [`from_env`](Config::from_env).
    pub fn current() -> Result<Self> {
        let set = SET.read().unwrap_or_else(PoisonError::into_inner).clone();
        set.map_or_else(Self::from_env, Ok)
    }

    /// The value of an environment variable, unless it is empty.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<OsString> {
        Vars(&self.environment).get(name)
    }

    /// The executable file that `name` means on the caller's PATH.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        use std::os::unix::fs::PermissionsExt;
        env::split_paths(&self.path).map(|folder| folder.join(name)).find(|candidate| {
            candidate
                .metadata()
                .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        })
    }

    /// The private folder of one session: its lock, its settings, what tmux tells us of its pane.
    #[must_use]
    pub fn run_dir(&self, backend: &str, session: &str) -> PathBuf {
        self.data_dir.join("run").join(backend).join(session)
    }

    /// The file that tmux writes at each change of the title of a session's pane.
    #[must_use]
    pub fn title_witness(&self, backend: &str, session: &str) -> PathBuf {
        self.run_dir(backend, session).join("title")
    }

    /// The file of what an administrator has set for all sessions.
    #[must_use]
    pub fn admin_settings(&self) -> PathBuf {
        Path::new(&self.data_dir).join("admin-settings.json")
    }
}

#[cfg(test)]
mod tests;
