//! What the map and the guide for contributors name is there: `path.rs: name`, by the end of its path.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// All files of Rust below `folder`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    entries.flat_map(below).filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

#[test]
fn what_the_map_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = [sources(&root.join("src")), sources(&root.join("tests"))].concat();
    let (mut count, mut wrong) = (0, Vec::new());
    for page in ["src/ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(root.join(page)).unwrap();
        for code in text.split('`').skip(1).step_by(2) {
            let Some((path, name)) = code.split_once(".rs: ") else { continue };
            let name = name.rsplit("::").next().unwrap();
            let path = format!("{path}.rs");
            let defines = |file: &PathBuf| {
                file.ends_with(&path) && {
                    let text = fs::read_to_string(file).unwrap();
                    ["fn", "struct", "enum", "const", "static", "type", "trait", "macro_rules!"]
                        .iter()
                        .any(|kind| text.contains(&format!("{kind} {name}")))
                }
            };
            count += 1;
            if !files.iter().any(defines) {
                wrong.push(format!("{page}: {code}"));
            }
        }
    }
    assert!(count > 30, "the map names {count} things");
    assert!(wrong.is_empty(), "not there:\n{}", wrong.join("\n"));
}
