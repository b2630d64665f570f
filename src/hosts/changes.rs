//! Hosts across restarts: what is to be stored, and what is put back.

use std::net::IpAddr;

use super::Hosts;
use super::addresses::Proof;
use super::register::Restored;
use crate::model::{AddressBinding, HostKey, HostView, Mac, Span};

/// What changed since changes were last taken.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Hosts of which something else than their latest packet changed, as they are now, sorted by key.
    pub hosts: Vec<HostView>,
    /// Bindings that began, ended, or of which the hardware address became known, sorted.
    pub bindings: Vec<AddressBinding>,
}

impl Hosts {
    /// From now on changes are kept until [`Hosts::changes`] takes them. Only of hosts to which something was put down:
    /// who else was there is nobody's business.
    pub fn keep_changes(&mut self) {
        self.register.keep_changes();
    }

    /// What changed since the last call; nothing unless [`Hosts::keep_changes`] was called. Of a host that became another
    /// one's alias there is no more word: the alias stands in that one's view.
    pub fn changes(&mut self) -> Changes {
        let (hosts, bindings) = self.register.take_changes();
        Changes {
            hosts: hosts.iter().filter_map(|key| self.view(key)).collect(),
            bindings,
        }
    }

    /// Puts back a stored host, before any traffic: its key, aliases, names and times, and its bindings. Its addresses and
    /// hardware addresses get its key again unless traffic proves that they are another device's.
    pub fn restore(&mut self, host: &HostView, bindings: &[AddressBinding]) {
        let restored = Restored {
            span: Span {
                first: host.first_seen,
                last: host.last_seen,
            },
            name: host.name.clone(),
            device: host.device.clone(),
        };
        self.register.restore(&host.key, &host.aliases, restored);
        for key in std::iter::once(&host.key).chain(&host.aliases) {
            if let Some(mac) = mac_in(key) {
                let device = self.devices.at(mac, host.last_seen);
                device.key.get_or_insert_with(|| host.key.clone());
                self.register.reached_at(&host.key, mac);
            }
        }
        let mut bindings: Vec<&AddressBinding> = bindings.iter().collect();
        bindings.sort_by_key(|binding| (binding.from, binding.address));
        for binding in bindings {
            self.restore_binding(host, binding);
        }
    }

    /// Puts back when an address was seen.
    pub fn restore_presence(&mut self, address: IpAddr, span: Span) {
        self.addresses.see(address, span.first);
        self.addresses.see(address, span.last);
    }

    /// Gives hosts that were put back the keys that the inventory has for them.
    pub fn relist(&mut self) {
        let inventory = std::mem::take(&mut self.inventory);
        self.set_inventory(inventory);
    }

    /// The key by which what had this key is known now.
    pub fn canonical(&self, key: &HostKey) -> HostKey {
        self.register.canonical(key).clone()
    }

    fn restore_binding(&mut self, host: &HostView, binding: &AddressBinding) {
        let AddressBinding {
            address, from, mac, ..
        } = *binding;
        if let Some(mac) = mac {
            let device = self.devices.at(mac, host.last_seen);
            device.key.get_or_insert_with(|| host.key.clone());
            self.register.reached_at(&host.key, mac);
        }
        let entry = self.addresses.at(address);
        let nth = |key: &HostKey| nth_of_address(key, address);
        let known = std::iter::once(&host.key).chain(&host.aliases);
        if let Some((key, nth)) = known
            .filter_map(|key| Some((key, nth(key)?)))
            .max_by_key(|it| it.1)
        {
            entry.generation = entry.generation.max(nth);
            entry.was_key = true;
            if binding.until.is_none() && mac.is_none() {
                entry.by_address = Some(key.clone());
            }
        } else if binding.until.is_none() && mac.is_none() {
            entry.by_address = Some(host.key.clone());
        }
        entry.several |= binding.until.is_some();
        if binding.until.is_some() {
            return;
        }
        entry.used = true;
        if let Some(mac) = mac
            && entry.owner.is_some_and(|owner| owner.mac != mac)
        {
            // Both had it when the sensor stopped.
            entry.claimant_at(mac, from).proven = Some(from);
            entry.several = true;
        } else if let Some(mac) = mac {
            entry.claim(mac, Proof::OwnWord, from);
            self.devices.at(mac, from).has(address, from);
        }
        self.register.holds(&host.key, address, from, mac);
    }
}

/// The hardware address in a key that was made of one.
fn mac_in(key: &HostKey) -> Option<Mac> {
    key.as_str().strip_prefix("mac-")?.parse().ok()
}

/// The how-manieth device a key means that was made of this address.
fn nth_of_address(key: &HostKey, address: IpAddr) -> Option<u16> {
    if *key == HostKey::from_address(address) {
        return Some(1);
    }
    let (text, nth) = key.as_str().rsplit_once('#')?;
    let is_same = text == HostKey::from_address(address).as_str();
    nth.parse().ok().filter(|_| is_same)
}
