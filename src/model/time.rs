//! Capture time: nanoseconds since the Unix epoch, UTC.

use std::fmt;
use std::time::Duration;

/// An instant of capture time in nanoseconds since 1970-01-01T00:00:00Z.
///
/// Range: years 1678 to 2261; anything outside saturates, so that a capture with absurd times is still read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const NANOS_PER_SECOND: i64 = 1_000_000_000;

impl Timestamp {
    /// The earliest instant that can be told.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest instant that can be told.
    pub const MAX: Self = Self(i64::MAX);

    /// From whole seconds and nanoseconds since the epoch.
    pub fn from_unix(seconds: i64, nanos: i64) -> Self {
        Self(
            seconds
                .saturating_mul(NANOS_PER_SECOND)
                .saturating_add(nanos),
        )
    }

    /// From nanoseconds since the epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch with their fraction, as metrics want them.
    pub fn as_seconds(self) -> f64 {
        // Dividing once keeps whole seconds exact in the output.
        self.0 as f64 / NANOS_PER_SECOND as f64
    }

    /// Whole minutes since the epoch, rounded down.
    pub const fn minute(self) -> i64 {
        self.0.div_euclid(60 * NANOS_PER_SECOND)
    }

    /// Whole hours since the epoch, rounded down.
    pub const fn hour(self) -> i64 {
        self.0.div_euclid(3600 * NANOS_PER_SECOND)
    }

    /// This instant moved back by `span`, saturating.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(span)))
    }

    /// This instant moved forward by `span`, saturating.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }

    /// Time since `earlier`; zero where that lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        let nanos = self.0.saturating_sub(earlier.0);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }

    /// Parses RFC 3339 with an offset, for example `2024-09-29T00:00:00-04:00`.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let instant: jiff::Timestamp = text.parse().ok()?;
        i64::try_from(instant.as_nanosecond()).ok().map(Self)
    }
}

fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

/// RFC 3339 in UTC with whole seconds: `2024-09-30T13:02:11Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(NANOS_PER_SECOND);
        match jiff::Timestamp::from_second(seconds) {
            Ok(instant) => write!(f, "{instant}"),
            // Unreachable within the range of i64 nanoseconds; printing beats panicking all the same.
            Err(_) => write!(f, "@{seconds}"),
        }
    }
}

/// RFC 3339 in UTC with microseconds, so that a machine can order events.
impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let micros = self.0.div_euclid(1_000);
        match jiff::Timestamp::from_microsecond(micros) {
            Ok(instant) => serializer.collect_str(&format_args!("{instant:.6}")),
            Err(_) => serializer.collect_str(self),
        }
    }
}

/// A closed interval of capture time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First instant.
    pub first: Timestamp,
    /// Last instant, not before the first.
    pub last: Timestamp,
}

impl Span {
    /// The interval that holds one instant.
    pub fn at(instant: Timestamp) -> Self {
        Self {
            first: instant,
            last: instant,
        }
    }

    /// Widens the interval to hold `instant`.
    pub fn cover(&mut self, instant: Timestamp) {
        self.first = self.first.min(instant);
        self.last = self.last.max(instant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_utc() {
        let cutoff = Timestamp::parse_rfc3339("2024-09-29T00:00:00-04:00").unwrap();
        assert_eq!(cutoff.to_string(), "2024-09-29T04:00:00Z");
        let later = cutoff.after(Duration::from_micros(1_500_000));
        assert_eq!(
            serde_json::to_string(&later).unwrap(),
            "\"2024-09-29T04:00:01.500000Z\""
        );
    }

    #[test]
    fn saturates_instead_of_wrapping() {
        let far = Timestamp::from_unix(i64::MAX, 5);
        assert_eq!(far.after(Duration::from_secs(1)), far);
        assert_eq!(
            Timestamp::MIN.before(Duration::from_secs(1)),
            Timestamp::MIN
        );
        assert!(!far.to_string().is_empty() && !Timestamp::MIN.to_string().is_empty());
    }

    #[test]
    fn since_the_future_is_zero() {
        let early = Timestamp::from_unix(10, 0);
        assert_eq!(
            early.since(early.after(Duration::from_secs(3))),
            Duration::ZERO
        );
    }
}
