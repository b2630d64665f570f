//! Who a device is.
//!
//! Today a host is an address, and its key says so (`ip-…`). Everything else asks this module for the key and never
//! takes one apart, so that a better identity can stand behind the same type. What devices and servers say of names and
//! hardware addresses is known of each address.

mod identity;

use std::collections::HashMap;
use std::net::IpAddr;

use crate::model::{HostKey, IdentityFact, Timestamp};

use identity::Identities;
pub use identity::Known;

/// Addresses kept at once: about 150 bytes each, so 20 MiB. More local addresses than this behind one sensor are spoofed.
pub const MAX_ADDRESSES: usize = 131_072;

/// The hosts that were seen.
#[derive(Debug, Default)]
pub struct Hosts {
    addresses: HashMap<IpAddr, Seen>,
    identities: Identities,
    evictions: u64,
}

/// When an address was seen.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// First packet.
    pub first: Timestamp,
    /// Latest packet.
    pub last: Timestamp,
}

/// Counters of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Addresses now.
    pub entries: u64,
    /// Addresses forgotten because the table was full.
    pub evictions: u64,
    /// Devices, bindings and announced names: those kept, and those that found no place.
    pub identities: (u64, u64),
}

impl Hosts {
    /// Takes what traffic says of who a device is.
    pub fn learn(&mut self, fact: &IdentityFact, time: Timestamp) {
        self.identities.learn(fact, time);
    }

    /// What is known of an address.
    pub fn known(&self, address: IpAddr) -> Known {
        self.identities.known(address)
    }

    /// Resolvers that the network hands out, by DHCP and router advertisements.
    pub fn resolvers(&self) -> &[IpAddr] {
        self.identities.resolvers()
    }

    /// Notes a packet from an address and gives the key of its host.
    pub fn see(&mut self, address: IpAddr, time: Timestamp) -> HostKey {
        if self.addresses.len() >= MAX_ADDRESSES && !self.addresses.contains_key(&address) {
            self.make_room();
        }
        let seen = self.addresses.entry(address).or_insert(Seen {
            first: time,
            last: time,
        });
        seen.first = seen.first.min(time);
        seen.last = seen.last.max(time);
        HostKey::from_address(address)
    }

    /// When an address was seen.
    pub fn seen(&self, address: IpAddr) -> Option<Seen> {
        self.addresses.get(&address).copied()
    }

    /// Distinct hosts with a packet after `since`.
    pub fn present_after(&self, since: Timestamp) -> u64 {
        self.addresses
            .values()
            .filter(|seen| seen.last > since)
            .count() as u64
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        Stats {
            entries: self.addresses.len() as u64,
            evictions: self.evictions,
            identities: self.identities.stats(),
        }
    }

    /// Forgets the tenth that was silent longest: a tenth at once, so that a flood does not sort the table each time.
    fn make_room(&mut self) {
        // The address parts those seen at one instant.
        let mut ranks: Vec<_> = self
            .addresses
            .iter()
            .map(|(address, seen)| (seen.last, *address))
            .collect();
        let (_, &mut limit, _) = ranks.select_nth_unstable(MAX_ADDRESSES / 10);
        let before = self.addresses.len();
        self.addresses
            .retain(|address, seen| (seen.last, *address) > limit);
        self.evictions += (before - self.addresses.len()) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence_counts_hosts_once() {
        let mut hosts = Hosts::default();
        let at = |second| Timestamp::from_unix(second, 0);
        hosts.see([10, 0, 0, 1].into(), at(5));
        hosts.see([10, 0, 0, 1].into(), at(3));
        hosts.see([10, 0, 0, 2].into(), at(9));
        assert_eq!(hosts.present_after(at(4)), 2);
        assert_eq!(hosts.present_after(at(5)), 1);
        assert_eq!(
            hosts.seen([10, 0, 0, 1].into()).map(|seen| seen.first),
            Some(at(3))
        );
    }

    #[test]
    fn a_flood_of_addresses_is_bounded_and_counted() {
        let mut hosts = Hosts::default();
        let total = MAX_ADDRESSES as u32 + 1_000;
        for n in 0..total {
            hosts.see(
                std::net::Ipv4Addr::from(n).into(),
                Timestamp::from_unix(i64::from(n), 0),
            );
        }
        let stats = hosts.stats();
        assert!(stats.entries <= MAX_ADDRESSES as u64);
        assert_eq!(stats.entries + stats.evictions, u64::from(total));
    }
}
