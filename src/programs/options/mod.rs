//! Groups of options that several programs share.

pub(crate) mod launch;
pub(crate) mod output;
pub(crate) mod prompt;
pub(crate) mod target;
