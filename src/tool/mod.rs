//! What each program does.

use crate::cli::Page;

/// The pages of all programs.
#[must_use]
pub fn pages() -> Vec<Page> {
    Vec::new()
}
