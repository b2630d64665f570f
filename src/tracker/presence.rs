//! Which local hosts were there, told to the ledger once a minute.

use std::hash::BuildHasher;
use std::net::IpAddr;

use hashbrown::{DefaultHashBuilder, HashSet, HashTable};

use super::role_log::SignsTold;
use crate::model::{FIRST_HOPS, Mac, Packet, Presence, Timestamp, Way};

/// Hosts told within one minute. Spoofed sources beyond it are counted, not kept: as many addresses make about 4 MiB. Just
/// below what makes the table take twice the memory.
const MAX_HOSTS: usize = 57_344;

/// Below these by at most as much as the longest paths are long, a packet was forwarded. Lower ones are also those of
/// traceroute and of groups, and say nothing.
const LONGEST_PATH: u8 = 31;

/// What a packet says of its way: its frame's sender is its own only as long as no router came between.
pub fn way(packet: &Packet<'_>) -> Way {
    let hops = packet.hop_limit;
    if FIRST_HOPS.contains(&hops) {
        let source = packet.link.map(|link| link.src);
        return source
            .filter(|mac| !mac.is_multicast())
            .map_or(Way::Unknown, Way::Direct);
    }
    let is_below = |first: &u8| (1..=LONGEST_PATH).contains(&first.wrapping_sub(hops));
    if FIRST_HOPS.iter().any(is_below) {
        Way::Forwarded
    } else {
        Way::Unknown
    }
}

/// Addresses told in the current minute of engine time, and what was told of their way.
#[derive(Debug, Default)]
pub struct PresenceLog {
    minute: i64,
    /// How many minutes began so far. What was told in another one than this is not told in this one, and stays for its
    /// signs until its place is wanted.
    began: u32,
    /// Addresses told in this minute.
    now: usize,
    told: HashTable<Told>,
    hasher: DefaultHashBuilder,
    /// Further hardware addresses from which an address came in this minute: in another VLAN it may be another device.
    also: HashSet<(IpAddr, Mac)>,
    waiting: Vec<Presence>,
    refused: u64,
}

/// What was told of an address: of its presence and, because it is at hand then, of its signs of roles. For nearly each
/// packet one of these comes from memory, so it is kept small and in one line of the processor's cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Told {
    /// A digest of 64 bits stands for the address.
    host: u64,
    /// In which minute, of those that began.
    began: u32,
    way: Way,
    signs: SignsTold,
}

impl PresenceLog {
    /// Notes that `host` sent a packet that came this way. Says whether that is told.
    pub fn note(&mut self, host: IpAddr, way: Way, time: Timestamp) -> bool {
        if time.minute() != self.minute {
            // Forgetting who was told costs a repetition at most, and bounds the table.
            self.minute = time.minute();
            self.began = self.began.wrapping_add(1);
            self.now = 0;
            self.also.clear();
        }
        let digest = self.digest(host);
        let known = self.told.find_mut(digest, |told| told.host == digest);
        let told = known.as_ref().filter(|known| known.began == self.began);
        let told = told.map(|known| known.way);
        if told.is_some_and(|told| told != Way::Unknown || way == Way::Unknown) {
            let other = way.mac().filter(|_| told != Some(way));
            let is_news = |mac| self.also.len() < MAX_HOSTS && self.also.insert((host, mac));
            let is_told = self.waiting.len() < MAX_HOSTS && other.is_some_and(is_news);
            if is_told {
                self.waiting.push(Presence { host, time, way });
            }
            return is_told;
        }
        if (told.is_none() && self.now >= MAX_HOSTS) || self.waiting.len() >= MAX_HOSTS {
            self.refused += 1;
            return false;
        }
        self.now += usize::from(told.is_none());
        match known {
            Some(known) => (known.began, known.way) = (self.began, way),
            None => self.insert(digest, way),
        }
        self.waiting.push(Presence { host, time, way });
        true
    }

    fn digest(&self, host: IpAddr) -> u64 {
        // As numbers, because an address hashes its parts one by one.
        let (bits, version) = match host {
            IpAddr::V4(host) => (u128::from(host.to_bits()), 4_u8),
            IpAddr::V6(host) => (host.to_bits(), 6),
        };
        self.hasher.hash_one((bits, version))
    }

    fn insert(&mut self, host: u64, way: Way) {
        let began = self.began;
        if self.told.len() >= MAX_HOSTS {
            self.told.retain(|told| told.began == began);
        }
        let told = Told {
            host,
            began,
            way,
            signs: SignsTold::default(),
        };
        self.told.insert_unique(host, told, |told| told.host);
    }

    /// Which signs of an address were told, if it is at hand.
    pub(super) fn signs_of(&mut self, host: IpAddr) -> Option<&mut SignsTold> {
        let digest = self.digest(host);
        let told = self.told.find_mut(digest, |told| told.host == digest)?;
        Some(&mut told.signs)
    }

    /// Hosts told in this minute.
    pub fn len(&self) -> usize {
        self.now
    }

    /// Hosts that found no place.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Hands over what is waiting.
    pub fn take(&mut self) -> Vec<Presence> {
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LinkEnds, Transport};

    #[test]
    fn hop_limits_tell_who_sent_a_frame() {
        let mac = Mac::new([2, 0, 0, 0, 0, 1]);
        let of = |hop_limit, src| {
            let dst = Mac::new([2, 0, 0, 0, 0, 9]);
            way(&Packet {
                src: [10, 0, 0, 1].into(),
                dst: [10, 0, 0, 2].into(),
                hop_limit,
                link: Some(LinkEnds {
                    src,
                    dst,
                    vlan: None,
                }),
                transport: Transport::Other(1),
            })
        };
        for (hops, expected) in [
            (64, Way::Direct(mac)),
            (128, Way::Direct(mac)),
            (255, Way::Direct(mac)),
            (63, Way::Forwarded),
            (33, Way::Forwarded),
            (125, Way::Forwarded),
            (254, Way::Forwarded),
            (0, Way::Unknown),
            (1, Way::Unknown),
            (30, Way::Unknown),
            (65, Way::Unknown),
        ] {
            assert_eq!(of(hops, mac), expected, "{hops}");
        }
        assert_eq!(of(64, Mac::new([0xff; 6])), Way::Unknown);
    }

    #[test]
    fn a_host_is_told_once_a_minute_and_again_when_its_way_is_known() {
        let mut log = PresenceLog::default();
        let host = [10, 0, 0, 1].into();
        let at = |second: i64| Timestamp::from_unix(60 + second, 0);
        let [mac, other] = [1, 2].map(|last| Way::Direct(Mac::new([2, 0, 0, 0, 0, last])));
        for (way, second) in [
            (Way::Unknown, 0),
            (Way::Unknown, 1),
            (mac, 2),
            (Way::Forwarded, 3),
            (mac, 4),
            (other, 5),
            (other, 6),
            (Way::Unknown, 60),
        ] {
            log.note(host, way, at(second));
        }
        let told: Vec<(Way, Timestamp)> = log.take().iter().map(|it| (it.way, it.time)).collect();
        let expected = [
            (Way::Unknown, at(0)),
            (mac, at(2)),
            (other, at(5)),
            (Way::Unknown, at(60)),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn each_minute_has_room_for_as_many() {
        let mut log = PresenceLog::default();
        let more = MAX_HOSTS + 1_000;
        for minute in 1..4 {
            for n in 0..more as u32 {
                let host = std::net::Ipv4Addr::from(minute << 24 | n).into();
                log.note(
                    host,
                    Way::Unknown,
                    Timestamp::from_unix(60 * i64::from(minute), 0),
                );
            }
            assert_eq!(log.len(), MAX_HOSTS);
            assert_eq!(log.take().len(), MAX_HOSTS);
            assert_eq!(log.refused(), 1_000 * u64::from(minute));
            assert!(log.told.len() <= MAX_HOSTS);
        }
    }
}
