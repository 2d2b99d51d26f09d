//! An agent's JSONL: bytes to whole lines, a file followed while the agent writes it, and what the
//! lines say, whichever agent wrote them.

pub(crate) mod event;
pub(crate) mod fast_json;
pub(crate) mod follow;
pub(crate) mod ledger;
pub(crate) mod lines;
pub(crate) mod start;
pub(crate) mod validate;
pub(crate) mod zst;
