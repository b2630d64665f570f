//! Between the ledger, which knows what is so, and the store, which keeps it.
//!
//! [`Recorder`] turns what the ledger accepted into rows of a batch, [`Restorer`] turns rows into what a ledger had
//! concluded. A ledger that was restored has the findings of the one that was recorded. Neither does I/O, has threads or
//! reads a clock.
//!
//! Restored are sightings, replies, hosts, and what was looked at. Not kept, and begun anew with each run: the watch list,
//! hosts with flows without a name, refusals behind which a host went to a foreign resolver, and counters without a host.

mod belief;
mod recorder;
mod restorer;
mod seen;
mod wall;

pub use belief::Later;
pub use recorder::{Recorder, Taken};
pub use restorer::{Restored, Restorer};
pub use seen::{SEEN, Surroundings, decode as surroundings};
pub use wall::Wall;

use std::time::Duration;

/// Under which name the store remembers whether its sensor shows pseudonyms in place of devices: [`HIDDEN`] or anything else.
pub const SHOWS: &str = "shows";
/// The value of [`SHOWS`] where it does.
pub const HIDDEN: &str = "pseudonyms";

/// How far ahead of wall time a capture may lie: recorders are set to the wrong zone, by half a day at most. What is later
/// than that has no believable time, and would end the window and the retention of all else.
pub const AHEAD: Duration = Duration::from_secs(24 * 3600);
