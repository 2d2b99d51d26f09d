//! `aimax demo`: the whole loop on the practice agent, on a private tmux server.

use std::ffi::OsString;

use crate::{
    cli::output::Output,
    error::{Exit, Result},
};

/// Runs the demo.
pub(super) fn run(_rest: &[OsString], _out: &mut Output) -> Result<Exit> {
    Ok(Exit::Done)
}
