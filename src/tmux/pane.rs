//! Windows and their panes: finding, making, ending.
//! See tmux/FACTS.md, "Names and targets".

use std::{ffi::OsString, path::Path};

use super::{Fault, Tmux, server::Answer};
use crate::{
    error::{Error, Result},
    shell::quoted,
};

/// What tmux knows of an agent's pane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pane {
    /// The window's name: the session's.
    pub window_name: String,
    /// `@N`.
    pub window: String,
    /// The window's number in its hub, for a person to type.
    pub index: u32,
    /// When something last happened in the window, in seconds of the epoch.
    pub active_at: u64,
    /// `%N`.
    pub id: String,
    /// The process that tmux started in it.
    pub pid: u32,
    /// Whether that process has ended.
    pub dead: bool,
    /// Its exit status, or the signal's number plus 128, once tmux knows.
    pub status: Option<i32>,
    /// Copy mode, or another mode that takes the keys.
    pub in_mode: bool,
    /// `select-pane -d`: all input is dropped.
    pub input_off: bool,
    /// `synchronize-panes`: keys go to other panes too.
    pub synchronized: bool,
    /// The caret's column, from 0.
    pub cursor_x: usize,
    /// The caret's line, from 0.
    pub cursor_y: usize,
    /// The program in the foreground.
    pub command: String,
    /// The title that the program has set.
    pub title: String,
}

/// How often tmux is made to collect the status of its children, at most: a program that only
/// closed its terminal has none for a long time. See tmux/FACTS.md, "Death of a pane".
const NUDGES: usize = 5;

impl Pane {
    /// The tmux format that [`Pane::parse`] reads. The title comes last: it may hold anything.
    pub(crate) const FORMAT: &'static str = "#{window_name}\t#{window_id}\t#{window_index}\t#{window_activity}\t\
        #{pane_id}\t#{pane_pid}\t#{pane_dead}\t#{pane_dead_status}\t#{pane_dead_signal}\t#{pane_in_mode}\t\
        #{pane_input_off}\t#{pane_synchronized}\t#{cursor_x}\t#{cursor_y}\t\
        #{pane_current_command}\t#{pane_title}";

    /// Reads one line of [`Pane::FORMAT`].
    pub(crate) fn parse(line: &str) -> Option<Pane> {
        let mut parts = line.splitn(16, '\t');
        let mut next = || parts.next();
        let ended = |status: &str, signal: &str| {
            status.parse().ok().or_else(|| Some(128 + signal.parse::<i32>().ok()?))
        };
        Some(Pane {
            window_name: next()?.to_owned(),
            window: next()?.to_owned(),
            index: next()?.parse().ok()?,
            active_at: next()?.parse().ok()?,
            id: next()?.to_owned(),
            pid: next()?.parse().ok()?,
            dead: next()? == "1",
            status: ended(next()?, next()?),
            in_mode: next()? != "0",
            input_off: next()? == "1",
            synchronized: next()? == "1",
            cursor_x: next()?.parse().ok()?,
            cursor_y: next()?.parse().ok()?,
            command: next()?.to_owned(),
            title: next()?.to_owned(),
        })
    }

    /// tmux numbers its panes: the lower the number, the older the pane.
    fn number(&self) -> u64 {
        self.id.trim_start_matches('%').parse().unwrap_or(u64::MAX)
    }
}

impl Tmux {
    /// The agents' panes in a hub: the oldest pane of each window. Without a server or a hub the
    /// list is empty.
    pub fn panes(&self, hub: &str) -> Result<Vec<Pane>> {
        let target = format!("={hub}:");
        let list = ["list-panes", "-s", "-t", &target, "-F", Pane::FORMAT];
        let panes = self.settled(&list, |listed| {
            oldest_panes(listed, hub, |line| Some(("", Pane::parse(line)?)))
        })?;
        Ok(panes.into_iter().map(|(_, pane)| pane).collect())
    }

    /// The same for several hubs in one command, each pane with its hub.
    pub fn panes_of(&self, hubs: &[String]) -> Result<Vec<(String, Pane)>> {
        let format = format!("#{{session_name}}\t{}", Pane::FORMAT);
        // The lines of other sessions need not parse.
        let ours = |line: &&str| {
            let of = line.split_once('\t').map(|(session, _)| session);
            hubs.iter().any(|hub| of == Some(hub))
        };
        self.settled(&["list-panes", "-a", "-F", &format], |listed| {
            let ours = listed.map(|text| text.lines().filter(ours).collect::<Vec<_>>().join("\n"));
            oldest_panes(ours, "tmux", |line| {
                let (session, pane) = line.split_once('\t')?;
                Some((session, Pane::parse(pane)?))
            })
        })
    }

    /// The panes that the command `list` lists, the dead ones with their exit status.
    ///
    /// A pane may be dead before its status is known, and tmux 3.3a now and then misses the end of
    /// a child until another child ends; `run-shell true` is such a child.
    fn settled(
        &self,
        list: &[&str],
        read: impl Fn(Answer) -> Result<Vec<(String, Pane)>>,
    ) -> Result<Vec<(String, Pane)>> {
        let unknown = |(_, pane): &(String, Pane)| pane.dead && pane.status.is_none();
        let again = [&["run-shell", "true", ";"], list].concat();
        let mut panes = read(self.run(list)?)?;
        for _ in 0..NUDGES {
            if !panes.iter().any(unknown) {
                break;
            }
            panes = read(self.run(&again)?)?;
        }
        Ok(panes)
    }

    /// The pane of the window that is called exactly `name`.
    pub fn find(&self, hub: &str, name: &str) -> Result<Option<Pane>> {
        Ok(self.panes(hub)?.into_iter().find(|pane| pane.window_name == name))
    }

    /// Makes a window that runs `argv`, and the hub if there is none. Returns its pane, with
    /// nothing but its name, ids and process.
    ///
    /// `name` must be a legal session name: tmux expands formats in it. `cwd` must exist: tmux
    /// would silently take another folder.
    pub fn new_window(&self, hub: &str, name: &str, cwd: &Path, argv: &[OsString]) -> Result<Pane> {
        let target = format!("={hub}:");
        let format = "#{window_id}\t#{pane_id}\t#{pane_pid}";
        let options = ["new-window", "-d", "-P", "-F", format, "-t", &target, "-n", name, "-c"];
        let command = [&options.map(OsString::from)[..], &[cwd.into(), "--".into()], argv].concat();
        let mut answer = self.run(&command)?;
        if matches!(answer, Err(Fault::NoServer | Fault::NotFound)) {
            self.new_hub(hub)?;
            answer = self.run(&command)?;
        }
        let text = answer.map_err(|fault| fault.about(name))?;
        let mut parts = text.trim_end().split('\t');
        let mut next = || parts.next().map(str::to_owned);
        match (next(), next(), next().and_then(|pid| pid.parse().ok())) {
            (Some(window), Some(id), Some(pid)) => {
                Ok(Pane { window_name: name.to_owned(), window, id, pid, ..Pane::default() })
            }
            _ => Err(Error::system("tmux", format!("unexpected answer {text:?}"))),
        }
    }

    /// Makes the hub. It is no error if another process has made it first.
    /// See tmux/FACTS.md, "Server and hub".
    fn new_hub(&self, hub: &str) -> Result<()> {
        let target = format!("={hub}:");
        let new = ["new-session", "-d", "-s", hub, "-n", "_root", "-x", "200", "-y", "50", ";"];
        // A person who attaches and detaches must not end every agent.
        let stay = ["set-option", "-t", &target, "destroy-unattached", "off"];
        match self.run(&[&new[..], &stay].concat())? {
            Err(Fault::Said(text)) if text.starts_with("duplicate session") => Ok(()),
            Err(fault) => Err(fault.about(hub)),
            Ok(_) => Ok(()),
        }
    }

    /// Sets a new window up: its name stays, it remains when its program ends, and then the server
    /// runs `at_event`. Of `titles`, the server runs the first at each change of the title, and
    /// `at_event` too when the new title matches the second.
    ///
    /// Both are shell commands in which tmux expands nothing. See tmux/FACTS.md, "Hooks".
    pub fn set_up(&self, pane: &str, at_event: &str, titles: Option<(&str, &str)>) -> Result<()> {
        // tmux expands `#` formats in the command of `run-shell`; a doubled `#` stays one `#`.
        let run = |command: &str| format!("run-shell -b {}", quoted(&command.replace('#', "##")));
        let at_event = run(at_event);
        let set = |scope: &str, option: &str, value: &str| {
            ["set-option", scope, "-t", pane, option, value, ";"].map(str::to_owned)
        };
        let mut command: Vec<String> = Vec::new();
        command.extend(set("-w", "automatic-rename", "off"));
        command.extend(set("-w", "allow-rename", "off"));
        command.extend(set("-p", "remain-on-exit", "on"));
        if let Some((at_title, title)) = titles {
            let event =
                format!("if-shell -F '#{{m:{title},#{{pane_title}}}}' {}", quoted(&at_event));
            let both = format!("{} ; {event}", run(at_title));
            let hook = ["set-hook", "-p", "-t", pane, "pane-title-changed", &both, ";"];
            command.extend(hook.map(str::to_owned));
        }
        command.extend(["set-hook", "-p", "-t", pane, "pane-died", &at_event].map(str::to_owned));
        self.run(&command)?.map(|_| ()).map_err(|fault| fault.about(pane))
    }

    /// Ends a window. It is no error if the window is gone already.
    pub fn kill_window(&self, window: &str) -> Result<()> {
        match self.run(&["kill-window", "-t", window])? {
            Ok(_) | Err(Fault::NoServer | Fault::NotFound) => Ok(()),
            Err(fault) => Err(fault.about(window)),
        }
    }
}

/// The oldest pane of each window that was listed: a person may have split a window, on either side
/// of the agent. Without a server or a session the list is empty.
fn oldest_panes(
    listed: Answer,
    about: &str,
    parse: impl Fn(&str) -> Option<(&str, Pane)>,
) -> Result<Vec<(String, Pane)>> {
    let listed = match listed {
        Ok(text) => text,
        Err(Fault::NoServer | Fault::NotFound) => return Ok(Vec::new()),
        Err(fault) => return Err(fault.about(about)),
    };
    let mut panes: Vec<(String, Pane)> = Vec::new();
    for line in listed.lines() {
        let (session, pane) = parse(line)
            .ok_or_else(|| Error::system("tmux", format!("unexpected answer {line:?}")))?;
        match panes.last_mut() {
            Some((of, last)) if of == session && last.window == pane.window => {
                if pane.number() < last.number() {
                    *last = pane;
                }
            }
            _ => panes.push((session.to_owned(), pane)),
        }
    }
    Ok(panes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_may_hold_anything() {
        let line = "w\t@1\t3\t1700000000\t%2\t77\t1\t\t9\t0\t0\t0\t2\t5\tclaude\tReady\t| x";
        let pane = Pane::parse(line).unwrap();
        assert_eq!((pane.pid, pane.dead, pane.status), (77, true, Some(137)));
        assert_eq!((pane.index, pane.active_at), (3, 1_700_000_000));
        assert_eq!((pane.cursor_x, pane.cursor_y), (2, 5));
        assert_eq!(pane.title, "Ready\t| x");
        assert_eq!(Pane::parse("w\t@1"), None);
    }

    #[test]
    fn a_window_that_a_person_has_split_is_its_oldest_pane() {
        let line = |window: &str, pane: &str| {
            format!("w\t{window}\t3\t17\t{pane}\t77\t0\t\t\t0\t0\t0\t2\t5\tclaude\tt\n")
        };
        let listed = [("@1", "%10"), ("@1", "%9"), ("@1", "%11"), ("@2", "%12")];
        let listed = listed.map(|(window, pane)| line(window, pane)).concat();
        let panes = oldest_panes(Ok(listed), "tmux", |line| Some(("", Pane::parse(line)?)));
        let ids: Vec<String> = panes.unwrap().into_iter().map(|(_, pane)| pane.id).collect();
        assert_eq!(ids, ["%9", "%12"]);
    }
}
