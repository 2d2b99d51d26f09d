//! Typing into a pane: a bracketed paste and Enter, each guarded inside the server.
//!
//! The guard and the key are one step of the server, so a pane that dies or enters a mode after
//! we looked gets nothing. That matters: a paste into a dead pane ends the whole server on tmux
//! 3.3a, and in copy mode it loses its brackets. See tmux/FACTS.md, "Paste and keys".

use super::{
    Tmux, View,
    server::{LOAD, ReadyClient},
};
use crate::error::{Error, Result};

/// What follows a paste.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enter {
    /// Nothing: Enter comes later, after another look at the screen.
    Later,
    /// Nothing: Enter comes in the next step of the server if the agent is idle, else later.
    Soon,
    /// Enter in the same step of the server.
    AtOnce,
}

/// The pane did not take keys at that moment; nothing was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// Whether the keys were typed.
pub(crate) type Typed = std::result::Result<(), Refused>;

/// How many bytes a pipe takes at once. A larger text may have reached tmux only in part when the
/// sender is killed, so it is pasted only after tmux has all of it.
const AT_ONCE: usize = 16_384;

const REFUSED: &str = "aimax-refused";

/// A tmux condition that holds when `pane` exists and takes keys.
fn takes_keys(pane: &str) -> String {
    format!(
        "#{{&&:#{{==:#{{pane_id}},{pane}}},#{{==:#{{pane_dead}}#{{?pane_in_mode,1,0}}\
         #{{pane_input_off}}#{{pane_synchronized}},0000}}}}"
    )
}

/// A paste whose client has been started; nothing is pasted before [`ReadyPaste::go`].
pub(crate) struct ReadyPaste {
    client: ReadyClient,
    text: String,
    pane: String,
    /// The command that pastes, where the client only loads the text.
    then: Option<(Tmux, Vec<String>)>,
}

impl ReadyPaste {
    /// Pastes.
    pub(crate) fn go(self) -> Result<Typed> {
        let ReadyPaste { client, text, pane, then } = self;
        let mut said = client.go(text.as_bytes())?;
        if let Some((tmux, command)) = then {
            said.map_err(|fault| fault.about(&pane))?;
            said = tmux.run(&command)?;
        }
        Ok(taken(&said.map_err(|fault| fault.about(&pane))?))
    }
}

impl Tmux {
    /// Pastes `text` as one bracketed paste, then Enter as `enter` says.
    pub fn paste(&self, pane: &str, text: &str, enter: Enter) -> Result<Typed> {
        self.ready_paste(pane, text.to_owned(), enter)?.go()
    }

    /// Starts the client that will do the same.
    pub(crate) fn ready_paste(&self, pane: &str, text: String, enter: Enter) -> Result<ReadyPaste> {
        let buffer = format!("aimax-{}", uuid::Uuid::new_v4().simple());
        let mut then = format!("paste-buffer -p -r -d -b {buffer} -t {pane}");
        if enter == Enter::AtOnce {
            then.push_str(&format!(" ; send-keys -t {pane} Enter"));
        }
        let otherwise = format!("delete-buffer -b {buffer} ; display-message -p {REFUSED}");
        let condition = takes_keys(pane);
        let load = [LOAD.as_slice(), &[&buffer, "-"]].concat();
        let guarded = ["if-shell", "-F", "-t", pane, &condition, &then, &otherwise];
        let (command, then) = if text.len() <= AT_ONCE {
            ([load.as_slice(), &[";"], &guarded].concat(), None)
        } else {
            let guarded = guarded.map(str::to_owned).to_vec();
            (load, Some((self.clone(), guarded)))
        };
        Ok(ReadyPaste { client: self.ready(&command)?, text, pane: pane.to_owned(), then })
    }

    /// Leaves copy mode, or any other mode of the pane.
    pub fn leave_mode(&self, pane: &str) -> Result<()> {
        self.run(&["copy-mode", "-q", "-t", pane])?.map(|_| ()).map_err(|fault| fault.about(pane))
    }
}

impl View {
    /// Presses one key, by its tmux name.
    pub(crate) fn key(&mut self, key: &str) -> Result<Typed> {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if key.is_empty() || !key.chars().all(legal) {
            return Err(Error::usage(format!("key {key:?}"), "not the name of a key"));
        }
        self.send(key)
    }

    /// Gives the program input that is no key: the mouse pointer moves in the corner, with no
    /// button down. A program that has left a part of its input unread then goes on reading. Input
    /// without a meaning would not do: a program that waits for an event would go on waiting.
    /// See codex/FACTS.md, "Input in blocks of 1,024 bytes".
    pub(crate) fn nudge(&mut self) -> Result<Typed> {
        // CSI < 35 ; 1 ; 1 M
        self.send("-H 1b 5b 3c 33 35 3b 31 3b 31 4d")
    }

    fn send(&mut self, keys: &str) -> Result<Typed> {
        let pane = &*self.pane;
        let condition = takes_keys(pane);
        let then = format!("send-keys -t {pane} {keys}");
        let otherwise = format!("display-message -p {REFUSED}");
        let command = ["if-shell", "-F", "-t", pane, &condition, &then, &otherwise];
        Ok(taken(&self.tmux.run(&command)?.map_err(|fault| fault.about(pane))?))
    }
}

/// Whether the pane took the keys, by the output of the guarded command.
fn taken(said: &str) -> Typed {
    if said.contains(REFUSED) { Err(Refused) } else { Ok(()) }
}
