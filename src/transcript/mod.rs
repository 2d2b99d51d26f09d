//! An agent's JSONL.

pub mod ledger;
pub mod record;
