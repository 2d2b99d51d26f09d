//! Tests of all programs on the practice agent.

mod generated;
mod practice;
mod profiles;
mod transcripts;
