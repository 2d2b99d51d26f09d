//! The same scenarios on the real agents.
