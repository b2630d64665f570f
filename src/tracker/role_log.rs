//! Signs of what local hosts do for others, told to the ledger once an hour each.

use std::hash::BuildHasher;
use std::net::IpAddr;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::presence::PresenceLog;
use crate::model::{FIRST_HOPS, LocalNetworks, RoleSign, TimedRoleSign, Timestamp};

/// Signs told within one hour: a large site has some thousand hosts with a few each. About 60 bytes each with what waits,
/// so 4 MiB. Just below what makes the table take twice the memory.
const MAX_SIGNS: usize = 57_344;
/// Below the hop limit with which a system began by at most so many, a packet came from a real host: paths are not longer,
/// and lower values are those of traceroute.
const LONGEST_PATH: u8 = 31;

/// Signs told in the current hour of capture time.
#[derive(Debug, Default)]
pub(super) struct RoleLog {
    hour: i64,
    /// How many hours began so far.
    began: u32,
    /// Digests of 64 bits stand for the signs: the table is looked at several times for each connection and has to be small.
    told: HashTable<u64>,
    hasher: DefaultHashBuilder,
    waiting: Vec<TimedRoleSign>,
    refused: u64,
    /// Ports of the relays of the packs in force, sorted.
    relay_ports: Vec<u16>,
}

/// Which signs of one address were told. A resolver answers a host again and again, and each look into the table of all
/// signs waits for memory; this stands where the address was looked up anyway.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SignsTold {
    /// In which hour, of those that began.
    began: u32,
    /// Digest of the resolver that answered it last.
    resolver: u32,
    /// A bit for each sign that an address gives by itself.
    own: u8,
}

impl SignsTold {
    /// Whether a sign was told in this hour. If it was not, it is from now on; `None` for those that are not kept here.
    fn tell(&mut self, sign: &RoleSign, hour: u32, hasher: &DefaultHashBuilder) -> Option<bool> {
        if self.began != hour {
            *self = Self {
                began: hour,
                ..Self::default()
            };
        }
        let bit = match sign {
            RoleSign::Reached { .. } => 1,
            RoleSign::FirstHops { at, .. } => 2 << at,
            RoleSign::AnsweredDns { server, .. } => {
                // Never 0, which stands for none.
                let digest = hasher.hash_one(server) as u32 | 1;
                return Some(std::mem::replace(&mut self.resolver, digest) == digest);
            }
            RoleSign::OpenedToRelay { .. } => return None,
        };
        let known = self.own & bit != 0;
        self.own |= bit;
        Some(known)
    }
}

impl RoleLog {
    /// A log that looks at these ports of relays.
    pub(super) fn new(ports: impl Iterator<Item = u16>) -> Self {
        let mut relay_ports: Vec<u16> = ports.collect();
        relay_ports.sort_unstable();
        relay_ports.dedup();
        Self {
            relay_ports,
            ..Self::default()
        }
    }

    /// Other packs are in force, with other ports of relays. What was told stays told.
    pub(super) fn watch_ports(&mut self, ports: impl Iterator<Item = u16>) {
        self.relay_ports = Self::new(ports).relay_ports;
    }

    /// A flow was opened.
    pub(super) fn opened(
        &mut self,
        (client, server): (IpAddr, IpAddr),
        port: u16,
        local: &LocalNetworks,
        time: Timestamp,
    ) {
        if self.relay_ports.binary_search(&port).is_ok()
            && client != server
            && local.contains(client)
            && local.contains(server)
        {
            let sign = RoleSign::OpenedToRelay {
                server,
                client,
                port,
            };
            self.note(sign, None, time);
        }
    }

    /// A resolver answered.
    pub(super) fn answered(
        &mut self,
        server: IpAddr,
        client: IpAddr,
        local: &LocalNetworks,
        presence: &mut PresenceLog,
        time: Timestamp,
    ) {
        if client != server && local.contains(client) && local.contains(server) {
            let sign = RoleSign::AnsweredDns { server, client };
            self.note(sign, presence.signs_of(client), time);
        }
    }

    /// A connection was opened with this hop limit.
    pub(super) fn hops(
        &mut self,
        host: IpAddr,
        hops: u8,
        presence: &mut PresenceLog,
        time: Timestamp,
    ) {
        let began = |first: &u8| (0..=LONGEST_PATH).contains(&first.wrapping_sub(hops));
        if let Some(at) = FIRST_HOPS.iter().position(began)
            && let Ok(at) = u8::try_from(at)
        {
            let sign = RoleSign::FirstHops { host, at };
            self.note(sign, presence.signs_of(host), time);
        }
    }

    /// A packet came towards a local address; from outside it shows that such packets are captured.
    pub(super) fn reached(
        &mut self,
        sender: IpAddr,
        receiver: IpAddr,
        local: &LocalNetworks,
        presence: &mut PresenceLog,
        time: Timestamp,
    ) {
        if local.contains(receiver) && !local.contains(sender) {
            let sign = RoleSign::Reached { host: receiver };
            self.note(sign, presence.signs_of(receiver), time);
        }
    }

    fn note(&mut self, sign: RoleSign, of_host: Option<&mut SignsTold>, time: Timestamp) {
        if time.hour() != self.hour {
            // Forgetting what was told costs a repetition at most, and bounds the table.
            self.hour = time.hour();
            self.began = self.began.wrapping_add(1);
            self.told.clear();
        }
        // While too many wait, a sign is not told, and may be later.
        if self.waiting.len() < MAX_SIGNS
            && let Some(of_host) = of_host
            && of_host.tell(&sign, self.began, &self.hasher) == Some(true)
        {
            return;
        }
        let digest = self.hasher.hash_one(sign);
        if self.told.find(digest, |&told| told == digest).is_some() {
            return;
        }
        if self.told.len() >= MAX_SIGNS || self.waiting.len() >= MAX_SIGNS {
            self.refused += 1;
            return;
        }
        self.told.insert_unique(digest, digest, |&told| told);
        self.waiting.push((sign, time));
    }

    /// Signs in the table.
    pub(super) fn len(&self) -> usize {
        self.told.len()
    }

    /// Signs that found no place.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// Hands over what is waiting.
    pub(super) fn take(&mut self) -> Vec<TimedRoleSign> {
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Way;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix(second, 0)
    }

    #[test]
    fn a_sign_is_told_once_an_hour() {
        let local = LocalNetworks::default();
        let [server, other, client, outside]: [IpAddr; 4] = [
            [10, 0, 0, 1].into(),
            [10, 0, 0, 3].into(),
            [10, 0, 0, 2].into(),
            [198, 51, 100, 1].into(),
        ];
        // Whether or not its presence was told before.
        for is_at_hand in [false, true] {
            let mut log = RoleLog::new([13_000].into_iter());
            let presence = &mut PresenceLog::default();
            for second in [0, 1, 3_600] {
                if is_at_hand {
                    presence.note(client, Way::Unknown, at(second));
                }
                log.answered(server, client, &local, presence, at(second));
                log.answered(other, client, &local, presence, at(second));
                log.answered(server, client, &local, presence, at(second));
                log.answered(outside, client, &local, presence, at(second));
                log.answered(server, server, &local, presence, at(second));
                log.opened((client, server), 13_000, &local, at(second));
                log.opened((client, server), 443, &local, at(second));
                log.opened((client, outside), 13_000, &local, at(second));
                log.reached(outside, client, &local, presence, at(second));
                log.reached(server, client, &local, presence, at(second));
                log.hops(client, 64, presence, at(second));
                log.hops(client, 128, presence, at(second));
            }
            let told = log.take();
            assert_eq!(told.len(), 12, "{told:?}");
            let signs: Vec<RoleSign> = told.iter().map(|(sign, _)| *sign).collect();
            assert_eq!(signs[..6], signs[6..]);
        }
    }

    #[test]
    fn hop_limits_tell_with_which_systems_begin() {
        for (hops, expected) in [
            (64, Some(0)),
            (40, Some(0)),
            (32, None),
            (65, None),
            (128, Some(1)),
            (127, Some(1)),
            (255, Some(2)),
            (3, None),
        ] {
            let mut log = RoleLog::default();
            log.hops(
                [10, 0, 0, 1].into(),
                hops,
                &mut PresenceLog::default(),
                at(1),
            );
            let told = log.take().pop().map(|(sign, _)| match sign {
                RoleSign::FirstHops { at, .. } => at,
                other => panic!("{other:?}"),
            });
            assert_eq!(told, expected, "{hops}");
        }
    }

    #[test]
    fn a_flood_is_bounded_and_counted() {
        let mut log = RoleLog::default();
        let mut presence = PresenceLog::default();
        for n in 0..70_000u32 {
            log.hops(std::net::Ipv4Addr::from(n).into(), 64, &mut presence, at(1));
        }
        assert_eq!(
            (log.len(), log.refused()),
            (MAX_SIGNS, 70_000 - MAX_SIGNS as u64)
        );
    }
}
