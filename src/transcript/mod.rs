//! An agent's JSONL: bytes to whole lines, and a file followed while the agent writes it.

pub mod follow;
pub mod lines;
