//! For zsh, by `_arguments`.
//!
//! Autoloaded, the file is the body of the completion function; sourced, it registers that
//! function.

use super::{filled, typed};
use crate::{
    cli::{Complete, OptDoc, Page, ValueDoc, VerbDoc},
    shell::quoted,
};

/// `completions/zsh/_NAME`.
pub(crate) fn zsh(page: &Page) -> String {
    let (tool, f) = (&page.tool, &*page.word());
    let mut actions = Actions { f, commands: Vec::new() };
    let mut specs = Vec::new();
    for opt in &page.opts {
        option(&mut specs, &mut actions, opt);
    }
    let mut parts = vec![if page.front { "front" } else { "program" }];
    if !tool.verbs.is_empty() {
        parts.push("verbs");
        specs.push(quoted(&format!("1:verb:_{f}_verbs")));
    }
    let row = |verb: &VerbDoc| format!("{}:{}", verb.name, verb.brief.replace('\\', "\\\\"));
    let verbs = tool.verbs.iter().map(|verb| format!("        {}\n", quoted(&row(verb))));
    // Where there is no operand, the words after `--` are the only ones that are not verbs.
    let operand = tool.operand.or(tool.rest).map(|value| (label(value), actions.of(value)));
    match &operand {
        _ if page.front => specs.push(quoted("*::word:->inner")),
        Some((label, action)) => specs.push(quoted(&format!("*:{label}:{action}"))),
        None => {}
    }
    let specs = specs.iter().map(|spec| format!(" \\\n        {spec}"));
    filled(
        include_str!("template.zsh"),
        &parts,
        &[
            ("@LINES@\n", &actions.functions()),
            ("@VERBS@\n", &verbs.collect::<String>()),
            ("@SPECS@", &specs.collect::<String>()),
            ("@ACTION@", operand.as_ref().map_or("_message 'no more words'", |(_, action)| action)),
            ("@FUNC@", f),
            ("@NAME@", tool.name),
        ],
    )
}

/// What completes a value; commands become functions of the file.
struct Actions<'a> {
    f: &'a str,
    commands: Vec<&'static str>,
}

impl Actions<'_> {
    fn functions(&self) -> String {
        let function = |(i, command): (usize, &&str)| {
            format!(
                "_{}_lines_{i}() {{\n    local -a lines\n    \
                 lines=(${{(f)\"$({command} 2>/dev/null)\"}})\n    \
                 compadd \"$@\" -a lines\n}}\n\n",
                self.f
            )
        };
        self.commands.iter().enumerate().map(function).collect()
    }

    fn of(&mut self, value: ValueDoc) -> String {
        match value.complete {
            // A blank: there is something to type, and nothing to offer.
            Complete::Nothing => " ".into(),
            Complete::File => "_files".into(),
            Complete::Dir => "_files -/".into(),
            Complete::Command => "_command_names -e".into(),
            Complete::OneOf(words) => format!("({})", words.join(" ")),
            Complete::Run(command) => {
                let known = self.commands.iter().position(|other| *other == command);
                let i = known.unwrap_or_else(|| {
                    self.commands.push(command);
                    self.commands.len() - 1
                });
                format!("_{}_lines_{i}", self.f)
            }
        }
    }
}

/// Every option may be repeated, as the parser allows: the last one counts, or all of them do.
fn option(specs: &mut Vec<String>, actions: &mut Actions<'_>, opt: &OptDoc) {
    let brief = escaped(opt.brief);
    let tail = match opt.value {
        Some(value) => format!("[{brief}]:{}:{}", label(value), actions.of(value)),
        None => format!("[{brief}]"),
    };
    for name in typed(opt) {
        // `+`: the value may follow the letter at once. `=`: it may follow the long name after `=`.
        let joint = match opt.value {
            None => "",
            Some(_) if name.starts_with("--") => "=",
            Some(_) => "+",
        };
        specs.push(quoted(&format!("*{name}{joint}{tail}")));
    }
    if let Some(negated) = opt.negated {
        specs.push(quoted(&format!("*--{negated}[Undo --{}]", opt.long)));
    }
}

fn label(value: ValueDoc) -> String {
    escaped(&value.name.to_lowercase())
}

fn escaped(text: &str) -> String {
    let mark = |c: char| matches!(c, '\\' | '[' | ']' | ':').then_some('\\');
    text.chars().flat_map(|c| mark(c).into_iter().chain([c])).collect()
}
