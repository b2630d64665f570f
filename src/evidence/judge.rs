//! From what is in the book to a status at engine time.

use super::{ENOUGH_LOOKED, Usage, WINDOW};
use crate::model::{Cutoff, Evidence, ReplyKind, Status, Timestamp};

/// The instant at which a usage is judged, and what else was seen.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Engine time.
    pub now: Timestamp,
    /// Share of the window that was captured, 0 to 1.
    pub looked: f64,
    /// Latest packet of the host.
    pub last_packet: Option<Timestamp>,
    /// Latest proof of being blocked.
    pub last_blocked: Option<(Timestamp, ReplyKind)>,
    /// Bytes of one service in the window that make a host `fetching`.
    pub transfer_threshold: u64,
}

impl Moment {
    /// Whether an instant lies in the window (T − 24 h, T].
    fn holds(&self, time: Option<Timestamp>) -> bool {
        time.is_some_and(|time| time > self.now.before(WINDOW) && time <= self.now)
    }
}

/// Status now, and whether the host is a straggler.
///
/// A straggler has a contact or transfer whose own capture time is at or after the cutoff and inside the window.
/// The status says nothing about the cutoff.
pub fn judge(usage: &Usage, moment: &Moment, cutoff: Option<&Cutoff>) -> (Status, bool) {
    let last = usage.last_by_evidence(moment.now);
    let reached = |level: Evidence| moment.holds(last[level.index()]);
    let received = usage.received_in_window(moment.now);
    let status = if reached(Evidence::Transfer) || received >= moment.transfer_threshold {
        Status::Fetching
    } else if reached(Evidence::Contact) {
        Status::Contacting
    } else if moment.holds(moment.last_blocked.map(|(time, _)| time)) {
        Status::Blocked
    } else if reached(Evidence::Attempt) || reached(Evidence::Lookup) {
        Status::Asking
    } else if moment.looked < ENOUGH_LOOKED {
        Status::Unknown
    } else if moment.holds(moment.last_packet) {
        Status::Silent
    } else {
        Status::Absent
    };
    let contact = usage.last_contact(moment.now);
    let straggler =
        moment.holds(contact) && cutoff.is_some_and(|cutoff| contact >= Some(cutoff.at));
    (status, straggler)
}
