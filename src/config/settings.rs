//! Settings, and how each gets its value.
//!
//! The value is that of the first of the setting's variables that is set, else the one in the file,
//! else the fallback; its source is kept with it. The common settings are in the tables here, those
//! of an agent in its folder.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value as Json};

use self::Fallback::{Below, Xdg};
use super::vars::Vars;
use crate::error::{Error, Result};

/// The type of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SettingKind {
    /// A path: `~`, `$NAME` and `${NAME}` are expanded in it.
    Path,
    /// Any text.
    Text,
    /// The name of a tmux session: without `:` and `.`, which tmux would change.
    Hub,
    /// Yes or no.
    Switch,
}

/// The value of a setting that nothing sets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fallback {
    /// There is none.
    Unset,
    /// A text.
    Text(&'static str),
    /// Yes or no.
    Switch(bool),
    /// The value of a variable that is not ours.
    Variable(&'static str),
    /// A path below another setting, which stands before it in the table.
    Below(&'static str, &'static str),
    /// A path below a folder of the XDG convention: the folder's variable, its default in the home,
    /// and the path.
    Xdg(&'static str, &'static str, &'static str),
}

/// Something that can be set.
#[derive(Debug)]
pub struct Setting {
    /// Its name in the file, and in `aimax config show`.
    pub key: &'static str,
    /// What it is, as a phrase.
    pub about: &'static str,
    /// Its place among the original's settings, or [`OURS`]: the tables are sorted by it.
    pub(crate) place: u8,
    pub(crate) kind: SettingKind,
    pub(crate) fallback: Fallback,
    /// The variables, where they do not follow from the key.
    named: &'static [&'static str],
    /// Whether the commands that tmux or an agent runs for us need it to find the agent's sessions.
    for_hooks: bool,
}

/// The place of a setting that the original does not have.
pub(crate) const OURS: u8 = u8::MAX;

impl Setting {
    const fn new(place: u8, key: &'static str, kind: SettingKind, fallback: Fallback) -> Setting {
        Setting { key, about: "", place, kind, fallback, named: &[], for_hooks: false }
    }

    /// A path.
    pub(crate) const fn path(place: u8, key: &'static str, fallback: Fallback) -> Setting {
        Setting::new(place, key, SettingKind::Path, fallback)
    }

    /// A text, without a fallback.
    pub(crate) const fn text(place: u8, key: &'static str) -> Setting {
        Setting::new(place, key, SettingKind::Text, Fallback::Unset)
    }

    /// The name of a tmux session.
    pub(crate) const fn hub(place: u8, key: &'static str, name: &'static str) -> Setting {
        Setting::new(place, key, SettingKind::Hub, Fallback::Text(name)).for_hooks()
    }

    /// Sets what it is, as a phrase.
    pub(crate) const fn about(self, about: &'static str) -> Setting {
        Setting { about, ..self }
    }

    /// Sets its variables, where they do not follow from the key.
    pub(crate) const fn named(self, named: &'static [&'static str]) -> Setting {
        Setting { named, ..self }
    }

    /// Marks it as needed by the commands that tmux or an agent runs for us.
    pub(crate) const fn for_hooks(self) -> Setting {
        Setting { for_hooks: true, ..self }
    }

    /// The variables that set it; the first that is set counts. The original's settings have an
    /// older name too.
    pub fn variables(&self) -> Vec<String> {
        let prefixes: &[&str] =
            if self.place == OURS { &["AIMAX_"] } else { &["AIMAX_", "TMUX_AGENTS_"] };
        match self.named {
            [] => prefixes
                .iter()
                .map(|prefix| prefix.to_string() + &self.key.to_uppercase())
                .collect(),
            named => named.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The common settings before those of the agents.
pub(crate) const COMMON: &[Setting] = &[
    Setting::path(1, "home", Fallback::Variable("HOME")).about("what `~` means"),
    Setting::path(2, "data_dir", Xdg("XDG_DATA_HOME", ".local/share", "aimax"))
        .about("the session files"),
    Setting::path(15, "proxy_envs_bash", Below("home", "proxy_envs.bash"))
        .about("variables for an agent behind the proxy, sourced by bash"),
    Setting::path(16, "proxy_chains_conf", Below("home", "proxy_claude.conf"))
        .about("the configuration of proxychains"),
    Setting::new(17, "run_preflight", SettingKind::Switch, Fallback::Switch(true))
        .about("ignored; for the PyPI package only"),
    Setting::path(OURS, "prompt_events", Fallback::Unset)
        .about("a SQLite file that logs each delivery"),
];

/// The common settings after those of the agents.
pub(crate) const LAST: &[Setting] = &[
    Setting::text(OURS, "tmux_socket")
        .about("the tmux server: a name, as for `tmux -L`, or a path, as for `-S`"),
    Setting::text(OURS, "session").about("the session if `-s` is not given"),
    Setting::text(OURS, "backend").about("the backend if `-b` is not given"),
    Setting::path(OURS, "trace", Fallback::Unset)
        .about("a file that logs each step and each tmux call, for a bug report"),
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
    Variable(String),
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

impl Resolved {
    /// The path, where it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.value {
            Some(Value::Path(path)) => Some(path),
            _ => None,
        }
    }

    /// The text, where it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The variable and the value for the commands that tmux or an agent runs for us, if they need
    /// it.
    pub(crate) fn for_hooks(&self) -> Option<(String, OsString)> {
        let value = self.path().map(Path::as_os_str).or(self.text().map(OsStr::new));
        let value = value.filter(|_| self.setting.for_hooks)?;
        Some((self.setting.variables().swap_remove(0), value.to_owned()))
    }
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
    /// [`crate::error::Kind::Usage`], with the file and the key, when it is not a JSON object or
    /// has an unknown key.
    pub(crate) fn parse(path: &Path, text: &[u8], table: &[&Setting]) -> Result<File> {
        let wrong = |cause: String| Error::usage(path.display(), cause);
        let keys = match serde_json::from_slice(text) {
            Ok(Json::Object(keys)) => keys,
            Ok(_) => return Err(wrong("not a JSON object".into())),
            Err(e) => return Err(wrong(format!("not JSON: {e}"))),
        };
        if let Some(key) = keys.keys().find(|key| table.iter().all(|one| one.key != **key)) {
            return Err(wrong(format!("{key}: no such setting"))
                .advise("`aimax config show` lists them all"));
        }
        Ok(File { path: path.to_owned(), keys })
    }
}

/// The settings that have their values so far, and where the others get theirs.
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
    /// is not of the setting's kind.
    pub(crate) fn run(mut self, table: &[&'static Setting]) -> Result<Vec<Resolved>> {
        for setting in table {
            let (value, source) = self.resolve(setting)?;
            self.done.push(Resolved { setting, value, source });
        }
        Ok(self.done)
    }

    fn resolve(&self, setting: &'static Setting) -> Result<(Option<Value>, Source)> {
        for variable in setting.variables() {
            if let Some(text) = self.vars.get(&variable) {
                let value = self.parse_text(setting.kind, text);
                let value = value.map_err(|cause| Error::usage(&variable, cause))?;
                return Ok((Some(value), Source::Variable(variable)));
            }
        }
        if let Some(file) = &self.file
            && let Some(json) = file.keys.get(setting.key)
        {
            let value = self.parse_json(setting.kind, json).map_err(|cause| {
                Error::usage(file.path.display(), format!("{}: {cause}", setting.key))
            })?;
            return Ok((Some(value), Source::File(file.path.clone())));
        }
        let home = || self.path("home");
        let value = match setting.fallback {
            Fallback::Unset => None,
            Fallback::Text(text) => Some(Value::Text(text.into())),
            Fallback::Switch(on) => Some(Value::Switch(on)),
            Fallback::Variable(name) => {
                Some(Value::Path(self.vars.get(name).unwrap_or_default().into()))
            }
            Below(key, path) => Some(Value::Path(self.path(key).join(path))),
            Xdg(variable, folder, path) => {
                Some(Value::Path(self.vars.xdg(variable, &home(), folder).join(path)))
            }
        };
        Ok((value, Source::Default))
    }

    /// The path of a setting that stands before this one.
    fn path(&self, key: &str) -> PathBuf {
        let found = self.done.iter().find(|one| one.setting.key == key);
        match found.and_then(Resolved::path) {
            Some(path) => path.to_owned(),
            None => self.vars.get("HOME").unwrap_or_default().into(),
        }
    }

    fn parse_text(&self, kind: SettingKind, text: OsString) -> std::result::Result<Value, String> {
        if kind == SettingKind::Path {
            let path = self.vars.expand(&text, &self.path("home"));
            is_expanded(&path)?;
            // tmux runs hooks in another folder.
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

    fn parse_json(&self, kind: SettingKind, json: &Json) -> std::result::Result<Value, String> {
        match (kind, json) {
            (SettingKind::Switch, Json::Bool(on)) => Ok(Value::Switch(*on)),
            (SettingKind::Switch, other) => Err(format!("{other} is neither true nor false")),
            (_, Json::String(text)) if text.is_empty() => Err("it is empty".into()),
            (SettingKind::Path, Json::String(text)) => match self.parse_text(kind, text.into())? {
                // The programs that read the file run in any folder.
                Value::Path(_) if !text.starts_with(['/', '~', '$']) => {
                    Err(format!("`{text}` is not an absolute path"))
                }
                value => Ok(value),
            },
            (_, Json::String(text)) => self.parse_text(kind, text.into()),
            (_, other) => Err(format!("{other} is not a string")),
        }
    }
}

/// Refuses a path that still begins with a `~` or a variable: it would be a folder of that name,
/// wherever one stands.
///
/// # Errors
/// The cause.
pub(super) fn is_expanded(path: &Path) -> std::result::Result<(), String> {
    let cause = match path.as_os_str().as_bytes().first() {
        Some(b'$') => "begins with a variable that is not set",
        Some(b'~') => "names the home of another user, which is not expanded",
        _ => return Ok(()),
    };
    Err(format!("`{}` {cause}", path.display()))
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
