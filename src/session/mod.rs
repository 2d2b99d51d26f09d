//! One session as a whole.
