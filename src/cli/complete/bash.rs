//! For bash, 3.2 and later: macOS has no newer one.

use std::fmt::Write as _;

use super::{filled, skipping, typed, valued};
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
    let (tool, f) = (&page.tool, &*page.word());
    let none = ValueDoc { name: "", complete: Complete::Nothing };
    let operands = offer(f, 8, tool.operand.unwrap_or(none));
    let mut values = String::new();
    for (names, value) in valued(page) {
        _ = write!(values, "            {})\n{}", names.join("|"), offer(f, 16, value));
        values.push_str("                ;;\n");
    }
    let negated = |opt: &OptDoc| opt.negated.map(|long| format!("--{long}"));
    let options = page.opts.iter().flat_map(|opt| typed(opt).into_iter().chain(negated(opt)));
    let mut words = offer_words(f, 8, options);
    if let Some(rest) = tool.rest {
        _ = write!(words, "    elif [[ -n $ended ]]; then\n{}", offer(f, 8, rest));
    }
    if !tool.verbs.is_empty() {
        let verbs = offer_words(f, 8, tool.verbs.iter().map(|verb| verb.name));
        _ = write!(words, "    elif ((count == 0)); then\n{verbs}");
    }
    filled(
        SCRIPT,
        &[
            ("@FRONT@", if page.front { FRONT } else { "" }),
            ("@SKIPPING@", &skipping(page, "|", ["                ", ") skip=1 ;;\n"])),
            ("@VALUES@", &values),
            ("@WORDS@", &words),
            ("@OPERANDS@", &operands),
            ("@FUNC@", f),
            ("@NAME@", tool.name),
        ],
    )
}

/// Candidates are compared and quoted one by one, never split. With no candidates bash itself
/// completes file names, quoting included, unless `none` says that there is nothing to complete;
/// bash before 4 cannot be told so. `before` is what bash replaces although nobody typed it anew. A
/// value is due only after an option that has not got it yet, and never after `--`.
const SCRIPT: &str = r#"# Generated from the option table of @NAME@; do not edit.

_@FUNC@_none() {
    compopt +o bashdefault +o default 2>/dev/null
    return 0
}

_@FUNC@_words() {
    local word
    for word in "${@:2}"; do
        [[ $word == "$1"* ]] && COMPREPLY[${#COMPREPLY[@]}]=$before$word
    done
    _@FUNC@_none
}

_@FUNC@_lines() {
    local line
    while IFS= read -r line; do
        if [[ -n $line && $line == "$1"* ]]; then
            printf -v line %q "$line"
            COMPREPLY[${#COMPREPLY[@]}]=$before$line
        fi
    done <<< "$2"
    _@FUNC@_none
}

_@FUNC@() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
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
@SKIPPING@                --) ended=1 ;;
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
@FRONT@    if ((skip)) && [[ -z $ended ]]; then
        case $prev in
@VALUES@        esac
        _@FUNC@_none
    elif [[ -z $ended && $cur == -* ]]; then
@WORDS@    else
@OPERANDS@    fi
}
complete -o bashdefault -o default -F _@FUNC@ @NAME@
"#;

/// Completes `NAME VERB …` as `NAME-VERB …`, where that has a completion; else as operands, for its
/// options are not known.
const FRONT: &str = r#"    if ((first)); then
        local inner=@NAME@-${COMP_WORDS[first]} func
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
@OPERANDS@        return 0
    fi
"#;

/// The lines that offer what completes `value`, indented by `by`.
fn offer(f: &str, by: usize, value: ValueDoc) -> String {
    let lines = match value.complete {
        Complete::OneOf(list) => return offer_words(f, by, list.iter()),
        Complete::Nothing => &format!("_{f}_none"),
        Complete::File => "return 0",
        // Folders with a space are quoted by readline once it knows that these are file names;
        // where it cannot be told, all files are offered.
        Complete::Dir => {
            r#"type compopt >/dev/null 2>&1 || return 0
compopt -o filenames +o bashdefault +o default 2>/dev/null
while IFS= read -r word; do
    [[ -n $word ]] && COMPREPLY[${#COMPREPLY[@]}]=$before$word
done <<< "$(compgen -d -- "$cur")"
return 0"#
        }
        Complete::Command => &format!(r#"_{f}_lines "$cur" "$(compgen -c -- "$cur")""#),
        Complete::Run(command) => &format!(r#"_{f}_lines "$cur" "$({command} 2>/dev/null)""#),
    };
    lines.lines().map(|line| format!("{:by$}{line}\n", "")).collect()
}

/// A call that offers these words, folded to lines of a readable width.
fn offer_words(f: &str, by: usize, words: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut text = String::new();
    let mut line = format!("{:by$}_{f}_words \"$cur\"", "");
    for word in words {
        let word = shell::word(word.as_ref());
        if line.len() + 1 + word.len() > 96 {
            _ = writeln!(text, "{line} \\");
            line = format!("{:by$}   ", "");
        }
        line.push(' ');
        line.push_str(&word);
    }
    text + &line + "\n"
}
