//! The options that name a session, the same in all programs.

use std::ffi::OsString;

use super::Has;
use crate::{
    agent::Backend,
    cli::{Complete, Opt, OptDoc},
    config::Config,
    error::{Error, Kind, Result},
    session::Session,
    state::{Entry, Name},
    tmux::Tmux,
};

/// What `-s` and `-b` say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    /// As often as `-s` was given.
    sessions: Vec<String>,
    backend: Option<String>,
}

/// How session names are completed.
pub(crate) const NAMES: Complete = Complete::Run("aimax-ls --names");

/// `-s`.
pub(crate) const fn session<A: Has<Target>>() -> Opt<A> {
    OptDoc::new(
        "session",
        "The session's name",
        "\
The session's name. It may also be given as NAME, if the program takes
no other operand. The default is `AIMAX_SESSION`.",
    )
    .value("NAME", NAMES)
    .short('s')
    .sets(|args, given| {
        args.group().sessions.push(given.text()?);
        Ok(())
    })
}

/// `-b`.
pub(crate) const fn backend<A: Has<Target>>() -> Opt<A> {
    OptDoc::new(
        "backend",
        "`claude`, `codex` or `practice`",
        "\
The agent: `claude`, `codex`, or `practice`, which is built in; or by
their full names, `tmux-claude-code`, `tmux-codex` and `tmux-practice`.
The default is `AIMAX_BACKEND`. A session name that only one backend
knows needs neither.",
    )
    .value("BACKEND", Complete::OneOf(Backend::NAMES))
    .short('b')
    .sets(|args, given| {
        let word = given.one_of(&[Backend::NAMES, Backend::SHORT].concat())?;
        args.group().backend = Some(word.to_owned());
        Ok(())
    })
}

/// The session of that name, or the window of that name that no state file knows.
pub(crate) fn session_or_window(
    config: &Config,
    tmux: &Tmux,
    name: &Name,
    backend: Option<Backend>,
) -> Result<Session> {
    let missing = match Session::find(config, name, backend) {
        Err(error) if error.kind == Kind::Missing => error,
        found => return found,
    };
    for backend in backend.map_or(Backend::ALL.to_vec(), |one| vec![one]) {
        let stranger = Session { name: name.clone(), backend, entry: Entry::default() };
        if stranger.agent_pane(config, tmux)?.is_some() {
            let entry = backend.store(config).find(name)?.unwrap_or_else(Entry::default);
            return Ok(Session { entry, ..stranger });
        }
    }
    Err(missing)
}

impl Target {
    /// As `-s` would have given it.
    #[cfg(test)]
    pub(crate) fn named(session: Option<&str>) -> Self {
        Target { sessions: session.map(str::to_owned).into_iter().collect(), backend: None }
    }

    /// The backend that `-b` names.
    pub(crate) fn backend_given(&self) -> Result<Option<Backend>> {
        self.backend.as_deref().map(Backend::parse).transpose()
    }

    /// The backend, if one is named.
    pub(crate) fn backend(&self, config: &Config) -> Result<Option<Backend>> {
        match (&self.backend, &config.backend) {
            (Some(given), _) => Backend::parse(given).map(Some),
            (None, Some(set)) => Backend::parse(set).map(Some).map_err(|error| {
                let subject = format!("{}: {}", config.source("backend"), error.subject);
                Error { subject, ..error }
            }),
            (None, None) => Ok(None),
        }
    }

    /// The session's name, if one is given; the last one, if several are.
    pub(crate) fn name(&self, config: &Config) -> Result<Option<Name>> {
        self.sessions.last().or(config.session.as_ref()).map(|name| name.parse()).transpose()
    }

    /// All names that `-s` gives, each once; `AIMAX_SESSION` when it gives none.
    pub(crate) fn all_names(&self, config: &Config) -> Result<Vec<Name>> {
        let given = self.sessions.iter().chain(config.session.iter().filter(|_| !self.is_given()));
        let mut names: Vec<Name> = given.map(|name| name.parse()).collect::<Result<_>>()?;
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Takes the operand that names the session, if there is one.
    pub(crate) fn operand(&mut self, operands: Vec<OsString>) -> Result<()> {
        for name in operands {
            if self.is_given() {
                return Err(Error::usage(name.display(), "only one session can be given"));
            }
            self.sessions.push(name.to_string_lossy().into_owned());
        }
        Ok(())
    }

    /// Whether `-s` is on the command line.
    pub(crate) fn is_given(&self) -> bool {
        !self.sessions.is_empty()
    }

    /// The name, which must be given.
    pub(crate) fn needed(&self, config: &Config) -> Result<Name> {
        self.name(config)?.ok_or_else(|| {
            Error::usage("session", "none is given").advise("give -s NAME, or set AIMAX_SESSION")
        })
    }

    /// The backend, which must be named.
    pub(crate) fn needed_backend(&self, config: &Config) -> Result<Backend> {
        self.backend(config)?.ok_or_else(|| {
            Error::usage("backend", "none is given").advise("give -b BACKEND, or set AIMAX_BACKEND")
        })
    }

    /// The live session that is named.
    pub(crate) fn find(&self, config: &Config) -> Result<Session> {
        Session::find(config, &self.needed(config)?, self.backend(config)?)
    }

    /// The sessions that operands and `-s` name.
    pub(crate) fn names(&self, config: &Config, operands: &[OsString]) -> Result<Vec<Name>> {
        if operands.is_empty() && !self.is_given() {
            return Ok(vec![self.needed(config)?]);
        }
        let given = operands.iter().map(|name| name.to_string_lossy().into_owned());
        let mut names: Vec<Name> = Vec::new();
        for name in given.chain(self.sessions.iter().cloned()) {
            let name = name.parse()?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }
}
