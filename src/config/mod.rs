//! The configuration: the environment and the file of settings, read once.
//!
//! The variables and their defaults are those of the original program; its older `TMUX_AGENTS_…`
//! names are the second choice: see [`Setting::variables`]. What no variable sets, the file
//! `$XDG_CONFIG_HOME/aimax/config.json` may set: an object of settings by their keys.

use std::{
    env,
    ffi::OsString,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

use crate::{
    error::{Error, Result},
    fs,
    recorder::Recorder,
    sys,
};

mod settings;
mod vars;

pub(crate) use settings::{COMMON, Fallback, LAST, OURS, Resolved, Setting, Source, Value, switch};

#[cfg(test)]
pub(crate) use settings::SettingKind;
use settings::{File, Resolver};
use vars::Vars;

/// What [`Config::set`] has set.
static SET: RwLock<Option<Config>> = RwLock::new(None);

/// Folders, files and names that the programs use.
#[derive(Clone, Debug)]
pub struct Config {
    /// The session files, private to the user.
    pub data_dir: PathBuf,
    /// Variables for an agent behind the proxy, sourced by bash.
    pub proxy_envs_bash: PathBuf,
    /// The configuration of proxychains.
    pub proxy_chains_conf: PathBuf,
    /// A SQLite file for a record of each delivery.
    pub prompt_events: Option<PathBuf>,
    /// Receives each delivery: for programs that use the library.
    pub recorder: Option<Recorder>,
    /// Another tmux server, by its `-L` name.
    pub tmux_socket: Option<OsString>,
    /// The session where `-s` names none.
    pub session: Option<String>,
    /// The backend where `-b` names none.
    pub backend: Option<String>,
    /// A file for every step and every call of tmux.
    pub trace: Option<PathBuf>,
    /// Screen profiles of the user's own: `$XDG_CONFIG_HOME/aimax/screens`.
    pub screens: PathBuf,
    /// The search path for programs.
    pub path: OsString,
    /// The whole environment; that of a window is made from it.
    pub environment: Vec<(OsString, OsString)>,
    /// All settings as they were read, each with its source; also those of the agents.
    pub settings: Vec<Resolved>,
}

impl Config {
    /// Gives the settings of `table` their values, from `environment` and the file.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`], with the variable, or the file and the key, for a bad value
    /// and for a key that is no setting.
    pub(crate) fn resolve(
        mut environment: Vec<(OsString, OsString)>,
        table: &[&'static Setting],
    ) -> Result<Self> {
        set_home(&mut environment, sys::home_folder)?;
        let vars = Vars(&environment);
        let folder = Config::folder(vars)?;
        let path = folder.join("config.json");
        let file = fs::read(&path)?.map(|text| File::parse(&path, &text, table)).transpose()?;
        let settings = Resolver { vars, file, done: Vec::new() }.run(table)?;
        let path_variable = vars.get("PATH").unwrap_or_default();
        let path = |key| find(&settings, key).path().map(Path::to_owned);
        let text = |key| find(&settings, key).text().map(str::to_owned);
        Ok(Config {
            // These have fallbacks, so they are always set.
            data_dir: path("data_dir").unwrap_or_default(),
            proxy_envs_bash: path("proxy_envs_bash").unwrap_or_default(),
            proxy_chains_conf: path("proxy_chains_conf").unwrap_or_default(),
            prompt_events: path("prompt_events"),
            recorder: None,
            tmux_socket: text("tmux_socket").map(OsString::from),
            session: text("session"),
            backend: text("backend"),
            trace: path("trace"),
            screens: folder.join("screens"),
            path: path_variable,
            environment: with_whole_paths(environment, &settings),
            settings,
        })
    }

    /// The folder of the file and the screen profiles. It depends on variables alone: the file
    /// cannot say where it is.
    fn folder(vars: Vars<'_>) -> Result<PathBuf> {
        let own = ["AIMAX_HOME", "TMUX_AGENTS_HOME"];
        let own = own.iter().find_map(|name| Some((name, vars.get(name)?)));
        let user = PathBuf::from(vars.get("HOME").unwrap_or_default());
        let home = match own {
            Some((name, path)) => {
                let path = vars.expand(&path, &user);
                settings::is_expanded(&path).map_err(|cause| Error::usage(name, cause))?;
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
        &find(&self.settings, key).source
    }

    /// The path of a setting that has a fallback. It is for the agents' settings, which have no
    /// fields here.
    pub(crate) fn path_of(&self, key: &str) -> &Path {
        find(&self.settings, key).path().unwrap_or(Path::new(""))
    }

    /// The text of a setting, if it has one.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        find(&self.settings, key).text()
    }

    /// The option by which tmux is told its server, and the server: its name, or the path of its socket.
    pub(crate) fn tmux_server(&self) -> Option<(&'static str, OsString)> {
        let server = self.tmux_socket.clone()?;
        if !server.as_encoded_bytes().contains(&b'/') {
            return Some(("-L", server));
        }
        let path = std::path::absolute(&server).map(PathBuf::into_os_string);
        Some(("-S", path.unwrap_or(server)))
    }

    /// The variables for the commands that tmux or an agent runs for us: they may run in another
    /// environment than ours, and must find the same sessions.
    pub(crate) fn hook_environment(&self) -> Vec<(String, OsString)> {
        let mut variables: Vec<_> = self.settings.iter().filter_map(Resolved::for_hooks).collect();
        // Here the fields count: a program that uses the library may have changed them.
        variables.push(("AIMAX_DATA_DIR".into(), self.data_dir.clone().into()));
        variables.push(("PATH".into(), self.absolute_path()));
        let socket = self.tmux_socket.iter().cloned();
        variables.extend(socket.map(|name| ("AIMAX_TMUX_SOCKET".into(), name)));
        variables
    }

    /// Makes this the configuration of this process. Backends that [`crate::get`] gives from now on
    /// use it; earlier ones keep theirs.
    pub fn set(self) {
        *SET.write().unwrap_or_else(PoisonError::into_inner) = Some(self);
    }

    /// The configuration that was [set](Config::set), if one was.
    pub(crate) fn chosen() -> Option<Self> {
        SET.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What an agent must be told of its own `folder` by `variable`, and else whether that variable must
    /// be taken from it. It is told nothing where it would use that folder anyway, `usual` in the user's
    /// home: one that is told may use it differently.
    pub(crate) fn told_folder(
        &self,
        folder: &Path,
        variable: &'static str,
        usual: &str,
    ) -> (Option<(OsString, OsString)>, Option<&'static str>) {
        let home = self.var("HOME").map(PathBuf::from).unwrap_or_default();
        match self.var(variable) {
            None if folder == home.join(usual) => (None, None),
            Some(callers) if folder == home.join(usual) && callers != folder => {
                (None, Some(variable))
            }
            _ => (Some((variable.into(), folder.into())), None),
        }
    }

    /// The value of an environment variable, unless it is empty.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<OsString> {
        Vars(&self.environment).get(name)
    }

    /// The folders of the caller's PATH, absolute: a relative one is meant from here, but programs
    /// are run from other folders too. An empty one is the current folder.
    fn path_folders(&self) -> impl Iterator<Item = PathBuf> {
        let folders = env::split_paths(&self.path).filter(|_| !self.path.is_empty());
        let whole = |folder: PathBuf| match folder.as_os_str().is_empty() {
            true => std::path::absolute(".").ok(),
            false => std::path::absolute(folder).ok(),
        };
        // A `:` would make two folders of it.
        folders.filter_map(whole).filter(|folder| !folder.as_os_str().as_bytes().contains(&b':'))
    }

    /// A folder of the user's by its variable, or by its usual name below the home.
    pub(crate) fn user_folder(&self, variable: &str, usual: &str) -> PathBuf {
        let vars = Vars(&self.environment);
        vars.xdg(variable, Path::new(&vars.get("HOME").unwrap_or_default()), usual)
    }

    /// Whether programs in this folder are found by their names.
    pub(crate) fn is_on_path(&self, folder: &Path) -> bool {
        let real = folder.canonicalize();
        self.path_folders().any(|one| {
            one == folder
                || real.as_ref().is_ok_and(|real| one.canonicalize().is_ok_and(|one| one == *real))
        })
    }

    /// The caller's PATH for programs that run in another folder.
    pub(crate) fn absolute_path(&self) -> OsString {
        // No folder of it holds a `:`, so all can be joined.
        env::join_paths(self.path_folders()).unwrap_or_default()
    }

    /// The absolute path of the executable file of this name on the caller's PATH.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        self.path_folders().map(|folder| folder.join(name)).find(|candidate| {
            candidate
                .metadata()
                .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        })
    }

    /// The command line of one of our own programs: `name` is what follows `aimax-`.
    ///
    /// A program beside the running one comes first, so that an installation outside PATH works;
    /// then the one on PATH. Where PATH leads to the same file, it is called by its name there: a
    /// package manager may remove the folder of a version while its sessions run, but not the name.
    pub(crate) fn own_program(&self, name: &str) -> Result<Vec<OsString>> {
        let beside = running_program().ok().and_then(|path| Some(path.parent()?.to_owned()));
        let found = |file: &str| {
            let own = beside.as_ref()?.join(file);
            let real = own.canonicalize().ok()?;
            let named = self.program(file);
            Some(named.filter(|path| path.canonicalize().is_ok_and(|to| to == real)).unwrap_or(own))
        };
        if let Some(path) = found(&format!("aimax-{name}")) {
            return Ok(vec![path.into_os_string()]);
        }
        match found("aimax").or_else(|| self.program("aimax")) {
            Some(path) => Ok(vec![path.into_os_string(), name.into()]),
            None => Err(Error::missing("aimax", "not found next to this program or on PATH")),
        }
    }

    /// The private folder of one session: its lock, its settings, what tmux tells us of its pane.
    #[must_use]
    pub fn run_dir(&self, backend: &str, session: &str) -> PathBuf {
        self.data_dir.join("run").join(backend).join(session)
    }

    /// The file of the defaults that an administrator has set for all sessions.
    #[must_use]
    pub fn admin_settings(&self) -> PathBuf {
        self.data_dir.join("admin-settings.json")
    }
}

/// Sets `HOME` where it is not set, as for root's cron and for system units: to what the password file
/// `knows`. So the agent's home is the one that is looked at.
///
/// # Errors
/// [`crate::error::Kind::Usage`] when there is no absolute home: another path would lead into whatever
/// folder the programs run in.
fn set_home(
    environment: &mut Vec<(OsString, OsString)>,
    knows: impl FnOnce() -> Option<PathBuf>,
) -> Result<()> {
    let wrong =
        |cause: String| Err(Error::usage("HOME", cause).advise("set it to your home folder"));
    match Vars(environment).get("HOME") {
        Some(home) if Path::new(&home).is_absolute() => Ok(()),
        Some(home) => wrong(format!("`{}` is not an absolute path", home.display())),
        None => match knows().filter(|home| home.is_absolute()) {
            Some(home) => {
                environment.retain(|(name, _)| name != "HOME");
                environment.push(("HOME".into(), home.into()));
                Ok(())
            }
            None => wrong("not set, and the password file has no home for this user".into()),
        },
    }
}

/// The environment with the paths of the settings as they were read: an agent, and what it runs, stand
/// in another folder and expand nothing.
fn with_whole_paths(
    mut environment: Vec<(OsString, OsString)>,
    settings: &[Resolved],
) -> Vec<(OsString, OsString)> {
    for one in settings {
        let (Source::Variable(name), Some(path)) = (&one.source, one.path()) else { continue };
        for (_, value) in environment.iter_mut().filter(|(known, _)| known == name.as_str()) {
            *value = path.into();
        }
    }
    environment
}

/// What was read for the setting `key`, which must be in the table.
fn find<'a>(settings: &'a [Resolved], key: &str) -> &'a Resolved {
    let found = settings.iter().find(|one| one.setting.key == key);
    found.unwrap_or_else(|| panic!("{key} is in the table"))
}

/// The environment of this process.
pub(crate) fn process_environment() -> Vec<(OsString, OsString)> {
    env::vars_os().collect()
}

/// A variable of this process, also an empty one: for the practice agent, which has no
/// configuration.
pub(crate) fn process_variable(name: &str) -> Option<OsString> {
    env::var_os(name)
}

/// The file of the running program.
pub(crate) fn running_program() -> Result<PathBuf> {
    env::current_exe().map_err(|e| Error::io("aimax", &e))
}

#[cfg(test)]
mod tests;
