//! The original: the Python package `aimax` 0.1.0, installed once into an environment of its own,
//! and run beside our front in one home, on one tmux server.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::agents::install_once;
use crate::util::home::Home;

/// The version that is compared with.
const VERSION: &str = "0.1.0";

/// Installs it with pip if it is not there yet, and gives its program.
///
/// Fails loudly, as the agents' own installation does.
pub(crate) fn install() -> PathBuf {
    let folder = install_once(&format!("aimax-{VERSION}"), |folder| {
        let run = |program: &Path, args: &[&str]| {
            let output = Command::new(program).args(args).stdin(Stdio::null()).output();
            let output = output.unwrap_or_else(|e| panic!("{}: {e}", program.display()));
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{} {args:?}: {errors}", program.display());
        };
        let place = folder.to_str().expect("a path in UTF-8");
        run(Path::new("python3"), &["-m", "venv", place]);
        let package = format!("aimax=={VERSION}");
        let pip = ["install", "--quiet", "--disable-pip-version-check", &package];
        run(&folder.join("bin/pip"), &pip);
    });
    folder.join("bin/aimax")
}

/// Makes `home` one in which the original finds the same server and the same programs as ours: it
/// knows no other server than tmux's default, and starts agents from a login shell.
pub(crate) fn share(home: &mut Home) {
    home.set("AIMAX_TMUX_SOCKET", "default");
    // Without it, it does nothing where one of the two agents is not installed.
    home.set("AIMAX_RUN_PREFLIGHT", "0");
    // It counts on a file that need not be there for ours.
    home.write(".claude/settings.api.json", "{}");
    let path = home.env().into_iter().find(|(name, _)| name == "PATH").expect("a PATH").1;
    home.write(".bash_profile", format!("export PATH='{path}'\n"));
}

/// A home where the practice agent is in the place of Claude Code: the original knows no other.
pub(crate) fn practice_home() -> Home {
    let mut home = Home::new();
    let folder = home.root().join("bin");
    stand_in(&folder, &home.home().join(".claude"));
    home.add_path(&folder);
    home.set("AIMAX_PRACTICE", "trust=yes");
    home.write(".claude.json", "{}");
    share(&mut home);
    home
}

/// A `claude` that is the practice agent; it leaves out the options that this has not, and says
/// what the original waits for.
fn stand_in(folder: &Path, files: &Path) {
    let script = format!(
        "#!/bin/sh\necho 'bypass permissions on'\nfor word do\n    shift\n    case $word in\n    \
         --dangerously-skip-permissions | --disallowedTools | AskUserQuestion) ;;\n    \
         *) set -- \"$@\" \"$word\" ;;\n    esac\ndone\n\
         exec '{}' practice-agent --home '{}' \"$@\"\n",
        env!("CARGO_BIN_EXE_aimax"),
        files.display(),
    );
    fs::create_dir_all(folder).expect("a folder for the program");
    let program = folder.join("claude");
    fs::write(&program, script).expect("the program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
}

/// What a verb did.
#[derive(Debug)]
pub(crate) struct Said {
    /// Its exit status.
    pub(crate) status: Option<i32>,
    /// The JSON values on its standard output.
    pub(crate) values: Vec<Value>,
    /// Standard output and error, to be shown.
    pub(crate) text: String,
}

impl Said {
    /// The document of a verb that succeeded.
    #[track_caller]
    pub(crate) fn document(&self) -> Value {
        assert_eq!(self.status, Some(0), "{self:#?}");
        self.told()
    }

    /// The document, however the verb ended.
    #[track_caller]
    pub(crate) fn told(&self) -> Value {
        assert_eq!(self.values.len(), 1, "{self:#?}");
        self.values[0].clone()
    }
}

/// Runs a verb of the original with `--json`. Its log lines are on standard output as well: what
/// begins a line with a brace is JSON, to the line that ends it.
pub(crate) fn theirs(home: &Home, args: &[&str]) -> Said {
    let output = output(home, &install(), args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut values = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        if let Some(whole) = &mut open {
            whole.push_str(line);
            if line == "}" {
                values.push(serde_json::from_str(whole).expect("a document"));
                open = None;
            }
        } else if line == "{" {
            open = Some(line.into());
        } else if line.starts_with('{') {
            // What it prints of a stream runs into what it prints at the end.
            let read = serde_json::Deserializer::from_str(line).into_iter::<Value>();
            values.extend(read.map_while(Result::ok));
        }
    }
    said(&output, values)
}

/// Runs a verb of ours with `--json`: standard output holds nothing but JSON.
pub(crate) fn ours(home: &Home, args: &[&str]) -> Said {
    let output = output(home, Path::new(env!("CARGO_BIN_EXE_aimax")), args);
    let values = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
    let values = values.collect::<Result<_, _>>().unwrap_or_else(|e| panic!("{e}: {output:?}"));
    said(&output, values)
}

fn output(home: &Home, program: &Path, args: &[&str]) -> Output {
    let mut command = home.command(program);
    command.args(args).arg("--json").stdin(Stdio::null());
    command.output().expect("the program starts")
}

fn said(output: &Output, values: Vec<Value>) -> Said {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let text = format!("{}\n{}", text(&output.stdout), text(&output.stderr));
    Said { status: output.status.code(), values, text }
}
