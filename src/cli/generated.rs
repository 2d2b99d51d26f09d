//! The files made from the tables. They are committed, and a test compares them.

use std::path::PathBuf;

use super::{
    Page,
    complete::{bash, fish, zsh},
    man::man,
};

/// Each file's place in the package, and its text.
pub fn generated(pages: &[Page]) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for page in pages {
        let name = page.tool.name;
        files.push((format!("man/{name}.1").into(), man(page)));
        files.push((format!("completions/bash/{name}").into(), bash(page)));
        files.push((format!("completions/zsh/_{name}").into(), zsh(page)));
        files.push((format!("completions/fish/{name}.fish").into(), fish(page)));
    }
    files
}
