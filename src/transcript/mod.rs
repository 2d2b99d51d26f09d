//! An agent's JSONL: bytes to whole lines, and a file followed while the agent writes it.

pub mod check;
pub mod follow;
pub mod lines;
