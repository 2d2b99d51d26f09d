//! An agent's JSONL: bytes to whole lines, a file followed while the agent writes it, and what the
//! lines say, whichever agent wrote them.

pub mod check;
pub mod compact;
pub mod follow;
pub mod ledger;
pub mod lines;
pub mod packed;
pub mod record;
pub mod start;
