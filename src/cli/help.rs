//! `-h`, one screen of help, and `--help`, all of it. Both fit 79 columns.

use std::fmt::Write as _;

use super::{
    OptDoc, Page,
    status::{SIGNALS, statuses},
};

/// Names wider than this stand on a line of their own in `-h`: with 2 columns before and after
/// them, a phrase of 50 columns then ends at column 79.
const NAMES: usize = 25;

/// `-h`.
pub(crate) fn brief(page: &Page) -> String {
    let mut text = head(page);
    text.push('\n');
    verbs(&mut text, page);
    text.push_str("options:\n");
    rows(&mut text, page.opts.iter().map(|opt| (names(opt), opt.brief)));
    text
}

/// `--help`.
pub(crate) fn full(page: &Page) -> String {
    let tool = &page.tool;
    let mut text = head(page);
    text.push('\n');
    indent(&mut text, 0, tool.about);
    text.push('\n');
    verbs(&mut text, page);
    text.push_str("options:\n");
    for opt in &page.opts {
        indent(&mut text, 2, &names(opt));
        indent(&mut text, 6, opt.full);
    }
    text.push_str("\nexit status:\n");
    for (exit, phrases) in statuses(tool) {
        _ = writeln!(text, "  {:>3}  {}", exit as u8, phrases.join("\n       "));
    }
    indent(&mut text, 2, SIGNALS);
    if !tool.examples.is_empty() {
        text.push_str("\nexamples:\n");
    }
    for (command, words) in tool.examples {
        indent(&mut text, 2, command);
        indent(&mut text, 6, words);
    }
    if !tool.see_also.is_empty() {
        let pages: Vec<_> = see_also(page).iter().map(|(n, s)| format!("{n}({s})")).collect();
        text.push_str("\nsee also:\n");
        let mut line = String::new();
        for page in pages {
            if line.len() + 2 + page.len() > 72 {
                _ = writeln!(text, "  {line},");
                line.clear();
            }
            line.push_str(if line.is_empty() { "" } else { ", " });
            line.push_str(&page);
        }
        _ = writeln!(text, "  {line}");
    }
    text
}

/// Related pages in the order of man pages: by section, then by name.
pub(crate) fn see_also(page: &Page) -> Vec<(&'static str, u8)> {
    let mut pages = page.tool.see_also.to_vec();
    pages.sort_unstable_by_key(|&(name, section)| (section, name));
    pages
}

fn head(page: &Page) -> String {
    let tool = &page.tool;
    let forms = tool.synopsis.join("\n       ");
    format!("{}: {}\n\nusage: {forms}\n", tool.name, tool.tagline)
}

fn verbs(text: &mut String, page: &Page) {
    if page.tool.verbs.is_empty() {
        return;
    }
    text.push_str("verbs:\n");
    rows(text, page.tool.verbs.iter().map(|verb| (verb.name.to_owned(), verb.brief)));
    text.push('\n');
}

/// Two columns, the left one as wide as it needs to be.
fn rows(text: &mut String, rows: impl Iterator<Item = (String, &'static str)> + Clone) {
    let widths = rows.clone().map(|(name, _)| name.chars().count());
    let wide = widths.filter(|width| *width <= NAMES).max().unwrap_or(0);
    for (name, brief) in rows {
        if name.chars().count() > wide {
            _ = writeln!(text, "  {name}\n  {:wide$}  {brief}", "");
        } else {
            _ = writeln!(text, "  {name:wide$}  {brief}");
        }
    }
}

/// `-s, --session=NAME`. A negation is shown with its option.
fn names(opt: &OptDoc) -> String {
    let short = opt.short.map_or("    ".into(), |short| format!("-{short}, "));
    let value = opt.value.map(|value| format!("={}", value.name)).unwrap_or_default();
    let long = opt.long;
    match opt.negated {
        None => format!("{short}--{long}{value}"),
        Some(negated) if value.is_empty() && negated.strip_prefix("no-") == Some(long) => {
            format!("{short}--[no-]{long}")
        }
        Some(negated) => format!("{short}--{long}{value}, --{negated}"),
    }
}

fn indent(text: &mut String, by: usize, lines: &str) {
    for line in lines.trim_end().lines() {
        let by = if line.is_empty() { 0 } else { by };
        _ = writeln!(text, "{:by$}{line}", "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{
        fake::{Front, Job, Plain},
        page::page,
    };

    #[test]
    fn brief_help() {
        assert_eq!(
            brief(&page::<Plain>()),
            "\
fake-tail: print it's \"records\" [all of them]

usage: fake-tail [-f] [-s NAME]... [--agent=AGENT] [FILE...]
       fake-tail -t SPAN

options:
  -f, --[no-]follow   Wait for more: it's [not] a 'timer'
  -s, --session=NAME  The session
  -t, --timeout=SPAN, --forever
                      Give up after this long
  -C, --a-directory-to-go-to-first=DIR
                      Go there first
      --agent=AGENT   Whose transcript it is
      --exec=PROGRAM  Run this
      --file=FILE     Read this
  -h, --help          Show this help; `--help` shows more
  -V, --version       Show the version
"
        );
        assert!(brief(&page::<Job>()).contains("verbs:\n  set    Raise it: it's [up]\n  clear"));
    }

    #[test]
    fn full_help() {
        let text = full(&page::<Plain>());
        for part in [
            "\n\nPrints what FILE holds; see",
            "\n    cat FILE | fake-tail -\n",
            "\n  -s, --session=NAME\n      The session.\n\n      May be given again.\n",
            "\n    1  no: the job failed, the session is dead, or nothing matched\n       also if nothing",
            "\n  124  no more\n  A signal ends",
            "\nexamples:\n  fake-tail -f 'my file' | jq .\n      Follow a file",
            "\nsee also:\n  fake-job(1), tmux(1), inotify(7)\n",
        ] {
            assert!(text.contains(part), "{part}\n---\n{text}");
        }
        for text in [text, full(&page::<Job>()), full(&page::<Front>())] {
            assert!(text.lines().all(|line| line.chars().count() <= 79), "{text}");
            assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
        }
    }
}
