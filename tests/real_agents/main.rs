//! Tests on the real agents: Claude Code and Codex in private tmux servers, with a loopback model.
//!
//! `cargo test --test real_agents` installs the pinned versions below `target/agents` at its first
//! run; it needs npm and the network for that, and nothing but the loopback interface afterwards.

#[expect(dead_code, reason = "each test program uses its own part of it")]
#[path = "../util/mod.rs"]
mod util;

mod agents;
mod beside;
mod commands;
mod crowd;
mod customs;
mod ends;
mod far;
mod hazards;
mod interrupt;
mod library;
mod matrix;
mod model;
mod moves;
mod original;
mod proxy;
mod questions;
mod quick_starts;
mod record;
mod run;
mod samples;
mod starts;
mod state_files;
mod tour;
mod truth;
