//! What the hosts spend their time with.

use super::super::noise::Noise;
use super::Scheduled;
use super::network::Network;
use super::scenes::Scene;
use super::tls::HTTPS_PORT;

/// A kind of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Pages, downloads and all else that offices do. Bulk for the most part: about one name in 55 packets.
    Mix,
    /// Handshakes and look-ups and nothing else: about three names in ten packets.
    Handshakes,
}

impl Workload {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Mix, Self::Handshakes];

    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mix => "mix",
            Self::Handshakes => "handshakes",
        }
    }

    /// Hosts that make such traffic.
    pub fn hosts(self) -> u16 {
        match self {
            Self::Mix => 3_000,
            Self::Handshakes => 20_000,
        }
    }

    /// Mean time between the beginnings of two scenes, in nanoseconds.
    pub(super) fn pace(self) -> u64 {
        match self {
            Self::Mix => 75_000_000,
            Self::Handshakes => 5_000_000,
        }
    }

    /// One scene, beginning at `start`: its frames, not yet sorted by time, with the names they complete.
    pub(super) fn scene(self, network: &Network, start: u64, noise: &mut Noise) -> Vec<Scheduled> {
        let mut scene = Scene::new(network, start, noise);
        match self {
            Self::Mix => scene.of_mix(network),
            Self::Handshakes => scene.of_handshakes(),
        }
        scene.into_frames()
    }
}

impl Scene<'_> {
    fn of_mix(&mut self, network: &Network) {
        match self.noise.below(100) {
            0..63 => {
                let site = self.site();
                self.ask(&site);
                self.connect(&site);
                if self.noise.chance(15) {
                    self.connect(&site);
                }
            }
            63..70 => {
                // The host still remembers the answers.
                let site = self.site();
                self.connect(&site);
            }
            70..74 => self.only_asked(),
            74..76 => self.unknown_name(),
            76..78 => self.reverse(),
            78..80 => self.nobody_there(HTTPS_PORT),
            80..88 => {
                let site = self.site();
                self.ask(&site);
                self.quic(&site);
            }
            88..91 => {
                let site = self.site();
                self.ask(&site);
                self.fetch(&site);
            }
            91..94 => self.quic_underway(),
            _ => self.arp(network),
        }
    }

    fn of_handshakes(&mut self) {
        match self.noise.below(100) {
            0..84 => {
                let site = self.site();
                self.ask(&site);
                match self.noise.below(100) {
                    0..50 => self.tls_handshake(&site),
                    50..82 => self.quic_handshake(&site),
                    _ => self.short_request(&site),
                }
            }
            84..90 => {
                let site = self.site();
                self.tls_handshake(&site);
            }
            90..94 => self.only_asked(),
            94..96 => self.unknown_name(),
            96..98 => self.reverse(),
            _ => self.nobody_there(HTTPS_PORT),
        }
    }
}
