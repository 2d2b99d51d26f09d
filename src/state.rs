//! The session files that all programs share.
