//! Where programs, manual pages and completions belong.

use std::path::{Path, PathBuf};

use crate::{
    config::{self, Config},
    error::{At, Result},
};

/// The folders, all absolute.
#[derive(Debug)]
pub(crate) struct Places {
    /// The file of the running program, without links.
    pub(crate) program: PathBuf,
    /// Its folder, where its other names belong.
    pub(crate) bin: PathBuf,
    /// Has `man1` and `man7`.
    pub(crate) man: PathBuf,
    pub(crate) bash: PathBuf,
    pub(crate) zsh: PathBuf,
    pub(crate) fish: PathBuf,
}

impl Places {
    /// Those of this user, or below `prefix`.
    ///
    /// For a user, man-db and the `man` of macOS look in `../share/man` of each folder on PATH.
    pub(crate) fn new(config: &Config, prefix: Option<&Path>) -> Result<Places> {
        let program = config::running_program()?;
        // Some systems name the link by which it was called.
        let program = program.canonicalize().at(&program)?;
        let bin = program.parent().unwrap_or(Path::new("/")).to_owned();
        let (data, fish) = match prefix {
            Some(prefix) => {
                let share = std::path::absolute(prefix).at(prefix)?.join("share");
                let fish = share.join("fish/vendor_completions.d");
                (share, fish)
            }
            None => (
                config.user_folder("XDG_DATA_HOME", ".local/share"),
                config.user_folder("XDG_CONFIG_HOME", ".config").join("fish/completions"),
            ),
        };
        let home = PathBuf::from(config.var("HOME").unwrap_or_default());
        let home = home.canonicalize().unwrap_or(home);
        let is_users = prefix.is_none() && bin.ends_with("bin") && bin.starts_with(&home);
        let man = bin.parent().filter(|_| is_users).map(|above| above.join("share/man"));
        Ok(Places {
            man: man.unwrap_or_else(|| data.join("man")),
            bash: data.join("bash-completion/completions"),
            zsh: data.join("zsh/site-functions"),
            fish,
            program,
            bin,
        })
    }

    /// What the user has to do where nothing looks there by itself.
    pub(crate) fn notes(&self, config: &Config) -> Vec<String> {
        let mut notes = Vec::new();
        if !config.is_on_path(&self.bin) {
            notes.push(format!("{} is not on PATH", self.bin.display()));
        }
        let man_is_found = self.man.parent().and_then(Path::parent).is_some_and(|above| {
            // `~/.local/share/man` is that of `~/.local/bin`.
            config.is_on_path(&above.join("bin"))
        });
        if !man_is_found {
            let man = self.man.display();
            notes.push(format!("man looks in {man} after `export MANPATH=\"{man}:\"`"));
        }
        let usual = ["/usr/share", "/usr/local/share"];
        if !usual.iter().any(|share| self.zsh.starts_with(share)) {
            notes.push(format!(
                "zsh looks in {0} with `fpath=({0} $fpath)` in ~/.zshrc, before `compinit`",
                self.zsh.display()
            ));
        }
        notes
    }
}
