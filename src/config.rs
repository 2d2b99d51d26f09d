//! Where everything is: the environment, read once.
//!
//! The variables and their defaults are those of the original program, with its older
//! `TMUX_AGENTS_…` names as second choice. `~` and `$NAME` are expanded in paths.

use std::{
    env,
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

/// Folders, files and names that the programs use.
#[derive(Clone, Debug)]
pub struct Config {
    /// `AIMAX_HOME`: what `~` means.
    pub home: PathBuf,
    /// `AIMAX_DATA_DIR`: the session files, private to the user.
    pub data_dir: PathBuf,
    /// `$CLAUDE_CONFIG_DIR` or `~/.claude`: Claude Code's own folder.
    pub claude_home: PathBuf,
    /// `AIMAX_CLAUDE_PROJECTS_DIR`: where Claude Code writes transcripts.
    pub claude_projects: PathBuf,
    /// `AIMAX_CLAUDE_SETTINGS`: settings for Claude Code that the caller wants merged in.
    pub claude_settings: PathBuf,
    /// `AIMAX_CLAUDE_HUB`: the tmux session of the Claude Code windows.
    pub claude_hub: String,
    /// `AIMAX_CODEX_HOME` or `CODEX_HOME`: Codex's own folder.
    pub codex_home: PathBuf,
    /// `AIMAX_CODEX_SESSIONS_DIR`: where Codex writes rollouts.
    pub codex_sessions: PathBuf,
    /// `AIMAX_CODEX_STATE_DB`: Codex's index of its threads.
    pub codex_state_db: PathBuf,
    /// `AIMAX_CODEX_HUB`: the tmux session of the Codex windows.
    pub codex_hub: String,
    /// `AIMAX_CODEX_DEFAULT_MODEL`: the model for Codex when none is named.
    pub codex_model: Option<String>,
    /// `AIMAX_PRACTICE_HOME`: the practice agent's own folder.
    pub practice_home: PathBuf,
    /// `AIMAX_TMUX_SOCKET`: another tmux server, by its `-L` name.
    pub tmux_socket: Option<OsString>,
    /// `AIMAX_SESSION`: stands in for `-s`.
    pub session: Option<String>,
    /// `AIMAX_BACKEND`: stands in for `-b`.
    pub backend: Option<String>,
    /// `AIMAX_TRACE`: a file for every step and every call of tmux.
    pub trace: Option<PathBuf>,
    /// Screen profiles of the user's own: `$XDG_CONFIG_HOME/aimax/screens`.
    pub screens: PathBuf,
    /// The search path for programs.
    pub path: OsString,
    /// The whole environment, from which a window's is made.
    pub environment: Vec<(OsString, OsString)>,
}

impl Config {
    /// Reads the process's environment.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_vars(env::vars_os().collect())
    }

    /// The same from any set of variables.
    #[must_use]
    pub fn from_vars(environment: Vec<(OsString, OsString)>) -> Self {
        let vars = Vars(&environment);
        let home = vars.ours("HOME").or_else(|| vars.get("HOME")).unwrap_or_default();
        let home = PathBuf::from(home);
        let under = |name: &str, own: Option<OsString>, default: PathBuf| match own
            .or_else(|| vars.ours(name))
        {
            Some(value) => vars.expand(&value, &home),
            None => default,
        };
        let xdg = |name: &str, default: &str| match vars.get(name) {
            Some(value) => PathBuf::from(value),
            None => home.join(default),
        };
        let claude_home = under("", vars.get("CLAUDE_CONFIG_DIR"), home.join(".claude"));
        let codex_home = match vars.ours("CODEX_HOME").or_else(|| vars.get("CODEX_HOME")) {
            Some(value) => vars.expand(&value, &home),
            None => home.join(".codex"),
        };
        let data_dir = under("DATA_DIR", None, xdg("XDG_DATA_HOME", ".local/share").join("aimax"));
        let text = |name: &str| vars.ours(name).and_then(|value| value.into_string().ok());
        Config {
            claude_projects: under("CLAUDE_PROJECTS_DIR", None, claude_home.join("projects")),
            claude_settings: under("CLAUDE_SETTINGS", None, claude_home.join("settings.api.json")),
            claude_hub: text("CLAUDE_HUB").unwrap_or_else(|| "imac_claude_code_agent_hub".into()),
            codex_sessions: under("CODEX_SESSIONS_DIR", None, codex_home.join("sessions")),
            codex_state_db: under("CODEX_STATE_DB", None, codex_home.join("state_5.sqlite")),
            codex_hub: text("CODEX_HUB").unwrap_or_else(|| "imac_codex_agent_hub".into()),
            codex_model: text("CODEX_DEFAULT_MODEL"),
            practice_home: under("PRACTICE_HOME", None, data_dir.join("practice")),
            tmux_socket: vars.ours("TMUX_SOCKET"),
            session: text("SESSION"),
            backend: text("BACKEND"),
            trace: vars.ours("TRACE").map(|path| vars.expand(&path, &home)),
            screens: xdg("XDG_CONFIG_HOME", ".config").join("aimax/screens"),
            path: vars.get("PATH").unwrap_or_default(),
            home,
            data_dir,
            claude_home,
            codex_home,
            environment,
        }
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
}

/// Look-ups in a set of variables; an empty one counts as not set.
struct Vars<'a>(&'a [(OsString, OsString)]);

impl Vars<'_> {
    fn get(&self, name: &str) -> Option<OsString> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        (!value.is_empty()).then(|| value.clone())
    }

    /// `AIMAX_NAME`, or `TMUX_AGENTS_NAME` as the original's predecessor called it.
    fn ours(&self, name: &str) -> Option<OsString> {
        if name.is_empty() {
            return None;
        }
        self.get(&format!("AIMAX_{name}")).or_else(|| self.get(&format!("TMUX_AGENTS_{name}")))
    }

    /// `~`, `$NAME` and `${NAME}` replaced; a variable that is not set stays as it is written.
    fn expand(&self, path: &OsStr, home: &Path) -> PathBuf {
        let bytes = path.as_bytes();
        let mut done = match bytes {
            [b'~'] | [b'~', b'/', ..] => home.as_os_str().as_bytes().to_vec(),
            _ => Vec::new(),
        };
        let mut rest = if done.is_empty() { bytes } else { &bytes[1..] };
        while let Some(at) = rest.iter().position(|&b| b == b'$') {
            done.extend_from_slice(&rest[..at]);
            let (whole, name) = variable(&rest[at..]);
            match std::str::from_utf8(name).ok().and_then(|name| self.get(name)) {
                Some(value) => done.extend_from_slice(value.as_bytes()),
                None => done.extend_from_slice(&rest[at..at + whole]),
            }
            rest = &rest[at + whole..];
        }
        done.extend_from_slice(rest);
        PathBuf::from(OsString::from_vec(done))
    }
}

/// The length of the variable at the start of `text`, dollar included, and its name.
fn variable(text: &[u8]) -> (usize, &[u8]) {
    if text.get(1) == Some(&b'{') {
        return match text.iter().position(|&b| b == b'}') {
            Some(end) => (end + 1, &text[2..end]),
            None => (1, &[]),
        };
    }
    let name = &text[1..];
    let end =
        name.iter().position(|b| !(b.is_ascii_alphanumeric() || *b == b'_')).unwrap_or(name.len());
    (1 + end, &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(vars: &[(&str, &str)]) -> Config {
        Config::from_vars(vars.iter().map(|(k, v)| (k.into(), v.into())).collect())
    }

    #[test]
    fn the_defaults_are_the_originals() {
        let c = config(&[("HOME", "/h")]);
        assert_eq!(c.data_dir, Path::new("/h/.local/share/aimax"));
        assert_eq!(c.claude_projects, Path::new("/h/.claude/projects"));
        assert_eq!(c.codex_sessions, Path::new("/h/.codex/sessions"));
        assert_eq!(c.claude_hub, "imac_claude_code_agent_hub");
        assert_eq!(c.codex_model, None);
    }

    #[test]
    fn variables_are_expanded_and_the_older_names_come_second() {
        let c = config(&[
            ("HOME", "/h"),
            ("W", "/w"),
            ("TMUX_AGENTS_DATA_DIR", "/old"),
            ("AIMAX_CODEX_HOME", "~/c$W/${W}x$NONE"),
            ("TMUX_AGENTS_CODEX_HOME", "/no"),
            ("CLAUDE_CONFIG_DIR", "/cc"),
        ]);
        assert_eq!(c.data_dir, Path::new("/old"));
        assert_eq!(c.codex_home, Path::new("/h/c/w//wx$NONE"));
        assert_eq!(c.claude_projects, Path::new("/cc/projects"));
    }
}
