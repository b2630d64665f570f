//! Who a device is.
//!
//! A host's key is fixed when something is first put down to it: `mac-…` where its address was proven to be that of a
//! hardware address by then, otherwise `ip-…`; the inventory's id goes before both. What is proven later becomes an alias,
//! and the older key stays. Proof is what a device says of itself on the link, what a DHCP server confirms, and a frame of
//! its own in a network that is known to be on the link. Nobody signs any of it, so in doubt a host keeps `ip-…`: two keys
//! for one device are a smaller fault than one key for two.
//!
//! Keys depend on the order of capture times and not on how packets were cut into batches: what was proven later than a
//! sighting began does not count for it. Everybody else asks this module and never takes a key apart.

mod addresses;
mod attached;
mod changes;
mod claimants;
mod devices;
mod disputes;
mod facts;
mod fixing;
mod inventory;
mod leases;
mod naming;
mod register;
mod resolve;
mod standing;
mod tentative;
#[cfg(test)]
mod tests;
mod views;

use std::net::IpAddr;

use crate::model::{HostKey, KeyText, Mac, Presence, Span, Strength, Timestamp, Way};

pub use addresses::MAX_ADDRESSES;
use addresses::{Addresses, Claimed, Proof};
use attached::Attached;
pub use changes::Changes;
use devices::Devices;
pub use inventory::{Inventory, InventoryError, Listed};
pub use leases::{LeaseError, LeaseRecord, parse_leases};
pub use naming::Known;
use naming::Names;
use register::Register;
use tentative::Tentative;

/// The hosts that were seen.
#[derive(Debug, Default)]
pub struct Hosts {
    addresses: Addresses,
    devices: Devices,
    attached: Attached,
    register: Register,
    names: Names,
    tentative: Tentative,
    inventory: Inventory,
    leases: Vec<LeaseRecord>,
    resolvers: Vec<IpAddr>,
    routers: Vec<IpAddr>,
    conflicts: u64,
}

/// What files say of who devices are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listings {
    /// The inventory.
    pub inventory: Inventory,
    /// Leases, those of later files behind.
    pub leases: Vec<LeaseRecord>,
}

/// Counters of the tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Addresses now.
    pub entries: u64,
    /// Addresses forgotten because the table was full.
    pub evictions: u64,
    /// Devices, hosts with a key and announced names: those kept, and those forgotten or without a place.
    pub identities: (u64, u64),
    /// Times that a device claimed an address which another one has.
    pub conflicts: u64,
}

impl Hosts {
    /// Notes that an address sent.
    pub fn present(&mut self, presence: &Presence) {
        let Presence { host, time, way } = *presence;
        self.settle(time);
        let entry = self.addresses.see(host, time);
        if way == Way::Forwarded {
            let since = entry.forwarded.get_or_insert(time);
            *since = time.min(*since);
        }
        let is_in_group = host.is_ipv6() && entry.forwarded.is_some();
        let mut is_bare = entry.is_bare() && !is_in_group;
        if let Way::Direct(mac) = way
            && self.attached.contains(host, time)
        {
            self.claim(host, mac, Proof::Frame, time);
            is_bare = false;
        }
        if is_bare && self.inventory.by_address(host).is_none() {
            let text = KeyText::of_address(host);
            self.register.present(text.as_str(), time);
        } else {
            let key = self.whose(host, time, way.mac()).key;
            self.register.present(key.as_str(), time);
        }
    }

    /// Gives the key of the host to which a sighting of an address is put down, and fixes it; `mac` is the hardware address
    /// from which its packets came, where their frames seemed its own. Hosts with weak sightings only
    /// are forgotten first when there are too many.
    pub fn sight(
        &mut self,
        address: IpAddr,
        mac: Option<Mac>,
        span: Span,
        strength: Strength,
    ) -> HostKey {
        self.settle(span.first);
        let is_strong = strength == Strength::Strong;
        self.addresses.see(address, span.last).used |= is_strong;
        let key = self.fix(address, span, mac);
        self.register.seen(&key, span).strong |= is_strong;
        key
    }

    /// Notes that the host of an address was in contact with a vendor then: such hosts are the last to be forgotten, and
    /// those that are in contact for long after those that came with a flood.
    pub fn contacted(&mut self, address: IpAddr, key: &HostKey, span: Span) {
        let earlier = |known: Option<Timestamp>| known.into_iter().chain([span.first]).min();
        if let Some(entry) = self.addresses.get_mut(address) {
            entry.contact = earlier(entry.contact);
        }
        let record = self.register.seen(key, span);
        record.contact = earlier(record.contact);
    }

    /// The key of the host that had an address at an instant, as it would be fixed.
    pub fn key_at(&self, address: IpAddr, at: Timestamp) -> HostKey {
        self.key_of(address, None, at)
    }

    /// The key of the host that sent from an address at an instant, from this hardware address where that is known, as it
    /// would be fixed.
    pub fn key_of(&self, address: IpAddr, mac: Option<Mac>, at: Timestamp) -> HostKey {
        self.whose(address, at, mac).key
    }

    /// Pairs of keys that turned out to be one host since the last call: the one that stays, and its new alias.
    pub fn take_joined(&mut self) -> Vec<(HostKey, HostKey)> {
        self.register.take_joined()
    }

    /// Resolvers that the network hands out, by DHCP and router advertisements.
    pub fn resolvers(&self) -> &[IpAddr] {
        &self.resolvers
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        let (entries, evictions) = self.addresses.stats();
        let mut identities = (0, 0);
        for (kept, lost) in [
            self.devices.stats(),
            self.register.stats(),
            self.names.stats(),
            self.tentative.stats(),
        ] {
            identities = (identities.0 + kept, identities.1 + lost);
        }
        Stats {
            entries,
            evictions,
            identities,
            conflicts: self.conflicts,
        }
    }

    /// An address is a device's, by this proof.
    fn claim(&mut self, address: IpAddr, mac: Mac, proof: Proof, time: Timestamp) {
        if proof == Proof::Frame && self.devices.fronts_others(mac) {
            return;
        }
        let before = self.whose(address, time, self.owner(address, time)).key;
        let entry = self.addresses.at(address);
        match entry.claim(mac, proof, time) {
            Claimed::Late => return,
            Claimed::Refused if proof == Proof::Frame => {
                // Which packets are whose is told by their own frames.
                self.conflicts += 1;
                return;
            }
            Claimed::Refused => return self.refused(address, mac, time),
            Claimed::Again => {}
            Claimed::First => {
                if let Some(key) = entry.by_address.clone() {
                    self.first_owner(address, mac, time, &key);
                }
            }
            Claimed::TakenOver(former) => self.handed_over(address, (former, before), mac, time),
        }
        let device = self.devices.at(mac, time);
        if device.has(address, time) {
            let addresses = device.addresses();
            self.part(&addresses);
        }
        if self.routers.contains(&address) {
            self.front(mac, time);
        }
    }

    /// A device is a router: what comes from it may be others'.
    fn front(&mut self, mac: Mac, time: Timestamp) {
        let device = self.devices.at(mac, time);
        if !std::mem::replace(&mut device.fronts_others, true) {
            let addresses = device.addresses();
            self.part(&addresses);
        }
    }
}
