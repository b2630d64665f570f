//! When old rows may leave.
//!
//! What is pruned does not come back, and a clock may be wrong for a while, above all after a start. So rows leave only by
//! a time that came about step by step, or that has held for a day.

use std::time::{Duration, Instant};

use crate::model::Timestamp;

/// A step forward that is believed at once: a sensor that was off for a week.
const STEP: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long a time must hold after a longer step.
const HOLD: Duration = Duration::from_secs(24 * 3600);

/// The latest time that is believed for pruning.
#[derive(Debug)]
pub(super) struct Horizon {
    /// With the moment at which it was so, by a clock that nobody sets.
    believed: Option<(Timestamp, Instant)>,
    /// A time far ahead of that, and since when it holds.
    leap: Option<(Timestamp, Instant)>,
}

impl Horizon {
    /// One that goes on from the engine time at which the store ended.
    pub(super) fn new(ended: Option<Timestamp>, moment: Instant) -> Self {
        Self {
            believed: ended.map(|at| (at, moment)),
            leap: None,
        }
    }

    /// Whether rows may leave by this time.
    pub(super) fn holds(&mut self, now: Timestamp, moment: Instant) -> bool {
        let due = |(at, since): (Timestamp, Instant)| at.after(moment.duration_since(since) + STEP);
        if self.believed.is_none_or(|believed| now <= due(believed)) {
            self.believed = Some((now, moment));
            self.leap = None;
            return true;
        }
        let (begun, since) = *self.leap.get_or_insert((now, moment));
        if now < begun || now > due((begun, since)) {
            self.leap = Some((now, moment));
            return false;
        }
        let holds = moment.duration_since(since) >= HOLD;
        if holds {
            self.believed = Some((now, moment));
            self.leap = None;
        }
        holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn a_leap_must_hold_for_a_day_before_anything_leaves() {
        let start = Instant::now();
        let at = |days: u32| Timestamp::from_unix(0, 0).after(DAY * days);
        let later = |hours: u32| start + Duration::from_secs(3600) * hours;
        let mut horizon = Horizon::new(Some(at(1_000)), start);
        assert!(horizon.holds(at(1_005), later(0)), "off for some days");
        // A clock that was wrong after a start, and then set right.
        assert!(!horizon.holds(at(5_000), later(1)));
        assert!(!horizon.holds(at(5_000), later(20)));
        assert!(horizon.holds(at(1_006), later(21)));
        assert!(!horizon.holds(at(5_000), later(22)), "it begins anew");
        assert!(!horizon.holds(at(5_001), later(45)));
        assert!(horizon.holds(at(5_001), later(46)));
        assert!(horizon.holds(at(5_001), later(47)));
        // One from long ago takes nothing away, and coming back from it is a leap again.
        assert!(horizon.holds(at(0), later(48)));
        assert!(!horizon.holds(at(5_002), later(49)));
    }

    #[test]
    fn an_empty_store_has_nothing_to_lose() {
        let start = Instant::now();
        assert!(Horizon::new(None, start).holds(Timestamp::from_unix(0, 0), start));
    }
}
