//! How much was looked at since the store was begun, and what the window holds, as one remembered value.

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde_json::{Map, Value, json};

use crate::model::{
    BlindKind, Finding, FlowProtocol, HostKey, ReplyKind, Seen, SeenSide, Signal, Snapshot,
    Timestamp, Undecoded,
};

/// Under which name the store remembers it.
pub const SEEN: &str = "seen";

/// What a sensor sees besides findings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surroundings {
    /// How much was looked at since the store was begun.
    pub seen: Seen,
    /// Distinct local hosts present in the last window.
    pub local_hosts: u64,
    /// Distinct hosts with a flow without a name in the last window, by cause.
    pub blind_hosts: [u64; BlindKind::ALL.len()],
    /// Whether local networks were configured or known from an interface.
    pub local_networks_known: bool,
    /// Hosts of which silence was proof, because answers to them would have been seen. Sorted.
    pub reached: Vec<HostKey>,
    /// Engine time. It may lie behind the last stretch that was looked at: a recording of one packet has a time.
    pub at: Option<Timestamp>,
    /// Networks of the interfaces that were captured.
    pub networks: Vec<IpNet>,
}

impl Surroundings {
    /// Those of a snapshot.
    pub(super) fn new(seen: Seen, snapshot: &Snapshot, networks: &[IpNet]) -> Self {
        let by_silence = |finding: &&Finding| {
            let last = finding.last_blocked;
            last.is_some_and(|(_, kind)| kind == ReplyKind::Silence)
        };
        let findings = snapshot.findings.iter().filter(by_silence);
        let reached: BTreeSet<&HostKey> = findings.map(|finding| &finding.host).collect();
        Self {
            seen,
            local_hosts: snapshot.local_hosts,
            blind_hosts: snapshot.blind_hosts,
            local_networks_known: snapshot.local_networks_known,
            reached: reached.into_iter().cloned().collect(),
            at: snapshot.at,
            networks: networks.to_vec(),
        }
    }
}

/// As JSON, counts by label, so that lists in the code may change.
pub(super) fn encode(surroundings: &Surroundings) -> String {
    let seen = &surroundings.seen;
    let by = |counts: &[u64], labels: &[&str]| -> Value {
        let pairs = labels.iter().zip(counts);
        let map: Map<String, Value> = pairs
            .map(|(label, count)| ((*label).to_owned(), json!(count)))
            .collect();
        Value::Object(map)
    };
    json!({
        "frames": seen.frames,
        "wire_bytes": seen.wire_bytes,
        "cut_frames": seen.cut_frames,
        "thinned": seen.thinned,
        "undecoded": by(&seen.undecoded, &labels(Undecoded::ALL, Undecoded::label)),
        "flows": by(&seen.flows, &labels(FlowProtocol::ALL, FlowProtocol::label)),
        "named_flows": by(&seen.named_flows, &labels(Signal::ALL, Signal::label)),
        "blind_flows": by(&seen.blind_flows, &labels(BlindKind::ALL, BlindKind::label)),
        "one_sided_flows": by(&seen.one_sided_flows, &labels(SeenSide::ALL, SeenSide::label)),
        "local_hosts": surroundings.local_hosts,
        "blind_hosts": by(&surroundings.blind_hosts, &labels(BlindKind::ALL, BlindKind::label)),
        "local_networks_known": surroundings.local_networks_known,
        "reached": surroundings.reached.iter().map(HostKey::as_str).collect::<Vec<_>>(),
        "at": surroundings.at.map(Timestamp::as_nanos),
        "networks": surroundings.networks.iter().map(IpNet::to_string).collect::<Vec<_>>(),
    })
    .to_string()
}

/// What cannot be read counts as nothing: these are counts of the sensor, not findings.
pub fn decode(text: &str) -> Surroundings {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let mut seen = Seen {
        frames: number(&value["frames"]),
        wire_bytes: number(&value["wire_bytes"]),
        cut_frames: number(&value["cut_frames"]),
        thinned: value["thinned"].as_bool().unwrap_or(false),
        ..Seen::default()
    };
    let read = |counts: &mut [u64], field: &str, labels: &[&str]| {
        for (count, label) in counts.iter_mut().zip(labels) {
            *count = number(&value[field][*label]);
        }
    };
    let undecoded = labels(Undecoded::ALL, Undecoded::label);
    read(&mut seen.undecoded, "undecoded", &undecoded);
    let flows = labels(FlowProtocol::ALL, FlowProtocol::label);
    read(&mut seen.flows, "flows", &flows);
    let signals = labels(Signal::ALL, Signal::label);
    read(&mut seen.named_flows, "named_flows", &signals);
    let kinds = labels(BlindKind::ALL, BlindKind::label);
    read(&mut seen.blind_flows, "blind_flows", &kinds);
    let sides = labels(SeenSide::ALL, SeenSide::label);
    read(&mut seen.one_sided_flows, "one_sided_flows", &sides);
    let mut blind_hosts = [0; BlindKind::ALL.len()];
    read(&mut blind_hosts, "blind_hosts", &kinds);
    let list = |field: &str| {
        let list = value[field].as_array().into_iter().flatten();
        list.filter_map(Value::as_str)
    };
    Surroundings {
        seen,
        reached: list("reached").map(HostKey::restored).collect(),
        at: value["at"].as_i64().map(Timestamp::from_nanos),
        networks: list("networks")
            .filter_map(|network| network.parse().ok())
            .collect(),
        local_hosts: number(&value["local_hosts"]),
        blind_hosts,
        local_networks_known: value["local_networks_known"].as_bool().unwrap_or(false),
    }
}

fn labels<T: Copy>(all: &[T], label: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|&item| label(item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_comes_back() {
        let mut seen = Seen {
            frames: 7,
            wire_bytes: u64::MAX,
            cut_frames: 1,
            thinned: true,
            ..Seen::default()
        };
        seen.undecoded[1] = 2;
        seen.flows[0] = 3;
        seen.named_flows[2] = 4;
        seen.blind_flows[3] = 5;
        seen.one_sided_flows[1] = 6;
        let mut surroundings = Surroundings {
            seen,
            local_hosts: 9,
            local_networks_known: true,
            reached: vec![HostKey::restored("ip-10.0.0.1")],
            at: Some(Timestamp::from_unix(1_727_600_000, 5)),
            networks: vec!["10.0.0.0/8".parse().unwrap()],
            ..Surroundings::default()
        };
        surroundings.blind_hosts[2] = 8;
        assert_eq!(decode(&encode(&surroundings)), surroundings);
        for text in ["", "[]", "{\"frames\":-1}", "{\"flows\":7}"] {
            assert_eq!(decode(text), Surroundings::default(), "{text}");
        }
    }
}
