//! Starting an agent: a window, readiness, an identity, a first prompt.
//!
//! Until the agent is ready, the session is incomplete: any failure before that removes the window,
//! the state entry and the files again.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::json;

use self::launch::LaunchSpec;
use super::{
    Delivery, DeliveryOptions, DoneBy, Job, Once, Prompt, Session, Stage,
    attached_pane::AttachedPane, deliver, hooks,
};
use crate::{
    agent::{AgentPaths, Backend, Conversation, LaunchRequest, version::Source},
    config::Config,
    error::{Error, Kind, Result},
    state::{Entry, Name, admin},
    time::{self, Deadline},
    tmux::{Pane, Tmux},
    trace,
};

mod dialogs;
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
    /// The model; `None` leaves the choice to the agent.
    pub model: Option<String>,
    /// A label for people.
    pub display_name: Option<String>,
    /// The agent's id of the conversation to resume.
    pub resume: Option<String>,
    /// Let the agent ask for permissions, as it does by default.
    pub ask_permission: bool,
    /// What becomes of messages of other sessions: see [`LaunchRequest`].
    pub inbox: Option<String>,
    /// Whether to start it behind the proxy; `None` follows the administrator's setting for the
    /// backend.
    pub use_proxy: Option<bool>,
    /// Arguments that are passed to the agent unchanged.
    pub rest: Vec<OsString>,
    /// The first prompt.
    pub prompt: Option<Prompt>,
    /// What ends its job.
    pub done_by: DoneBy,
    /// The longest time until the agent is ready, and again until the prompt is proven.
    pub timeout: Duration,
}

/// A session that is ready.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    /// The session.
    pub session: Session,
    /// Its pane when it became ready; `None` when it was started earlier, and has ended.
    pub pane: Option<Pane>,
    /// What became of the first prompt.
    pub delivery: Option<Delivery>,
}

/// Starts an agent and waits until it is ready and the first prompt, if any, is delivered.
///
/// # Errors
/// [`Kind::Usage`] for a folder that is not there, [`Kind::Refused`] for a name in use,
/// [`Kind::Missing`] without the agent's program or tmux, [`Kind::Person`] with the name of a dialog
/// that only a person answers, [`Kind::Timeout`]. After an error nothing is left behind.
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
    if let Some(key) = request.prompt.as_ref().and_then(Prompt::key) {
        Once::open(&run_dir, key)?.note(Stage::Starting)?;
    }

    let profile = session.profile(config)?;
    if let Some(error) = session.agent().facts().too_old(config, &profile, Source::Place) {
        return Err(error);
    }
    let paths = paths(config, request)?;
    let mut guard = StartGuard { config, tmux, session, pane: None, done: false };
    let at_event = hooks::at_event(config, &guard.session)?;
    let launch = request.backend.agent().launch(
        config,
        &LaunchRequest {
            cwd: cwd.clone(),
            model: request.model.clone(),
            resume: request.resume.clone(),
            ask_permission: request.ask_permission,
            use_proxy,
            inbox: request.inbox.clone(),
            rest: request.rest.clone(),
            run_dir: run_dir.path().to_owned(),
            paths: paths.clone(),
            // The agent waits for its hooks, so this one goes into the background. It must also
            // survive the agent: closing the window sends SIGHUP to all processes of its terminal.
            at_turn_end: format!("trap '' HUP; {at_event} </dev/null &"),
        },
    )?;
    let conversation = launch.conversation.clone().unwrap_or_default();
    guard.session.entry = entry(request, use_proxy, &cwd, flag_root.as_deref(), &conversation);
    paths.keep(&mut guard.session.entry);
    let job = Job::of(config, &guard.session);
    job.as_ref().map_or(Ok(()), Job::begin_session)?;
    let spec = LaunchSpec::of(config, &guard.session, launch, proxy.as_ref(), &cwd, at_event)?;
    spec.write(&run_dir.launch_spec())?;
    let mut argv = config.own_program("window")?;
    argv.push(run_dir.launch_spec().into_os_string());
    let hub = request.backend.hub(config);
    let pane = tmux.new_window(&hub, request.name.as_str(), &cwd, &argv)?;
    guard.pane = Some(pane.clone());
    trace::step("agent started", || json!({ "window": pane.window }));
    request.backend.store(config).put(&request.name, &guard.session.entry)?;

    let mut attached = AttachedPane::attach(config, tmux, &guard.session, &pane, None, job)?;
    let (look, conversation) = ready::ready(&mut attached, &guard.session, deadline)?;
    guard.session.bind(config, &conversation)?;
    run_dir.set_ready()?;
    if let Some(proxy) = &proxy {
        proxy.check(attached.agent, look.pane.pid)?;
    }
    let delivery = first_prompt(&mut attached, &mut guard.session, request)?;
    Ok(Started { session: guard.finish(), pane: Some(look.pane), delivery })
}

/// Delivers the first prompt, if there is one. The caller holds the session's lock.
fn first_prompt(
    attached: &mut AttachedPane<'_>,
    session: &mut Session,
    request: &Spawn,
) -> Result<Option<Delivery>> {
    let Some(prompt) = &request.prompt else { return Ok(None) };
    // The agent has just become ready. It may still be drawing.
    let options = DeliveryOptions {
        wait_ready: Duration::from_secs(5),
        just_started: true,
        timeout: request.timeout,
        done_by: request.done_by,
        ..DeliveryOptions::default()
    };
    deliver::type_prompt(attached, session, prompt, &options).map(Some)
}

/// Makes sure that no session of that name is running; what one that has ended left behind goes.
fn make_room(config: &Config, tmux: &Tmux, session: &Session) -> Result<()> {
    // If the state file cannot be read, fail before anything is started.
    let known = session.backend.store(config).checked(&session.name)?;
    let pane = match known {
        Some(entry) => Session { entry, ..session.clone() }.pane(config, tmux)?,
        None => session.agent_pane(config, tmux)?,
    };
    match pane {
        Some(pane) if !pane.dead => {
            let cause = "a session of this name is running";
            Err(Error::new(Kind::Refused, &session.name, cause).advise(format!(
                "choose another name, or end it with `aimax-kill {}`",
                session.name
            )))
        }
        dead => {
            dead.map_or(Ok(()), |dead| tmux.of(&dead).kill_pane(&dead))?;
            session.run_dir(config).clear()
        }
    }
}

/// The absolute path of an existing folder. Symbolic links in it are kept as the caller wrote them.
fn folder(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Err(Error::usage(path.display(), "no such folder"));
    }
    // A folder that was removed under its caller is there by the name `.`, but has no path any more.
    std::path::absolute(path).map_err(|_| {
        let cause = "the current folder has been removed";
        Error::usage(path.display(), cause).advise("go to another one")
    })
}

/// The agent's files and folders for a new session: those of the settings. A conversation that is
/// resumed stays where it is: with those that an earlier session keeps.
fn paths(config: &Config, request: &Spawn) -> Result<AgentPaths> {
    let (backend, agent) = (request.backend, request.backend.agent());
    let paths = AgentPaths::of(config, agent.facts());
    let Some(id) = &request.resume else { return Ok(paths) };
    if agent.transcript_of(&paths, id).is_some() {
        return Ok(paths);
    }
    let mut sessions = Session::all(config, Some(backend))?;
    sessions.extend(Session::past(config, Some(backend))?);
    sessions.retain(|session| session.entry.agent_session_id() == Some(id));
    let mut kept = sessions.iter().map(|session| session.paths(config));
    Ok(kept.find(|kept| agent.transcript_of(kept, id).is_some()).unwrap_or(paths))
}

/// The state entry of a new session, in the fields of the Python program.
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
    let args: Vec<_> = request.rest.iter().map(|arg| arg.to_string_lossy()).collect();
    entry = entry
        .with("displayName", request.display_name.clone())
        .with("jsonlPath", conversation.transcript.as_deref().map(text))
        .with("startedAt", time::now_ms())
        .with("inbox", request.inbox.clone())
        .with("permissions", if request.ask_permission { "ask" } else { "bypass" })
        .with("agentArgs", args);
    if let Some((key, value)) = agent.conversation_field(conversation) {
        entry.set(key, value);
    }
    entry
}

/// A session whose agent is not ready yet. Dropped unfinished, it removes everything again.
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
            drop(super::end::kill(self.tmux, pane));
            drop(self.session.backend.store(self.config).forget(&self.session.name));
        }
        drop(super::end::remove_files(self.config, &self.session));
    }
}
