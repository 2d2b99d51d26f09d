//! An agent behind the proxy: what it needs, how it is started, and a check that it took effect.
//!
//! proxychains redirects a program's connections through a library that it has the program load. A
//! statically linked program never loads it. So the agent is checked once it is ready and before
//! any prompt: an agent that only seems to be behind the proxy is not left running.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    agent::Agent,
    config::Config,
    error::{Error, Result},
    proc,
};

/// What an agent behind the proxy needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proxy {
    /// proxychains, of the new generation (`proxychains4`) where there is one.
    pub program: PathBuf,
    /// Its configuration.
    pub conf: PathBuf,
    /// A file for bash that exports variables.
    pub envs: PathBuf,
}

impl Proxy {
    /// Finds all of it.
    ///
    /// # Errors
    /// [`crate::error::Kind::Missing`] for a file or program that is not there, a file that is not
    /// readable, and a file that bash cannot parse.
    pub(crate) fn find(config: &Config) -> Result<Proxy> {
        let (conf, envs) = (&config.proxy_chains_conf, &config.proxy_envs_bash);
        let needed = |error: Error| {
            error.advise("the proxy needs it; --use-proxy false starts without the proxy")
        };
        readable(conf).map_err(needed)?;
        sourceable(config, envs).map_err(needed)?;
        let program = ["proxychains4", "proxychains"].iter().find_map(|name| config.program(name));
        let program = program.ok_or_else(|| {
            Error::missing("proxychains4", "not found on PATH")
                .advise("install it, for example `apt install proxychains4`")
        })?;
        Ok(Proxy { program, conf: conf.clone(), envs: envs.clone() })
    }

    /// The command that starts `argv` behind the proxy.
    pub(crate) fn around(&self, argv: Vec<OsString>) -> Vec<OsString> {
        let mut around = vec![self.program.clone().into_os_string(), "-q".into(), "-f".into()];
        around.push(self.conf.clone().into_os_string());
        around.extend(argv);
        around
    }

    /// Checks that proxychains has taken hold of the agent whose pane runs `pid`, or that the agent
    /// has a proxy variable of its own. Without `/proc` this cannot be checked and is assumed.
    ///
    /// # Errors
    /// [`crate::error::Kind::Missing`] when its connections would bypass the proxy.
    // Measured: codex/FACTS.md, "Environment"
    pub(crate) fn check(&self, agent: &dyn Agent, pid: u32) -> Result<()> {
        let family: Vec<u32> = proc::family(pid).collect();
        let is_agent = |pid: &u32| {
            let name = proc::executable(*pid).and_then(|path| Some(path.file_stem()?.to_owned()));
            name.is_some_and(|name| name == agent.facts().program)
        };
        // The pane's own process may be a launcher; the agent then is one of its children.
        let own: Vec<u32> = family.iter().copied().filter(is_agent).collect();
        let all = if own.is_empty() { family } else { own };
        match all.into_iter().find(|pid| is_past(*pid)) {
            None => Ok(()),
            Some(_) => Err(Error::missing(
                agent.facts().program,
                "it is statically linked, so proxychains has no effect on it",
            )
            .advise(format!(
                "export HTTPS_PROXY or ALL_PROXY in {}, if it honors them",
                self.envs.display()
            ))),
        }
    }
}

/// Whether the connections of a process bypass the proxy, as far as `/proc` shows.
fn is_past(pid: u32) -> bool {
    let Some(maps) = proc::mapped(pid) else { return false };
    if maps.contains("libproxychains") {
        return false;
    }
    let is_proxy = |name: &str| {
        ["HTTPS_PROXY", "ALL_PROXY"].iter().any(|proxy| name.eq_ignore_ascii_case(proxy))
    };
    let env = proc::environment(pid).unwrap_or_default();
    !env.iter().any(|(name, value)| is_proxy(name) && !value.is_empty())
}

/// The command that has bash source each of `files` and then starts `argv`.
pub(crate) fn sourced(
    config: &Config,
    files: &[PathBuf],
    mut argv: Vec<OsString>,
) -> Result<Vec<OsString>> {
    for file in files.iter().rev() {
        sourceable(config, file)?;
        let mut around: Vec<OsString> = vec![
            bash(config)?.into_os_string(),
            "-c".into(),
            r#"source "$1"; shift; exec "$@""#.into(),
            "bash".into(),
            file.clone().into_os_string(),
        ];
        around.append(&mut argv);
        argv = around;
    }
    Ok(argv)
}

fn bash(config: &Config) -> Result<PathBuf> {
    config.program("bash").ok_or_else(|| Error::missing("bash", "not found on PATH"))
}

fn readable(path: &Path) -> Result<()> {
    std::fs::File::open(path).map(drop).map_err(|e| {
        let cause = Error::io("", &e).cause;
        Error::missing(path.display(), cause)
    })
}

/// Checks that bash can parse the file. Bash would go on after an error in it, without the
/// variables.
fn sourceable(config: &Config, path: &Path) -> Result<()> {
    readable(path)?;
    let parsed = Command::new(bash(config)?)
        .arg("-n")
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| Error::io("bash", &e))?;
    if parsed.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&parsed.stderr);
    let said = said.lines().next().unwrap_or_default();
    Err(Error::missing(path.display(), format!("bash cannot read it: {said}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let folder = std::env::temp_dir().join(format!("aimax-proxy-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let home = folder.to_str().unwrap();
        let config = |path: &str| {
            let vars = vec![("HOME".into(), home.into()), ("PATH".into(), path.into())];
            Config::from_vars(vars).unwrap()
        };
        let path = std::env::var("PATH").unwrap();
        let fails = |config: &Config| Proxy::find(config).unwrap_err().to_string();
        assert!(fails(&config(&path)).contains("/proxy_claude.conf: "));
        std::fs::write(folder.join("proxy_claude.conf"), "").unwrap();
        assert!(fails(&config(&path)).contains("/proxy_envs.bash: "));
        std::fs::write(folder.join("proxy_envs.bash"), "if").unwrap();
        assert!(fails(&config(&path)).contains("bash cannot read it"));
        std::fs::write(folder.join("proxy_envs.bash"), "export A=1").unwrap();
        let only = folder.join("bin");
        std::fs::create_dir_all(&only).unwrap();
        let bash = config(&path).program("bash").unwrap();
        if !only.join("bash").exists() {
            std::os::unix::fs::symlink(bash, only.join("bash")).unwrap();
        }
        assert!(fails(&config(only.to_str().unwrap())).starts_with("proxychains4: not found"));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn files_are_sourced_in_their_order() {
        let config = Config::from_env().unwrap();
        let folder = std::env::temp_dir().join(format!("aimax-sourced-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let files = [folder.join("a b"), folder.join("c'd")];
        std::fs::write(&files[0], "export A=1 B=1").unwrap();
        std::fs::write(&files[1], "export B=$((B + 1)); false").unwrap();
        let show = ["sh", "-c", "echo $A $B \"$1\"", "x", "y z"].map(OsString::from).to_vec();
        let argv = sourced(&config, &files, show).unwrap();
        let ran = Command::new(&argv[0]).args(&argv[1..]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.stdout), "1 2 y z\n");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
