//! `aimax setup`: what belongs to the programs besides themselves: their names, manual pages and
//! completions, put where this user's shells and `man` look.

mod files;
mod names;
mod places;

use std::{ffi::OsString, path::PathBuf};

use serde_json::json;

use super::options::{Field, OutputArgs, has, output};
use crate::{
    cli::{Complete, Member, Opt, OptDoc, Output, Paint, RecordDoc, Tool, ToolDoc, Type},
    config::Config,
    error::{Error, Exit, Result},
};
use places::Places;

/// The verb.
pub struct Setup;

/// Its arguments.
#[derive(Debug, Default)]
pub struct Args {
    prefix: Option<PathBuf>,
    remove: bool,
    output: OutputArgs,
}

has!(Args { output: OutputArgs });

impl Tool for Setup {
    type Args = Args;

    const DOC: ToolDoc = ToolDoc {
        name: "aimax-setup",
        tagline: "install manual pages, completions and the other programs",
        synopsis: &["aimax setup [--prefix=DIR] [--remove] [--json]"],
        about: "\
Completes the installation of `aimax`, and prints what it did.

Makes links to `aimax`, in its own folder, for the other programs:
`aimax-spawn`, `aimax-paste`, `aimax-tail`, `aimax-flag`, `aimax-ls`,
`aimax-kill`. One file is all programs, depending on the name it is
called by. Copies of the same version, as left by `cargo install`, are
replaced.

Writes the manual pages and completions, which `aimax` itself contains:
    pages  `../share/man` next to the program, where `man` finds them
           if the program is on PATH; `~/.local/share/man` if the
           program is outside your home
    bash   `~/.local/share/bash-completion/completions`
    fish   `~/.config/fish/completions`
    zsh    `~/.local/share/zsh/site-functions`
`XDG_DATA_HOME` and `XDG_CONFIG_HOME` are honored. If a shell or `man`
does not look there by itself, a note tells you what to do.

Running it again changes nothing; after an upgrade it updates
everything. A file that it did not write is left alone and reported, and
the status is 1.",
        exits: &[
            (Exit::Done, "everything is in place, or removed"),
            (Exit::No, "a file from somewhere else is in the way"),
        ],
        examples: &[
            ("aimax setup", "Install for this user."),
            (
                "sudo aimax setup --prefix /usr/local",
                "Install pages and completions for all users.",
            ),
            ("aimax setup --remove", "Remove what was installed."),
        ],
        see_also: &[("aimax", 1), ("aimax-doctor", 1), ("manpath", 1)],
        records: &[&SETUP],
        ends: &[Exit::No],
        ..ToolDoc::EMPTY
    };

    const OPTS: &'static [Opt<Args>] = &[
        OptDoc::new(
            "prefix",
            "Put pages and completions below this folder",
            "\
Puts pages and completions below this folder instead: into `share/man`,
`share/bash-completion/completions`, `share/zsh/site-functions` and
`share/fish/vendor_completions.d`. Missing folders are created.",
        )
        .value("DIR", Complete::Dir)
        .sets(|args, given| args.prefix.set(given)),
        OptDoc::new(
            "remove",
            "Remove what was installed",
            "\
Removes what was installed there, and nothing else. Folders and `aimax`
itself stay.",
        )
        .sets(|args, given| args.remove.set(given)),
        output::json(),
    ];

    fn run(args: Args, _: Vec<OsString>, out: &mut Output) -> Result<Exit> {
        let config = Config::from_env()?;
        let prefix = args.prefix.as_deref();
        if prefix.is_some_and(|prefix| prefix.as_os_str().is_empty()) {
            return Err(Error::usage("--prefix", "the name of the folder is empty"));
        }
        let places = Places::new(&config, prefix)?;
        let mut parts = vec![names::settle(&places, args.remove)?];
        parts.extend(files::settle(&places, args.remove)?);
        let notes = if args.remove { Vec::new() } else { places.notes(&config) };
        if args.output.json {
            document(out, &parts, &notes)?;
        } else {
            let paint = Paint::stdout(&config);
            for part in &parts {
                part.print(out, paint)?;
            }
            for note in &notes {
                output::line(out, &format!("Note: {note}"))?;
            }
        }
        let all = parts.iter().all(|part| part.left.is_empty());
        Ok(if all { Exit::Done } else { Exit::No })
    }
}

/// What was done to one kind of file, all in one folder.
#[derive(Debug, Default)]
struct Part {
    what: &'static str,
    folder: PathBuf,
    written: Vec<PathBuf>,
    /// Copies of a program that are links now; they count as written too.
    replaced: usize,
    removed: Vec<PathBuf>,
    unchanged: usize,
    /// What is not ours, each with what it is instead.
    left: Vec<(PathBuf, String)>,
}

impl Part {
    fn new(what: &'static str, folder: PathBuf) -> Part {
        Part { what, folder, ..Part::default() }
    }

    fn print(&self, out: &mut Output, paint: Paint) -> Result<()> {
        let counts = [
            (self.written.len() - self.replaced, "written"),
            (self.replaced, "copies replaced by links"),
            (self.removed.len(), "removed"),
            (self.unchanged, "unchanged"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
        let changed = !self.written.is_empty() || !self.removed.is_empty();
        let sign = match changed {
            true => paint.paint("32", paint.sign("✓", "+")),
            false => paint.paint("2", paint.sign("·", "-")),
        };
        let counts = if counts.is_empty() { "nothing".into() } else { counts.join(", ") };
        let folder = self.folder.display();
        output::line(out, &format!("{sign} {:<18} {folder}: {counts}", self.what))?;
        match &self.left[..] {
            [(path, what), _, _, _, ..] => {
                let (count, path) = (self.left.len(), path.display());
                output::line(out, &format!("! {count} files stay, such as {path}: {what}"))?;
            }
            few => {
                for (path, what) in few {
                    output::line(out, &format!("! {} stays: {what}", path.display()))?;
                }
            }
        }
        Ok(())
    }
}

/// Prints all parts as one document.
fn document(out: &mut Output, parts: &[Part], notes: &[String]) -> Result<()> {
    let parts: Vec<_> = parts
        .iter()
        .map(|part| {
            let left = part.left.iter().map(|(path, what)| json!({ "path": path, "is": what }));
            json!({
                "what": part.what,
                "folder": part.folder,
                "written": part.written,
                "removed": part.removed,
                "unchanged": part.unchanged,
                "left": left.collect::<Vec<_>>(),
            })
        })
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    let record = json!({ "version": version, "parts": parts, "notes": notes });
    output::document(out, &SETUP, &record)
}

const PATHS: Type = Type::List(&Type::Text);

const SETUP: RecordDoc = RecordDoc {
    name: "setup",
    about: "`aimax setup --json`: what was installed or removed",
    fields: &[&[
        Member::new("version", Type::Text, "The version of the program"),
        Member::new(
            "parts",
            Type::List(&Type::Object(&[&[
                Member::new("what", Type::Text, "The kind of file"),
                Member::new("folder", Type::Text, "The folder of all of them"),
                Member::new("written", PATHS, "The files that were written"),
                Member::new("removed", PATHS, "The files that were removed"),
                Member::new("unchanged", Type::Count, "How many were in place"),
                Member::new(
                    "left",
                    Type::List(&Type::Object(&[&[
                        Member::new("path", Type::Text, "A file of somebody else's"),
                        Member::new("is", Type::Text, "What it is"),
                    ]])),
                    "What is in the way",
                ),
            ]])),
            "Each kind of file",
        ),
        Member::new("notes", Type::List(&Type::Text), "What is left to do"),
    ]],
};
