//! An agent's JSONL.
