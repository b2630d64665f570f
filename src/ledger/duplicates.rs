//! Flows that several interfaces see count once.
//!
//! A worker with others beside it says of which flow a sighting is. For each flow and name what every interface has told
//! so far is summed up here, and only what goes beyond the most that any other told is credited. So it does not matter
//! which of them reports first, one that lost packets takes nothing away, and one that saw more adds what was missing.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use crate::model::{DomainName, Evidence, FlowEnd, FlowId, Sighting, Signal, Timestamp};

/// Flows with a name kept at once, about 300 bytes each, so 10 MiB: those of a minute in which 500 begin each second.
const MAX_FLOWS: usize = 32_768;
/// A flow is forgotten after this time without a report. Workers report at most seconds apart; what comes later is new to
/// all of them, and counts from zero for all.
const MEMORY: Duration = Duration::from_secs(600);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    flow: FlowId,
    signal: Signal,
    name: DomainName,
    /// The side of every cutoff: a flow that goes on is sighted again behind each.
    era: u8,
}

/// What was told of one flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    counts: [u64; Evidence::ALL.len()],
    received: u64,
    sent: u64,
    ends: u64,
}

#[derive(Debug)]
struct Known {
    last: Timestamp,
    credited: Told,
    /// By interface; as many as there are interfaces.
    told: Vec<(Arc<str>, Told)>,
}

impl Known {
    /// What an interface told so far, and what is credited.
    fn of(&mut self, interface: &Arc<str>) -> (&mut Told, &mut Told) {
        let at = self.told.iter().position(|(name, _)| name == interface);
        let at = at.unwrap_or_else(|| {
            self.told.push((Arc::clone(interface), Told::default()));
            self.told.len() - 1
        });
        (&mut self.told[at].1, &mut self.credited)
    }
}

/// Flows of which sightings came lately.
#[derive(Debug, Default)]
pub(super) struct Duplicates {
    known: HashMap<Key, Known>,
    duplicates: u64,
    evictions: u64,
}

/// Raises `credited` to `told`, and gives the difference.
fn raise(credited: &mut u64, told: u64) -> u64 {
    let more = told.saturating_sub(*credited);
    *credited += more;
    more
}

impl Duplicates {
    /// What of a sighting was not told by another interface; `None` where nothing is left. One that does not say of which
    /// flow it is stays whole.
    pub(super) fn credit(
        &mut self,
        interface: Option<&Arc<str>>,
        mut sighting: Sighting,
    ) -> Option<Sighting> {
        let (Some(flow), Some(interface)) = (sighting.flow, interface) else {
            return Some(sighting);
        };
        let key = Key {
            flow,
            signal: sighting.signal,
            name: sighting.name.clone(),
            era: sighting.matched.service.era(sighting.span.first),
        };
        let last = sighting.span.last;
        let (told, credited) = self.known(key, last).of(interface);
        let level = sighting.evidence.index();
        told.counts[level] += sighting.count;
        told.received += sighting.received;
        told.sent += sighting.sent;
        let before = sighting.count;
        sighting.count = raise(&mut credited.counts[level], told.counts[level]);
        sighting.received = raise(&mut credited.received, told.received);
        sighting.sent = raise(&mut credited.sent, told.sent);
        // A flow begins with one of these, so each counts once.
        if matches!(sighting.evidence, Evidence::Lookup | Evidence::Attempt) {
            self.duplicates += before - sighting.count.min(before);
        }
        sighting
            .samples
            .truncate(usize::try_from(sighting.count).unwrap_or(usize::MAX));
        let Sighting {
            count,
            received,
            sent,
            ..
        } = sighting;
        (count > 0 || received > 0 || sent > 0).then_some(sighting)
    }

    /// Whether no other interface told the end of this flow and name.
    pub(super) fn ends(&mut self, end: &FlowEnd) -> bool {
        let (Some(flow), Some(interface)) = (end.flow, &end.sample.interface) else {
            return true;
        };
        let key = Key {
            flow,
            signal: end.signal,
            name: end.name.clone(),
            era: end.matched.service.era(end.sample.time),
        };
        let (told, credited) = self.known(key, end.span.last).of(interface);
        told.ends += 1;
        raise(&mut credited.ends, told.ends) > 0
    }

    /// What is known of a flow of which something came at that time.
    fn known(&mut self, key: Key, last: Timestamp) -> &mut Known {
        if self.known.len() >= MAX_FLOWS && !self.known.contains_key(&key) {
            self.make_room();
        }
        let known = self.known.entry(key).or_insert_with(|| Known {
            last,
            credited: Told::default(),
            told: Vec::new(),
        });
        known.last = known.last.max(last);
        known
    }

    /// Forgets flows of which nothing came for long.
    pub(super) fn expire(&mut self, now: Timestamp) {
        self.known
            .retain(|_, known| known.last > now.before(MEMORY));
    }

    /// The tenth silent longest goes. They may count on each interface if they go on.
    fn make_room(&mut self) {
        let mut times: Vec<Timestamp> = self.known.values().map(|known| known.last).collect();
        let (_, limit, _) = times.select_nth_unstable(MAX_FLOWS / 10);
        let limit = *limit;
        let before = self.known.len();
        self.known.retain(|_, known| known.last > limit);
        self.evictions += (before - self.known.len()) as u64;
    }

    /// Sightings of flows that another interface had told.
    pub(super) fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Flows now, and those that were forgotten because there were too many.
    pub(super) fn stats(&self) -> (u64, u64) {
        (self.known.len() as u64, self.evictions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Category, Confidence, Endpoint, Match, Protocol, Service, ServiceId, Span, Strength,
        VendorId,
    };
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix(1_730_000_000 + second, 0)
    }

    fn sighting(port: u16, opened: u32, evidence: Evidence, count: u64, received: u64) -> Sighting {
        let end = |last: u8, port| Endpoint {
            addr: [10, 0, 0, last].into(),
            port,
        };
        let service = Service {
            vendor: VendorId::parse("acme").unwrap(),
            id: ServiceId::parse("databases").unwrap(),
            name: "Databases".to_owned(),
            category: Category::Update,
            strength: Strength::Strong,
            confidence: Confidence::Vendor,
            source: "https://acme.example".to_owned(),
            note: None,
            ports: Vec::new(),
            transport: None,
            pack_version: "1".into(),
            boundaries: Vec::new(),
        };
        Sighting {
            host: [10, 0, 0, 1].into(),
            mac: None,
            matched: Match {
                service: Arc::new(service),
                pattern: "upd.example".into(),
            },
            name: DomainName::parse("upd.example").unwrap(),
            signal: Signal::Tls,
            server: None,
            evidence,
            span: Span::at(at(0)),
            count,
            received,
            sent: 0,
            samples: Vec::new(),
            flow: Some(FlowId {
                client: end(1, port),
                server: end(2, 443),
                protocol: Protocol::Tcp,
                opened: Some(opened),
            }),
        }
    }

    /// What is credited of each report: sightings and bytes.
    fn credited(reports: &[(&str, Sighting)]) -> (Vec<(u64, u64)>, u64) {
        let mut duplicates = Duplicates::default();
        let credits = reports.iter().map(|(interface, sighting)| {
            let interface: Arc<str> = Arc::from(*interface);
            let rest = duplicates.credit(Some(&interface), sighting.clone());
            rest.map_or((0, 0), |rest| (rest.count, rest.received))
        });
        (credits.collect(), duplicates.duplicates())
    }

    #[test]
    fn a_flow_on_two_interfaces_counts_once() {
        use Evidence::{Attempt, Contact};
        let attempt = |opened| sighting(50_000, opened, Attempt, 1, 0);
        let bytes = |received| sighting(50_000, 7, Contact, 0, received);
        let cases = [
            (
                "again",
                vec![("a", attempt(7)), ("b", attempt(7))],
                vec![(1, 0), (0, 0)],
                1,
            ),
            (
                "the ports used again",
                vec![("a", attempt(7)), ("b", attempt(8))],
                vec![(1, 0), (1, 0)],
                0,
            ),
            (
                "a level that the other did not see",
                vec![("a", attempt(7)), ("b", sighting(50_000, 7, Contact, 1, 5))],
                vec![(1, 0), (1, 5)],
                0,
            ),
            (
                "bytes in turn",
                vec![
                    ("a", bytes(10)),
                    ("b", bytes(10)),
                    ("b", bytes(5)),
                    ("a", bytes(5)),
                ],
                vec![(0, 10), (0, 0), (0, 5), (0, 0)],
                0,
            ),
            (
                "one that lost packets",
                vec![("a", bytes(4)), ("b", bytes(10))],
                vec![(0, 4), (0, 6)],
                0,
            ),
        ];
        for (case, reports, expected, duplicates) in cases {
            assert_eq!(credited(&reports), (expected, duplicates), "{case}");
        }
    }

    #[test]
    fn what_does_not_say_its_flow_stays_whole() {
        let mut duplicates = Duplicates::default();
        let alone = Sighting {
            flow: None,
            ..sighting(1, 1, Evidence::Attempt, 3, 9)
        };
        for interface in ["a", "b"] {
            let rest = duplicates.credit(Some(&Arc::from(interface)), alone.clone());
            assert_eq!(rest.map(|rest| rest.count), Some(3));
        }
        assert_eq!(duplicates.stats(), (0, 0));
    }

    #[test]
    fn a_flood_is_bounded_and_silence_forgets() {
        let mut duplicates = Duplicates::default();
        let interface = Arc::from("a");
        for opened in 0..40_000 {
            let mut sighting = sighting(1, opened, Evidence::Attempt, 1, 0);
            sighting.span = Span::at(at(i64::from(opened) / 100));
            duplicates.credit(Some(&interface), sighting);
        }
        let (entries, evictions) = duplicates.stats();
        assert!(entries <= MAX_FLOWS as u64, "{entries}");
        assert_eq!(entries + evictions, 40_000);
        duplicates.expire(at(400 + 601));
        assert_eq!(duplicates.stats().0, 0);
    }

    proptest! {
        /// However the reports of two interfaces interleave, bytes are the most that one of them told.
        #[test]
        fn bytes_are_the_most_that_one_told(reports in prop::collection::vec((any::<bool>(), 0..1000u64), 0..40)) {
            let of = |first: bool| reports.iter().filter(|r| r.0 == first).map(|r| r.1).sum::<u64>();
            let most = of(true).max(of(false));
            let reports: Vec<_> = reports
                .iter()
                .map(|&(first, bytes)| {
                    let interface = if first { "a" } else { "b" };
                    (interface, sighting(1, 1, Evidence::Contact, 0, bytes))
                })
                .collect();
            let (credits, _) = credited(&reports);
            prop_assert_eq!(credits.iter().map(|credit| credit.1).sum::<u64>(), most);
        }
    }
}
