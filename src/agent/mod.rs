//! What differs between agents.

pub mod practice;
