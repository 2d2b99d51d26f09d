//! The option tables of all programs.

use super::pages;
use crate::cli::tests::{agree, check};

#[test]
fn tables_are_sound() {
    let pages = pages();
    let mut complaints: Vec<String> = pages.iter().flat_map(check).collect();
    complaints.extend(agree(&pages));
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
