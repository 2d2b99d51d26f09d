//! Placeholder until the front is written.
fn main() {}
