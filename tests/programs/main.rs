//! Tests of all programs on the practice agent.

#[expect(dead_code, reason = "each test program uses its own part of it")]
#[path = "../util/mod.rs"]
mod util;

mod demo;
mod generated;
mod practice;
mod profiles;
mod tail;
mod transcripts;
