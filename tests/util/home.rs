//! A home of its own for each test: folders, environment, and an end that leaves nothing behind.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::tmux::Tmux;

/// A port that nothing listens on: what is sent there fails at once.
const NOWHERE: &str = "http://127.0.0.1:9";

/// Said to every program, so that nothing but the loopback model is ever asked.
const NO_TRAFFIC: [(&str, &str); 14] = [
    ("HTTP_PROXY", NOWHERE),
    ("HTTPS_PROXY", NOWHERE),
    ("ALL_PROXY", NOWHERE),
    ("http_proxy", NOWHERE),
    ("https_proxy", NOWHERE),
    ("all_proxy", NOWHERE),
    ("NO_PROXY", "127.0.0.1,localhost"),
    ("no_proxy", "127.0.0.1,localhost"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    // Claude Code clones a list of plugins at its first start, by ssh, which heeds no proxy.
    ("CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL", "1"),
    ("GIT_ALLOW_PROTOCOL", "file"),
];

/// A temporary folder with a home, a project and a private tmux server. It goes when dropped.
pub(crate) struct Home {
    root: PathBuf,
    env: Vec<(String, String)>,
    path: Vec<PathBuf>,
}

impl Home {
    /// Makes the folders. The path is short, because a unix socket's may not pass some 100 bytes.
    pub(crate) fn new() -> Self {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let root = Path::new("/tmp").join(format!("aimax-t-{}", &id[..8]));
        for folder in ["home", "proj", "tmux", "data", "run"] {
            fs::create_dir_all(root.join(folder)).expect("a temporary folder");
        }
        // Where /tmp is a link, the agents name the real folder in their files.
        let root = root.canonicalize().expect("the temporary folder");
        restrict(&root);
        restrict(&root.join("run"));
        restrict(&root.join("tmux"));
        // `.ci/tmux-matrix` has another tmux tried.
        let path = std::env::var_os("AIMAX_TEST_TMUX").map(PathBuf::from).into_iter().collect();
        Home { root, env: Vec::new(), path }
    }

    /// The folder that everything is in.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What `HOME` says.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// The project folder: empty, and in no repository.
    pub(crate) fn proj(&self) -> PathBuf {
        self.root.join("proj")
    }

    /// What `AIMAX_DATA_DIR` says.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// Puts a folder at the front of `PATH`.
    pub(crate) fn add_path(&mut self, folder: impl Into<PathBuf>) {
        self.path.insert(0, folder.into());
    }

    /// Sets one more variable, or another value for one.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.into()));
    }

    /// Writes a file below `HOME`, with its folders.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home().join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).expect("a folder below the home");
        }
        fs::write(&path, content).expect("a file below the home");
        path
    }

    /// The whole environment of this home, as each of its programs gets it.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let mut path: Vec<String> = self.path.iter().cloned().map(text).collect();
        path.extend(["/usr/local/bin", "/usr/bin", "/bin"].map(str::to_owned));
        let home = self.home();
        let mut env: Vec<(String, String)> = [
            ("HOME", text(home.clone())),
            ("PATH", path.join(":")),
            ("LANG", "C.UTF-8".to_owned()),
            ("TERM", "xterm-256color".to_owned()),
            ("SHELL", "/bin/sh".to_owned()),
            ("XDG_CONFIG_HOME", text(home.join(".config"))),
            ("XDG_DATA_HOME", text(home.join(".local/share"))),
            ("XDG_STATE_HOME", text(home.join(".local/state"))),
            ("XDG_CACHE_HOME", text(home.join(".cache"))),
            ("XDG_RUNTIME_DIR", text(self.root.join("run"))),
            ("TMUX_TMPDIR", text(self.root.join("tmux"))),
            ("AIMAX_TMUX_SOCKET", Tmux::SOCKET.to_owned()),
            ("AIMAX_DATA_DIR", text(self.data())),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        env.extend(NO_TRAFFIC.map(|(name, value)| (name.to_owned(), value.to_owned())));
        env.retain(|(name, _)| !self.env.iter().any(|(set, _)| set == name));
        env.extend_from_slice(&self.env);
        env
    }

    /// A command in this home's environment and nothing else's, in the project folder.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.env()).current_dir(self.proj());
        command
    }

    /// This home's tmux server.
    pub(crate) fn tmux(&self) -> Tmux<'_> {
        Tmux::new(self)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.tmux().end();
        // A program that is just ending may still write into its folder, and a tool's command may
        // outlive its agent: those that do not end by themselves are ended, each by its number.
        for look in 0..150 {
            let left = programs_of(&self.root);
            if left.is_empty() {
                break;
            }
            if look == 100 {
                // Whether it worked shows at the next look.
                let _ = Command::new("kill").args(&left).status();
            }
            thread::sleep(Duration::from_millis(20));
        }
        for _ in 0..100 {
            if fs::remove_dir_all(&self.root).is_ok() || !self.root.exists() {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The numbers of the programs that have this home's folder in their environment; none where there
/// is no `/proc`.
fn programs_of(root: &Path) -> Vec<String> {
    let root = root.as_os_str().as_encoded_bytes();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment.windows(root.len()).any(|part| part == root) {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found
}

fn restrict(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).expect("a folder of our own");
}
