//! One tmux server, and single commands to it.

use std::{
    ffi::{OsStr, OsString},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::client::{Answer, Client, Fault, answer};
use crate::{
    config::Config,
    error::{Error, Result},
    trace,
};

/// A tmux server: the caller's own, or that of `AIMAX_TMUX_SOCKET`.
#[derive(Clone, Debug)]
pub struct Tmux {
    program: PathBuf,
    /// A socket's name (`-L`), or its path (`-S`); else tmux's own default.
    socket: Option<(&'static str, OsString)>,
    /// `TMUX_TMPDIR`: where the sockets are.
    folder: Option<OsString>,
}

impl Tmux {
    /// The server that `config` names.
    ///
    /// # Errors
    /// [`crate::error::Kind::Missing`] when there is no tmux on PATH.
    pub fn new(config: &Config) -> Result<Self> {
        let program = config.program("tmux").ok_or_else(|| {
            Error::missing("tmux", "not found on PATH")
                .advise("install it, for example `apt install tmux`")
        })?;
        let folder = config.var("TMUX_TMPDIR");
        trace::begin(config.trace.as_deref(), None)?;
        Ok(Tmux { program, socket: config.tmux_server(), folder })
    }

    /// The server at a socket.
    pub(crate) fn at(&self, socket: &Path) -> Tmux {
        Tmux { socket: Some(("-S", socket.into())), ..self.clone() }
    }

    /// The output of `tmux -V`: `tmux 3.3a`.
    pub fn version(&self) -> Result<String> {
        let said = Command::new(&self.program).arg("-V").stdin(Stdio::null()).output();
        let said = said.map_err(|e| Error::io("tmux", &e))?;
        Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
    }

    /// A client of this server, without a command yet. `-u`: names and titles are UTF-8, whatever
    /// the caller's locale is. A signal to our process group, as when a terminal goes, must not reach it:
    /// it would end as if its command were done. See tmux/FACTS.md, "Commands".
    pub(crate) fn client(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-u").process_group(0);
        if let Some(folder) = &self.folder {
            command.env("TMUX_TMPDIR", folder);
        }
        if let Some((option, socket)) = &self.socket {
            command.arg(option).arg(socket);
        }
        command
    }

    /// Runs one command, or several with `;` between, and returns the output.
    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Answer> {
        Ok(answer(self.call(args)?))
    }

    /// What a command printed, and what went wrong. A command that was done counts as failed when a
    /// hook of the user's that follows it fails: what it printed is valid then.
    pub(crate) fn call<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<(String, Option<Fault>)> {
        Client::start(self.client(), args, Stdio::null())?.end(b"")
    }

    /// Starts the client for commands whose first is [`LOAD`]: they wait for [`Client::go`].
    ///
    /// [`LOAD`]: super::client::LOAD
    pub(super) fn ready<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Client> {
        Client::start(self.client(), args, Stdio::piped())
    }
}
