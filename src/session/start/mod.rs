//! Starting an agent: a window, readiness, an identity, a first prompt.
//!
//! Until the agent is ready the session is only half made; whatever goes wrong before takes the
//! window, the state and the files with it.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::json;

use self::launch::LaunchSpec;
use super::{
    Delivery, DeliveryOptions, DoneBy, Job, Prompt, Session, attached_pane::AttachedPane, deliver,
};
use crate::{
    agent::{Backend, Conversation, LaunchRequest},
    config::Config,
    error::{Error, Kind, Result},
    flag::Flags,
    state::{Entry, Name, admin},
    time::{self, Deadline},
    tmux::{Pane, Tmux},
    trace,
};

mod hooks;
mod launch;
mod proxy;
mod ready;

pub(crate) use launch::enter as enter_window;
pub(crate) use proxy::Proxy;

/// What to start.
#[derive(Clone, Debug)]
pub(crate) struct Spawn {
    /// The session's name.
    pub name: Name,
    /// The backend.
    pub backend: Backend,
    /// The folder to work in.
    pub cwd: PathBuf,
    /// The folder for the flags, if not `cwd`.
    pub flag_root: Option<PathBuf>,
    /// The model, or the agent's own choice.
    pub model: Option<String>,
    /// A label for people.
    pub display_name: Option<String>,
    /// The agent's id of a conversation to go on with.
    pub resume: Option<String>,
    /// Leave the agent's own questions on.
    pub ask_permission: bool,
    /// Behind the proxy, or not; without, as the administrator has set for the backend.
    pub use_proxy: Option<bool>,
    /// What goes to the agent's command line as it is.
    pub rest: Vec<OsString>,
    /// The first prompt.
    pub prompt: Option<Prompt>,
    /// Whose word ends its job.
    pub done_by: DoneBy,
    /// The longest time until the agent is ready, and again until the prompt is proven.
    pub timeout: Duration,
}

/// A session that is ready.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    /// The session.
    pub session: Session,
    /// Its pane when it became ready.
    pub pane: Pane,
    /// What became of the first prompt.
    pub delivery: Option<Delivery>,
}

/// Starts an agent and waits until it is ready and the first prompt, if any, is delivered.
///
/// # Errors
/// [`Kind::Usage`] for a folder that is not there, [`Kind::Refused`] for a name in use,
/// [`Kind::Missing`] without the agent's program or tmux, [`Kind::Person`] with the name of a dialog
/// that only a person answers, [`Kind::Timeout`]. Then nothing is left behind.
pub(crate) fn spawn(config: &Config, tmux: &Tmux, request: &Spawn) -> Result<Started> {
    let cwd = folder(&request.cwd)?;
    let flag_root = request.flag_root.as_deref().map(folder).transpose()?;
    let use_proxy = request
        .use_proxy
        .map_or_else(|| admin::use_proxy(&config.admin_settings(), request.backend.name()), Ok)?;
    let proxy = use_proxy.then(|| Proxy::find(config)).transpose()?;
    let deadline = Deadline::after(request.timeout);
    let session =
        Session { name: request.name.clone(), backend: request.backend, entry: Entry::default() };
    let run_dir = session.run_dir(config);
    let _held = run_dir.lock(&session.name, deadline)?;
    make_room(config, tmux, &session)?;
    // A state file that cannot be read must be known before anything is started.
    session.backend.store(config).sessions()?;

    let mut half = StartGuard { config, tmux, session, pane: None, done: false };
    let at_event = hooks::at_event(config, &half.session)?;
    let launch = request.backend.agent().launch(
        config,
        &LaunchRequest {
            cwd: cwd.clone(),
            model: request.model.clone(),
            resume: request.resume.clone(),
            ask_permission: request.ask_permission,
            use_proxy,
            rest: request.rest.clone(),
            run_dir: run_dir.path().to_owned(),
            // The agent waits for its hooks; this one must not be waited for. Nor may it end with
            // the agent: whoever closes the window ends all that belongs to its terminal.
            at_turn_end: format!("trap '' HUP; {at_event} </dev/null &"),
        },
    )?;
    let conversation = launch.conversation.clone().unwrap_or_default();
    half.session.entry = entry(request, use_proxy, &cwd, flag_root.as_deref(), &conversation);
    let spec = LaunchSpec::of(config, &half.session, launch, proxy.as_ref(), &cwd, at_event)?;
    spec.write(&run_dir.launch_spec())?;
    let mut argv = config.own_program("window")?;
    argv.push(run_dir.launch_spec().into_os_string());
    let hub = request.backend.hub(config);
    let pane = tmux.new_window(&hub, request.name.as_str(), &cwd, &argv)?;
    half.pane = Some(pane.clone());
    trace::step("agent started", || json!({ "window": pane.window }));
    request.backend.store(config).put(&request.name, &half.session.entry)?;

    let job = Job::of(config, &half.session);
    let mut attached = AttachedPane::attach(config, tmux, &half.session, &pane, job)?;
    let (look, conversation) = ready::ready(&mut attached, &half.session, deadline)?;
    half.session.bind(config, &conversation)?;
    if let Some(proxy) = &proxy {
        proxy.check(attached.agent, look.pane.pid)?;
    }
    let delivery = match &request.prompt {
        Some(prompt) => {
            // The agent has just said that it is ready, and the lock is held; it may still draw.
            let options = DeliveryOptions {
                wait_ready: Duration::from_secs(5),
                just_started: true,
                timeout: request.timeout,
                done_by: request.done_by,
                ..DeliveryOptions::default()
            };
            Some(deliver::type_prompt(&mut attached, &mut half.session, prompt, &options)?)
        }
        None => None,
    };
    Ok(Started { session: half.finish(), pane: look.pane, delivery })
}

/// Makes sure that no session of that name is running; what one that has ended left behind goes.
fn make_room(config: &Config, tmux: &Tmux, session: &Session) -> Result<()> {
    match session.pane(config, tmux)? {
        Some(pane) if !pane.dead => {
            let cause = "a session of this name is running";
            Err(Error::new(Kind::Refused, &session.name, cause)
                .advise("choose another name, or end it with `aimax-kill`"))
        }
        Some(dead) => {
            tmux.of(&dead).kill_pane(&dead)?;
            session.run_dir(config).clear()
        }
        None => session.run_dir(config).clear(),
    }
}

/// An existing folder, absolute. Links in it stay as the caller wrote them.
fn folder(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Err(Error::usage(path.display(), "no such folder"));
    }
    std::path::absolute(path).map_err(|e| Error::io(path.display(), &e))
}

/// The state of a new session, in the original's fields.
fn entry(
    request: &Spawn,
    use_proxy: bool,
    cwd: &Path,
    flag_root: Option<&Path>,
    conversation: &Conversation,
) -> Entry {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut entry = Entry::default()
        .with("agentSessionId", conversation.id.clone())
        .with("cwd", text(cwd))
        .with("flagRoot", text(flag_root.unwrap_or(cwd)))
        .with("model", request.model.clone())
        .with("useProxy", use_proxy);
    let agent = request.backend.agent();
    for (key, value) in agent.facts().entry_fields {
        entry.set(key, *value);
    }
    entry = entry
        .with("displayName", request.display_name.clone())
        .with("jsonlPath", conversation.transcript.as_deref().map(text))
        .with("startedAt", time::now_ms());
    if let Some((key, value)) = agent.conversation_field(conversation) {
        entry.set(key, value);
    }
    entry
}

/// A session whose agent is not ready yet; dropped unfinished, it takes everything with it.
struct StartGuard<'a> {
    config: &'a Config,
    tmux: &'a Tmux,
    session: Session,
    pane: Option<Pane>,
    done: bool,
}

impl StartGuard<'_> {
    fn finish(mut self) -> Session {
        self.done = true;
        self.session.clone()
    }
}

impl Drop for StartGuard<'_> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // The failure that led here is the one to report; what tidying up adds would hide it.
        if let Some(pane) = &self.pane {
            drop(self.tmux.kill_pane(pane));
            drop(self.session.backend.store(self.config).forget(&self.session.name));
        }
        drop(self.session.run_dir(self.config).clear());
        if let Some(flags) = self.session.flags() {
            drop(Flags::remove(&flags));
        }
    }
}
