//! What is known of hosts, for whoever shows them.

use std::net::IpAddr;

use hashbrown::HashSet;

use super::Hosts;
use crate::model::{HostKey, HostView, KeyConfidence, Mac, Timestamp};

impl Hosts {
    /// What is known of a host, by its key or an alias; `None` if nothing was put down to it, or that was forgotten.
    pub fn view(&self, key: &HostKey) -> Option<HostView> {
        let key = self.register.find(key)?;
        let record = self.register.get(&key)?;
        let mut addresses: Vec<IpAddr> = record
            .addresses()
            .filter(|&address| self.key_at(address, Timestamp::MAX) == key)
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        let by_mac = || {
            record
                .macs
                .iter()
                .find_map(|&mac| self.inventory.by_mac(mac))
        };
        let listed = self.inventory.by_id(&key).or_else(by_mac);
        // What it has now, and what it says of itself wherever it went.
        let now = || addresses.iter().map(|&address| self.known(address));
        let known = || now().chain(record.macs.iter().map(|&mac| self.said_by(mac)));
        let name = listed
            .and_then(|listed| listed.name.clone())
            .or_else(|| known().find_map(|known| known.name));
        let device = known().find_map(|known| known.device);
        let mut macs = record.macs.clone();
        macs.extend(now().filter_map(|known| known.mac));
        let confidence = match (listed, macs.is_empty()) {
            (Some(_), _) => KeyConfidence::Inventory,
            (None, false) => KeyConfidence::Hardware,
            (None, true) => KeyConfidence::Address,
        };
        Some(HostView {
            aliases: record.aliases.iter().cloned().collect(),
            macs: macs.into_iter().collect(),
            name: name.or_else(|| record.name.clone()),
            owner: listed.and_then(|listed| listed.owner.clone()),
            site: listed.and_then(|listed| listed.site.clone()),
            device: device.or_else(|| record.device.clone()),
            roles: Vec::new(),
            confidence,
            first_seen: record.span.first,
            last_seen: record.span.last,
            addresses,
            key,
        })
    }

    /// Latest packet of a host.
    pub fn last_packet(&self, key: &HostKey) -> Option<Timestamp> {
        self.register.get(key).map(|record| record.span.last)
    }

    /// Distinct hosts with a packet after `since`.
    pub fn present_after(&self, since: Timestamp) -> u64 {
        /// What parts one host from another, without making a key for each.
        #[derive(PartialEq, Eq, Hash)]
        enum Distinct<'a> {
            Key(&'a HostKey),
            Mac(Mac),
            Address(IpAddr),
        }
        let hosts = self
            .addresses
            .iter()
            .filter(|(_, entry)| entry.last > since);
        let distinct: HashSet<Distinct<'_>> = hosts
            .map(|(&address, entry)| {
                let mac = self.owner(address, Timestamp::MAX);
                let device = mac.and_then(|mac| self.devices.get(mac));
                let key = device.and_then(|device| device.key.as_ref());
                match (key.or(entry.by_address.as_ref()), mac) {
                    (Some(key), _) => Distinct::Key(self.register.canonical(key)),
                    (None, Some(mac)) => Distinct::Mac(mac),
                    (None, None) => Distinct::Address(address),
                }
            })
            .collect();
        distinct.len() as u64
    }
}
