//! Tests on the real agents: Claude Code and Codex in private tmux servers, with a loopback model.
//!
//! `cargo test --test real_agents` installs the verified versions below `target/agents` at its first
//! run; it needs npm and the network for that, and nothing but the loopback interface afterwards.

#[expect(dead_code, reason = "each test program uses its own part of it")]
#[path = "../util/mod.rs"]
mod util;

/// Makes a test of each scenario for each of the agents behind the colon, which `agents` has by role.
macro_rules! on_agents {
    ($scenario:ident, $($more:ident),+: $($agent:ident),+) => {
        on_agents!($scenario: $($agent),+);
        on_agents!($($more),+: $($agent),+);
    };
    ($scenario:ident: $($agent:ident),+) => {
        mod $scenario {
            $(
                #[test]
                fn $agent() {
                    super::$scenario(crate::agents::$agent());
                }
            )+
        }
    };
}

mod adopt;
mod agents;
mod ask;
mod attach;
mod beside;
mod commands;
mod crowd;
mod customs;
mod ends;
mod environment;
mod every_command;
mod far;
mod first_starts;
mod folders;
mod hazards;
mod hooks;
mod interrupt;
mod launchers;
mod library;
mod limit;
mod matrix;
mod model;
mod moves;
mod once;
mod original;
mod outside;
mod own_turns;
mod proxy;
mod questions;
mod quick_starts;
mod record;
mod revive;
mod run;
mod samples;
mod starts;
mod state_files;
mod tour;
mod truth;
mod turns;
