//! Where the demo plays: a folder, a tmux server, an environment, and the programs in it.

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

/// A folder and a server that end when this is dropped, however the demo ended.
pub(crate) struct Stage {
    root: PathBuf,
    config: Config,
    program: PathBuf,
}

/// A socket's path may have some 100 bytes, of which the folder's name and tmux take 50.
const LONGEST_BASE: usize = 50;

/// How long what is left may take to end.
const GRACE: Duration = Duration::from_secs(3);

impl Stage {
    /// Makes the folders. The server starts with the first session.
    pub(crate) fn build(config: &Config) -> Result<Stage> {
        let base = config.var("TMPDIR").map(PathBuf::from);
        let base = base.filter(|base| base.is_absolute() && base.as_os_str().len() <= LONGEST_BASE);
        let base = base.unwrap_or_else(|| "/tmp".into());
        // Where /tmp is a link, the agent names the real folder.
        let base = base.canonicalize().at(&base)?;
        let id = uuid::Uuid::new_v4().simple().to_string();
        let root = base.join(format!("aimax-demo-{}", &id[..12]));
        let program = config::running_program()?;
        // Fails where something of that name is: the folder is ours alone.
        DirBuilder::new().mode(0o700).create(&root).at(&root)?;
        let config = Config::from_vars(environment(config, &root))?;
        let stage = Stage { root, config, program };
        for folder in ["home", "proj", "tmux", "data"] {
            fs::make_dir(&stage.root.join(folder), 0o700)?;
        }
        Ok(stage)
    }

    /// Starts one of our programs: this very file, so that it is the same version, and the only
    /// one needed.
    pub(crate) fn start(&self, words: &[&str]) -> Result<Run> {
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
        let run = Run { child, pipe, held: Vec::new(), open: true };
        sys::set_nonblocking(run.pipe.as_fd()).map_err(|e| Error::io("pipe", &e))?;
        Ok(run)
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
        // No answer is as good as an answer: the processes are looked at themselves.
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

impl Drop for Stage {
    fn drop(&mut self) {
        let grace = Deadline::after(GRACE);
        let Ok(mut watch) = Watch::new() else { return };
        // How the demo went is what is reported; here is nobody to report to.
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

/// A program that runs; dropped, it ends.
pub(crate) struct Run {
    child: Child,
    pipe: ChildStdout,
    held: Vec<u8>,
    /// The pipe has not hung up yet.
    open: bool,
}

impl Run {
    /// What it prints, and its end, wake `watch` from now on.
    pub(crate) fn watched(&self, watch: &mut Watch) -> Result<()> {
        watch.readable(&self.pipe);
        watch.process(self.child.id())
    }

    /// What it prints is of no interest any more.
    pub(crate) fn unwatched(&self, watch: &mut Watch) {
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

impl Drop for Run {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        // Asked first: a start that is under way takes back what it has made.
        let pid = self.child.id();
        if let (Ok(number), Ok(mut watch)) = (i32::try_from(pid), Watch::new()) {
            drop(sys::kill(number, sys::TERMINATE));
            let grace = Deadline::after(GRACE);
            drop(watch.process(pid));
            while matches!(self.child.try_wait(), Ok(None)) && !grace.passed() {
                _ = watch.wait(grace);
            }
        }
        // It has ended, or it does not listen: both errors say that it is gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
