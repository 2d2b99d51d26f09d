//! Waits until the kernel says "look again".
