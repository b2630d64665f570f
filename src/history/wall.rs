//! What wall time says of capture times, and whether it can be right itself. It is an argument here.

use std::time::Duration;

use super::AHEAD;
use crate::model::{Pack, Timestamp};

/// What is known of the clock of this machine besides what it says.
#[derive(Clone, Debug, Default)]
pub struct Wall {
    /// The latest day on which somebody read a pack in force against its sources, and which pack that is.
    reviewed: Option<(Timestamp, String)>,
}

impl Wall {
    /// For the packs in force.
    pub fn new(packs: &[Pack]) -> Self {
        let days = packs.iter().filter_map(|pack| {
            let day = Timestamp::parse_rfc3339(&format!("{}T00:00:00Z", pack.reviewed))?;
            // Somewhere it was that day earlier.
            Some((day.before(AHEAD), pack.vendor.to_string()))
        });
        Self {
            reviewed: days.max(),
        }
    }

    /// The latest time that is believed: so much later than wall time. A clock that is behind for certain bounds nothing.
    pub fn bound(&self, wall: Timestamp, lead: Duration) -> Timestamp {
        match self.is_behind(wall) {
            true => Timestamp::MAX,
            false => wall.after(lead),
        }
    }

    fn is_behind(&self, wall: Timestamp) -> bool {
        self.reviewed.as_ref().is_some_and(|(day, _)| wall < *day)
    }

    /// What is wrong with the clock, or with the times in a store that reaches to `kept`.
    pub fn fault(&self, wall: Timestamp, kept: Option<Timestamp>) -> Option<String> {
        if let Some((day, pack)) = &self.reviewed
            && wall < *day
        {
            return Some(format!(
                "this machine's clock says {wall}, which is before the pack {pack} was written: set it; \
                 until then what is seen stands under a wrong date and may not be told as a straggler"
            ));
        }
        let kept = kept.filter(|kept| *kept > wall.after(AHEAD))?;
        Some(format!(
            "the store has findings dated up to {kept}, later than this machine's clock ({wall}): they are left aside until \
             then, and hosts are judged by this clock; if it is right, begin anew with another --state-dir"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_behind_for_certain_bounds_nothing() {
        let wall = Wall {
            reviewed: Some((Timestamp::from_unix(1_000_000, 0), "acme".to_owned())),
        };
        let (behind, right) = (
            Timestamp::from_unix(5, 0),
            Timestamp::from_unix(1_000_000, 0),
        );
        assert_eq!(wall.bound(behind, AHEAD), Timestamp::MAX);
        assert!(wall.fault(behind, None).unwrap().contains("1970-01-01"));
        assert_eq!(wall.bound(right, AHEAD), right.after(AHEAD));
        assert_eq!(wall.fault(right, Some(right.after(AHEAD))), None);
        let later = right.after(AHEAD * 2);
        assert!(
            wall.fault(right, Some(later))
                .unwrap()
                .contains("dated up to")
        );
    }
}
