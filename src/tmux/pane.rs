//! Windows and their panes: finding, making, ending.
//! See tmux/FACTS.md, "Names and targets".

use std::{
    ffi::OsString,
    io::Write,
    path::{Path, PathBuf},
};

use super::{Fault, Tmux, server::Answer};
use crate::{
    error::{At, Error, Result},
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
    /// The process that tmux started in it; 0 where that has ended and tmux does not tell it any more.
    /// See tmux/FACTS.md, "Death of a pane".
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
    /// Whether the program hides the caret.
    pub cursor_hidden: bool,
    /// tmux would paste without brackets: it says so from 3.7 on. See tmux/FACTS.md, "Paste and keys".
    pub unbracketed: bool,
    /// Its terminal's device.
    pub tty: PathBuf,
    /// The program in the foreground.
    pub command: String,
    /// The title that the program has set.
    pub title: String,
    /// The socket of the server that it is on.
    pub socket: PathBuf,
    /// The process of that server.
    pub server_pid: u32,
}

/// How often tmux is made to collect the status of its children, at most: a program that only
/// closed its terminal has none for a long time. See tmux/FACTS.md, "Death of a pane".
const NUDGES: usize = 5;

impl Pane {
    /// The tmux format that [`Pane::parse`] reads. The title comes last: it may hold anything. 3.2a ends
    /// when it is asked for the activity of a window that is gone.
    // Measured: tmux/FACTS.md, "Faults that end the server"
    pub(crate) const FORMAT: &'static str = "#{window_name}\t#{window_id}\t#{window_index}\t\
        #{?window_id,#{window_activity},}\t\
        #{pane_id}\t#{pane_pid}\t#{pane_dead}\t#{pane_dead_status}\t#{pane_dead_signal}\t#{pane_in_mode}\t\
        #{pane_input_off}\t#{pane_synchronized}\t#{cursor_x}\t#{cursor_y}\t#{cursor_flag}\t#{bracket_paste_flag}\t#{socket_path}\t#{pid}\t\
        #{pane_tty}\t#{pane_current_command}\t#{pane_title}";

    /// The same for a list of many: where each pane is, whether its program lives, what its title and its
    /// caret tell. The other fields are as in a default pane.
    pub(crate) const BRIEF: &'static str = "\t#{window_id}\t0\t0\t#{pane_id}\t#{pane_pid}\t#{pane_dead}\t\
        #{pane_dead_status}\t#{pane_dead_signal}\t0\t0\t0\t0\t#{cursor_y}\t#{cursor_flag}\t1\t\t0\t\t\t#{pane_title}";

    /// Reads one line of [`Pane::FORMAT`], or of [`Pane::BRIEF`].
    pub(crate) fn parse(line: &str) -> Option<Pane> {
        let mut parts = line.splitn(21, '\t');
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
            pid: Some(next()?).filter(|pid| !pid.is_empty()).unwrap_or("0").parse().ok()?,
            dead: next()? == "1",
            status: ended(next()?, next()?),
            in_mode: next()? != "0",
            input_off: next()? == "1",
            synchronized: next()? == "1",
            cursor_x: next()?.parse().ok()?,
            cursor_y: next()?.parse().ok()?,
            cursor_hidden: next()? == "0",
            unbracketed: next()? == "0",
            socket: next()?.into(),
            server_pid: next()?.parse().ok()?,
            tty: next()?.into(),
            command: next()?.to_owned(),
            title: next()?.to_owned(),
        })
    }

    /// Whether its program has ended, and tmux does not know yet how.
    fn is_open_end(&self) -> bool {
        self.dead && self.status.is_none()
    }

    /// tmux numbers its panes: the lower the number, the older the pane.
    fn number(&self) -> u64 {
        self.id.trim_start_matches('%').parse().unwrap_or(u64::MAX)
    }
}

impl Tmux {
    /// The server that `pane` is on.
    pub(crate) fn of(&self, pane: &Pane) -> Tmux {
        if pane.socket.as_os_str().is_empty() { self.clone() } else { self.at(&pane.socket) }
    }

    /// The agents' panes of a hub: the oldest pane of each window. No server and no hub are an
    /// empty list.
    pub fn panes(&self, hub: &str) -> Result<Vec<Pane>> {
        self.panes_in(hub, &[])
    }

    fn panes_in(&self, hub: &str, options: &[&str]) -> Result<Vec<Pane>> {
        let target = format!("={hub}:");
        let list = [&["list-panes", "-s", "-t", &target, "-F", Pane::FORMAT], options].concat();
        let panes = self.settled(&list, |listed| {
            oldest_panes(listed, hub, |line| Some(("", Pane::parse(line)?)))
        })?;
        Ok(panes.into_iter().map(|(_, pane)| pane).collect())
    }

    /// The same for one name: the oldest pane of each window of the hub that bears it.
    pub(crate) fn panes_named(&self, hub: &str, name: &str) -> Result<Vec<Pane>> {
        let filter = format!("#{{==:#{{window_name}},{name}}}");
        self.panes_in(hub, &["-f", &filter])
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
        let open = |found: &Vec<(String, Pane)>| found.iter().any(|(_, pane)| pane.is_open_end());
        let read = |answer| read(answer).map(Ok);
        self.ended(list, read, open)?.map_err(|fault| fault.about("tmux"))
    }

    /// What the command `list` lists, by `read`, once no dead pane in it is `open`: each tells how its
    /// program ended.
    fn ended<T>(
        &self,
        list: &[&str],
        read: impl Fn(Answer) -> Result<std::result::Result<T, Fault>>,
        open: impl Fn(&T) -> bool,
    ) -> Result<std::result::Result<T, Fault>> {
        let again = [&["run-shell", "true", ";"], list].concat();
        let mut found = read(self.run(list)?)?;
        for _ in 0..NUDGES {
            if !found.as_ref().is_ok_and(&open) {
                break;
            }
            found = read(self.run(&again)?)?;
        }
        Ok(found)
    }

    /// The pane with this id; `None` when there is none.
    pub(crate) fn pane(&self, id: &str) -> Result<std::result::Result<Option<Pane>, Fault>> {
        self.pane_once(id, |pane| !pane.is_open_end())
    }

    /// The same of a pane whose program has just ended: once tmux has noticed that, too.
    pub(crate) fn ended_pane(&self, id: &str) -> Result<std::result::Result<Option<Pane>, Fault>> {
        self.pane_once(id, |pane| pane.dead && !pane.is_open_end())
    }

    fn pane_once(
        &self,
        id: &str,
        is_known: impl Fn(&Pane) -> bool,
    ) -> Result<std::result::Result<Option<Pane>, Fault>> {
        let ask = ["display-message", "-p", "-t", id, Pane::FORMAT];
        let parse =
            |answer: Answer| Ok(answer.map(|text| Pane::parse(text.trim_end_matches('\n'))));
        // For a pane that is not there, tmux 3.3a prints another one's data, with success.
        let own = |pane: Option<Pane>| pane.filter(|pane| pane.id == id);
        let open = |pane: &Option<Pane>| {
            pane.as_ref().is_some_and(|pane| pane.id == id && !is_known(pane))
        };
        Ok(self.ended(&ask, parse, open)?.map(own))
    }

    /// The folder that the program in the foreground of a pane works in.
    pub(crate) fn current_path(&self, id: &str) -> Result<PathBuf> {
        let ask = ["display-message", "-p", "-t", id, "#{pane_current_path}"];
        let text = self.run(&ask)?.map_err(|fault| fault.about(id))?;
        Ok(PathBuf::from(text.trim_end_matches('\n')))
    }

    /// All panes of the server.
    pub(crate) fn all_panes(&self) -> Result<std::result::Result<Vec<Pane>, Fault>> {
        self.listed(Pane::FORMAT)
    }

    /// The same, each with no more than [`Pane::BRIEF`] tells: a list costs tmux more than a microsecond for
    /// each field of each pane, and a program in the foreground is asked of the system.
    pub(crate) fn many_panes(&self) -> Result<std::result::Result<Vec<Pane>, Fault>> {
        self.listed(Pane::BRIEF)
    }

    fn listed(&self, format: &str) -> Result<std::result::Result<Vec<Pane>, Fault>> {
        let list = ["list-panes", "-a", "-F", format];
        // What others have in their windows need not be readable.
        let parse =
            |answer: Answer| Ok(answer.map(|text| text.lines().filter_map(Pane::parse).collect()));
        let open = |panes: &Vec<Pane>| panes.iter().any(Pane::is_open_end);
        self.ended(&list, parse, open)
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
        let (mut text, mut fault) = self.call(&command)?;
        if matches!(fault, Some(Fault::NoServer | Fault::NotFound)) {
            self.new_hub(hub)?;
            (text, fault) = self.call(&command)?;
        }
        let mut parts = text.trim_end().split('\t');
        let mut next = || parts.next().map(str::to_owned);
        match (next(), next(), next().and_then(|pid| pid.parse().ok()), fault) {
            (Some(window), Some(id), Some(pid), _) => {
                Ok(Pane { window_name: name.to_owned(), window, id, pid, ..Pane::default() })
            }
            (.., Some(fault)) => Err(fault.about(name)),
            _ => Err(Error::system("tmux", format!("unexpected answer {text:?}"))),
        }
    }

    /// Makes the hub. It is no error if another process has made it first.
    /// See tmux/FACTS.md, "Server and hub".
    fn new_hub(&self, hub: &str) -> Result<()> {
        let target = format!("={hub}:");
        // Whatever the user's `default-command` does, this window stays, and with it the hub: also for
        // an account whose shell admits nobody. Of several words, tmux asks no shell to run them.
        let shell =
            "case ${SHELL##*/} in nologin | false | '') SHELL=/bin/sh ;; esac; exec \"$SHELL\"";
        let new = ["new-session", "-d", "-s", hub, "-n", "_root", "-x", "200", "-y", "50"];
        let words = ["sh", "-c", shell, ";"];
        // A server that ends when its last client leaves would take every agent with it.
        let live = ["set-option", "-s", "exit-unattached", "off", ";"];
        // A person who attaches and detaches must not end every agent.
        let stay = ["set-option", "-t", &target, "destroy-unattached", "off"];
        let made = self.run(&[&new[..], &words, &live, &stay].concat())?;
        match made {
            Err(fault) if self.run(&["has-session", "-t", &target])?.is_err() => {
                Err(fault.about(hub))
            }
            _ => Ok(()),
        }
    }

    /// Sets a new window up: its name stays, it remains when its program ends, and then the server
    /// runs `at_event`. Of `titles`, the server runs the first at each change of the title, and
    /// `at_event` too when the new title matches the second.
    ///
    /// Both are shell commands in which tmux expands nothing. See tmux/FACTS.md, "Hooks".
    pub fn set_up(&self, pane: &str, at_event: &str, titles: Option<(&str, &str)>) -> Result<()> {
        let run = |command: &str| format!("run-shell -b {}", quoted(&unexpanded(command)));
        let at_event = run(at_event);
        let set = |scope: &str, option: &str, value: &str| {
            ["set-option", scope, "-t", pane, option, value, ";"].map(str::to_owned)
        };
        let mut command: Vec<String> = Vec::new();
        command.extend(set("-w", "automatic-rename", "off"));
        command.extend(set("-w", "allow-rename", "off"));
        command.extend(set("-p", "remain-on-exit", "on"));
        if let Some((at_title, title)) = titles {
            // Since 3.5 a person can forbid titles; older ones do not know the option.
            command.extend(set("-pq", "allow-set-title", "on"));
            let event =
                format!("if-shell -F '#{{m:{title},#{{pane_title}}}}' {}", quoted(&at_event));
            let both = format!("{} ; {event}", run(at_title));
            let hook = ["set-hook", "-p", "-t", pane, "pane-title-changed", &both, ";"];
            command.extend(hook.map(str::to_owned));
        }
        command.extend(["set-hook", "-p", "-t", pane, "pane-died", &at_event].map(str::to_owned));
        // The last command asks what came of it, for a hook of the user's may fail after any of them.
        let ask = [";", "show-options", "-p", "-v", "-t", pane, "remain-on-exit"];
        command.extend(ask.map(str::to_owned));
        match self.call(&command)? {
            (_, None) => Ok(()),
            (set, Some(_)) if set.trim() == "on" => Ok(()),
            (_, Some(fault)) => Err(fault.about(pane)),
        }
    }

    /// Has the server run a shell command.
    pub(crate) fn run_shell(&self, command: &str) -> Result<()> {
        let said = self.run(&["run-shell", "-b", &unexpanded(command)])?;
        said.map(drop).map_err(|fault| fault.about("run-shell"))
    }

    /// Tells tmux again that the pane's program takes pastes in brackets: what `send-keys -R` makes it
    /// forget. The words go to the terminal as the program's own output would.
    pub(crate) fn bracket_again(pane: &Pane) -> Result<()> {
        let mut terminal = std::fs::File::options().write(true).open(&pane.tty).at(&pane.tty)?;
        terminal.write_all(b"\x1b[?2004h").at(&pane.tty)
    }

    /// Closes a pane, if it still is the one that `pane` tells of: another program may run in it by now.
    /// Its window goes with it only when nobody else has a pane there.
    pub fn kill_pane(&self, pane: &Pane) -> Result<()> {
        let is = |pid: &str| format!("#{{==:#{{pane_id}}/#{{pane_pid}},{}/{pid}}}", pane.id);
        let same = format!("#{{||:{},{}}}", is(&pane.pid.to_string()), is(""));
        let kill = format!("kill-pane -t {}", pane.id);
        match self.run(&["if-shell", "-F", "-t", &pane.id, &same, &kill])? {
            Ok(_) | Err(Fault::NoServer | Fault::NotFound) => Ok(()),
            Err(fault) => Err(fault.about(&pane.id)),
        }
    }
}

/// The command as `run-shell` needs it, which expands `#` formats; a doubled `#` stays one `#`.
pub(super) fn unexpanded(command: &str) -> String {
    command.replace('#', "##")
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
        let line = "w\t@1\t3\t1700000000\t%2\t77\t1\t\t9\t0\t0\t0\t2\t5\t1\t\t/s\t9\t/dev/pts/4\tclaude\tReady\t| x";
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
            format!(
                "w\t{window}\t3\t17\t{pane}\t77\t0\t\t\t0\t0\t0\t2\t5\t1\t\t/s\t9\t/dev/pts/4\tclaude\tt\n"
            )
        };
        let listed = [("@1", "%10"), ("@1", "%9"), ("@1", "%11"), ("@2", "%12")];
        let listed = listed.map(|(window, pane)| line(window, pane)).concat();
        let panes = oldest_panes(Ok(listed), "tmux", |line| Some(("", Pane::parse(line)?)));
        let ids: Vec<String> = panes.unwrap().into_iter().map(|(_, pane)| pane.id).collect();
        assert_eq!(ids, ["%9", "%12"]);
    }
}
