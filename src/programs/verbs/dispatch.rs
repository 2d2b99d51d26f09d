//! A prompt for a session, which is started first when it does not run: what `aimax create`,
//! `aimax send` and `aimax pause` share.

use crate::programs::{
    options::{
        launch::{Start, Starting},
        output::Shaped,
        prompt::{Worded, Words},
        target::{Target, Targeted},
    },
    paste,
};
use crate::{
    agent::Backend,
    config::Config,
    error::{Error, Exit, Kind, Result},
    session::{self, Delivery, DeliveryOptions, START_WAIT, Session},
    state::Name,
    sys::signals,
    tmux::Tmux,
};

/// What the command line of these verbs says.
#[derive(Debug, Default)]
pub struct Args {
    pub(crate) target: Target,
    pub(crate) words: Words,
    pub(crate) start: Start,
    pub(crate) json: bool,
}

impl Targeted for Args {
    fn target(&mut self) -> &mut Target {
        &mut self.target
    }
}

impl Worded for Args {
    fn words(&mut self) -> &mut Words {
        &mut self.words
    }
}

impl Starting for Args {
    fn start(&mut self) -> &mut Start {
        &mut self.start
    }
}

impl Shaped for Args {
    fn json(&mut self) -> &mut bool {
        &mut self.json
    }
}

/// Where a prompt goes.
pub(crate) struct Dispatch<'a> {
    pub(crate) config: &'a Config,
    pub(crate) tmux: &'a Tmux,
    pub(crate) name: &'a Name,
    pub(crate) backend: Backend,
    /// What is kept of the session, if it is known.
    pub(crate) session: Option<Session>,
    /// Whether an agent runs in its window.
    pub(crate) runs: bool,
}

/// What became of it.
pub(crate) struct Dispatched {
    pub(crate) session: Session,
    pub(crate) delivery: Delivery,
    /// Whether the session was started for it.
    pub(crate) started: bool,
    /// The prompt's length in characters.
    pub(crate) length: usize,
}

impl Dispatched {
    /// Whether the prompt is proven.
    pub(crate) fn is_proven(&self) -> bool {
        self.delivery.exit() == Exit::Done
    }

    /// The exit status, or the error, for the program of that name.
    pub(crate) fn conclude(&self, program: &str) -> Result<Exit> {
        paste::conclude(program, &self.session.name, &self.delivery)
    }
}

impl<'a> Dispatch<'a> {
    /// The session of that name. One that is not known needs a backend.
    pub(crate) fn to(
        config: &'a Config,
        tmux: &'a Tmux,
        name: &'a Name,
        backend: Option<Backend>,
    ) -> Result<Dispatch<'a>> {
        let session = match Session::find(config, name, backend) {
            Err(error) if error.kind == Kind::Missing => None,
            found => Some(found?),
        };
        let known = session.as_ref().map(|session| session.backend);
        let backend = known.or(backend).ok_or_else(|| {
            Error::missing(name, "no such session")
                .advise("`aimax list` lists them; with -b and --cwd it is started")
        })?;
        let pane = match &session {
            Some(session) => session.pane(config, tmux)?,
            None => None,
        };
        let runs = pane.is_some_and(|pane| !pane.dead);
        Ok(Dispatch { config, tmux, name, backend, session, runs })
    }

    /// Delivers the prompt that `words` give to the running session, or starts it with that.
    pub(crate) fn send(self, words: Words, start: Start, interrupt: bool) -> Result<Dispatched> {
        let done_by = words.done_by();
        let prompt = words.read(self.backend.agent())?.ok_or_else(|| {
            Error::usage("prompt", "none is given").advise("give -p TEXT, -f FILE, or pipe it in")
        })?;
        let length = prompt.text().chars().count();
        if let Some(mut session) = self.session.filter(|_| self.runs) {
            let options = DeliveryOptions { interrupt, done_by, ..DeliveryOptions::default() };
            let delivery =
                session::deliver(self.config, self.tmux, &mut session, &prompt, &options)?;
            return Ok(Dispatched { session, delivery, started: false, length });
        }
        // From here on a signal must not leave half a session.
        signals::catch(&signals::ENDING).map_err(|e| Error::io("signals", &e))?;
        let order = start.spawn(self.name, self.backend, Some(prompt), done_by, START_WAIT);
        let started = session::spawn(self.config, self.tmux, &order)?;
        let delivery = started
            .delivery
            .ok_or_else(|| Error::system(self.name, "started, but the prompt was not sent"))?;
        Ok(Dispatched { session: started.session, delivery, started: true, length })
    }
}
