//! Flag files.
