//! A program's documentation without the type of its arguments.

use super::option::{OptDoc, Tool, ToolDoc};

/// All that help, man page and completions need to know of a program.
#[derive(Clone, Debug)]
pub struct Page {
    /// The program.
    pub tool: ToolDoc,
    /// Its options, `--help` and `--version` last.
    pub opts: Vec<OptDoc>,
    /// Whether its first operand ends its options: see [`Tool::FRONT`].
    pub front: bool,
    /// The environment variables that it reads, each with its meaning: for the manual.
    pub environment: Vec<(String, String)>,
}

/// The options that every program has. The parser answers them itself.
pub(crate) const COMMON: [OptDoc; 2] = [
    OptDoc::new(
        "help",
        "Show this help; `--help` shows more",
        "Shows help and exits: `-h` on one screen, `--help` in full.",
    )
    .short('h'),
    OptDoc::new("version", "Show the version", "Shows the version and exits.").short('V'),
];

/// The page of `T`.
pub(crate) fn page<T: Tool>() -> Page {
    let mut opts: Vec<OptDoc> = T::OPTS.iter().map(|opt| opt.doc).collect();
    // Those with a letter first, as the table has them; the others are found by the alphabet.
    opts.sort_by_key(|opt| opt.short.is_none().then_some(opt.long));
    opts.extend(COMMON);
    Page { tool: T::DOC, opts, front: T::FRONT, environment: Vec::new() }
}

impl Page {
    /// The program's name as a shell function's name: `aimax_tail`.
    pub(crate) fn word(&self) -> String {
        self.tool.name.replace('-', "_")
    }
}
