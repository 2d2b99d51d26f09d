//! For zsh, by `_arguments`.

use super::{filled, typed};
use crate::{
    cli::{
        option::{Complete, OptDoc, ValueDoc, VerbDoc},
        page::Page,
    },
    shell::quoted,
};

/// `completions/zsh/_NAME`.
#[must_use]
pub(crate) fn zsh(page: &Page) -> String {
    let (tool, f) = (&page.tool, &*page.word());
    let mut actions = Actions { f, commands: Vec::new() };
    let mut specs = Vec::new();
    for opt in &page.opts {
        option(&mut specs, &mut actions, opt);
    }
    let mut verbs = String::new();
    if !tool.verbs.is_empty() {
        specs.push(quoted(&format!("1:verb:_{f}_verbs")));
        let row = |verb: &VerbDoc| format!("{}:{}", verb.name, verb.brief.replace('\\', "\\\\"));
        let rows = tool.verbs.iter().map(|verb| format!("        {}\n", quoted(&row(verb))));
        verbs = VERBS.replace("@ROWS@", &rows.collect::<String>());
    }
    // Where there is no operand, the words after `--` are the only ones that are not verbs.
    let operand = tool.operand.or(tool.rest).map(|value| (label(value), actions.of(value)));
    let mut inner = String::new();
    if page.front {
        specs.push(quoted("*::word:->inner"));
        let action = operand.map_or("_message 'no more words'".into(), |(_, action)| action);
        inner = INNER.replace("@ACTION@", &action);
    } else if let Some((label, action)) = operand {
        specs.push(quoted(&format!("*:{label}:{action}")));
    }
    let lines = |(i, command): (usize, &&str)| {
        LINES.replace("@I@", &i.to_string()).replace("@COMMAND@", command)
    };
    let (locals, flags) = if page.front { (LOCALS, "-S -C") } else { ("", "-s -S") };
    filled(
        SCRIPT,
        &[
            ("@LINES@", &actions.commands.iter().enumerate().map(lines).collect::<String>()),
            ("@VERBS@", &verbs),
            ("@LOCALS@", locals),
            ("@FLAGS@", flags),
            (
                "@SPECS@",
                &specs.iter().map(|spec| format!(" \\\n        {spec}")).collect::<String>(),
            ),
            ("@INNER@", &inner),
            ("@FUNC@", f),
            ("@NAME@", tool.name),
        ],
    )
}

/// Loaded by name, the file is the function's body at its first call; sourced, it registers.
const SCRIPT: &str = r#"#compdef @NAME@
# Generated from the option table of @NAME@; do not edit.

@LINES@@VERBS@_@FUNC@() {
@LOCALS@    _arguments @FLAGS@@SPECS@@INNER@
}

if [[ $funcstack[1] == _@NAME@ ]]; then
    _@FUNC@ "$@"
else
    compdef _@FUNC@ @NAME@
fi
"#;

const LINES: &str = r#"_@FUNC@_lines_@I@() {
    local -a lines
    lines=(${(f)"$(@COMMAND@ 2>/dev/null)"})
    compadd "$@" -a lines
}

"#;

const VERBS: &str = r#"_@FUNC@_verbs() {
    local -a verbs
    verbs=(
@ROWS@    )
    _describe -t verbs verb verbs
}

"#;

const LOCALS: &str = "    local curcontext=$curcontext state state_descr line
    local -A opt_args
";

const INNER: &str = r#" && return
    [[ $state == inner ]] || return 1
    # NAME VERB … is completed as NAME-VERB …, where that has a completion.
    if (( $+_comps[@NAME@-$words[1]] )); then
        words[1]=@NAME@-$words[1]
        _normal
    else
        @ACTION@
    fi"#;

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
    let mark = |c: char| matches!(c, '\\' | '[' | ']' | ':').then_some('\\');
    text.chars().flat_map(|c| mark(c).into_iter().chain([c])).collect()
}
