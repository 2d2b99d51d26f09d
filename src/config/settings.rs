//! The settings: one table, from which everything about them is made.
//!
//! A setting's value is that of the first of its variables that is set, else the one in the file,
//! else its default. Where it came from is kept with it.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value as Json};

use super::vars::Vars;
use crate::error::{Error, Result};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingKind {
    /// A path: `~`, `$NAME` and `${NAME}` are expanded in it.
    Path,
    /// Any text.
    Text,
    /// The name of a tmux session: without `:` and `.`, which tmux would change.
    Hub,
    /// Yes or no.
    Switch,
}

/// The value without any other.
#[derive(Clone, Copy, Debug)]
pub enum Fallback {
    /// There is none.
    None,
    /// A text.
    Text(&'static str),
    /// Yes or no.
    Switch(bool),
    /// What a variable says that is not ours.
    Variable(&'static str),
    /// A path below another setting, which stands before it in the table.
    Below(&'static str, &'static str),
    /// A path below a folder of the XDG convention: its variable, and where it is in the home
    /// without that.
    Xdg(&'static str, &'static str, &'static str),
}

/// Something that can be set.
#[derive(Debug)]
pub struct Setting {
    /// Its name in the file, and in `aimax config show`.
    pub key: &'static str,
    /// The variables that set it; the first that is set counts.
    pub variables: &'static [&'static str],
    /// What its value is.
    pub kind: SettingKind,
    /// Its value when nobody sets it.
    pub fallback: Fallback,
    /// What it is, as a phrase.
    pub about: &'static str,
}

/// All of them. The keys and variables up to `run_preflight` are the original's.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "home",
        variables: &["AIMAX_HOME", "TMUX_AGENTS_HOME"],
        kind: SettingKind::Path,
        fallback: Fallback::Variable("HOME"),
        about: "what `~` means",
    },
    Setting {
        key: "data_dir",
        variables: &["AIMAX_DATA_DIR", "TMUX_AGENTS_DATA_DIR"],
        kind: SettingKind::Path,
        fallback: Fallback::Xdg("XDG_DATA_HOME", ".local/share", "aimax"),
        about: "the session files",
    },
    Setting {
        key: "codex_home",
        variables: &["AIMAX_CODEX_HOME", "TMUX_AGENTS_CODEX_HOME", "CODEX_HOME"],
        kind: SettingKind::Path,
        fallback: Fallback::Below("home", ".codex"),
        about: "Codex's own folder",
    },
    Setting {
        key: "claude_hub",
        variables: &["AIMAX_CLAUDE_HUB", "TMUX_AGENTS_CLAUDE_HUB"],
        kind: SettingKind::Hub,
        fallback: Fallback::Text("imac_claude_code_agent_hub"),
        about: "the tmux session of the Claude Code windows",
    },
    Setting {
        key: "codex_hub",
        variables: &["AIMAX_CODEX_HUB", "TMUX_AGENTS_CODEX_HUB"],
        kind: SettingKind::Hub,
        fallback: Fallback::Text("imac_codex_agent_hub"),
        about: "the tmux session of the Codex windows",
    },
    Setting {
        key: "claude_home",
        variables: &["CLAUDE_CONFIG_DIR"],
        kind: SettingKind::Path,
        fallback: Fallback::Below("home", ".claude"),
        about: "Claude Code's own folder",
    },
    Setting {
        key: "claude_config",
        variables: &["AIMAX_CLAUDE_CONFIG", "TMUX_AGENTS_CLAUDE_CONFIG"],
        kind: SettingKind::Path,
        fallback: Fallback::Below("home", ".claude.json"),
        about: "Claude Code's own configuration, which is never edited",
    },
    Setting {
        key: "claude_settings",
        variables: &["AIMAX_CLAUDE_SETTINGS", "TMUX_AGENTS_CLAUDE_SETTINGS"],
        kind: SettingKind::Path,
        fallback: Fallback::Below("claude_home", "settings.api.json"),
        about: "settings for Claude Code to merge in",
    },
    Setting {
        key: "claude_projects_dir",
        variables: &["AIMAX_CLAUDE_PROJECTS_DIR", "TMUX_AGENTS_CLAUDE_PROJECTS_DIR"],
        kind: SettingKind::Path,
        fallback: Fallback::Below("claude_home", "projects"),
        about: "where Claude Code writes transcripts",
    },
    Setting {
        key: "codex_config",
        variables: &["AIMAX_CODEX_CONFIG", "TMUX_AGENTS_CODEX_CONFIG"],
        kind: SettingKind::Path,
        fallback: Fallback::Below("codex_home", "config.toml"),
        about: "Codex's own configuration, which is never edited",
    },
    Setting {
        key: "codex_state_db",
        variables: &["AIMAX_CODEX_STATE_DB", "TMUX_AGENTS_CODEX_STATE_DB"],
        kind: SettingKind::Path,
        fallback: Fallback::Below("codex_home", "state_5.sqlite"),
        about: "Codex's index of its threads",
    },
    Setting {
        key: "codex_sessions_dir",
        variables: &["AIMAX_CODEX_SESSIONS_DIR", "TMUX_AGENTS_CODEX_SESSIONS_DIR"],
        kind: SettingKind::Path,
        fallback: Fallback::Below("codex_home", "sessions"),
        about: "where Codex writes transcripts",
    },
    Setting {
        key: "codex_default_model",
        variables: &["AIMAX_CODEX_DEFAULT_MODEL", "TMUX_AGENTS_CODEX_DEFAULT_MODEL"],
        kind: SettingKind::Text,
        fallback: Fallback::None,
        about: "the model for Codex when none is named",
    },
    Setting {
        key: "rightcode_env_file",
        variables: &["AIMAX_RIGHTCODE_ENV_FILE", "TMUX_AGENTS_RIGHTCODE_ENV_FILE"],
        kind: SettingKind::Path,
        fallback: Fallback::Below("codex_home", "secrets/rightcode.env"),
        about: "variables for Codex, sourced before it starts",
    },
    Setting {
        key: "proxy_envs_bash",
        variables: &["AIMAX_PROXY_ENVS_BASH", "TMUX_AGENTS_PROXY_ENVS_BASH"],
        kind: SettingKind::Path,
        fallback: Fallback::Below("home", "proxy_envs.bash"),
        about: "variables for an agent behind the proxy, sourced by bash",
    },
    Setting {
        key: "proxy_chains_conf",
        variables: &["AIMAX_PROXY_CHAINS_CONF", "TMUX_AGENTS_PROXY_CHAINS_CONF"],
        kind: SettingKind::Path,
        fallback: Fallback::Below("home", "proxy_claude.conf"),
        about: "the configuration of proxychains",
    },
    Setting {
        key: "run_preflight",
        variables: &["AIMAX_RUN_PREFLIGHT", "TMUX_AGENTS_RUN_PREFLIGHT"],
        kind: SettingKind::Switch,
        fallback: Fallback::Switch(true),
        about: "known for the original's sake; a start always looks first",
    },
    Setting {
        key: "prompt_events",
        variables: &["AIMAX_PROMPT_EVENTS"],
        kind: SettingKind::Path,
        fallback: Fallback::None,
        about: "a SQLite file for a record of each delivery",
    },
    Setting {
        key: "practice_home",
        variables: &["AIMAX_PRACTICE_HOME"],
        kind: SettingKind::Path,
        fallback: Fallback::Below("data_dir", "practice"),
        about: "the practice agent's own folder",
    },
    Setting {
        key: "tmux_socket",
        variables: &["AIMAX_TMUX_SOCKET"],
        kind: SettingKind::Text,
        fallback: Fallback::None,
        about: "another tmux server, as `tmux -L` names it",
    },
    Setting {
        key: "session",
        variables: &["AIMAX_SESSION"],
        kind: SettingKind::Text,
        fallback: Fallback::None,
        about: "the session when `-s` names none",
    },
    Setting {
        key: "backend",
        variables: &["AIMAX_BACKEND"],
        kind: SettingKind::Text,
        fallback: Fallback::None,
        about: "the backend when `-b` names none",
    },
    Setting {
        key: "trace",
        variables: &["AIMAX_TRACE"],
        kind: SettingKind::Path,
        fallback: Fallback::None,
        about: "a file for every step and every call of tmux, for a bug report",
    },
];

/// A setting's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An absolute path.
    Path(PathBuf),
    /// A text.
    Text(String),
    /// Yes or no.
    Switch(bool),
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// A variable of this name.
    Variable(&'static str),
    /// The file.
    File(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::Variable(name) => f.write_str(name),
            Source::File(path) => path.display().fmt(f),
        }
    }
}

/// A setting with its value.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The setting.
    pub setting: &'static Setting,
    /// Its value, if it has one.
    pub value: Option<Value>,
    /// Where that came from.
    pub source: Source,
}

/// What the file sets.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
    keys: Map<String, Json>,
}

impl File {
    /// Reads the text of the file at `path`.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`], with the file and the key, for what is no JSON object and for
    /// keys that are no settings.
    pub(crate) fn parse(path: &Path, text: &[u8]) -> Result<File> {
        let wrong = |cause: String| Error::usage(path.display(), cause);
        let keys = match serde_json::from_slice(text) {
            Ok(Json::Object(keys)) => keys,
            Ok(_) => return Err(wrong("not a JSON object".into())),
            Err(e) => return Err(wrong(format!("not JSON: {e}"))),
        };
        if let Some(key) = keys.keys().find(|key| SETTINGS.iter().all(|one| one.key != **key)) {
            return Err(wrong(format!("{key}: no such setting"))
                .advise("`aimax config show` lists them all"));
        }
        Ok(File { path: path.to_owned(), keys })
    }
}

/// All settings with their values, in the table's order.
pub(crate) struct Resolver<'a> {
    pub(crate) vars: Vars<'a>,
    pub(crate) file: Option<File>,
    pub(crate) done: Vec<Resolved>,
}

impl Resolver<'_> {
    /// Gives each setting its value.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`], with the variable, or the file and the key, for a value that
    /// is none of the setting's kind.
    pub(crate) fn run(mut self) -> Result<Vec<Resolved>> {
        for setting in SETTINGS {
            let (value, source) = self.resolve(setting)?;
            self.done.push(Resolved { setting, value, source });
        }
        Ok(self.done)
    }

    fn resolve(&self, setting: &'static Setting) -> Result<(Option<Value>, Source)> {
        for variable in setting.variables {
            if let Some(text) = self.vars.get(variable) {
                let value = self.read(setting.kind, text);
                let value = value.map_err(|cause| Error::usage(variable, cause))?;
                return Ok((Some(value), Source::Variable(variable)));
            }
        }
        if let Some(file) = &self.file
            && let Some(json) = file.keys.get(setting.key)
        {
            let value = self.read_json(setting.kind, json).map_err(|cause| {
                Error::usage(file.path.display(), format!("{}: {cause}", setting.key))
            })?;
            return Ok((Some(value), Source::File(file.path.clone())));
        }
        let home = || self.path("home");
        let value = match setting.fallback {
            Fallback::None => None,
            Fallback::Text(text) => Some(Value::Text(text.into())),
            Fallback::Switch(on) => Some(Value::Switch(on)),
            Fallback::Variable(name) => {
                Some(Value::Path(self.vars.get(name).unwrap_or_default().into()))
            }
            Fallback::Below(key, path) => Some(Value::Path(self.path(key).join(path))),
            Fallback::Xdg(variable, folder, path) => {
                Some(Value::Path(self.vars.xdg(variable, &home(), folder).join(path)))
            }
        };
        Ok((value, Source::Default))
    }

    /// The path of a setting that stands before this one.
    fn path(&self, key: &str) -> PathBuf {
        let found = self.done.iter().find(|one| one.setting.key == key);
        match found.and_then(|one| one.value.as_ref()) {
            Some(Value::Path(path)) => path.clone(),
            _ => self.vars.get("HOME").unwrap_or_default().into(),
        }
    }

    fn read(&self, kind: SettingKind, text: OsString) -> std::result::Result<Value, String> {
        if kind == SettingKind::Path {
            let path = self.vars.expand(&text, &self.path("home"));
            // A hook that tmux runs works in another folder.
            let whole = std::path::absolute(&path);
            return whole.map(Value::Path).map_err(|e| format!("{}: {e}", path.display()));
        }
        let text =
            text.into_string().map_err(|text| format!("`{}` is not UTF-8", text.display()))?;
        match kind {
            SettingKind::Switch => switch(&text).map(Value::Switch),
            SettingKind::Hub if text.contains([':', '.']) => {
                Err(format!("`{text}`: tmux allows no `:` and no `.` in a session's name"))
            }
            SettingKind::Hub | SettingKind::Text | SettingKind::Path => Ok(Value::Text(text)),
        }
    }

    fn read_json(&self, kind: SettingKind, json: &Json) -> std::result::Result<Value, String> {
        match (kind, json) {
            (SettingKind::Switch, Json::Bool(on)) => Ok(Value::Switch(*on)),
            (SettingKind::Switch, other) => Err(format!("{other} is neither true nor false")),
            (_, Json::String(text)) if text.is_empty() => Err("it is empty".into()),
            (SettingKind::Path, Json::String(text)) => match self.read(kind, text.into())? {
                // The file is read from any folder.
                Value::Path(_) if !text.starts_with(['/', '~', '$']) => {
                    Err(format!("`{text}` is not an absolute path"))
                }
                value => Ok(value),
            },
            (_, Json::String(text)) => self.read(kind, text.into()),
            (_, other) => Err(format!("{other} is not a text")),
        }
    }
}

/// Yes or no, in the words that the original takes.
///
/// # Errors
/// The cause, when it is neither.
pub(crate) fn switch(text: &str) -> std::result::Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(format!("`{text}` is neither true nor false")),
    }
}
