//! Times that lie after engine time: they count once it gets there.
//!
//! A recording of one host may leap from flow to flow, and only its end confirms the last of them; a wild time is never
//! reached. So several are kept: the earliest, which any time beyond it confirms, and the latest few, one of which the end does.

use crate::model::Timestamp;

/// Times kept.
const MOST: usize = 8;

/// Times later than engine time, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Ahead(Vec<Timestamp>);

impl Ahead {
    pub(super) fn add(&mut self, time: Timestamp) {
        if let Err(at) = self.0.binary_search(&time) {
            self.0.insert(at, time);
            if self.0.len() > MOST {
                self.0.remove(1);
            }
        }
    }

    /// The latest that engine time has got to.
    pub(super) fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let reached = self.0.partition_point(|time| *time <= now);
        reached.checked_sub(1).map(|last| self.0[last])
    }

    /// Forgets those that engine time has got to, and gives the latest of them.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<Timestamp> {
        let due = self.due(now);
        self.0.retain(|time| *time > now);
        due
    }

    pub(super) fn join(&mut self, other: Self) {
        other.0.into_iter().for_each(|time| self.add(time));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix(second, 0)
    }

    #[test]
    fn the_latest_that_is_reached_counts() {
        let mut ahead = Ahead::default();
        for second in [50, 10, 9_000, 30] {
            ahead.add(at(second));
        }
        for (now, due) in [(9, None), (10, Some(10)), (49, Some(30)), (60, Some(50))] {
            assert_eq!(ahead.due(at(now)), due.map(at));
        }
        assert_eq!(ahead.take_due(at(60)), Some(at(50)));
        assert_eq!(ahead.due(at(60)), None);
        assert!(!ahead.is_empty());
    }

    #[test]
    fn of_many_the_earliest_and_the_latest_stay() {
        let mut ahead = Ahead::default();
        for second in 1..=100 {
            ahead.add(at(second));
        }
        assert_eq!(ahead.due(at(50)), Some(at(1)));
        assert_eq!(ahead.due(at(100)), Some(at(100)));
        assert_eq!(ahead.0.len(), MOST);
    }
}
