//! What differs between agents.
