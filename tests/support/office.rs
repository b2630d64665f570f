//! The traffic of an office: hosts that look names up, load pages, fetch updates and chat with the resolver; see [`Workload`].
//!
//! [`Office`] never ends and holds only what is going on at the moment, so a capture of any length can be streamed to
//! disk. The same seed gives the same traffic. With each frame comes the name that a reader knows once it has seen that
//! frame, so the truth about any first part of the traffic is known as well.

mod hellos;
mod http;
mod look_ups;
mod network;
mod quic;
mod scenes;
mod tls;
mod workloads;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use super::noise::Noise;
use super::savefile::Frame;
use super::talk::seconds;
use network::Network;
pub use workloads::Workload;

/// Monday, 30 September 2024, 08:00 UTC.
const MORNING: u64 = seconds(1_727_683_200);

/// A name that a host gave away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// How: `dns`, `tls`, `quic` or `http`.
    pub signal: &'static str,
    /// Who.
    pub client: IpAddr,
    /// The name, in lower case and without a dot at its end.
    pub name: String,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\t{}\t{}", self.signal, self.client, self.name)
    }
}

/// Endless traffic of an office network, frame by frame in time order.
pub struct Office {
    workload: Workload,
    noise: Noise,
    network: Network,
    /// When the next scene begins.
    next_scene: u64,
    /// Frames of the scenes that go on, by time; the second number keeps frames of the same time in order.
    pending: BTreeMap<(u64, u64), Scheduled>,
    scheduled: u64,
}

/// A frame and the name that it completes.
pub type Scheduled = (Frame, Option<Told>);

impl Office {
    /// The usual mix of an office of this many hosts, IPv4 and mostly IPv6 too.
    pub fn new(hosts: u16, seed: u64) -> Self {
        Self::of(Workload::Mix, hosts, seed)
    }

    /// Traffic of this kind, of this many hosts.
    pub fn of(workload: Workload, hosts: u16, seed: u64) -> Self {
        Self {
            workload,
            noise: Noise::new(seed),
            network: Network::new(hosts),
            next_scene: MORNING,
            pending: BTreeMap::new(),
            scheduled: 0,
        }
    }

    fn begin_scene(&mut self) {
        let frames = self
            .workload
            .scene(&self.network, self.next_scene, &mut self.noise);
        for scheduled in frames {
            self.scheduled += 1;
            let place = (scheduled.0.time, self.scheduled);
            self.pending.insert(place, scheduled);
        }
        self.next_scene += self.noise.below(2 * self.workload.pace());
    }

    fn has_frame_before_next_scene(&self) -> bool {
        let first = self.pending.first_key_value();
        first.is_some_and(|(&(time, _), _)| time < self.next_scene)
    }
}

impl Iterator for Office {
    type Item = Scheduled;

    fn next(&mut self) -> Option<Scheduled> {
        while !self.has_frame_before_next_scene() {
            self.begin_scene();
        }
        self.pending.pop_first().map(|(_, scheduled)| scheduled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_traffic() {
        for workload in Workload::ALL {
            let start = |seed| Office::of(workload, 50, seed).take(500);
            assert!(start(1).eq(start(1)));
            assert!(!start(1).eq(start(2)));
        }
    }

    #[test]
    fn a_good_mix_in_time_order() {
        let (frames, told) = start(Workload::Mix, 8_000);
        assert!(frames.is_sorted_by_key(|frame| frame.time));
        let bytes: usize = frames.iter().map(|frame| frame.bytes.len()).sum();
        assert!((800..1200).contains(&(bytes / frames.len())), "{bytes}");
        // About one name in 55 frames.
        assert!((100..280).contains(&told.len()), "{}", told.len());
        both_families_tell(&told, &["dns", "tls"], 8);
    }

    #[test]
    fn handshakes_tell_names_and_little_else() {
        let (frames, told) = start(Workload::Handshakes, 8_000);
        assert!(frames.is_sorted_by_key(|frame| frame.time));
        // About three names in ten frames.
        assert!((2_000..2_800).contains(&told.len()), "{}", told.len());
        both_families_tell(&told, &["dns", "tls", "quic", "http"], 30);
    }

    #[test]
    fn some_frames_are_tagged_and_none_is_too_long() {
        for workload in Workload::ALL {
            let (frames, _) = start(workload, 8_000);
            let is_tagged = |frame: &&Frame| frame.bytes[12..14] == [0x81, 0];
            let tagged = frames.iter().filter(is_tagged).count();
            assert!((50..4_000).contains(&tagged), "{tagged}");
            for frame in &frames {
                let longest = if is_tagged(&frame) { 1518 } else { 1514 };
                assert!((60..=longest).contains(&frame.wire_len), "{frame:?}");
            }
        }
    }

    /// The beginning of a workload, and what is told in it.
    fn start(workload: Workload, frames: usize) -> (Vec<Frame>, Vec<Told>) {
        let office = Office::of(workload, 300, 1).take(frames);
        let (frames, told): (Vec<Frame>, Vec<Option<Told>>) = office.unzip();
        (frames, told.into_iter().flatten().collect())
    }

    fn both_families_tell(told: &[Told], signals: &[&str], at_least: usize) {
        for &signal in signals {
            let by_signal = told.iter().filter(|told| told.signal == signal);
            let (v4, v6): (Vec<&Told>, Vec<&Told>) =
                by_signal.partition(|told| told.client.is_ipv4());
            let (v4, v6) = (v4.len(), v6.len());
            assert!(v4 > at_least && v6 > at_least, "{signal}: {v4} {v6}");
        }
    }
}
