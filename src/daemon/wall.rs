//! Wall time: later than it nothing can have happened, if it is right.

use std::time::{Duration, SystemTime};

use crate::history::Wall;
use crate::model::Timestamp;

/// How far live frames may lie ahead of wall time that is read after them.
const LEAD: Duration = Duration::from_secs(60);

/// Wall time. It moves a quiet sensor on and bounds capture times; nothing is judged by it where captures are replayed.
pub(super) fn wall_clock() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// The latest time that is believed now of a live sensor.
pub(super) fn live_bound(wall: &Wall) -> Timestamp {
    wall.bound(wall_clock(), LEAD)
}
