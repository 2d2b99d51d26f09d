//! Tests of all programs on the practice agent.

mod practice;
