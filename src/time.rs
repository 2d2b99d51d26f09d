//! The two clocks: epoch milliseconds for records, a monotonic deadline for waits.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01T00:00:00Z, as the `…At` and `…Ms` fields hold them.
pub fn now_ms() -> u64 {
    epoch_ms(SystemTime::now())
}

/// The same of any time.
pub fn epoch_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// How much is left of `span` after `since`, in epoch milliseconds; `None` when it has passed. A time that
/// is farther ahead than that was told before the clock was set back, and may be long ago.
pub(crate) fn left_of(since: u64, span: Duration) -> Option<Duration> {
    let now = now_ms();
    if Duration::from_millis(since.saturating_sub(now)) > span {
        return None;
    }
    let age = Duration::from_millis(now.saturating_sub(since));
    span.checked_sub(age).filter(|left| !left.is_zero())
}

/// `ms` as RFC 3339 in UTC with milliseconds: `2026-01-31T12:00:00.000Z`.
pub fn rfc3339(ms: u64) -> String {
    let stamp = jiff::Timestamp::from_millisecond(i64::try_from(ms).unwrap_or(i64::MAX))
        .unwrap_or(jiff::Timestamp::MAX);
    format!("{stamp:.3}")
}

/// The epoch milliseconds of an RFC 3339 time, or `None` when it is not one.
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let stamp: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(stamp.as_millisecond()).ok()
}

/// The moment by which an operation must be over, shared by all its waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// A wait without an end.
    pub(crate) const NEVER: Deadline = Deadline(None);

    /// `span` from now. A span too long for the clock is [`Deadline::NEVER`].
    pub(crate) fn after(span: Duration) -> Self {
        Deadline(Instant::now().checked_add(span))
    }

    /// The earlier of the two.
    pub(crate) fn min(self, other: Deadline) -> Self {
        match (self.0, other.0) {
            (Some(a), Some(b)) => Deadline(Some(a.min(b))),
            (a, b) => Deadline(a.or(b)),
        }
    }

    /// The time left: `None` without an end, zero once it has passed.
    pub(crate) fn left(self) -> Option<Duration> {
        self.0.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Whether it has passed.
    pub(crate) fn passed(self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_goes_both_ways() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_790_000_000_123), "2026-09-21T14:13:20.123Z");
        assert_eq!(parse_rfc3339("2026-09-21T14:13:20.123Z"), Some(1_790_000_000_123));
        assert_eq!(parse_rfc3339("yesterday"), None);
    }

    #[test]
    fn a_clock_that_was_set_back_lets_nobody_wait_until_it_has_caught_up() {
        let (now, span) = (now_ms(), Duration::from_secs(5));
        let left = left_of(now - 2000, span).unwrap();
        assert!(left <= Duration::from_secs(3) && left > Duration::from_secs(1), "{left:?}");
        assert_eq!(left_of(now - 5000, span), None);
        assert_eq!(left_of(now + 3_600_000, span), None);
        assert!(left_of(now + 1000, span).is_some(), "a clock that was corrected by a little");
    }

    #[test]
    fn the_earlier_deadline_wins() {
        let soon = Deadline::after(Duration::ZERO);
        assert!(soon.passed());
        assert!(soon.min(Deadline::NEVER).passed());
        assert!(Deadline::NEVER.min(soon).passed());
        assert!(!Deadline::NEVER.passed());
    }
}
