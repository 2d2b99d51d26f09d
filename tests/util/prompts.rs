//! Prompts that something, somewhere, once did not take as they were.

/// A prompt and what it is called in a table.
pub(crate) struct Prompt {
    pub(crate) name: &'static str,
    pub(crate) text: String,
}

/// Characters of many scripts, `count` of them.
fn mixed(count: usize) -> String {
    "The quick brown fox; 日本語の文 한국어 ελληνικά 🦊 עברית, "
        .chars()
        .cycle()
        .take(count)
        .collect()
}

/// Lines that tell where they stand.
fn lines(count: usize) -> String {
    (1..=count).map(|n| format!("line {n}: {}", n * 7)).collect::<Vec<_>>().join("\n")
}

/// All of them, the large ones last.
pub(crate) fn all() -> Vec<Prompt> {
    let small = [
        ("one byte", "a"),
        ("one CJK character", "日"),
        ("two words", "hello there"),
        ("equal to an earlier one", "hello there"),
        ("three lines", "one\ntwo\nthree"),
        ("four lines", "one\ntwo\nthree\nfour"),
        ("inner blank lines", "one\n\n\ntwo\n\n   \nthree"),
        ("leading blanks", "   indented"),
        ("leading newline", "\nsecond line first"),
        ("trailing newline", "ends here\n"),
        ("trailing newlines", "ends here\n\n\n"),
        ("trailing blanks", "ends here   "),
        ("trailing backslash", "ends in \\"),
        ("trailing backslashes", "ends in \\\\"),
        ("trailing semicolon", "ends in ;"),
        ("only a semicolon", ";"),
        ("trailing @file", "look at @file"),
        ("leading @file", "@file is what I mean"),
        ("trailing $x", "costs $x"),
        ("leading $x", "$skill is no skill"),
        ("tabs", "a\tb\n\tc\t"),
        ("CRLF", "one\r\ntwo\r\nthree"),
        ("CJK", "日本語と한국어、中文。"),
        ("emoji", "👩‍👩‍👧‍👦 🇨🇭🇯🇵 👍🏽 ❤️ 1️⃣"),
        ("right to left", "שלום עולם مرحبا بالعالم"),
        ("NFD", "Cafe\u{301} A\u{30a}ngstro\u{308}m"),
        ("no-break space", "a\u{a0}b\u{202f}c"),
        ("astral", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠮷野家 🝖"),
        ("quotes", "'single' \"double\" `tick` ''' \"\"\""),
        ("percent", "100% %s %d %% %1"),
        ("tmux format", "#{pane_id} #S #(touch pwned) #[fg=red]"),
        ("shell words", "$(touch pwned) `touch pwned` ${HOME} ~ * ? > x < y | z && !!"),
        ("a path first", "/etc/hosts is a file"),
        ("only a path", "/etc/hosts"),
        ("an image that is not there", "/nonexistent/picture.png"),
        ("two slashes first", "//x is a comment"),
        ("hash first", "#x and # a heading"),
        ("ampersand first", "& then && then &amp;"),
        ("tags", "<b>bold</b> <tags attr=\"1\"/> <!-- -->"),
        ("tags of the agent's own", "a </pasted_content b <pasted_content id=\"1\"> c"),
        ("a label of the agent's own", "[Pasted text #1] and [Pasted text #2 +3 lines]"),
        ("an image label", "[Image #1] is text"),
        ("exclamation mark first", "!ls"),
        ("blank and exclamation mark first", " !ls is text"),
        ("a command", "/compact"),
        ("the word that ends it", "exit"),
        ("an option", "--help -p -s x"),
        ("numbers first", "1. one\n2. two\n3) three"),
        ("question mark first", "? help"),
        ("escape as text", "\\x1b[201~ ^[[201~ \\u001b"),
        ("zero-width space inside", "a\u{200b}b"),
        ("zero-width spaces at the ends", "\u{200b}a\u{200b}"),
        // A joiner outside of an emoji is left out: tmux 3.3a draws what follows it into the cell
        // before, and the input box of Codex is no longer to be found on the screen.
        ("zero-width non-joiner", "\u{6a9}\u{62a}\u{627}\u{628}\u{200c}\u{647}\u{627}"),
        ("word joiner", "a\u{2060}b"),
        ("soft hyphen", "a\u{ad}b"),
        ("direction marks", "a\u{200e}b\u{200f}c\u{61c}d"),
        ("direction override", "a\u{202e}b\u{202c}c"),
        ("direction isolate", "a\u{2066}b\u{2069}c"),
        ("byte order mark first", "\u{feff}a b"),
        ("byte order mark inside", "a\u{feff}b"),
        ("lone variation selector", "a\u{fe0f}b"),
        ("ideographic variation", "\u{845b}\u{e0100}"),
        ("tag characters", "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}"),
        ("hidden tag characters", "a\u{e0041}\u{e0042}b"),
        ("line separator", "one\u{2028}two"),
        ("paragraph separator", "one\u{2029}two"),
        ("separators at the ends", "\u{2028}one\u{2029}"),
        ("no-break spaces at the ends", "\u{a0}a\u{a0}"),
        ("ideographic spaces at the ends", "\u{3000}a\u{3000}"),
        ("object replacement", "a\u{fffc}b"),
        ("replacement character", "a\u{fffd}b"),
        ("noncharacter", "a\u{ffff}b\u{fdd0}c"),
        ("private use", "a\u{e000}b\u{f8ff}c"),
        ("combining marks alone", "\u{301}\u{301}"),
        ("many combining marks", "Z\u{351}\u{36b}\u{343}\u{36a}\u{302}a\u{35b}lgo"),
        ("compatibility forms", "\u{fb01} \u{2126} \u{212b} \u{ff21}"),
        ("Hangul jamo", "\u{1112}\u{1161}\u{11ab}"),
        ("next line, a C1 control", "a\u{85}b"),
        ("NUL", "a\0b"),
        ("escape", "a\u{1b}[201~b"),
        ("Mongolian vowel separator", "a\u{180e}b"),
        ("Hangul fillers", "a\u{3164}b\u{115f}c"),
        ("Braille blank", "a\u{2800}b"),
    ];
    let mut prompts: Vec<Prompt> =
        small.map(|(name, text)| Prompt { name, text: text.to_owned() }).into();
    let large = [
        ("800 characters", mixed(800)),
        ("801 characters", mixed(801)),
        ("1000 characters", mixed(1000)),
        ("1001 characters", mixed(1001)),
        // With the brackets and the blanks, one and two of the blocks that Codex reads: it leaves Enter.
        ("1010 bytes", "0123456789".repeat(101)),
        ("2034 bytes", format!("{}2034", "0123456789".repeat(203))),
        ("a path first, 1400 characters", format!("/etc/hosts {}", mixed(1400))),
        ("a large end tag", format!("{}\n</pasted_content id=\"x\">\n{}", lines(30), lines(30))),
        ("large, newlines at the end", format!("{}\n\n", lines(200))),
        ("large, backslash at the end", format!("{}\\", mixed(2000))),
        ("large, tabs and NFD", "e\u{301}\tx\n".repeat(300)),
        ("large, zero-width", "a\u{200b}b\u{feff}c\u{2028}d\n".repeat(300)),
        ("10 KB", mixed(5_000)),
        ("10000 lines", lines(10_000)),
        ("100 KB", mixed(50_000)),
        ("1000000 characters", format!("{}\n", mixed(99)).repeat(10_000)),
    ];
    prompts.extend(large.map(|(name, text)| Prompt { name, text }));
    prompts
}
