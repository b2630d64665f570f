//! Gives a host its key when something is first put down to it, and writes down what belongs to that key.

use std::net::IpAddr;

use super::Hosts;
use super::devices::Device;
use super::resolve::{Made, Place, Whose};
use crate::model::{HostKey, Mac, Span, Timestamp};

impl Hosts {
    /// Gives the key of whoever sent from an address then, in frames from this hardware address, and writes it down.
    pub(super) fn fix(&mut self, address: IpAddr, span: Span, from: Option<Mac>) -> HostKey {
        let whose = self.unlisted(address, span.first, from);
        let listed = self.listed_at(address, &whose);
        let Whose {
            key: base,
            made,
            mac,
            likely,
            place,
        } = whose;
        let is_new = self.register.get(&base).is_none();
        self.register.sighted(&base, span);
        if let Some(entry) = self.addresses.get_mut(address) {
            if matches!(made, Made::ByAddress | Made::ByMacAgain) {
                entry.generation += 1;
                entry.was_key |= place == Place::Holder;
            }
            if let Place::Beside(mac) = place {
                entry.claimant_at(mac, span.last);
            }
            if made == Made::ByAddress {
                let key = Some(base.clone());
                match place {
                    Place::Holder => entry.by_address = key,
                    Place::Beside(mac) => entry.claimant_at(mac, span.last).by_address = key,
                    Place::Open => entry.open = key,
                }
            }
            if mac.is_none() && place == Place::Holder {
                entry.senders.note(from);
            }
        }
        if let Some(mac) = mac {
            let device = self.devices.at(mac, span.first);
            let key = device.key.get_or_insert_with(|| base.clone()).clone();
            self.register.alias(&key, HostKey::from_mac(mac));
        }
        if made == Made::ByAddress
            && let Some(mac) = likely
        {
            // Proven after the sighting: as if it had been put down before.
            self.tie(address, mac, &base);
        }
        if let Some(id) = listed
            && !self.inventory.has_id(self.register.canonical(&base))
        {
            self.register.seen(&id, span);
            self.register.join(&id, &base);
        }
        let key = self.whose(address, span.first, from).key;
        self.register.sighted(&key, span);
        if let Some(mac) = mac {
            self.register.reached_at(&key, mac);
        }
        if is_new && place != Place::Open {
            self.look_back(&key, address, mac.or(likely));
        }
        if made != Made::Group {
            self.hold(&key, address, mac);
        }
        key
    }

    /// Adds when a host was there before anything was put down to it, at all of its addresses.
    fn look_back(&mut self, key: &HostKey, address: IpAddr, mac: Option<Mac>) {
        let device = mac.and_then(|mac| self.devices.get(mac));
        let mut addresses = device.map_or_else(Vec::new, Device::addresses);
        addresses.push(address);
        for address in addresses {
            let Some(entry) = self.addresses.get(address) else {
                continue;
            };
            let until = entry.former.as_ref().map(|(.., until)| *until);
            let span = Span {
                first: until.map_or(entry.first, |until| entry.first.max(until)),
                last: entry.last,
            };
            let is_own = self.key_at(address, Timestamp::MAX) == *key;
            if is_own && span.first <= span.last {
                self.register.seen(key, span);
            }
        }
    }

    /// Writes down since when a host has an address.
    fn hold(&mut self, key: &HostKey, address: IpAddr, mac: Option<Mac>) {
        let Some(entry) = self.addresses.get(address) else {
            return;
        };
        let former = entry.former.as_ref();
        if former.is_some_and(|(had, ..)| Some(*had) == mac) {
            // What comes late of who had it before is no news of who has it.
            return;
        }
        let from = former.map_or(entry.first, |(.., until)| *until);
        self.register.holds(key, address, from, mac);
    }

    /// A device is at an address that was known by itself: from now on both are one host, by the key that is older.
    pub(super) fn tie(&mut self, address: IpAddr, mac: Mac, key: &HostKey) {
        if self.devices.fronts_others(mac) {
            return;
        }
        let device = self.devices.at(mac, Timestamp::MIN);
        match device.key.clone() {
            None => device.key = Some(key.clone()),
            Some(other) => self.join(&other, key),
        }
        self.register.alias(key, HostKey::from_mac(mac));
        let listed = self.inventory.by_mac(mac).map(|listed| listed.id.clone());
        if let Some(id) = listed.filter(|id| self.is_free(id))
            && !self.inventory.has_id(self.register.canonical(key))
        {
            self.register.join(&id, key);
        }
        let key = self.register.canonical(key).clone();
        self.hold(&key, address, Some(mac));
    }

    /// Two keys are one host: the inventory's stays, otherwise the older one. Two of the inventory stay two.
    fn join(&mut self, one: &HostKey, other: &HostKey) {
        let one = self.register.canonical(one).clone();
        let other = self.register.canonical(other).clone();
        let rank = |key: &HostKey| {
            let first = self.register.get(key).map(|record| record.sighted);
            (
                !self.inventory.has_id(key),
                first.is_none(),
                first,
                key.clone(),
            )
        };
        let (older, newer) = if rank(&one) <= rank(&other) {
            (one, other)
        } else {
            (other, one)
        };
        if !self.inventory.has_id(&newer) {
            self.register.join(&older, &newer);
        }
    }

    /// These addresses have one hardware address, which fronts others: what was joined by it is parted again.
    pub(super) fn part(&mut self, addresses: &[IpAddr]) {
        for &address in addresses {
            let key = self.addresses.get(address);
            if let Some(key) = key.and_then(|entry| entry.by_address.clone()) {
                self.register.part(&key);
            }
        }
    }
}
