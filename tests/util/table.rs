//! A table of what became of each prompt, for a person.

/// Prints one row per prompt and one column per `(name, cells)`, and panics when a cell fails.
pub(crate) fn print(rows: &[&str], columns: &[(String, Vec<String>)]) {
    let width = |cells: &mut dyn Iterator<Item = &str>| {
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let first = width(&mut rows.iter().copied());
    let widths: Vec<usize> = columns
        .iter()
        .map(|(name, cells)| width(&mut cells.iter().map(String::as_str).chain([name.as_str()])))
        .collect();
    let mut table = format!("{:first$}", "");
    for ((name, _), width) in columns.iter().zip(&widths) {
        table.push_str(&format!(" | {name:width$}"));
    }
    for (n, row) in rows.iter().enumerate() {
        table.push_str(&format!("\n{row:first$}"));
        for ((_, cells), width) in columns.iter().zip(&widths) {
            let cell = cells.get(n).map_or("", String::as_str);
            table.push_str(&format!(" | {cell:width$}"));
        }
    }
    println!("{table}");
    let failed = columns.iter().flat_map(|(_, cells)| cells).filter(|c| c.starts_with("FAIL"));
    assert_eq!(failed.count(), 0, "cells that fail");
}

/// Whether the named changes lead from `sent` to `got`.
///
/// # Panics
/// When a change has no known name.
pub(crate) fn leads(sent: &str, changes: &[String], got: &str) -> bool {
    use unicode_normalization::UnicodeNormalization;

    let (mut sent, mut got) = (sent.replace("\r\n", "\n"), got.to_owned());
    let (mut start, mut end) = (false, false);
    for change in changes {
        match change.as_str() {
            "tabs" => sent = sent.replace('\t', "    "),
            "nfc" => sent = sent.nfc().collect(),
            "leading_blanks" => start = true,
            "trailing_blanks" => end = true,
            "joined" => got = got.strip_suffix('\n').map_or(got.clone(), str::to_owned),
            "line_separators" => sent = sent.replace(['\u{2028}', '\u{2029}'], "\n"),
            "invisible" => {
                for text in [&mut sent, &mut got] {
                    text.retain(|c| !is_invisible(c));
                }
            }
            "outer_blanks" => (start, end) = (true, true),
            "pasted_content" => {
                got = got.replace("<\\/pasted_content", "</pasted_content");
                got = got.replace("<\\pasted_content", "<pasted_content");
            }
            other => panic!("an unknown change {other:?}"),
        }
    }
    let bare = |text: &str| {
        let text = if start { text.trim_start() } else { text };
        if end { text.trim_end().to_owned() } else { text.to_owned() }
    };
    bare(&sent) == bare(&got)
}

/// Characters without a shape of their own: Unicode's Default_Ignorable_Code_Point, as far as the
/// prompts have any.
fn is_invisible(c: char) -> bool {
    let more = ['\u{ad}', '\u{34f}', '\u{61c}', '\u{115f}', '\u{180e}', '\u{3164}', '\u{feff}'];
    let ranges = ['\u{200b}'..='\u{200f}', '\u{202a}'..='\u{202e}', '\u{2060}'..='\u{206f}'];
    let high = ['\u{fe00}'..='\u{fe0f}', '\u{e0000}'..='\u{e0fff}'];
    more.contains(&c) || ranges.iter().chain(&high).any(|range| range.contains(&c))
}
