//! A page in mdoc(7), clean under `mandoc -T lint`.
//!
//! Plain text becomes roff by an exact escape of each character, so nothing in a table can be taken
//! for a request or a macro. Only the page's frame is made of macros.

use std::fmt::Write as _;

use super::{
    OptDoc, Page,
    help::see_also,
    status::{SIGNALS, statuses},
};

/// The date of the release. Pages show it in place of the day on which they were generated.
pub(crate) const RELEASED: &str = "November 22, 2026";

/// Where the variables and files of all programs are listed.
const ELSEWHERE: &str = "\
.Sh ENVIRONMENT
.Xr aimax 1
lists the variables of all programs, and
.Xr aimax 7
their files.
";

/// The page, section 1.
pub(crate) fn man(page: &Page) -> String {
    let tool = &page.tool;
    let mut text = format!(
        ".\\\" Generated from the option table of {name}; do not edit.\n\
         .Dd {RELEASED}\n.Dt {title} 1\n.Os\n\
         .Sh NAME\n.Nm {name}\n.Nd {tagline}\n.Sh SYNOPSIS\n",
        name = tool.name,
        title = tool.name.to_uppercase(),
        tagline = escaped(tool.tagline),
    );
    for form in tool.synopsis {
        synopsis(&mut text, page, form);
    }
    text.push_str(".Sh DESCRIPTION\n");
    prose(&mut text, tool.about);
    let verbs = tool.verbs.iter().map(|verb| {
        let name = format!("Cm {}", escaped(verb.name));
        (name, format!("{}.", verb.brief))
    });
    list(&mut text, ".Pp\nThe verbs are:\n", verbs);
    let options = page.opts.iter().map(|opt| (names(opt), opt.full.to_owned()));
    list(&mut text, ".Pp\nThe options are:\n", options);
    let variables = page.environment.iter().map(|(names, about)| (escaped(names), about.clone()));
    list(&mut text, ".Sh ENVIRONMENT\n", variables);
    if page.environment.is_empty() {
        text.push_str(ELSEWHERE);
    }
    let statuses = statuses(tool).map(|(exit, phrases)| {
        let sentences: Vec<String> = phrases.into_iter().map(sentence).collect();
        ((exit as u8).to_string(), sentences.join(" "))
    });
    list(&mut text, ".Sh EXIT STATUS\n", statuses);
    text.push_str(".Pp\n");
    prose(&mut text, SIGNALS);
    if !tool.examples.is_empty() {
        text.push_str(".Sh EXAMPLES\n");
    }
    for (i, (command, words)) in tool.examples.iter().enumerate() {
        text.push_str(if i == 0 { "" } else { ".Pp\n" });
        prose(&mut text, words);
        literal(&mut text, &[command]);
    }
    let pages = see_also(page);
    if let Some(last) = pages.len().checked_sub(1) {
        text.push_str(".Sh SEE ALSO\n");
        for (i, (name, section)) in pages.into_iter().enumerate() {
            _ = writeln!(text, ".Xr {name} {section}{}", if i < last { " ," } else { "" });
        }
    }
    text
}

/// Tagged paragraphs below `head`; nothing where there are none.
fn list(text: &mut String, head: &str, items: impl Iterator<Item = (String, String)>) {
    let mut items = items.peekable();
    if items.peek().is_none() {
        return;
    }
    text.push_str(head);
    text.push_str(".Bl -tag -width Ds\n");
    for (tag, about) in items {
        _ = writeln!(text, ".It {tag}");
        prose(text, &about);
    }
    text.push_str(".El\n");
}

/// The spellings of an option, as macros.
fn names(opt: &OptDoc) -> String {
    let flag = |name: String| format!("Fl {}", escaped(&name));
    let mut long = flag(format!("-{}", opt.long));
    if let Some(value) = opt.value {
        _ = write!(long, " Ns = Ns Ar {}", escaped(value.name));
    }
    let short = opt.short.map(|short| flag(short.into()));
    let negated = opt.negated.map(|negated| flag(format!("-{negated}")));
    [short, Some(long), negated].into_iter().flatten().collect::<Vec<_>>().join(" , ")
}

/// One form of the command line: a macro for each of its words.
fn synopsis(text: &mut String, page: &Page, form: &str) {
    // A verb is called as `aimax VERB`, not by the name of its page.
    let name = form.split_whitespace().next().filter(|name| *name != page.tool.name);
    _ = writeln!(text, ".Nm{}", name.map(|name| format!(" {name}")).unwrap_or_default());
    for word in form.split_whitespace().skip(1) {
        let inner = word.trim_start_matches('[');
        for _ in inner.len()..word.len() {
            text.push_str(".Oo\n");
        }
        // `]...` closes and repeats; `NAME...` only repeats.
        let (inner, closing) = inner.split_at(inner.find(']').unwrap_or(inner.len()));
        synopsis_word(text, inner);
        for part in closing.strip_prefix(']').into_iter().flat_map(|tail| tail.split(']')) {
            text.push_str(".Oc");
            if !part.is_empty() {
                _ = write!(text, " Ns {}", escaped(part));
            }
            text.push('\n');
        }
    }
}

fn synopsis_word(text: &mut String, word: &str) {
    let (stem, dots) = match word.strip_suffix("...") {
        Some(stem) => (stem, " ..."),
        None => (word, ""),
    };
    let name = |s: &str| {
        s.starts_with(|c: char| c.is_ascii_uppercase())
            && s.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-')
    };
    if let Some(option) = stem.strip_prefix('-').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some((option, value)) => {
                _ = writeln!(text, ".Fl {} Ns = Ns Ar {}{dots}", escaped(option), escaped(value));
            }
            None => _ = writeln!(text, ".Fl {}{dots}", escaped(option)),
        }
    } else if name(stem) {
        _ = writeln!(text, ".Ar {}{dots}", escaped(stem));
    } else if !stem.is_empty() && stem.chars().all(|c| c.is_ascii_lowercase() || c == '-') {
        _ = writeln!(text, ".Cm {}{dots}", escaped(stem));
    } else if !word.is_empty() {
        line(text, &escaped(word));
    }
}

/// Paragraphs. Lines indented by four spaces are a table, if each has two columns, and else stay as
/// they are; others are filled, each sentence on a line of its own, as mdoc wants it.
fn prose(text: &mut String, plain: &str) {
    let lines: Vec<&str> = plain.trim().lines().map(str::trim_end).collect();
    let mut filled = false;
    for block in lines.split(|line| line.is_empty()).filter(|block| !block.is_empty()) {
        for (i, block) in block.chunk_by(|a, b| indented(a) == indented(b)).enumerate() {
            if indented(block[0]) {
                let block: Vec<&str> = block.iter().map(|line| &line[4..]).collect();
                match rows(&block) {
                    Some(rows) => {
                        text.push_str(if i == 0 { ".Pp\n" } else { "" });
                        table(text, &rows);
                    }
                    None => literal(text, &block),
                }
            } else {
                text.push_str(if filled && i == 0 { ".Pp\n" } else { "" });
                fill(text, &block.join(" "));
            }
            filled = true;
        }
    }
}

fn indented(line: &str) -> bool {
    line.starts_with("    ")
}

/// The two columns of a table's rows, with at least two blanks between them. A line without a first
/// column continues the row above it.
fn rows<'a>(lines: &[&'a str]) -> Option<Vec<(&'a str, String)>> {
    let mut rows: Vec<(&str, String)> = Vec::new();
    for line in lines {
        let (tag, words) = line.split_once("  ")?;
        match rows.last_mut() {
            Some((_, above)) if tag.is_empty() => *above = format!("{above} {}", words.trim()),
            _ if tag.is_empty() => return None,
            _ => rows.push((tag, words.trim().to_owned())),
        }
    }
    Some(rows)
}

fn table(text: &mut String, rows: &[(&str, String)]) {
    let widest = rows.iter().map(|(tag, _)| *tag).max_by_key(|tag| tag.chars().count());
    let widest = escaped(widest.unwrap_or_default());
    _ = writeln!(text, ".Bl -tag -width \"{widest}\" -offset indent -compact");
    for (tag, words) in rows {
        _ = writeln!(text, ".It No {}", tag.split(' ').map(argument).collect::<Vec<_>>().join(" "));
        fill(text, words);
    }
    text.push_str(".El\n");
}

/// A word in a macro's line, which must not be taken for another macro.
fn argument(word: &str) -> String {
    format!("\\&{}", escaped(&word.replace('`', "")))
}

fn literal(text: &mut String, lines: &[&str]) {
    text.push_str(".Bd -literal -offset indent\n");
    for plain in lines {
        line(text, &escaped(plain));
    }
    text.push_str(".Ed\n");
}

fn fill(text: &mut String, plain: &str) {
    let mut code = false;
    let mut sentence = String::new();
    let mut chars = plain.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '`' {
            sentence.push_str(if code { "\\fR" } else { "\\fB" });
            code = !code;
        } else {
            escape(&mut sentence, c);
        }
        if !code && matches!(c, '.' | '?' | '!') && chars.next_if_eq(&' ').is_some() {
            line(text, &sentence);
            sentence.clear();
        }
    }
    line(text, &sentence);
}

/// Writes an escaped line, which roff must not take for a request.
fn line(text: &mut String, escaped: &str) {
    if escaped.starts_with('.') {
        text.push_str("\\&");
    }
    text.push_str(escaped.trim());
    text.push('\n');
}

fn escaped(plain: &str) -> String {
    let mut text = String::new();
    plain.chars().for_each(|c| escape(&mut text, c));
    text
}

/// Writes what roff shows as exactly this character, in text and in a macro's argument.
fn escape(text: &mut String, c: char) {
    match c {
        '\\' => text.push_str("\\e"),
        '-' => text.push_str("\\-"),
        '\'' => text.push_str("\\(aq"),
        '"' => text.push_str("\\(dq"),
        '`' => text.push_str("\\(ga"),
        '^' => text.push_str("\\(ha"),
        '~' => text.push_str("\\(ti"),
        c if c.is_ascii() => text.push(c),
        c => _ = write!(text, "\\[u{:04X}]", u32::from(c)),
    }
}

/// A phrase as a sentence.
fn sentence(phrase: &str) -> String {
    let mut chars = phrase.trim_end().trim_end_matches('.').chars();
    chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };

    use super::*;
    use crate::cli::{
        fake::{Front, Job, Plain},
        page::page,
    };

    /// What `mandoc` makes of `page`, or nothing where it is not installed.
    fn mandoc(args: &[&str], page: &str) -> Option<String> {
        let mut child = Command::new("mandoc")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        child.stdin.take()?.write_all(page.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8(output.stdout).unwrap())
    }

    #[test]
    fn pages_are_clean() {
        for page in [page::<Plain>(), page::<Job>(), page::<Front>()] {
            let text = man(&page);
            let complaints = mandoc(&["-T", "lint", "-W", "warning"], &text);
            assert_eq!(complaints.unwrap_or_default(), "", "{text}");
        }
    }

    #[test]
    fn every_character_survives() {
        let Some(text) = mandoc(&["-T", "utf8", "-O", "width=79"], &man(&page::<Plain>())) else {
            return;
        };
        // Bold and underline are overstruck: what a backspace follows is dropped.
        let mut plain = String::new();
        for c in text.chars() {
            if c == '\u{8}' {
                plain.pop();
            } else {
                plain.push(c);
            }
        }
        for part in [
            "fake-tail – print it's \"records\" [all of them]",
            "fake-tail [-f] [-s NAME]... [--agent=AGENT] [FILE ...]",
            "Prints what FILE holds; see --follow and C:\\dir.  'Quotes' come first",
            "here.  .dots too: a^b~c → d.",
            "      cat FILE | fake-tail -\n",
            "      .literal \\n\n",
            "-f, --follow, --no-follow\n",
            "-t, --timeout=SPAN, --forever\n",
            "fake-tail -f 'my file' | jq .\n",
            "fake-tail --no-follow No Ar Fl\n",
            "     1       No: the job failed, the session is dead, or nothing matched.  Also",
            "     124     No more.\n",
            "fake-job(1), tmux(1), inotify(7)",
        ] {
            assert!(plain.contains(part), "{part}\n---\n{plain}");
        }
    }

    #[test]
    fn forms_become_macros() {
        let mut text = String::new();
        let form = "fake-job set [-s NAME]... [[-x] --long=A|-b] {a|b} [FILE...] [-- W...]";
        synopsis(&mut text, &page::<Job>(), form);
        assert_eq!(
            text,
            ".Nm\n.Cm set\n.Oo\n.Fl s\n.Ar NAME\n.Oc Ns ...\n.Oo\n.Oo\n.Fl x\n.Oc\n\
             .Fl \\-long Ns = Ns Ar A|\\-b\n.Oc\n{a|b}\n.Oo\n.Ar FILE ...\n.Oc\n\
             .Oo\n.Fl \\-\n.Ar W ...\n.Oc\n"
        );
    }
}
