//! An agent's JSONL: from bytes to whole lines, a file followed while the agent writes it, and one
//! schema for the events in the lines of every agent.

pub(crate) mod condense;
pub(crate) mod event;
pub(crate) mod fast_json;
pub(crate) mod field;
pub(crate) mod follow;
pub(crate) mod ledger;
pub(crate) mod left;
pub(crate) mod lines;
pub(crate) mod long;
pub(crate) mod once;
pub(crate) mod origin;
pub(crate) mod start;
pub(crate) mod usage;
pub(crate) mod validate;
pub(crate) mod zst;
