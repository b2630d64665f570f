//! Which local hosts were there, told to the ledger once a minute.

use std::net::IpAddr;

use hashbrown::{HashMap, HashSet};

use crate::model::{FIRST_HOPS, Mac, Packet, Presence, Timestamp, Way};

/// Hosts told within one minute. Spoofed sources beyond it are counted, not kept: as many addresses make about 3 MiB. Just
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
    told: HashMap<IpAddr, Way>,
    /// Further hardware addresses from which an address came in this minute: in another VLAN it may be another device.
    also: HashSet<(IpAddr, Mac)>,
    waiting: Vec<Presence>,
    refused: u64,
}

impl PresenceLog {
    /// Notes that `host` sent a packet that came this way. Says whether that is told.
    pub fn note(&mut self, host: IpAddr, way: Way, time: Timestamp) -> bool {
        if time.minute() != self.minute {
            // Forgetting who was told costs a repetition at most, and bounds the table.
            self.minute = time.minute();
            self.told.clear();
            self.also.clear();
        }
        let told = self.told.get(&host).copied();
        if told.is_some_and(|told| told != Way::Unknown || way == Way::Unknown) {
            let other = way.mac().filter(|_| told != Some(way));
            let is_news = |mac| self.also.len() < MAX_HOSTS && self.also.insert((host, mac));
            let is_told = self.waiting.len() < MAX_HOSTS && other.is_some_and(is_news);
            if is_told {
                self.waiting.push(Presence { host, time, way });
            }
            return is_told;
        }
        if (told.is_none() && self.told.len() >= MAX_HOSTS) || self.waiting.len() >= MAX_HOSTS {
            self.refused += 1;
            return false;
        }
        self.told.insert(host, way);
        self.waiting.push(Presence { host, time, way });
        true
    }

    /// Hosts in the table.
    pub fn len(&self) -> usize {
        self.told.len()
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
}
