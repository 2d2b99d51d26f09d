//! The tables of `tests/fixtures/README.md`: what was done for each name, and how each screen's row
//! is written and read.

use super::Shot;

/// What was done for each transcript, or for those that differ in nothing but the agent.
pub(super) const TRANSCRIPTS: &[(&[&str], &str)] = &[
    (&["plain"], "one prompt, one turn"),
    (&["collapsed-paste"], "a second prompt of twelve lines, which the box shows collapsed"),
    (
        &["queued-while-streaming"],
        "`SLOW:` and, while it streams, another prompt (Claude: Enter; Codex: Tab)",
    ),
    (
        &["steer-while-streaming"],
        "Codex: the same with Enter: 0.169.0 steers at once, 0.142.5 at the step's end",
    ),
    (&["queued-during-tool", "steer-during-tool"], "a prompt sent with Enter while a command runs"),
    (&["tool"], "`TOOL:echo made by $((40 + 2))`"),
    (&["interrupt"], "`tool`, then `SLOW:30000` interrupted while it streams"),
    (&["interrupt-tool"], "`interrupt`, then a running command interrupted with Escape"),
    (&["api-error"], "`ERROR:400`"),
    (
        &["api-retry"],
        "`ERROR:500x3 now` (Codex `x7`): the agent retries by itself and the turn ends well",
    ),
    (&["compact"], "one or two prompts, `/compact`, one more prompt"),
    (
        &["clear-before", "clear-after"],
        "`/clear` after `compact`, one more prompt: the old file and the new one",
    ),
    (&["permission-open", "approval-open"], "a tool call that waits for an answer"),
    (&["permission-denied", "approval-denied"], "the same after Escape"),
];

/// How each screen comes about.
pub(super) const SCREENS: &[(&str, &str)] = &[
    ("add-dir", "`--add-dir /tmp`"),
    ("api-error", "`ERROR:400`"),
    ("api-key", "`ANTHROPIC_API_KEY` set beside the token"),
    ("approval", "`ESCALATE:touch made-by-the-tool`"),
    ("bypass", "without `skipDangerousModePermissionPrompt`"),
    ("command-center", "Left on an empty box"),
    (
        "config-error",
        "Claude: `.claude.json` that is no JSON; Codex: `config.toml` that does not parse (ends)",
    ),
    ("draft", "` a draft that nobody sent ` pasted, no Enter"),
    ("draft-collapsed", "twelve lines pasted, no Enter"),
    (
        "dumb-terminal",
        "`env TERM=dumb codex` (tmux sets `TERM` itself, so `-e TERM=dumb` does nothing)",
    ),
    ("external-imports", "`CLAUDE.md` with `@../outside.md`"),
    ("false-ready", "the first frame with a `›`: looks ready and is not"),
    ("hooks-review", "one `[[hooks.Stop]]` in `config.toml`"),
    ("idle-after-turn", "after the first prompt's turn"),
    ("interrupted", "`SLOW:30000` interrupted (Escape; Codex 0.142.5: one C-c)"),
    ("login", "the default provider, no login"),
    ("mcp", "`.mcp.json` with one server, without `--dangerously-skip-permissions`"),
    ("model-migration", r#"`model = "gpt-5.5"` (0.142.5: `gpt-5.2`)"#),
    ("no-conversation", "`--resume` of an id that does not exist (ends)"),
    ("no-such-session", "`resume` of an id that does not exist (ends)"),
    ("not-logged-in", "no token in the settings, but a base URL (330 says nothing on the screen)"),
    ("onboarding", "no `.claude.json` (330: `hasCompletedOnboarding` false)"),
    ("open-elsewhere", "`codex resume ID` of a session that is open in another pane"),
    ("permission", "`TOOL:touch made-by-the-tool` with permissions asked"),
    ("question", "`ASK me`: the tool AskUserQuestion"),
    (
        "ready",
        "started in a trusted folder (Claude: `--dangerously-skip-permissions`; Codex: `--dangerously-bypass-approvals-and-sandbox`), at the sign of readiness",
    ),
    ("ready-ask", "Claude: `--permission-mode default`; Codex: `-a on-request`."),
    ("resume-picker", "`--resume not-a-uuid`"),
    ("retrying", "`ERROR:500x3` or `x7`, while the agent waits"),
    ("rewind", "two Escapes in an idle session with one turn"),
    ("root-refused", "as root with `IS_SANDBOX=0` (ends with 1)"),
    ("security-notes", "Enter on `onboarding`"),
    ("settings-error", "`--settings` with a file that is no JSON"),
    ("settings-warning", "`--settings` with a hook event that does not exist"),
    ("trust", "a folder never seen (Codex: `git init` in it)"),
    ("trust-home", "the same with `HOME` as the folder"),
    ("trust-preapproves", "the same with `.claude/settings.json` that allows `Bash(ls:*)`"),
    ("update", "`.codex/version.json` with `latest_version` 9.9.9 and `CODEX_MANAGED_BY_NPM=1`"),
    ("working", "`SLOW:6000 first`, while the text streams"),
    ("working-queued", "another prompt sent meanwhile (Claude: Enter; Codex: Tab)"),
    ("working-steer", "another prompt sent meanwhile with Enter"),
    ("working-tool", "`TOOL:` with a loop of 4 s, while it runs"),
];

/// The row of a screen in folder `of`.
pub(super) fn row(of: &str, name: &str, shot: &Shot) -> String {
    let how = SCREENS.iter().find(|(screen, _)| *screen == name).map_or("", |(_, how)| how);
    let (x, y) = shot.cursor;
    let (flag, alternate) = (u8::from(shot.flag), u8::from(shot.alternate));
    let title = shot.title.replace('|', "\\|");
    format!(
        "| `{of}/{name}` | {x},{y} | {flag} | {alternate} | {title} | {} | {how} |",
        shot.status
    )
}

/// The name of a screen in folder `of`, and of it the cursor's place and flag and the title, if the line
/// is such a row.
pub(super) fn read_row(of: &str, line: &str) -> Option<(String, Shot)> {
    let rest = line.strip_prefix(&format!("| `{of}/"))?;
    let (name, rest) = rest.split_once("` | ")?;
    let (place, rest) = rest.split_once(" | ")?;
    let (x, y) = place.split_once(',')?;
    let cursor = (x.parse().ok()?, y.parse().ok()?);
    let mut cells = rest.split(" | ");
    let (flag, title) = (cells.next()? == "1", cells.nth(1)?.replace("\\|", "|"));
    Some((name.to_owned(), Shot { cursor, flag, title, ..Shot::default() }))
}

/// The text of the README with these rows in place of those of folder `of`, and all in order.
pub(super) fn with_rows(readme: &str, of: &str, rows: Vec<String>) -> String {
    let label = |line: &str| line.split('`').nth(1).unwrap_or_default().to_owned();
    let is_row = |line: &str| line.starts_with("| `") && label(line).contains('/');
    let lines: Vec<&str> = readme.lines().collect();
    let first = lines.iter().position(|line| is_row(line)).expect("the table of screens");
    let (old, rest): (Vec<&str>, Vec<&str>) = lines[first..].iter().partition(|line| is_row(line));
    let others = old.into_iter().filter(|line| !label(line).starts_with(&format!("{of}/")));
    let mut table: Vec<String> = others.map(str::to_owned).chain(rows).collect();
    table.sort_by_key(|line| label(line));
    let before = lines[..first].iter().map(|line| (*line).to_owned());
    let after = rest.into_iter().map(str::to_owned);
    before.chain(table).chain(after).map(|line| line + "\n").collect()
}

/// The README's tables say what is done here, of everything that is recorded and of nothing else.
#[test]
fn the_readme_tells_how_each_came_about() {
    let readme = std::fs::read_to_string(super::root().join("README.md")).expect("the README");
    let (transcripts, screens) = readme.split_once("## Screens").expect("two tables");
    for (names, what) in TRANSCRIPTS {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let row = format!("| {} | {what} |\n", names.join(", "));
        assert!(transcripts.contains(&row), "{row}");
    }
    for line in screens.lines().filter(|line| line.starts_with("| `")) {
        let (label, how) = (line.split('`').nth(1), line.rsplit(" | ").next());
        let name = label.and_then(|label| label.rsplit('/').next()).expect("a label");
        let (_, here) = SCREENS.iter().find(|(screen, _)| *screen == name).expect(name);
        assert_eq!(how, Some(format!("{here} |").as_str()), "{name}");
    }
    let transcripts = TRANSCRIPTS.iter().flat_map(|(names, _)| names.iter().copied());
    let mut told: Vec<&str> = transcripts.chain(SCREENS.iter().map(|(name, _)| *name)).collect();
    let mut made: Vec<&str> =
        super::scenes::SCENES.iter().flat_map(super::scenes::Scene::names).collect();
    for names in [&mut told, &mut made] {
        names.sort_unstable();
        names.dedup();
    }
    assert_eq!(told, made);
}

#[test]
fn rows_are_put_in_order() {
    let shot = Shot { title: "a | b".to_owned(), cursor: (2, 3), ..Shot::default() };
    let new = row("x/2", "draft", &shot);
    assert_eq!(
        new.split(" | ").take(6).collect::<Vec<_>>().join(" | "),
        "| `x/2/draft` | 2,3 | 0 | 0 | a \\| b | "
    );
    assert_eq!(read_row("x/2", &new), Some(("draft".to_owned(), shot)));
    let shown = row("x/2", "draft", &Shot { flag: true, ..Shot::default() });
    assert!(read_row("x/2", &shown).is_some_and(|(_, shot)| shot.flag));
    let old = "head\n| `plain` | one |\n| `x/1/a` | 1 |\n| `x/2/b` | 1 |\n| `x/3/a` | 1 |\ntail\n";
    let expected =
        format!("head\n| `plain` | one |\n| `x/1/a` | 1 |\n{new}\n| `x/3/a` | 1 |\ntail\n");
    assert_eq!(with_rows(old, "x/2", vec![new]), expected);
}
