//! The header in front of an event.

use crate::events::{Facility, Message, SyslogFormat};
use crate::model::Timestamp;

/// Longest HOSTNAME (RFC 5424, section 6).
const MAX_HOSTNAME: usize = 255;

/// Who sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Name of the sensor: the HOSTNAME.
    pub sensor: String,
    /// Process id: the PROCID.
    pub process: u32,
}

/// Writes messages.
pub(super) struct Formatter {
    facility: u8,
    format: SyslogFormat,
    hostname: String,
    process: u32,
}

impl Formatter {
    pub(super) fn new(origin: Origin, facility: Facility, format: SyslogFormat) -> Self {
        // PRINTUSASCII without spaces; nothing left is "-".
        let hostname: String = origin
            .sensor
            .chars()
            .filter(char::is_ascii_graphic)
            .take(MAX_HOSTNAME)
            .collect();
        Self {
            facility: facility.code(),
            format,
            hostname: if hostname.is_empty() {
                "-".to_owned()
            } else {
                hostname
            },
            process: origin.process,
        }
    }

    pub(super) fn format(&self, message: &Message) -> String {
        let priority = self.facility * 8 + message.severity;
        let (process, line) = (self.process, &message.line);
        match self.format {
            SyslogFormat::Rfc5424 => format!(
                "<{priority}>1 {} {} straggler {process} {} - {line}",
                rfc3339(message.time),
                self.hostname,
                message.action,
            ),
            SyslogFormat::Bsd => format!(
                "<{priority}>{} straggler[{process}]: {line}",
                bsd(message.time)
            ),
        }
    }
}

/// With the six digits of a second that RFC 5424, section 6.2.3, allows; "-" for what cannot be told.
fn rfc3339(time: Timestamp) -> String {
    instant(time).map_or("-".to_owned(), |instant| format!("{instant:.6}"))
}

/// RFC 3164, section 4.1.2. In UTC; local daemons take the time of receipt.
fn bsd(time: Timestamp) -> String {
    instant(time).map_or("Jan  1 00:00:00".to_owned(), |instant| {
        instant.strftime("%b %e %H:%M:%S").to_string()
    })
}

fn instant(time: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_nanosecond(i128::from(time.as_nanos())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EventAction;

    fn message() -> Message {
        Message {
            line: "{}".into(),
            time: Timestamp::from_unix(1_730_808_003, 250_000_000),
            action: EventAction::StragglerNew,
            severity: 4,
        }
    }

    fn formatted(sensor: &str, format: SyslogFormat) -> String {
        let origin = Origin {
            sensor: sensor.to_owned(),
            process: 77,
        };
        Formatter::new(origin, Facility::Local4, format).format(&message())
    }

    #[test]
    fn headers() {
        assert_eq!(
            formatted("gw-1", SyslogFormat::Rfc5424),
            "<164>1 2024-11-05T12:00:03.250000Z gw-1 straggler 77 straggler_new - {}"
        );
        assert_eq!(
            formatted("gw-1", SyslogFormat::Bsd),
            "<164>Nov  5 12:00:03 straggler[77]: {}"
        );
    }

    #[test]
    fn a_name_cannot_break_the_header() {
        assert!(formatted("büro 3\n", SyslogFormat::Rfc5424).contains("Z bro3 straggler "));
        assert!(formatted(" \u{1}", SyslogFormat::Rfc5424).contains("Z - straggler "));
    }
}
