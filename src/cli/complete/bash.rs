//! For bash, 3.2 and later: macOS has no newer one.

use std::fmt::Write as _;

use super::{typed, valued};
use crate::{
    cli::{
        option::{Complete, OptDoc, ValueDoc},
        page::Page,
    },
    shell,
};

/// `completions/bash/NAME`.
#[must_use]
pub(crate) fn bash(page: &Page) -> String {
    let (name, f) = (page.tool.name, page.word());
    let mut text = format!("# Generated from the option table of {name}; do not edit.\n\n");
    text.push_str(&HELPERS.replace("FUNC", &f));
    _ = writeln!(text, "_{f}() {{");
    text.push_str(
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local i word before= skip=0 count=0 ended= first=0
    COMPREPLY=()
    # `--opt=value` is three words where COMP_WORDBREAKS has `=`, but one word to bash 3.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = && $COMP_CWORD -gt 2 ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == = ]]; then
            skip=1
        elif ((skip)); then
            skip=0
        elif [[ -n $ended ]]; then
            ((count++))
        else
            case $word in
",
    );
    let takes: Vec<String> = valued(page).flat_map(|(names, _)| names).collect();
    if !takes.is_empty() {
        _ = writeln!(text, "                {}) skip=1 ;;", takes.join("|"));
    }
    text.push_str(
        "                --) ended=1 ;;
                -?*) ;;
                *) ((count++ || (first = i))) ;;
            esac
        fi
    done
    if ((!skip)) && [[ -z $ended && $cur == --*=* ]]; then
        prev=${cur%%=*} skip=1
        [[ ${COMP_WORDBREAKS-} == *=* ]] || before=$prev=
        cur=${cur#*=}
    fi
",
    );
    if page.front {
        text.push_str(&FRONT.replace("NAME", name));
        operands(&mut text, page);
        text.push_str("        return 0\n    fi\n");
    }
    // A value is due only after an option that has not got it yet, and never after `--`.
    text.push_str("    if ((skip)) && [[ -z $ended ]]; then\n        case $prev in\n");
    for (names, opt) in valued(page) {
        let Some(value) = opt.value else { continue };
        _ = writeln!(text, "            {})", names.join("|"));
        offer(&mut text, 16, &f, value);
        text.push_str("                ;;\n");
    }
    text.push_str("        esac\n");
    _ = writeln!(text, "        _{f}_none");
    text.push_str("    elif [[ -z $ended && $cur == -* ]]; then\n");
    let negated = |opt: &OptDoc| opt.negated.map(|long| format!("--{long}"));
    let all: Vec<String> =
        page.opts.iter().flat_map(|opt| typed(opt).into_iter().chain(negated(opt))).collect();
    words(&mut text, 8, &f, all.iter().map(String::as_str));
    if let Some(rest) = page.tool.rest {
        text.push_str("    elif [[ -n $ended ]]; then\n");
        offer(&mut text, 8, &f, rest);
    }
    if !page.tool.verbs.is_empty() {
        text.push_str("    elif ((count == 0)); then\n");
        words(&mut text, 8, &f, page.tool.verbs.iter().map(|verb| verb.name));
    }
    text.push_str("    else\n");
    operands(&mut text, page);
    _ = write!(text, "    fi\n}}\ncomplete -o bashdefault -o default -F _{f} {name}\n");
    text
}

/// Candidates are compared and quoted one by one, never split. With no candidates bash itself
/// completes file names, quoting included, unless `none` says that there is nothing to complete;
/// bash before 4 cannot be told so. `before` is the caller's: what bash replaces but nobody typed anew.
const HELPERS: &str = r#"_FUNC_none() {
    compopt +o bashdefault +o default 2>/dev/null
    return 0
}

_FUNC_words() {
    local word
    for word in "${@:2}"; do
        [[ $word == "$1"* ]] && COMPREPLY[${#COMPREPLY[@]}]=$before$word
    done
    _FUNC_none
}

_FUNC_lines() {
    local line
    while IFS= read -r line; do
        if [[ -n $line && $line == "$1"* ]]; then
            printf -v line %q "$line"
            COMPREPLY[${#COMPREPLY[@]}]=$before$line
        fi
    done <<< "$2"
    _FUNC_none
}

"#;

/// Completes `NAME VERB …` as `NAME-VERB …`, where that has a completion; else as operands, for its
/// options are not known.
const FRONT: &str = r#"    if ((first)); then
        local inner=NAME-${COMP_WORDS[first]} func
        func=_${inner//-/_}
        if [[ $func =~ ^[A-Za-z0-9_]+$ ]]; then
            if ! declare -F "$func" >/dev/null; then
                if declare -F _comp_load >/dev/null; then
                    _comp_load "$inner" 2>/dev/null
                elif declare -F _completion_loader >/dev/null; then
                    _completion_loader "$inner" 2>/dev/null
                fi
            fi
            if declare -F "$func" >/dev/null; then
                COMP_WORDS=("$inner" "${COMP_WORDS[@]:first+1}")
                COMP_CWORD=$((COMP_CWORD - first))
                "$func"
                return 0
            fi
        fi
"#;

fn operands(text: &mut String, page: &Page) {
    match page.tool.operand {
        Some(value) => offer(text, 8, &page.word(), value),
        None => _ = writeln!(text, "        _{}_none", page.word()),
    }
}

fn offer(text: &mut String, by: usize, f: &str, value: ValueDoc) {
    _ = match value.complete {
        Complete::OneOf(list) => return words(text, by, f, list.iter().copied()),
        Complete::Nothing => writeln!(text, "{:by$}_{f}_none", ""),
        Complete::File => writeln!(text, "{:by$}return 0", ""),
        // Folders with a space are quoted by readline once it knows that these are file names;
        // where it cannot be told, all files are offered.
        Complete::Dir => writeln!(
            text,
            "{0:by$}type compopt >/dev/null 2>&1 || return 0\n\
             {0:by$}compopt -o filenames +o bashdefault +o default 2>/dev/null\n\
             {0:by$}while IFS= read -r word; do\n\
             {0:by$}    [[ -n $word ]] && COMPREPLY[${{#COMPREPLY[@]}}]=$before$word\n\
             {0:by$}done <<< \"$(compgen -d -- \"$cur\")\"\n\
             {0:by$}return 0",
            ""
        ),
        Complete::Command => {
            writeln!(text, "{:by$}_{f}_lines \"$cur\" \"$(compgen -c -- \"$cur\")\"", "")
        }
        Complete::Run(command) => {
            writeln!(text, "{:by$}_{f}_lines \"$cur\" \"$({command} 2>/dev/null)\"", "")
        }
    };
}

/// A call that offers these words, folded to lines of a readable width.
fn words<'a>(text: &mut String, by: usize, f: &str, words: impl Iterator<Item = &'a str>) {
    let mut line = format!("{:by$}_{f}_words \"$cur\"", "");
    for word in words {
        let word = shell::word(word);
        if line.len() + 1 + word.len() > 96 {
            _ = writeln!(text, "{line} \\");
            line = format!("{:by$}   ", "");
        }
        line.push(' ');
        line.push_str(&word);
    }
    _ = writeln!(text, "{line}");
}
