//! The version of an agent's program, and whether it is too old to be driven.

use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use super::{Facts, profile::Profile};
use crate::{
    config::Config,
    error::{At, Error, Result},
    fs,
    time::Deadline,
    watch::{Watch, Woke},
};

/// How long a program may take to say its version.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a program's version is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Beside the program: it costs nothing, but not every installation tells it there.
    Place,
    /// In its answer to `--version`.
    Answer,
}

impl Facts {
    /// The error for a program on the caller's PATH that is older than the profile's oldest. `None`
    /// when it is not, and when its version is not known.
    pub(crate) fn too_old(
        &self,
        config: &Config,
        profile: &Profile,
        from: Source,
    ) -> Option<Error> {
        let program = config.program(self.program)?;
        let version = match from {
            Source::Place => self.of_place(&program)?,
            Source::Answer => said_by(&program).ok()?,
        };
        let oldest = profile.oldest.as_ref().filter(|oldest| is_older(&version, oldest))?;
        let package = self.package?;
        let cause = format!("version {version} is too old; {oldest} or later is needed");
        let advice = format!("update it, for example with `npm install -g {package}`");
        Some(Error::missing(program.display(), cause).advise(advice))
    }

    /// The version that the place of a program tells: npm's note on the package, or a folder or
    /// file that is named by the version, as the agent's own installer makes it.
    fn of_place(&self, program: &Path) -> Option<String> {
        let program = program.canonicalize().ok()?;
        let by_name = |part: &str| part.starts_with(|c: char| c.is_ascii_digit()) && is_whole(part);
        let note = |folder: &Path| {
            let note = fs::read(&folder.join("package.json")).ok()??;
            let note: serde_json::Value = serde_json::from_slice(&note).ok()?;
            let is_its = note["name"].as_str()?.starts_with(self.package?);
            let version = note["version"].as_str()?.split('-').next()?.to_owned();
            (is_its && is_whole(&version)).then_some(version)
        };
        program.ancestors().find_map(|place| {
            let name = place.file_name()?.to_str()?;
            if by_name(name) { Some(name.to_owned()) } else { note(place) }
        })
    }
}

/// The version that a program reports: the first word of its output that begins with a digit.
pub(crate) fn said_by(program: &Path) -> Result<String> {
    let mut child = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .at(program)?;
    let mut watch = Watch::new()?;
    watch.process(child.id())?;
    let late = watch.wait(Deadline::after(PATIENCE))? == Woke::Deadline;
    if late {
        child.kill().at(program)?;
    }
    let mut said = String::new();
    if let Some(mut stdout) = child.stdout.take().filter(|_| !late) {
        stdout.read_to_string(&mut said).at(program)?;
    }
    child.wait().at(program)?;
    let version =
        said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    version.map(str::to_owned).ok_or_else(|| {
        Error::system(program.display(), "`--version` prints no version").advise("run it by hand")
    })
}

/// Whether `version` comes before `other`. Of versions that are not three numbers nothing is said.
pub(crate) fn is_older(version: &str, other: &str) -> bool {
    matches!((numbers(version), numbers(other)), (Some(a), Some(b)) if a < b)
}

fn is_whole(version: &str) -> bool {
    numbers(version).is_some()
}

fn numbers(version: &str) -> Option<[u64; 3]> {
    let numbers: Option<Vec<u64>> = version.split('.').map(|part| part.parse().ok()).collect();
    numbers?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_older("2.1.94", "2.1.120") && is_older("0.99.1", "0.142.5"));
        assert!(!is_older("2.1.120", "2.1.120") && !is_older("3.0.0", "2.1.120"));
        assert!(!is_older("2.1", "2.1.120") && !is_older("0.1.0-dev", "2.1.120"));
    }

    #[test]
    fn the_place_of_a_program_tells_its_version() {
        let root = std::env::temp_dir().join(format!("aimax-version-{}", std::process::id()));
        let facts = super::super::Backend::Claude.facts();
        let place = |path: &str| {
            let program = root.join(path);
            std::fs::create_dir_all(program.parent().unwrap()).unwrap();
            std::fs::write(&program, "").unwrap();
            program
        };
        let package = root.join("node_modules/@anthropic-ai/claude-code/package.json");
        let by_npm = place("node_modules/@anthropic-ai/claude-code/bin/claude.exe");
        std::fs::write(&package, r#"{"name":"@anthropic-ai/claude-code","version":"2.0.61"}"#)
            .unwrap();
        assert_eq!(facts.of_place(&by_npm).as_deref(), Some("2.0.61"));
        let own = place("share/claude/versions/2.1.330");
        std::os::unix::fs::symlink(&own, root.join("claude")).unwrap();
        assert_eq!(facts.of_place(&root.join("claude")).as_deref(), Some("2.1.330"));
        std::fs::write(root.join("package.json"), r#"{"name":"else","version":"1.0.0"}"#).unwrap();
        assert_eq!(facts.of_place(&place("shims/claude")), None);
        std::fs::remove_dir_all(&root).unwrap();
    }
}
