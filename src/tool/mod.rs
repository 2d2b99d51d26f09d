//! What each program does.

pub mod tail;
