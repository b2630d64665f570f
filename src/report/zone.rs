//! The time zone in which people ask and are answered.
//!
//! Zones come from the database inside the program, so that a report reads the same on every machine.

use std::fmt;
use std::str::FromStr;

use jiff::civil;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::model::Timestamp;

/// A time zone by its IANA name, or UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// An instant in RFC 3339 with whole seconds and the zone's offset then; `Z` in UTC.
    pub fn exact(&self, instant: Timestamp) -> String {
        self.format(instant, "%Y-%m-%dT%H:%M:%S%:z")
            .unwrap_or_else(|| instant.to_string())
    }

    /// An instant as people read it, with the zone's offset then: `2024-09-30 15:29:44 +02:00`.
    pub fn readable(&self, instant: Timestamp) -> String {
        match self.format(instant, "%Y-%m-%d %H:%M:%S %:z") {
            Some(text) => text,
            None => instant.to_string().replace('T', " ").replace('Z', " UTC"),
        }
    }

    /// `None` in UTC, which has a form of its own.
    fn format(&self, instant: Timestamp, format: &str) -> Option<String> {
        if *self == Self::UTC {
            return None;
        }
        let instant = jiff::Timestamp::from_nanosecond(instant.as_nanos().into()).ok()?;
        let zoned = instant.to_zoned_datetime(self.0.clone());
        Some(zoned.strftime(format).to_string())
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl FromStr for Zone {
    type Err = String;

    /// Upper and lower case are the same.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("utc") || text.eq_ignore_ascii_case("z") {
            return Ok(Self::UTC);
        }
        let zone = TimeZoneDatabase::bundled().get(text).map_err(|_| {
            "there is no such time zone; write an IANA name, for example America/New_York, or UTC"
                .to_owned()
        })?;
        Ok(Self(zone))
    }
}

/// An instant as people write it: with an offset, or a day or time of day in the zone of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It says its offset.
    Exact(Timestamp),
    /// It is the zone's to say when that is.
    Local(civil::DateTime),
}

impl Moment {
    /// The instant. A time of day that the zone's clocks skip is taken for the one as much later, one that they show
    /// twice for the first.
    pub fn instant(self, zone: &Zone) -> Timestamp {
        match self {
            Self::Exact(instant) => instant,
            Self::Local(time) => {
                let Ok(instant) = zone.0.to_timestamp(time) else {
                    // Only at the ends of jiff's years, far beyond those of a capture.
                    return Timestamp::MIN;
                };
                Timestamp::from_unix(instant.as_second(), i64::from(instant.subsec_nanosecond()))
            }
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(instant) = Timestamp::parse_rfc3339(text) {
            return Ok(Self::Exact(instant));
        }
        text.parse().map(Self::Local).map_err(|_| {
            "write a day (2026-11-01, midnight in --timezone), a time of day (2026-11-01T14:30) or an instant with its \
             offset (2026-11-01T14:30:00-05:00)"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_of_the_zone() {
        for (zone, text, utc) in [
            ("UTC", "2026-11-01", "2026-11-01T00:00:00Z"),
            ("utc", "2026-11-01T14:30", "2026-11-01T14:30:00Z"),
            ("America/New_York", "2026-11-01", "2026-11-01T04:00:00Z"),
            ("America/New_York", "2026-11-02", "2026-11-02T05:00:00Z"),
            ("europe/berlin", "2026-07-01 08:00", "2026-07-01T06:00:00Z"),
            (
                "Europe/Berlin",
                "2026-11-01T00:00:00-04:00",
                "2026-11-01T04:00:00Z",
            ),
            // Skipped by the clocks, and shown twice.
            ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:30:00Z"),
            ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z"),
        ] {
            let moment: Moment = text.parse().unwrap();
            let instant = moment.instant(&zone.parse().unwrap());
            assert_eq!(instant.to_string(), utc, "{text} in {zone}");
        }
    }

    #[test]
    fn times_show_their_offset() {
        let instant = Timestamp::parse_rfc3339("2024-09-29T04:00:00Z").unwrap();
        for (zone, exact, readable) in [
            ("UTC", "2024-09-29T04:00:00Z", "2024-09-29 04:00:00 UTC"),
            (
                "America/New_York",
                "2024-09-29T00:00:00-04:00",
                "2024-09-29 00:00:00 -04:00",
            ),
            (
                "Asia/Kathmandu",
                "2024-09-29T09:45:00+05:45",
                "2024-09-29 09:45:00 +05:45",
            ),
        ] {
            let zone: Zone = zone.parse().unwrap();
            assert_eq!(zone.exact(instant), exact);
            assert_eq!(zone.readable(instant), readable);
        }
        let zone: Zone = "Pacific/Kiritimati".parse().unwrap();
        for far in [Timestamp::MIN, Timestamp::from_nanos(i64::MAX)] {
            assert!(!zone.exact(far).is_empty() && !zone.readable(far).is_empty());
        }
    }

    #[test]
    fn what_is_no_time_and_no_zone_is_refused() {
        for text in ["yesterday", "2026-13-01", "2026-02-30", ""] {
            assert!(text.parse::<Moment>().is_err(), "{text:?}");
        }
        for text in ["Mars/Olympus", "+02:00", ""] {
            assert!(text.parse::<Zone>().is_err(), "{text:?}");
        }
    }
}
