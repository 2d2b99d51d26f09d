//! The sandbox of the demo: a folder, a tmux server, an environment, and the programs in it.

use std::{
    ffi::OsString,
    fs::DirBuilder,
    io::{ErrorKind, Read},
    os::{fd::AsFd, unix::fs::DirBuilderExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::Duration,
};

use crate::{
    config::{self, Config},
    error::{At, Error, Result},
    fs, proc, sys,
    time::Deadline,
    tmux::Tmux,
    watch::Watch,
};

/// A folder and a tmux server, which are removed when this is dropped, however the demo ended.
pub(crate) struct Sandbox {
    root: PathBuf,
    config: Config,
    program: PathBuf,
}

/// A socket's path may have some 100 bytes, of which the folder's name and tmux take 50.
const LONGEST_BASE: usize = 50;

/// How long processes that are left may take to end.
const GRACE: Duration = Duration::from_secs(3);

impl Sandbox {
    /// Makes the folders. The server starts with the first session.
    pub(crate) fn build(config: &Config) -> Result<Sandbox> {
        let base = config.var("TMPDIR").map(PathBuf::from);
        let base = base.filter(|base| base.is_absolute() && base.as_os_str().len() <= LONGEST_BASE);
        let base = base.unwrap_or_else(|| "/tmp".into());
        // Where /tmp is a link, the agent names the real folder.
        let base = base.canonicalize().at(&base)?;
        let id = uuid::Uuid::new_v4().simple().to_string();
        let root = base.join(format!("aimax-demo-{}", &id[..12]));
        let program = config::running_program()?;
        // This fails if the name exists: the folder is ours alone.
        DirBuilder::new().mode(0o700).create(&root).at(&root)?;
        let config = Config::from_vars(environment(config, &root))?;
        let sandbox = Sandbox { root, config, program };
        for folder in ["home", "proj", "tmux", "data"] {
            fs::make_dir(&sandbox.root.join(folder), 0o700)?;
        }
        Ok(sandbox)
    }

    /// Starts one of our programs from the running executable: it has the same version, and no
    /// other file is needed.
    pub(crate) fn start(&self, words: &[&str]) -> Result<Process> {
        let mut child = Command::new(&self.program)
            .args(words)
            .env_clear()
            .envs(self.config.environment.iter().cloned())
            .current_dir(&self.root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .at(&self.program)?;
        let Some(pipe) = child.stdout.take() else {
            return Err(Error::system("aimax", "its output is not a pipe"));
        };
        let process = Process { child, pipe, held: Vec::new(), open: true };
        sys::set_nonblocking(process.pipe.as_fd()).map_err(|e| Error::io("pipe", &e))?;
        Ok(process)
    }

    /// Ends the server, and waits for what ran in it: an agent that is just ending still writes.
    fn end_server(&self, watch: &mut Watch) -> Result<()> {
        let tmux = Tmux::new(&self.config)?;
        let Ok(server) = tmux.run(&["list-panes", "-a", "-F", "#{pid}"])? else { return Ok(()) };
        let Some(server) = server.lines().next().and_then(|pid| pid.parse().ok()) else {
            return Ok(());
        };
        let mut family = proc::descendants(server);
        family.push(server);
        for pid in &family {
            watch.process(*pid)?;
        }
        // tmux need not answer: the processes themselves are checked.
        let _answer = tmux.run(&["kill-server"])?;
        let grace = Deadline::after(GRACE);
        loop {
            family.retain(|pid| proc::start_time(*pid).is_some());
            if family.is_empty() || grace.passed() {
                return Ok(());
            }
            // A second ^C does not keep us from tidying up.
            _ = watch.wait(grace);
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let grace = Deadline::after(GRACE);
        let Ok(mut watch) = Watch::new() else { return };
        // The demo's own result is reported; a failure to tidy up is not.
        drop(self.end_server(&mut watch));
        // A hook that is just ending may put a file where one was removed.
        while fs::remove_dir(&self.root).is_err() && !grace.passed() {
            _ = watch.wait(Deadline::after(Duration::from_millis(20)));
        }
    }
}

/// The caller's environment, less what is meant for the caller's own sessions and tmux.
fn environment(config: &Config, root: &Path) -> Vec<(OsString, OsString)> {
    let theirs = |name: &OsString| {
        let name = name.to_string_lossy();
        let prefixes = ["AIMAX_", "TMUX", "XDG_"];
        !prefixes.iter().any(|prefix| name.starts_with(prefix)) && name != "HOME"
    };
    let kept = config.environment.iter().filter(|(name, _)| theirs(name)).cloned();
    let own = [
        ("HOME", root.join("home").into_os_string()),
        ("TMUX_TMPDIR", root.join("tmux").into_os_string()),
        ("AIMAX_DATA_DIR", root.join("data").into_os_string()),
        ("AIMAX_TMUX_SOCKET", "demo".into()),
    ];
    kept.chain(own.map(|(name, value)| (name.into(), value))).collect()
}

/// A running program, which is ended when this is dropped.
pub(crate) struct Process {
    child: Child,
    pipe: ChildStdout,
    held: Vec<u8>,
    /// Whether the pipe may still bring more.
    open: bool,
}

impl Process {
    /// Makes its output and its end wake `watch`.
    pub(crate) fn watch(&self, watch: &mut Watch) -> Result<()> {
        watch.readable(&self.pipe);
        watch.process(self.child.id())
    }

    /// Stops its output from waking `watch`.
    pub(crate) fn unwatch(&self, watch: &mut Watch) {
        watch.ignore(&self.pipe);
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().map_err(|e| Error::io("aimax", &e))
    }

    /// The whole lines that it has printed since.
    pub(crate) fn lines(&mut self, watch: &mut Watch) -> Result<Vec<Vec<u8>>> {
        let mut piece = [0; 8192];
        while self.open {
            match self.pipe.read(&mut piece) {
                Ok(0) => {
                    watch.ignore(&self.pipe);
                    self.open = false;
                }
                Ok(length) => self.held.extend_from_slice(&piece[..length]),
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io("pipe", &e)),
            }
        }
        let whole = self.held.iter().rposition(|&b| b == b'\n').map_or(0, |last| last + 1);
        let lines: Vec<u8> = self.held.drain(..whole).collect();
        let lines = lines.split_inclusive(|&b| b == b'\n');
        Ok(lines.map(|line| line.strip_suffix(b"\n").unwrap_or(line).to_vec()).collect())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        // It is asked to end first: a start that is under way then undoes what it has made.
        let pid = self.child.id();
        if let (Ok(number), Ok(mut watch)) = (i32::try_from(pid), Watch::new()) {
            drop(sys::kill(number, sys::TERMINATE));
            let grace = Deadline::after(GRACE);
            drop(watch.process(pid));
            while matches!(self.child.try_wait(), Ok(None)) && !grace.passed() {
                _ = watch.wait(grace);
            }
        }
        // Both calls fail only if it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
