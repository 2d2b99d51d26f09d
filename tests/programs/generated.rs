//! The committed files made from the option tables of all programs.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use aimax::internal::{generated, programs::pages};

/// The folders that hold nothing but generated files.
const OWN: [&str; 3] = ["completions/bash", "completions/zsh", "completions/fish"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn committed_files_are_current() {
    let bless = std::env::var_os("AIMAX_BLESS").is_some_and(|value| value == "1");
    let files = generated(&pages());
    let mut stale = Vec::new();
    for (path, text) in &files {
        let path = root().join(path);
        if fs::read_to_string(&path).is_ok_and(|committed| committed == *text) {
            continue;
        }
        if bless {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        } else {
            stale.push(path);
        }
    }
    let made: BTreeSet<PathBuf> = files.iter().map(|(path, _)| root().join(path)).collect();
    let entries = OWN.iter().filter_map(|dir| fs::read_dir(root().join(dir)).ok()).flatten();
    for path in entries.map(|entry| entry.unwrap().path()).filter(|path| !made.contains(path)) {
        if bless {
            fs::remove_file(path).unwrap();
        } else {
            stale.push(path);
        }
    }
    assert!(stale.is_empty(), "not current; AIMAX_BLESS=1 rewrites them: {stale:#?}");
}

#[test]
fn pages_and_completions_are_clean() {
    for (path, text) in generated(&pages()) {
        let checker: &[&str] = match path.iter().nth_back(1).and_then(|dir| dir.to_str()) {
            Some("man") => &["mandoc", "-T", "lint", "-W", "warning"],
            Some("bash") => &["bash", "-n"],
            Some("zsh") => &["zsh", "-n"],
            Some("fish") => &["fish", "-n"],
            other => panic!("{other:?}"),
        };
        let file = std::env::temp_dir().join(format!("aimax-clean-{}", std::process::id()));
        fs::write(&file, text).unwrap();
        let output =
            Command::new(checker[0]).args(&checker[1..]).arg(&file).stdin(Stdio::null()).output();
        fs::remove_file(&file).unwrap();
        // A checker that is not installed has nothing to say.
        let Ok(output) = output else { continue };
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.success() && said.is_empty(), "{}: {said}", path.display());
    }
}

/// A page as `mandoc` or man-db shows it on a terminal; nothing where that is not installed.
fn rendered(page: &Path, by: &[&str]) -> Option<String> {
    let mut viewer = Command::new(by[0]);
    viewer.args(&by[1..]).arg(page).env("MANWIDTH", "79").env("MANPAGER", "cat");
    let output = match viewer.stdin(Stdio::null()).output() {
        Err(_) if std::env::var_os("CI").is_none() => return None,
        output => output.expect("the viewer"),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{by:?} {}: {said}", page.display());
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn both_viewers_show_tables_as_tables() {
    let man_db = ["man", "--warnings", "-E", "ascii", "-l"];
    for by in [&["mandoc", "-T", "ascii", "-O", "width=79"][..], &man_db] {
        for page in fs::read_dir(root().join("man")).unwrap().map(|file| file.unwrap().path()) {
            if page.extension().is_some_and(|section| section == "1" || section == "7") {
                rendered(&page, by);
            }
        }
        for (page, row) in [
            ("aimax-flag.1", "Escape in the window     failed, \"interrupted\" (Codex: look)\n"),
            ("aimax-ls.1", "idle      it is waiting for a prompt\n"),
            ("aimax-paste.1", "altered              recorded, but with different text\n"),
            ("aimax.7", "2         no                       yes, once corrected\n"),
        ] {
            if let Some(text) = rendered(&root().join("man").join(page), by) {
                assert!(text.contains(row), "{by:?} {page}: {text}");
            }
        }
    }
}
