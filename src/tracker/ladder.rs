//! How far a name got on each side of every cutoff, in one flow.
//!
//! What a flow had proven before a cutoff proves nothing behind it, so it climbs anew there. A server that only takes its
//! leave does not: an idle connection that is closed is no contact.

use crate::model::Evidence;

/// Bytes that a server may send to take its leave. Over HTTP/2 a GOAWAY (RFC 9113, section 6.8) and an alert, each in a
/// record of TLS 1.2, are 77; a CONNECTION_CLOSE of QUIC (RFC 9000, section 19.19) is about as long with a short reason.
pub(super) const FAREWELL: u64 = 128;

/// Where a packet stands: the side of every cutoff, and the hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) era: u8,
    pub(super) hour: i64,
}

/// What was reached and counted on one side of every cutoff.
#[derive(Clone, Copy, Debug)]
struct Era {
    era: u8,
    level: Option<Evidence>,
    received: u64,
    sent: u64,
}

/// The levels of one name, by era.
#[derive(Debug)]
pub(super) struct Ladder {
    /// One for nearly all flows; as many as a pack has cutoffs and one more at most.
    eras: Vec<Era>,
    /// Which of them the latest packet stands in.
    at: usize,
    hour: i64,
    /// Whether a level was reached in this hour.
    reached: bool,
    /// Bytes received since the last hour in which the server did more than take its leave.
    quiet: u64,
}

impl Ladder {
    /// Nothing was reached yet.
    pub(super) fn at(place: Place) -> Self {
        Self {
            eras: vec![Era::new(place.era)],
            at: 0,
            hour: place.hour,
            reached: false,
            quiet: 0,
        }
    }

    /// Whether it stands there.
    pub(super) fn stands(&self, place: Place) -> bool {
        self.hour == place.hour && self.era().era == place.era
    }

    /// Goes there.
    pub(super) fn go(&mut self, place: Place) {
        if self.is_talking() {
            self.quiet = 0;
        }
        self.reached = false;
        self.hour = place.hour;
        let known = self.eras.iter().position(|era| era.era == place.era);
        self.at = known.unwrap_or_else(|| {
            self.eras.push(Era::new(place.era));
            self.eras.len() - 1
        });
    }

    /// Bytes came.
    pub(super) fn received(&mut self, bytes: u64) {
        self.quiet += bytes;
        self.era_mut().received += bytes;
    }

    /// Bytes went.
    pub(super) fn sent(&mut self, bytes: u64) {
        self.era_mut().sent += bytes;
    }

    /// So many of the bytes that came do not count.
    pub(super) fn take_back(&mut self, bytes: u64) {
        self.quiet = self.quiet.saturating_sub(bytes);
        let era = self.era_mut();
        era.received = era.received.saturating_sub(bytes);
    }

    /// The cutoffs are others: what was reached on the side where it stands stays, under another number. What lies on other
    /// sides was told, and nothing follows there.
    pub(super) fn renumber(&mut self, era: u8) {
        let current = Era { era, ..*self.era() };
        self.eras.clear();
        self.eras.push(current);
        self.at = 0;
    }

    /// A level is reached.
    pub(super) fn reach(&mut self, level: Evidence) {
        self.reached = true;
        let era = self.era_mut();
        era.level = era.level.max(Some(level));
    }

    /// The highest level in this era.
    pub(super) fn level(&self) -> Option<Evidence> {
        self.era().level
    }

    /// Whether the server answered in this era.
    pub(super) fn is_answered(&self) -> bool {
        self.level() >= Some(Evidence::Contact)
    }

    /// Bytes of this era from the server and to it.
    pub(super) fn bytes(&self) -> (u64, u64) {
        let era = self.era();
        (era.received, era.sent)
    }

    /// The level that bytes of this hour belong to: what was reached, if the server did more than take its leave.
    pub(super) fn level_of_bytes(&self) -> Evidence {
        let level = self.level().filter(|_| self.is_talking());
        level.unwrap_or(Evidence::Attempt)
    }

    fn is_talking(&self) -> bool {
        self.reached || self.quiet > FAREWELL
    }

    fn era(&self) -> &Era {
        &self.eras[self.at]
    }

    fn era_mut(&mut self) -> &mut Era {
        &mut self.eras[self.at]
    }
}

impl Era {
    fn new(era: u8) -> Self {
        Self {
            era,
            level: None,
            received: 0,
            sent: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(era: u8, hour: i64) -> Place {
        Place { era, hour }
    }

    #[test]
    fn each_era_has_its_own_levels() {
        let mut ladder = Ladder::at(place(0, 5));
        assert_eq!(ladder.level_of_bytes(), Evidence::Attempt);
        ladder.reach(Evidence::Contact);
        ladder.received(40);
        assert!(ladder.is_answered() && ladder.stands(place(0, 5)));
        ladder.go(place(1, 5));
        ladder.received(50);
        assert_eq!((ladder.level(), ladder.bytes()), (None, (50, 0)));
        // A packet that comes late finds what was there.
        ladder.go(place(0, 5));
        assert!(ladder.is_answered());
        assert_eq!(ladder.bytes(), (40, 0));
    }

    #[test]
    fn with_other_cutoffs_it_goes_on_where_it_stands() {
        let mut ladder = Ladder::at(place(0, 5));
        ladder.go(place(1, 5));
        ladder.reach(Evidence::Contact);
        ladder.received(40);
        ladder.renumber(3);
        assert!(ladder.stands(place(3, 5)) && ladder.is_answered());
        assert_eq!(ladder.bytes(), (40, 0));
        ladder.go(place(1, 5));
        assert_eq!(ladder.level(), None);
    }

    #[test]
    fn bytes_belong_to_a_level_once_the_server_does_more_than_leave() {
        use Evidence::{Attempt, Transfer};
        let mut ladder = Ladder::at(place(0, 5));
        ladder.reach(Transfer);
        let mut levels = Vec::new();
        for (hour, bytes) in [(5, 1), (6, 100), (7, 29), (7, 1), (8, 128), (9, 9)] {
            if !ladder.stands(place(0, hour)) {
                ladder.go(place(0, hour));
            }
            ladder.received(bytes);
            levels.push(ladder.level_of_bytes());
        }
        assert_eq!(
            levels,
            [Transfer, Attempt, Transfer, Transfer, Attempt, Transfer],
            "what little came in hours before counts too"
        );
    }
}
