//! Events: what happened, one JSON object a line, for a SIEM.
//!
//! A [`Happening`] is what the analysis has to say; each kind has a constructor that takes the records it comes from. A
//! [`Stamp`] makes an [`Event`] of it: who saw it, its id, its number. [`Event::line`] writes it with the field names of the
//! Elastic Common Schema; `docs/event.schema.json` says what may stand in it.

mod community_id;
mod happening;
mod hide;
mod id;
mod record;
mod text;

use std::sync::Arc;

use super::Timestamp;
use super::closed::closed_list;

pub use community_id::community_id;
pub use happening::{
    Change, CoverageChange, EndReason, EventHost, EventSeverity, Happening, Judged, NamedFlow,
    Outcome, OwnNetwork, SensorCondition, StragglerChange,
};
pub use hide::Personal;
pub use id::EventId;
pub use text::MAX_EVENT_TEXT;
pub use text::{line as event_line, name as event_name};

/// Version of the Elastic Common Schema whose names are used. All of them are older.
pub const ECS_VERSION: &str = "8.17.0";

closed_list! {
    /// Kinds of events: `event.action`.
    EventAction {
        /// A matched name was seen, in a flow or a DNS transaction.
        Sighting = "sighting",
        /// A flow with a matched name ended.
        FlowEnd = "flow_end",
        /// A host became a straggler.
        StragglerNew = "straggler_new",
        /// A host is a straggler no more.
        StragglerEnded = "straggler_ended",
        /// What protects a host changed.
        CoverageChanged = "coverage_changed",
        /// A host had flows whose name could not be read.
        BlindSpot = "blind_spot",
        /// The sensor itself: started, lost an interface, cannot write.
        SensorState = "sensor_state",
    }
}

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    /// Which.
    pub id: EventId,
    /// Its number among the events of this sensor, from 1 without gaps.
    pub sequence: u64,
    /// Wall-clock time at which it was made; `None` in a replay, whose output is the same whenever it runs.
    pub created: Option<Timestamp>,
    /// Name of the sensor.
    pub sensor: Arc<str>,
    /// What happened.
    pub happening: Happening,
}

impl Event {
    /// Its kind.
    pub fn action(&self) -> EventAction {
        self.happening.action()
    }

    /// How much it concerns somebody.
    pub fn severity(&self) -> EventSeverity {
        self.happening.severity()
    }

    /// The JSON object, without a line break, in ASCII: whatever is outside stands as `\uXXXX`. So a line is whole in every
    /// transport, and harmless on every terminal.
    pub fn line(&self) -> String {
        // No map with other keys than strings is in it, so it cannot fail; an empty object would show in every check.
        let json = serde_json::to_string(&record::Record::of(self)).unwrap_or_else(|_| "{}".into());
        text::ascii_json(json)
    }
}

/// Makes events of happenings: exactly one for a sensor.
#[derive(Clone, Debug)]
pub struct Stamp {
    sensor: Arc<str>,
    next: u64,
}

impl Stamp {
    /// For the sensor of this name. `last` is the sequence of the latest event of an earlier run, 0 if
    /// there is none. A sensor without a name is called `straggler`.
    pub fn new(sensor: &str, last: u64) -> Self {
        let name = text::name(sensor);
        Self {
            sensor: Arc::from(if name.is_empty() { "straggler" } else { &name }),
            next: last.saturating_add(1),
        }
    }

    /// The next event. `created` is the wall clock, or `None` in a replay.
    pub fn event(&mut self, happening: Happening, created: Option<Timestamp>) -> Event {
        let sequence = self.next;
        self.next = self.next.saturating_add(1);
        let key = happening.key();
        let key: Vec<&str> = key.iter().map(String::as_str).collect();
        let action = happening.action().label();
        Event {
            id: EventId::derive(
                &self.sensor,
                action,
                &key,
                happening.time,
                happening.ordinal,
            ),
            sequence,
            created,
            sensor: Arc::clone(&self.sensor),
            happening,
        }
    }

    /// Sequence of the latest event.
    pub fn last(&self) -> u64 {
        self.next - 1
    }
}
