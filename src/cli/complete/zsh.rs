//! For zsh, by `_arguments`.

use std::fmt::Write as _;

use super::typed;
use crate::{
    cli::{
        option::{Complete, OptDoc, ValueDoc},
        page::Page,
    },
    shell::quoted,
};

/// `completions/zsh/_NAME`.
#[must_use]
pub(crate) fn zsh(page: &Page) -> String {
    let (tool, f) = (&page.tool, page.word());
    let name = tool.name;
    let mut text =
        format!("#compdef {name}\n# Generated from the option table of {name}; do not edit.\n\n");
    let mut actions = Actions { f: &f, commands: Vec::new() };
    let mut specs = Vec::new();
    for opt in &page.opts {
        option(&mut specs, &mut actions, opt);
    }
    if !tool.verbs.is_empty() {
        specs.push(quoted(&format!("1:verb:_{f}_verbs")));
    }
    let words = tool.operand.map(|value| (value, actions.of(value)));
    match (&words, tool.rest) {
        _ if page.front => specs.push(quoted("*::word:->inner")),
        (Some((value, action)), _) => {
            specs.push(quoted(&format!("*:{}:{action}", label(*value))));
        }
        // The words after `--` are the only ones that are not verbs.
        (None, Some(value)) => {
            let action = actions.of(value);
            specs.push(quoted(&format!("*:{}:{action}", label(value))));
        }
        (None, None) => {}
    }
    for (i, command) in actions.commands.iter().enumerate() {
        _ = writeln!(
            text,
            "_{f}_lines_{i}() {{\n    local -a lines\n    \
             lines=(${{(f)\"$({command} 2>/dev/null)\"}})\n    \
             compadd \"$@\" -a lines\n}}\n"
        );
    }
    if !tool.verbs.is_empty() {
        _ = writeln!(text, "_{f}_verbs() {{\n    local -a verbs\n    verbs=(");
        for verb in tool.verbs {
            let row = format!("{}:{}", verb.name, verb.brief.replace('\\', "\\\\"));
            _ = writeln!(text, "        {}", quoted(&row));
        }
        _ = writeln!(text, "    )\n    _describe -t verbs verb verbs\n}}\n");
    }
    _ = writeln!(text, "_{f}() {{");
    if page.front {
        text.push_str("    local curcontext=$curcontext state state_descr line\n");
        text.push_str("    local -A opt_args\n");
    }
    text.push_str(if page.front { "    _arguments -S -C" } else { "    _arguments -s -S" });
    for spec in specs {
        _ = write!(text, " \\\n        {spec}");
    }
    if page.front {
        let action = words.map_or(String::from("_message 'no more words'"), |(_, action)| action);
        _ = write!(
            text,
            " && return\n    [[ $state == inner ]] || return 1\n    \
             # NAME VERB … is completed as NAME-VERB …, where that has a completion.\n    \
             if (( $+_comps[{name}-$words[1]] )); then\n        \
             words[1]={name}-$words[1]\n        _normal\n    else\n        {action}\n    fi"
        );
    }
    // Loaded by name, the file is the function's body at its first call; sourced, it registers.
    _ = write!(
        text,
        "\n}}\n\nif [[ $funcstack[1] == _{name} ]]; then\n    _{f} \"$@\"\nelse\n    \
         compdef _{f} {name}\nfi\n"
    );
    text
}

/// What completes a value; commands become functions of the file.
struct Actions<'a> {
    f: &'a str,
    commands: Vec<&'static str>,
}

impl Actions<'_> {
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

/// Every option may be given again, as the parser has it: the last one counts, or all of them do.
fn option(specs: &mut Vec<String>, actions: &mut Actions<'_>, opt: &OptDoc) {
    let brief = escaped(opt.brief);
    let tail = match opt.value {
        Some(value) => format!("[{brief}]:{}:{}", label(value), actions.of(value)),
        None => format!("[{brief}]"),
    };
    for name in typed(opt) {
        // `+`: the value may be joined to the letter. `=`: or to the long name by `=`.
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
    let mut escaped = String::new();
    for c in text.chars() {
        if matches!(c, '\\' | '[' | ']' | ':') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
