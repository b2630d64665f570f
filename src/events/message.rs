//! What waits in a queue: the line of an event, and what a transport wants to know of it.

use std::sync::Arc;

use crate::model::{Event, EventAction, Timestamp};

/// An event on its way out; cloning shares the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The JSON object, one line of ASCII without its line break.
    pub line: Arc<str>,
    /// Capture time.
    pub time: Timestamp,
    /// Which kind.
    pub action: EventAction,
    /// The severity of syslog, 0 to 7.
    pub severity: u8,
}

impl From<&Event> for Message {
    fn from(event: &Event) -> Self {
        Self {
            line: Arc::from(event.line()),
            time: event.happening.time,
            action: event.action(),
            severity: event.severity() as u8,
        }
    }
}

/// A line is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the line is no event: {0}")]
pub struct NoEvent(&'static str);

impl Message {
    /// From the line of an event that was kept, as in the outbox of the store.
    pub fn of_line(line: &str) -> Result<Self, NoEvent> {
        let value: serde_json::Value =
            serde_json::from_str(line).map_err(|_| NoEvent("it is no JSON"))?;
        let time = value["@timestamp"].as_str();
        let action = value["event"]["action"].as_str();
        let severity = value["event"]["severity"].as_u64();
        if !line.is_ascii() || line.contains(['\n', '\r']) {
            return Err(NoEvent("it is not one line of ASCII"));
        }
        Ok(Self {
            line: Arc::from(line),
            time: time
                .and_then(Timestamp::parse_rfc3339)
                .ok_or(NoEvent("@timestamp"))?,
            action: action
                .and_then(|action| action.parse().ok())
                .ok_or(NoEvent("event.action"))?,
            severity: severity
                .and_then(|severity| u8::try_from(severity).ok())
                .filter(|severity| *severity <= 7)
                .ok_or(NoEvent("event.severity"))?,
        })
    }
}
