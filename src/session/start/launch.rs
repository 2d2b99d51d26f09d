//! The launch of the agent inside its new window.
//!
//! tmux starts a small program of ours. It reads a launch spec from a private file, sets the window
//! up and execs the agent, so the process id stays the same. This has three advantages:
//!
//! - The agent gets the caller's whole environment. A tmux command is limited to 16 KB, and shows
//!   the environment to every user of the machine.
//! - The working folder is the requested one; tmux silently takes another if it does not exist.
//! - A program that dies at once dies in a window that remains.
//!
//! Measured: tmux/FACTS.md, "Commands"; tmux/FACTS.md, "Environment and size"

use std::{
    ffi::{OsStr, OsString},
    os::unix::{ffi::OsStringExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
};

use super::proxy::{Proxy, sourced};
use crate::{
    agent::{Backend, Launch},
    config::Config,
    error::{Error, Result},
    fs,
    session::{RunDir, Session, anchor::Anchor, hooks},
    tmux::Tmux,
};

/// What to run in a new window, and the hooks to set for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LaunchSpec {
    /// Program and arguments.
    pub argv: Vec<OsString>,
    /// The folder to run in.
    pub cwd: PathBuf,
    /// The whole environment, less what tmux sets for the window.
    pub env: Vec<(OsString, OsString)>,
    /// The caller's PATH, by which tmux is found in the window too.
    pub path: OsString,
    /// A shell command for tmux to run when the program ends.
    pub at_event: String,
    /// A shell command for tmux to run at each change of the title; empty for none.
    pub at_title: String,
    /// `at_event` also runs when the title changes to one that matches this pattern.
    pub title: String,
}

/// Variables that must not reach an agent, besides those that agents set for their children: the
/// caller's own, and those with which it would not dim the text that is no draft.
// Measured: claude/FACTS.md, "Environment"
const NOT_INHERITED: [&str; 8] = [
    "AIMAX_SESSION",
    "AIMAX_BACKEND",
    "NO_COLOR",
    "FORCE_COLOR",
    "OLDPWD",
    "COLUMNS",
    "LINES",
    "_",
];

/// The beginnings of the variables by which editors and terminals tell that a program runs in them.
/// The agent runs in tmux, and with them it would talk to another.
// Measured: claude/FACTS.md, "Environment"
const OF_TERMINALS: [&str; 18] = [
    "VSCODE_",
    "ALACRITTY_",
    "ConEmu",
    "GHOSTTY_",
    "GNOME_TERMINAL_",
    "ITERM_",
    "KITTY_",
    "KONSOLE_",
    "LC_TERMINAL",
    "STY",
    "TERMINATOR_",
    "TERM_SESSION_ID",
    "TILIX_",
    "VTE_",
    "WEZTERM_",
    "WT_SESSION",
    "ZED_TERM",
    "ZELLIJ",
];

/// The variable that says that a terminal has colours.
// Measured: claude/FACTS.md, "Environment"
const COLOURS: &str = "COLORTERM";

/// The variables that tmux sets for each window. The caller's values would be wrong there.
// Measured: tmux/FACTS.md, "Environment and size"
const OF_TMUX: [&str; 5] = ["TMUX", "TMUX_PANE", "TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION"];

/// The caller's environment without the variables that must not reach an agent. It always says that
/// there are colours, as every pane has them: an agent that assumes none dims nothing.
fn environment(config: &Config) -> Vec<(OsString, OsString)> {
    let marks = Backend::ALL.map(|backend| &backend.facts().marks);
    let names = || config.environment.iter().filter_map(|(name, _)| name.to_str());
    let of_agents = marks.map(|marks| (marks, names().any(|name| marks.tells(name))));
    let stays = |name: &OsStr, value: &OsStr| {
        let is_of_terminal = |name: &str| OF_TERMINALS.iter().any(|begin| name.starts_with(begin));
        !NOT_INHERITED.iter().chain(&OF_TMUX).any(|&dropped| name == dropped)
            && !name.to_str().is_some_and(is_of_terminal)
            && !of_agents.iter().any(|(marks, in_tool)| marks.holds(name, value, *in_tool))
    };
    let all = config.environment.iter();
    let mut kept: Vec<_> = all.filter(|(name, value)| stays(name, value)).cloned().collect();
    if !kept.iter().any(|(name, _)| name == COLOURS) {
        kept.push((COLOURS.into(), "1".into()));
    }
    kept
}

impl LaunchSpec {
    /// The spec for the session's window, from what the agent's adapter wants to `launch`.
    pub(crate) fn of(
        config: &Config,
        session: &Session,
        launch: Launch,
        proxy: Option<&Proxy>,
        cwd: &Path,
        at_event: String,
    ) -> Result<LaunchSpec> {
        let mut env = environment(config);
        env.retain(|(name, _)| {
            !launch.unset.iter().any(|unset| name == unset)
                && !launch.env.iter().any(|(set, _)| set == name)
        });
        env.extend(launch.env);
        let (mut argv, mut sources) = (launch.argv, launch.sources);
        if let Some(proxy) = proxy {
            argv = proxy.around(argv);
            sources.push(proxy.envs.clone());
        }
        let argv = sourced(config, &sources, argv)?;
        let (at_title, title) = match session.agent().facts().idle_title {
            Some(title) => (hooks::at_title(config, session)?, title.to_owned()),
            None => Default::default(),
        };
        let (cwd, path) = (cwd.to_owned(), config.absolute_path());
        Ok(LaunchSpec { argv, cwd, env, path, at_event, at_title, title })
    }

    /// Writes the spec to a file that only the user can read. It is read at once, and is of no use once
    /// the machine has stopped.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        fs::write_atomic(path, &self.encode(), 0o600)
    }

    /// Joins all strings by NUL, which none of them can contain.
    fn encode(&self) -> Vec<u8> {
        let mut words: Vec<&[u8]> =
            vec![self.cwd.as_os_str().as_encoded_bytes(), self.path.as_encoded_bytes()];
        words.extend([&self.at_event, &self.at_title, &self.title].map(String::as_bytes));
        let count = self.argv.len().to_string();
        words.push(count.as_bytes());
        words.extend(self.argv.iter().map(|word| word.as_encoded_bytes()));
        for (name, value) in &self.env {
            words.extend([name.as_encoded_bytes(), value.as_encoded_bytes()]);
        }
        words.join(&0)
    }

    fn decode(bytes: &[u8]) -> Option<LaunchSpec> {
        let mut words = bytes.split(|&b| b == 0).map(|word| OsString::from_vec(word.to_vec()));
        let cwd = PathBuf::from(words.next()?);
        let path = words.next()?;
        let at_event = words.next()?.into_string().ok()?;
        let at_title = words.next()?.into_string().ok()?;
        let title = words.next()?.into_string().ok()?;
        let count = words.next()?.to_str()?.parse().ok()?;
        let argv: Vec<OsString> = words.by_ref().take(count).collect();
        let mut env = Vec::new();
        while let Some(name) = words.next() {
            env.push((name, words.next()?));
        }
        (argv.len() == count && count > 0).then_some(LaunchSpec {
            argv,
            cwd,
            env,
            path,
            at_event,
            at_title,
            title,
        })
    }
}

/// Runs inside the window: reads the launch spec, sets the window up, and execs the agent.
///
/// Returns only on failure; the window then shows the error.
pub(crate) fn enter(file: &Path) -> Result<std::convert::Infallible> {
    let config = Config::from_env()?;
    let bytes = fs::read(file)?
        .ok_or_else(|| Error::missing(file.display(), "no orders for this window"))?;
    fs::remove(file)?;
    let run_dir = RunDir::holding(file);
    let spec = LaunchSpec::decode(&bytes)
        .ok_or_else(|| Error::system(file.display(), "not orders for a window"))?;
    let pane = config.var("TMUX_PANE").and_then(|pane| pane.into_string().ok());
    let pane = pane.ok_or_else(|| Error::usage("TMUX_PANE", "this runs inside tmux only"))?;
    // Use the server of this window, whatever the caller's variables say.
    let here = Config { tmux_socket: None, path: spec.path, ..config.clone() };
    let title = Some((spec.at_title.as_str(), spec.title.as_str()));
    let title = title.filter(|(at_title, _)| !at_title.is_empty());
    Tmux::new(&here)?.set_up(&pane, &spec.at_event, title)?;
    let server = config.var("TMUX").and_then(|server| server.into_string().ok());
    let anchor = server.and_then(|server| Anchor::here(&server, &pane));
    let anchor = anchor.ok_or_else(|| Error::usage("TMUX", "this runs inside tmux only"))?;
    anchor.write(&run_dir)?;
    let [program, args @ ..] = &spec.argv[..] else {
        return Err(Error::system("window", "no program to become"));
    };
    let mut command = Command::new(program);
    command.args(args).current_dir(&spec.cwd).env_clear().envs(spec.env.iter().cloned());
    for name in OF_TMUX {
        if let Some(value) = config.var(name) {
            command.env(name, value);
        }
    }
    command.env("PWD", &spec.cwd);
    Err(Error::io(program.display(), &command.exec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_survive_any_bytes_but_nul() {
        let spec = LaunchSpec {
            argv: vec!["/bin/x".into(), OsString::new(), OsString::from_vec(b"\xff\n'".to_vec())],
            cwd: "/a b".into(),
            env: vec![("A".into(), "".into()), ("B".into(), "x\ny=z".into())],
            path: "/bin".into(),
            at_event: "echo".into(),
            at_title: String::new(),
            title: "x*".into(),
        };
        assert_eq!(LaunchSpec::decode(&spec.encode()), Some(spec));
        assert_eq!(LaunchSpec::decode(b"/x\0/bin\0\0\0\x003\0a"), None);
    }

    #[test]
    fn what_marks_a_child_is_not_inherited() {
        let names = |vars: &[(&str, &str)]| -> Vec<String> {
            let vars = vars.iter().map(|(name, value)| (name.into(), value.into())).collect();
            let config = Config::from_vars(vars).unwrap();
            let kept = environment(&config).into_iter();
            kept.map(|(name, _)| name.into_string().unwrap()).collect()
        };
        let in_tool = [("CLAUDECODE", "1"), ("TMUX", "x"), ("HOME", "/h"), ("FOO", "é")];
        assert_eq!(names(&in_tool), ["HOME", "FOO", "COLORTERM"]);
        let pager = ("PAGER", "cat");
        assert_eq!(names(&[("HOME", "/h"), ("CODEX_CI", "1"), pager]), ["HOME", "COLORTERM"]);
        assert_eq!(names(&[("HOME", "/h"), pager]), ["HOME", "PAGER", "COLORTERM"]);
        assert_eq!(names(&[("HOME", "/h"), ("KITTY_WINDOW_ID", "1")]), ["HOME", "COLORTERM"]);
    }
}
