//! Flows without a name, summed up by host, cause and hour, until the hour is over and one event tells them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::model::{BlindHost, BlindKind, Span, Timestamp};

/// Hosts and causes of the hours that are not over, about 100 bytes each, so 6 MiB.
const MAX_ENTRIES: usize = 65_536;
/// Flows are counted ten seconds after they began and told some seconds later. What comes after that makes an event of
/// its own.
const GRACE: Duration = Duration::from_secs(60);

/// One of them: host, cause, when the first and the latest began, and how many.
pub(super) type BlindSpot = (IpAddr, BlindKind, Span, u64);

/// The blind spots that nobody was told of yet.
#[derive(Debug, Default)]
pub(super) struct BlindSpots {
    /// By hour, so that those that are over stand first.
    open: BTreeMap<(i64, IpAddr, BlindKind), (Span, u64)>,
    refused: u64,
}

impl BlindSpots {
    /// Takes what a worker reports.
    pub(super) fn note(&mut self, blind: &BlindHost) {
        let key = (blind.span.first.hour(), blind.host, blind.kind);
        if self.open.len() >= MAX_ENTRIES && !self.open.contains_key(&key) {
            self.refused += 1;
            return;
        }
        let (span, flows) = self.open.entry(key).or_insert((blind.span, 0));
        span.cover(blind.span.first);
        span.cover(blind.span.last);
        *flows += blind.flows;
    }

    /// Hands over those of hours that are over at this time; all, where there is none.
    pub(super) fn take_over(&mut self, now: Option<Timestamp>) -> Vec<BlindSpot> {
        let limit = now.map_or(i64::MAX, |now| now.before(GRACE).hour());
        let first = (limit, IpAddr::from([0; 4]), BlindKind::ALL[0]);
        let still_open = match now {
            Some(_) => self.open.split_off(&first),
            None => BTreeMap::new(),
        };
        let over = std::mem::replace(&mut self.open, still_open).into_iter();
        over.map(|((_, host, kind), (span, flows))| (host, kind, span, flows))
            .collect()
    }

    /// Hosts and causes that found no place.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix(1_728_000_000 + second, 0)
    }

    fn blind(host: u8, second: i64, flows: u64) -> BlindHost {
        BlindHost {
            host: [10, 0, 0, host].into(),
            kind: BlindKind::Ech,
            span: Span::at(at(second)),
            flows,
        }
    }

    #[test]
    fn an_hour_is_told_once_it_is_over() {
        let mut spots = BlindSpots::default();
        for report in [
            blind(1, 5, 2),
            blind(1, 30, 1),
            blind(2, 6, 1),
            blind(1, 3_601, 4),
        ] {
            spots.note(&report);
        }
        assert_eq!(spots.take_over(Some(at(3_630))), []);
        let first_hour = Span {
            first: at(5),
            last: at(30),
        };
        assert_eq!(
            spots.take_over(Some(at(3_661))),
            [
                ([10, 0, 0, 1].into(), BlindKind::Ech, first_hour, 3),
                ([10, 0, 0, 2].into(), BlindKind::Ech, Span::at(at(6)), 1)
            ]
        );
        let second_hour = Span::at(at(3_601));
        assert_eq!(
            spots.take_over(None),
            [([10, 0, 0, 1].into(), BlindKind::Ech, second_hour, 4)]
        );
        assert_eq!(spots.take_over(None), []);
    }

    #[test]
    fn a_flood_is_bounded_and_counted() {
        let mut spots = BlindSpots::default();
        for second in 0..70_000 {
            spots.note(&blind(1, second * 3_600, 1));
        }
        assert_eq!(spots.refused(), 70_000 - MAX_ENTRIES as u64);
    }
}
