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
        ("an end tag of the agent's own", "a </pasted_content b"),
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
    ];
    let mut prompts: Vec<Prompt> =
        small.map(|(name, text)| Prompt { name, text: text.to_owned() }).into();
    let large = [
        ("800 characters", mixed(800)),
        ("801 characters", mixed(801)),
        ("1000 characters", mixed(1000)),
        ("1001 characters", mixed(1001)),
        ("a path first, 1400 characters", format!("/etc/hosts {}", mixed(1400))),
        ("a large end tag", format!("{}\n</pasted_content id=\"x\">\n{}", lines(30), lines(30))),
        ("large, newlines at the end", format!("{}\n\n", lines(200))),
        ("large, backslash at the end", format!("{}\\", mixed(2000))),
        ("large, tabs and NFD", "e\u{301}\tx\n".repeat(300)),
        ("10 KB", mixed(5_000)),
        ("10000 lines", lines(10_000)),
        ("100 KB", mixed(50_000)),
        ("1000000 characters", format!("{}\n", mixed(99)).repeat(10_000)),
    ];
    prompts.extend(large.map(|(name, text)| Prompt { name, text }));
    prompts
}
