//! The flows that prove a name, so few that a person can look each up in other logs.

use crate::model::{Evidence, MAX_SAMPLES, Sample, SampleFlow, Signal};

/// Flows of the highest rank that the name reached, in the order of their times.
///
/// The latest stay: what makes a straggler is its latest contact, and not what it did before the cutoff. Contact and
/// transfer are one rank, because either accuses; a host that only tries, or only asks, has these as its proof.
#[derive(Clone, Debug, Default)]
pub(super) struct SampleFlows(Vec<SampleFlow>);

impl SampleFlows {
    /// Takes the samples of a sighting.
    pub(super) fn add(&mut self, evidence: Evidence, signal: Signal, samples: &[Sample]) {
        // A flood's hosts have one flow each.
        self.0
            .reserve_exact(samples.len().min(MAX_SAMPLES - self.0.len()));
        for sample in samples {
            self.put(SampleFlow {
                evidence,
                signal,
                sample: sample.clone(),
            });
        }
    }

    /// Adds what was noted under another key of the same host.
    pub(super) fn join(&mut self, other: Self) {
        other.0.into_iter().for_each(|flow| self.put(flow));
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
        // One flow reaches its levels one after the other; the higher one stands for it.
        if let Some(same) = self.0.iter().position(|known| is_same(known, &flow)) {
            if self.0[same].evidence >= flow.evidence {
                return;
            }
            self.0.remove(same);
        }
        let at = self
            .0
            .partition_point(|known| known.sample.time <= flow.sample.time);
        if self.0.len() < MAX_SAMPLES {
            self.0.insert(at, flow);
        } else if at > 0 {
            self.0[..at].rotate_left(1);
            self.0[at - 1] = flow;
        }
    }
}

/// Both ends and the signal: a DNS transaction and the flow that follows it never share ports.
fn is_same(a: &SampleFlow, b: &SampleFlow) -> bool {
    let ends = |flow: &SampleFlow| (flow.sample.client, flow.sample.server, flow.sample.protocol);
    a.signal == b.signal && ends(a) == ends(b)
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
    use crate::model::{Endpoint, Protocol, Timestamp};

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

    #[test]
    fn the_latest_stay_in_whatever_order_they_come() {
        let mut flows = SampleFlows::default();
        for second in [5, 20, 1, 9, 13, 12, 30, 2, 17, 16, 15] {
            flows.add(
                Evidence::Contact,
                Signal::Tls,
                &[sample(50_000 + second as u16, second)],
            );
        }
        assert_eq!(seconds(&flows), [30, 20, 17, 16, 15, 13, 12, 9]);
    }

    #[test]
    fn a_contact_of_today_is_not_hidden_by_transfers_of_before() {
        let mut flows = SampleFlows::default();
        for second in 0..20 {
            let port = 50_000 + second as u16;
            flows.add(Evidence::Transfer, Signal::Tls, &[sample(port, second)]);
        }
        flows.add(Evidence::Contact, Signal::Tls, &[sample(60_000, 99)]);
        flows.add(Evidence::Lookup, Signal::Dns, &[sample(60_001, 100)]);
        let latest = flows.latest().unwrap();
        assert_eq!(
            (latest.evidence, seconds(&flows)[0]),
            (Evidence::Contact, 99)
        );
    }

    #[test]
    fn a_flow_stands_once_by_its_highest_level() {
        let mut flows = SampleFlows::default();
        flows.add(Evidence::Lookup, Signal::Dns, &[sample(40_000, 1)]);
        for (second, level) in Evidence::ALL.iter().enumerate() {
            flows.add(*level, Signal::Tls, &[sample(50_000, second as i64)]);
        }
        flows.add(Evidence::Contact, Signal::Tls, &[sample(50_000, 7)]);
        assert_eq!(seconds(&flows), [3]);
        assert_eq!(flows.latest().unwrap().evidence, Evidence::Transfer);
    }
}
