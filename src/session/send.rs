//! Sending a prompt to a session: to the agent that runs in its window, or else to one that is
//! started for it.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Delivery, DeliveryOptions, DoneBy, LOCK_WAIT, Once, Prompt, START_WAIT, Session, Spawn, Stage,
    conversation::is_there, start::Started,
};
use crate::{
    agent::Backend,
    config::Config,
    error::{Error, Kind, Result},
    state::{Entry, Name},
    time::Deadline,
    tmux::Tmux,
};

/// How a caller wants a session to be started.
#[derive(Clone, Debug, Default)]
pub(crate) struct StartOptions {
    /// The folder to work in.
    pub(crate) cwd: Option<PathBuf>,
    /// The folder for the flags, if not `cwd`.
    pub(crate) flag_root: Option<PathBuf>,
    /// The model; `None` leaves the choice to the agent.
    pub(crate) model: Option<String>,
    /// A label for people.
    pub(crate) display_name: Option<String>,
    /// Whether to start it behind the proxy; `None` follows the administrator's setting for the
    /// backend.
    pub(crate) use_proxy: Option<bool>,
    /// The agent's id of the conversation to resume.
    pub(crate) resume: Option<String>,
    /// Whether the agent asks for permissions.
    pub(crate) ask_permission: Option<bool>,
    /// What becomes of other sessions' messages; `None` leaves them out.
    pub(crate) inbox: Option<String>,
    /// Arguments that are passed to the agent unchanged.
    pub(crate) rest: Vec<OsString>,
    /// How long the start may take, and again the proof of a prompt.
    pub(crate) timeout: Option<Duration>,
}

impl StartOptions {
    /// The request to start an agent in this way, without a prompt.
    pub(crate) fn spawn(self, name: &Name, backend: Backend) -> Spawn {
        Spawn {
            name: name.clone(),
            backend,
            cwd: self.cwd.unwrap_or_else(|| ".".into()),
            flag_root: self.flag_root,
            model: self.model,
            display_name: self.display_name,
            resume: self.resume,
            use_proxy: self.use_proxy,
            ask_permission: self.ask_permission.unwrap_or(false),
            inbox: self.inbox,
            rest: self.rest,
            prompt: None,
            done_by: DoneBy::default(),
            timeout: self.timeout.unwrap_or(START_WAIT),
        }
    }
}

/// The session that a prompt is for.
pub(crate) struct Recipient<'a> {
    config: &'a Config,
    tmux: &'a Tmux,
    /// The session, with an empty entry if no state file knows it.
    pub(crate) session: Session,
    /// Whether an agent runs in its window.
    pub(crate) runs: bool,
}

/// A prompt that was sent.
pub(crate) struct SentPrompt {
    pub(crate) session: Session,
    pub(crate) delivery: Delivery,
    /// Whether the session was started for it.
    pub(crate) started: bool,
}

impl<'a> Recipient<'a> {
    /// The session of that name. `backend` may be omitted when only one backend has a session of
    /// that name.
    pub(crate) fn find(
        config: &'a Config,
        tmux: &'a Tmux,
        name: &Name,
        backend: Option<Backend>,
    ) -> Result<Recipient<'a>> {
        match (Session::find(config, name, backend), backend) {
            (Err(error), Some(backend)) if error.kind == Kind::Missing => {
                let session = Session { name: name.clone(), backend, entry: Entry::default() };
                Ok(Recipient { config, tmux, session, runs: false })
            }
            (Err(error), None) if error.kind == Kind::Missing => {
                let start = format!("`aimax-spawn -s {name} -b claude` starts it with Claude Code");
                Err(Error::missing(name, "no such session")
                    .advise(format!("`aimax-ls` lists them; {start}")))
            }
            (found, _) => {
                let session = found?;
                let runs = session.pane(config, tmux)?.is_some_and(|pane| !pane.dead);
                Ok(Recipient { config, tmux, session, runs })
            }
        }
    }

    /// Checks that a running session works in the folder `asked`, if a folder is given: see
    /// [`Session::same_folder`].
    pub(crate) fn same_folder(&self, asked: Option<&Path>, else_end: &str) -> Result<()> {
        if self.runs { self.session.same_folder(asked, else_end) } else { Ok(()) }
    }

    /// `asked`, completed from the session's entry. This is for a session whose window is gone: its
    /// conversation, if there is one, continues in a new window.
    pub(crate) fn resumed(&self, asked: StartOptions) -> StartOptions {
        let entry = &self.session.entry;
        let kept = |key: &str| entry.fields().get(key)?.as_str().map(str::to_owned);
        let transcript = self.session.kept_conversation(self.config).transcript;
        let is_begun = transcript.is_some_and(|path| is_there(&path));
        let conversation = entry.agent_session_id().filter(|_| is_begun).map(str::to_owned);
        StartOptions {
            cwd: asked.cwd.or_else(|| entry.cwd().map(PathBuf::from)),
            flag_root: asked.flag_root.or_else(|| entry.flag_root().map(PathBuf::from)),
            model: asked.model.or_else(|| kept("model")),
            display_name: asked.display_name.or_else(|| kept("displayName")),
            use_proxy: asked.use_proxy.or_else(|| entry.use_proxy()),
            resume: asked.resume.or(conversation),
            ask_permission: asked.ask_permission.or_else(|| entry.asks_permission()),
            inbox: asked.inbox.or_else(|| kept("inbox")),
            rest: if asked.rest.is_empty() { entry.agent_args() } else { asked.rest },
            timeout: asked.timeout,
        }
    }

    /// Checks that the session runs, or that there is a folder to start it in. `advice` tells how
    /// to give a folder.
    ///
    /// # Errors
    /// [`Kind::Missing`] when it does not run and there is no folder.
    pub(crate) fn can_be_reached(&self, start: &StartOptions, advice: &str) -> Result<()> {
        if self.runs || start.cwd.is_some() {
            return Ok(());
        }
        Err(Error::missing(&self.session.name, "no such session").advise(advice))
    }

    /// Delivers the prompt to the running agent, or starts an agent with it.
    pub(crate) fn send(
        mut self,
        prompt: Prompt,
        start: StartOptions,
        options: &DeliveryOptions,
    ) -> Result<SentPrompt> {
        let Recipient { config, tmux, .. } = self;
        let is_half_started = |stage: Stage| matches!(stage, Stage::Starting);
        if self.runs && !stage(config, &self.session, &prompt)?.is_some_and(is_half_started) {
            let delivery = super::deliver(config, tmux, &mut self.session, &prompt, options)?;
            return Ok(SentPrompt { session: self.session, delivery, started: false });
        }
        let Session { name, backend, .. } = &self.session;
        let order =
            Spawn { prompt: Some(prompt), done_by: options.done_by, ..start.spawn(name, *backend) };
        let started = start_once(config, tmux, &order)?;
        let delivery = started
            .delivery
            .ok_or_else(|| Error::system(name, "started, but the prompt was not sent"))?;
        Ok(SentPrompt { session: started.session, delivery, started: true })
    }
}

/// How far the delivery under the prompt's key has come, once no process is at work on it.
fn stage(config: &Config, session: &Session, prompt: &Prompt) -> Result<Option<Stage>> {
    let Some(key) = prompt.key() else { return Ok(None) };
    let run_dir = session.run_dir(config);
    let _held = run_dir.lock(&session.name, Deadline::after(LOCK_WAIT))?;
    Ok(Once::open(&run_dir, key)?.stage().cloned())
}

/// The delivery that was made under the prompt's key, if one is known.
fn known(
    config: &Config,
    session: &Session,
    prompt: &Prompt,
    is_dead: bool,
) -> Result<Option<Delivery>> {
    let Some(key) = prompt.key() else { return Ok(None) };
    let run_dir = session.run_dir(config);
    let _held = run_dir.lock(&session.name, Deadline::after(LOCK_WAIT))?;
    let mut once = Once::open(&run_dir, key)?;
    if is_dead { once.search_dead(config, session) } else { Ok(once.delivered()) }
}

/// Starts an agent; one that was started for the same prompt under the same key is gone on with.
///
/// # Errors
/// Those of [`spawn`](super::spawn).
pub(crate) fn start_once(config: &Config, tmux: &Tmux, order: &Spawn) -> Result<Started> {
    let Some(prompt) = order.prompt.as_ref().filter(|prompt| prompt.key().is_some()) else {
        return super::spawn(config, tmux, order);
    };
    let entry = order.backend.store(config).find(&order.name)?.unwrap_or_default();
    let mut session = Session { name: order.name.clone(), backend: order.backend, entry };
    let mut found = stage(config, &session, prompt)?;
    if found.is_none() {
        match super::spawn(config, tmux, order) {
            // Another process with the same key may have come first.
            Err(error) if error.kind == Kind::Refused => {
                found = stage(config, &session, prompt)?;
                if found.is_none() {
                    return Err(error);
                }
                session.entry = order.backend.store(config).find(&order.name)?.unwrap_or_default();
            }
            done => return done,
        }
    }
    if matches!(found, Some(Stage::Starting)) {
        // The process that started it was killed: nothing is typed yet.
        super::end(config, tmux, &session, Deadline::after(LOCK_WAIT))?;
        return super::spawn(config, tmux, order);
    }
    let live = session.pane(config, tmux)?.filter(|pane| !pane.dead);
    if let Some(delivery) = known(config, &session, prompt, live.is_none())? {
        if let Some(path) = delivery.repeated.as_ref().and_then(|place| place.transcript.as_ref()) {
            session.entry.set("jsonlPath", path.to_string_lossy());
        }
        return Ok(Started { session, pane: live, delivery: Some(delivery) });
    }
    let Some(pane) = live else { return super::spawn(config, tmux, order) };
    let options = DeliveryOptions {
        timeout: order.timeout,
        done_by: order.done_by,
        ..DeliveryOptions::default()
    };
    let delivery = super::deliver(config, tmux, &mut session, prompt, &options)?;
    Ok(Started { session, pane: Some(pane), delivery: Some(delivery) })
}
