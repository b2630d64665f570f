//! The traffic of an office: some hundred hosts that look names up, load pages, fetch updates and chat with the resolver.
//!
//! [`Office`] never ends and holds only what is going on at the moment, so a capture of any length can be streamed to
//! disk. The same seed gives the same traffic. With each frame comes the name that a reader knows once it has seen that
//! frame, so the truth about any first part of the traffic is known as well.

mod connections;
mod network;
mod scenes;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use super::noise::Noise;
use super::savefile::Frame;
use super::talk::seconds;
use network::Network;

/// Monday, 30 September 2024, 08:00 UTC.
const MORNING: u64 = seconds(1_727_683_200);
/// Mean time between the beginnings of two scenes, in nanoseconds.
const PACE: u64 = 75_000_000;

/// A name that a host gave away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// How: `dns` or `tls`.
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
    /// An office of this many hosts, IPv4 and mostly IPv6 too.
    pub fn new(hosts: u16, seed: u64) -> Self {
        Self {
            noise: Noise::new(seed),
            network: Network::new(hosts),
            next_scene: MORNING,
            pending: BTreeMap::new(),
            scheduled: 0,
        }
    }

    fn begin_scene(&mut self) {
        let frames = scenes::any(&self.network, self.next_scene, &mut self.noise);
        for scheduled in frames {
            self.scheduled += 1;
            let place = (scheduled.0.time, self.scheduled);
            self.pending.insert(place, scheduled);
        }
        self.next_scene += self.noise.below(2 * PACE);
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
        let start = |seed| Office::new(50, seed).take(500);
        assert!(start(1).eq(start(1)));
        assert!(!start(1).eq(start(2)));
    }

    #[test]
    fn a_good_mix_in_time_order() {
        let (frames, told): (Vec<Frame>, Vec<Option<Told>>) =
            Office::new(300, 1).take(8_000).unzip();
        assert!(frames.is_sorted_by_key(|frame| frame.time));
        assert!(
            frames
                .iter()
                .all(|frame| (60..=1514).contains(&frame.wire_len))
        );

        let told: Vec<Told> = told.into_iter().flatten().collect();
        // About one name in 50 frames.
        assert!((100..280).contains(&told.len()), "{}", told.len());
        for signal in ["dns", "tls"] {
            let by_signal = told.iter().filter(|told| told.signal == signal);
            let (v4, v6): (Vec<&Told>, Vec<&Told>) =
                by_signal.partition(|told| told.client.is_ipv4());
            assert!(
                v4.len() > 8 && v6.len() > 8,
                "{signal}: {} {}",
                v4.len(),
                v6.len()
            );
        }
    }
}
