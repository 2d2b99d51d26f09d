//! Tests on the real agents: Claude Code and Codex in private tmux servers, with a loopback model.
//!
//! `cargo test --test real_agents` installs the pinned versions below `target/agents` at its first
//! run; it needs npm and the network for that, and nothing but the loopback interface afterwards.

#[expect(dead_code, reason = "each test program uses its own part of it")]
#[path = "../util/mod.rs"]
mod util;

mod agents;
mod commands;
mod crowd;
mod hazards;
mod interrupt;
mod matrix;
mod model;
mod questions;
mod run;
mod starts;
mod tour;
mod truth;
