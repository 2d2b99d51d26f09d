//! The options of a start, the same in all programs that start an agent.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    agent::Backend,
    cli::option::{Complete, Opt, OptDoc},
    config::switch,
    session::{self, DoneBy, Prompt},
    state::{Entry, Name},
};

/// What they say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start {
    /// The folder to work in.
    pub(crate) cwd: Option<PathBuf>,
    flag_root: Option<PathBuf>,
    model: Option<String>,
    display_name: Option<String>,
    /// Through the proxy or not; the administrator's default without.
    pub(crate) use_proxy: Option<bool>,
    /// The conversation to go on with.
    pub(crate) resume: Option<String>,
}

/// Arguments with a [`Start`] among them.
pub(crate) trait Starting {
    /// The start.
    fn start(&mut self) -> &mut Start;
}

/// `--cwd`.
pub(crate) const fn cwd<A: Starting>() -> Opt<A> {
    OptDoc::new(
        "cwd",
        "The folder to work in",
        "The folder to work in; the current one by default.",
    )
    .value("DIR", Complete::Dir)
    .sets(|args, given| {
        args.start().cwd = Some(given.path());
        Ok(())
    })
}

/// `--flag-root`.
pub(crate) const fn flag_root<A: Starting>() -> Opt<A> {
    OptDoc::new(
        "flag-root",
        "The folder that holds the flags",
        "\
The folder whose `.imac/flags` holds the flags; the one to work in by
default.",
    )
    .value("DIR", Complete::Dir)
    .sets(|args, given| {
        args.start().flag_root = Some(given.path());
        Ok(())
    })
}

/// `--model`.
pub(crate) const fn model<A: Starting>() -> Opt<A> {
    OptDoc::new("model", "The model", "The model; the agent's own choice by default.")
        .value("MODEL", Complete::Nothing)
        .short('m')
        .sets(|args, given| {
            args.start().model = Some(given.text()?);
            Ok(())
        })
}

/// `--display-name`.
pub(crate) const fn display_name<A: Starting>() -> Opt<A> {
    OptDoc::new("display-name", "A label for people", "A label for people, kept with the session.")
        .value("TEXT", Complete::Nothing)
        .sets(|args, given| {
            args.start().display_name = Some(given.text()?);
            Ok(())
        })
}

/// `--use-proxy`.
pub(crate) const fn use_proxy<A: Starting>() -> Opt<A> {
    OptDoc::new(
        "use-proxy",
        "Whether to go through the proxy",
        "\
Whether the agent goes through proxychains: `true` or `false`. What
`aimax admin set-proxy` has set by default. With `true` it gets the
variables of `~/proxy_envs.bash` and the configuration
`~/proxy_claude.conf`; what is missing ends the start.",
    )
    .value("BOOL", Complete::OneOf(&["true", "false"]))
    .sets(|args, given| {
        args.start().use_proxy = Some(switch(&given.text()?)?);
        Ok(())
    })
}

/// `--resume`, as `long` calls it.
pub(crate) const fn resume<A: Starting>(long: &'static str) -> Opt<A> {
    OptDoc::new(
        long,
        "Go on in this conversation",
        "\
Goes on in an old conversation: the agent's own id of it, as
`agentSessionId` in the records. One that is open elsewhere is refused.",
    )
    .value("ID", Complete::Nothing)
    .sets(|args, given| {
        args.start().resume = Some(given.text()?);
        Ok(())
    })
}

impl Start {
    /// The same, with what is kept of a session in the place of what is not said: its window is
    /// gone, and its conversation goes on in a new one, if there was one.
    pub(crate) fn again(mut self, entry: &Entry) -> Start {
        let kept = |key: &str| entry.fields().get(key)?.as_str().map(str::to_owned);
        self.cwd = self.cwd.or_else(|| entry.cwd().map(PathBuf::from));
        self.flag_root = self.flag_root.or_else(|| entry.flag_root().map(PathBuf::from));
        self.model = self.model.or_else(|| kept("model"));
        self.display_name = self.display_name.or_else(|| kept("displayName"));
        self.use_proxy = self.use_proxy.or_else(|| entry.use_proxy());
        let begun = entry.jsonl_path().is_some_and(Path::exists);
        let old = entry.agent_session_id().filter(|_| begun).map(str::to_owned);
        self.resume = self.resume.or(old);
        self
    }

    /// The order to start an agent.
    pub(crate) fn spawn(
        self,
        name: &Name,
        backend: Backend,
        prompt: Option<Prompt>,
        done_by: DoneBy,
        timeout: Duration,
    ) -> session::Spawn {
        session::Spawn {
            name: name.clone(),
            backend,
            cwd: self.cwd.unwrap_or_else(|| ".".into()),
            flag_root: self.flag_root,
            model: self.model,
            display_name: self.display_name,
            resume: self.resume,
            use_proxy: self.use_proxy,
            ask_permission: false,
            rest: Vec::new(),
            prompt,
            done_by,
            timeout,
        }
    }
}
