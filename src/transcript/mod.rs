//! An agent's JSONL: bytes to whole lines, a file followed while the agent writes it, and what the
//! lines say, whichever agent wrote them.

pub mod event;
pub mod fast_json;
pub mod follow;
pub mod ledger;
pub mod lines;
pub mod start;
pub mod validate;
pub mod zst;
