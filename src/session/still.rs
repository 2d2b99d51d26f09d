//! Since when something looks the same.

use std::time::{Duration, Instant};

use crate::time::Deadline;

/// What was looked at, and since when it looks the same.
pub(super) struct Still<T>(Option<(T, Instant)>);

impl<T> Default for Still<T> {
    fn default() -> Self {
        Still(None)
    }
}

impl<T: PartialEq> Still<T> {
    /// How long it has looked like `now`.
    pub(super) fn since(&mut self, now: T) -> Duration {
        match &self.0 {
            Some((last, since)) if *last == now => since.elapsed(),
            _ => {
                self.0 = Some((now, Instant::now()));
                Duration::ZERO
            }
        }
    }

    /// When it will have looked the same for `span`.
    pub(super) fn will_be(&self, span: Duration) -> Deadline {
        self.0.as_ref().map_or(Deadline::NEVER, |(_, since)| {
            Deadline::after(span.saturating_sub(since.elapsed()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_begins_to_rest_anew() {
        let mut still = Still::default();
        assert_eq!(still.since("a"), Duration::ZERO);
        std::thread::sleep(Duration::from_millis(2));
        assert!(still.since("a") >= Duration::from_millis(2));
        assert_eq!(still.since("b"), Duration::ZERO);
        assert_eq!(still.since("a"), Duration::ZERO);
    }
}
