//! The flows that prove a name, so few that a person can look each up in other logs.

use std::time::Duration;

use crate::model::{Evidence, MAX_SAMPLES, Sample, SampleFlow, Signal, Timestamp};

/// How long a flow may take from one level to the next and still be shown as one.
const FLOW_LIFE: Duration = Duration::from_secs(3600);

/// Flows of the highest rank that the name reached, in the order of their times.
///
/// The latest stay: what makes a straggler is its latest contact, and not what it did before the cutoff. Contact and
/// transfer are one rank, because either accuses; a host that only tries, or only asks, has these as its proof.
#[derive(Clone, Debug, Default)]
pub(super) struct SampleFlows(Vec<SampleFlow>);

impl SampleFlows {
    /// Takes the samples of a sighting, at engine time `now`.
    pub(super) fn add(
        &mut self,
        evidence: Evidence,
        signal: Signal,
        samples: &[Sample],
        now: Timestamp,
    ) {
        for sample in samples {
            // A flood's hosts have one flow each.
            self.0.reserve_exact(1);
            self.put(SampleFlow {
                evidence,
                signal,
                sample: sample.clone(),
            });
            self.make_room(now);
        }
    }

    /// Adds what was noted under another key of the same host.
    pub(super) fn join(&mut self, other: Self) {
        for flow in other.0 {
            self.put(flow);
            self.make_room(Timestamp::MAX);
        }
    }

    /// Moves every time that was noted by a clock which was set back.
    pub(super) fn set_back(&mut self, back: impl Fn(&mut Timestamp)) {
        for flow in &mut self.0 {
            back(&mut flow.sample.time);
        }
        self.0.sort_by_key(|flow| flow.sample.time);
    }

    pub(super) fn latest(&self) -> Option<&SampleFlow> {
        self.0.last()
    }

    /// The flows, latest first.
    pub(super) fn views(&self) -> Vec<SampleFlow> {
        self.0.iter().rev().cloned().collect()
    }

    fn put(&mut self, flow: SampleFlow) {
        let known = self.0.first().map(|known| rank(known.evidence));
        if known.is_some_and(|known| known > rank(flow.evidence)) {
            return;
        }
        if known.is_some_and(|known| known < rank(flow.evidence)) {
            self.0.clear();
        }
        // One flow reaches its levels one after the other; the highest one stands for it.
        if self.0.iter().any(|known| is_level_of(&flow, known)) {
            return;
        }
        self.0.retain(|known| !is_level_of(known, &flow));
        let at = self
            .0
            .partition_point(|known| known.sample.time <= flow.sample.time);
        self.0.insert(at, flow);
    }

    /// The oldest goes. Of times that engine time has not reached, which may be wild, half of the places are the most.
    fn make_room(&mut self, now: Timestamp) {
        if self.0.len() <= MAX_SAMPLES {
            return;
        }
        let believed = self.0.partition_point(|flow| flow.sample.time <= now);
        if self.0.len() - believed > MAX_SAMPLES / 2 {
            // The earliest and the latest of these may yet be believed: neither end goes.
            self.0.remove(believed + MAX_SAMPLES / 4);
        } else {
            self.0.remove(0);
        }
    }
}

/// Whether `lower` is a level that the flow of `higher` had reached before, or the same once more. The same ends are the same
/// flow only for a while, because ports come again.
fn is_level_of(lower: &SampleFlow, higher: &SampleFlow) -> bool {
    let ends = |flow: &SampleFlow| (flow.sample.client, flow.sample.server, flow.sample.protocol);
    let (before, after) = (lower.sample.time, higher.sample.time);
    let climbs = lower.evidence < higher.evidence && before <= after;
    let once_more = lower.evidence == higher.evidence && before == after;
    lower.signal == higher.signal
        && ends(lower) == ends(higher)
        && (climbs || once_more)
        && after.since(before) <= FLOW_LIFE
}

fn rank(evidence: Evidence) -> u8 {
    match evidence {
        Evidence::Lookup => 0,
        Evidence::Attempt => 1,
        Evidence::Contact | Evidence::Transfer => 2,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Endpoint, Protocol};

    fn sample(port: u16, second: i64) -> Sample {
        let end = |text: &str, port| Endpoint {
            addr: text.parse().unwrap(),
            port,
        };
        Sample {
            time: Timestamp::from_unix(second, 0),
            client: end("10.0.0.5", port),
            server: end("192.0.2.7", 443),
            protocol: Protocol::Tcp,
            pattern: Arc::from("acme.example"),
            interface: None,
            vlan: None,
            user_agent: None,
        }
    }

    fn seconds(flows: &SampleFlows) -> Vec<i64> {
        let views = flows.views();
        let nanos = views.iter().map(|flow| flow.sample.time.as_nanos());
        nanos.map(|nanos| nanos / 1_000_000_000).collect()
    }

    /// Adds a flow from a port at a second, at an engine time.
    fn add(flows: &mut SampleFlows, evidence: Evidence, port: u16, second: i64, now: i64) {
        let signal = match evidence {
            Evidence::Lookup => Signal::Dns,
            _ => Signal::Tls,
        };
        let now = Timestamp::from_unix(now, 0);
        flows.add(evidence, signal, &[sample(port, second)], now);
    }

    #[test]
    fn the_latest_stay_in_whatever_order_they_come() {
        let mut flows = SampleFlows::default();
        for second in [5, 20, 1, 9, 13, 12, 30, 2, 17, 16, 15] {
            let port = 50_000 + second as u16;
            add(&mut flows, Evidence::Contact, port, second, 100);
        }
        assert_eq!(seconds(&flows), [30, 20, 17, 16, 15, 13, 12, 9]);
    }

    #[test]
    fn a_contact_of_today_is_not_hidden_by_transfers_of_before() {
        let mut flows = SampleFlows::default();
        for second in 0..20 {
            let port = 50_000 + second as u16;
            add(&mut flows, Evidence::Transfer, port, second, 100);
        }
        add(&mut flows, Evidence::Contact, 60_000, 99, 100);
        add(&mut flows, Evidence::Lookup, 60_001, 100, 100);
        let latest = flows.latest().unwrap();
        assert_eq!(
            (latest.evidence, seconds(&flows)[0]),
            (Evidence::Contact, 99)
        );
    }

    #[test]
    fn a_flow_stands_once_by_its_highest_level_in_whatever_order_they_come() {
        for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1]] {
            let mut flows = SampleFlows::default();
            for level in order {
                let evidence = Evidence::ALL[level];
                add(&mut flows, evidence, 50_000, level as i64, 100);
            }
            add(&mut flows, Evidence::Transfer, 50_000, 3, 100);
            assert_eq!(seconds(&flows), [3], "{order:?}");
            assert_eq!(flows.latest().unwrap().evidence, Evidence::Transfer);
        }
    }

    #[test]
    fn ports_that_come_again_are_another_flow() {
        let mut flows = SampleFlows::default();
        add(&mut flows, Evidence::Transfer, 50_000, 0, 0);
        add(&mut flows, Evidence::Contact, 50_000, 172_800, 172_800);
        add(&mut flows, Evidence::Contact, 50_000, 172_900, 172_900);
        assert_eq!(seconds(&flows), [172_900, 172_800, 0]);
    }

    #[test]
    fn wild_times_push_no_real_flow_out() {
        let mut flows = SampleFlows::default();
        for wild in 0..20 {
            let second = 9_000_000 + wild * 9_000;
            add(&mut flows, Evidence::Contact, 50_000, second, 100);
        }
        for second in [100, 200, 300, 400] {
            add(&mut flows, Evidence::Contact, 40_000, second, second);
        }
        assert_eq!(seconds(&flows)[4..], [400, 300, 200, 100]);
    }
}
