//! The shell commands that tmux and the agent run for us.

use crate::{
    config::Config,
    error::{Error, Result},
    session::Session,
    shell,
};

/// The shell command that updates a session's flags, for the hooks of tmux and of the agent.
pub(crate) fn at_event(config: &Config, session: &Session) -> Result<String> {
    let (name, backend) = (&session.name, session.backend.name());
    let program = program(config, "flag")?;
    Ok(format!("{program}wait {name} -b {backend} --timeout 10 >/dev/null 2>&1"))
}

/// The shell command by which the tmux server starts the keeper of a session's job: a process that
/// lives until the job has ended, and survives ours, its terminal and the server itself.
pub(crate) fn keeper(config: &Config, session: &Session) -> Result<String> {
    let (name, backend) = (&session.name, session.backend.name());
    let program = program(config, "keep")?;
    Ok(format!("trap '' HUP; {program}{backend} {name} </dev/null >/dev/null 2>&1 &"))
}

/// The beginning of a command that runs our program `name`. It contains all settings that it needs: it
/// may run in another environment than ours.
fn program(config: &Config, name: &str) -> Result<String> {
    let mut command = String::new();
    for (variable, value) in config.hook_environment() {
        let value = value.into_string().map_err(|value| {
            Error::usage(&variable, format!("{} is not UTF-8", value.display()))
        })?;
        command.push_str(&format!("{variable}={} ", shell::quoted(&value)));
    }
    for word in config.own_program(name)? {
        let word = word
            .into_string()
            .map_err(|word| Error::usage(word.display(), "the path of the program is not UTF-8"))?;
        command.push_str(&shell::quoted(&word));
        command.push(' ');
    }
    Ok(command)
}

/// The shell command that announces a change of the title: it writes a file that waiting programs
/// watch.
pub(crate) fn at_title(config: &Config, session: &Session) -> Result<String> {
    let path = session.run_dir(config).title().into_os_string().into_string();
    let path = path.map_err(|path| Error::usage(path.display(), "the path is not UTF-8"))?;
    Ok(format!("echo >{}", shell::quoted(&path)))
}
