//! What all integration tests share: a clean home, a private tmux server, a loopback model.
//!
//! Nothing in here leaves the machine, and nothing in here touches the caller's own files, tmux
//! server or agents.

pub(crate) mod events;
pub(crate) mod home;
pub(crate) mod image;
pub(crate) mod meddler;
pub(crate) mod model;
pub(crate) mod processes;
pub(crate) mod prompts;
pub(crate) mod proxy;
pub(crate) mod schema;
pub(crate) mod table;
pub(crate) mod tmux;
pub(crate) mod truth;
pub(crate) mod versions;
pub(crate) mod wait;
pub(crate) mod witness;
