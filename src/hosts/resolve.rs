//! Whose an address was at an instant, and by which key.

use std::net::IpAddr;

use super::Hosts;
use super::addresses::Entry;
use super::attached::slash_64;
use crate::model::{HostKey, Mac, Timestamp};

/// Whose an address is.
pub(super) struct Whose {
    /// By which key: the one that stays, where two turned out to be one.
    pub key: HostKey,
    /// What the key was made from, where that is not yet written down.
    pub(super) made: Made,
    /// The hardware address that was known then.
    pub(super) mac: Option<Mac>,
    /// That which became known later, if none was.
    pub(super) likely: Option<Mac>,
    /// Which of those that use the address.
    pub(super) place: Place,
}

/// Which of those that use an address a packet belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The one that has it.
    Holder,
    /// Another one that uses it too.
    Beside(Mac),
    /// One of several; nobody knows which.
    Open,
}

/// How a key comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// It is written down.
    Known,
    /// The device's hardware address gives it.
    ByMac,
    /// The device is another one that is known by this address.
    ByMacAgain,
    /// The address gives it.
    ByAddress,
    /// All that is behind a router in one network.
    Group,
}

impl Hosts {
    /// Whose a packet was that an address sent at an instant, in a frame from this hardware address.
    pub(super) fn whose(&self, address: IpAddr, at: Timestamp, from: Option<Mac>) -> Whose {
        let whose = self.unlisted(address, at, from);
        match self.listed_at(address, &whose) {
            Some(id) => Whose { key: id, ..whose },
            None => Whose {
                key: self.register.canonical(&whose.key).clone(),
                ..whose
            },
        }
    }

    /// The inventory's id of whoever it is. By the address it names only the one that has it.
    pub(super) fn listed_at(&self, address: IpAddr, whose: &Whose) -> Option<HostKey> {
        match (whose.place, whose.likely) {
            (Place::Holder, likely) => self.listed(address, likely),
            (_, Some(mac)) => {
                let listed = self.inventory.by_mac(mac)?;
                self.is_free(&listed.id).then(|| listed.id.clone())
            }
            (_, None) => None,
        }
    }

    /// The device that had an address at an instant, unless it fronts others.
    pub(super) fn owner(&self, address: IpAddr, at: Timestamp) -> Option<Mac> {
        self.owner_of(self.addresses.get(address)?, at)
    }

    fn owner_of(&self, entry: &Entry, at: Timestamp) -> Option<Mac> {
        let owner = entry.owner?;
        let is_own = owner.from <= at && !self.devices.fronts_others(owner.mac);
        is_own.then_some(owner.mac)
    }

    pub(super) fn unlisted(&self, address: IpAddr, at: Timestamp, from: Option<Mac>) -> Whose {
        let entry = self.addresses.get(address);
        let beside = |(entry, mac)| self.beside(entry, address, at, mac);
        if let Some(whose) = entry.zip(from).and_then(beside) {
            return whose;
        }
        if let Some((mac, key, until)) = entry.and_then(|entry| entry.former.as_ref())
            && at < *until
        {
            let mac = Some(*mac).filter(|mac| !self.devices.fronts_others(*mac));
            return Whose {
                key: key.clone(),
                made: Made::Known,
                mac,
                likely: mac,
                place: Place::Holder,
            };
        }
        let owner = entry.and_then(|entry| self.owner_of(entry, at));
        let likely = entry.and_then(|entry| self.owner_of(entry, Timestamp::MAX));
        let generation = entry.map_or(0, |entry| entry.generation);
        let again = || HostKey::from_address_again(address, generation + 1);
        let is_holders = owner.is_some() && owner == from;
        if let Some(entry) = entry.filter(|entry| !is_holders && self.is_open(entry, at)) {
            return Whose {
                key: entry.open.clone().unwrap_or_else(again),
                made: match entry.open {
                    Some(_) => Made::Known,
                    None => Made::ByAddress,
                },
                mac: None,
                likely: None,
                place: Place::Open,
            };
        }
        let by_address = entry.and_then(|entry| entry.by_address.clone());
        let by_mac = owner.and_then(|mac| self.devices.get(mac)?.key.clone());
        if let Some(key) = by_mac.or(by_address) {
            return Whose {
                key,
                made: Made::Known,
                mac: owner,
                likely,
                place: Place::Holder,
            };
        }
        let (key, made) = match owner {
            Some(mac) if entry.is_none_or(|entry| !entry.was_key) => {
                (HostKey::from_mac(mac), Made::ByMac)
            }
            Some(_) => (again(), Made::ByMacAgain),
            None => match entry.and_then(|entry| self.group(entry, address, at)) {
                Some(key) => (key, Made::Group),
                None => (again(), Made::ByAddress),
            },
        };
        Whose {
            key,
            made,
            mac: owner,
            likely,
            place: Place::Holder,
        }
    }

    /// The key of the network of an IPv6 address that is behind a router. That it is must have shown: of one that might be
    /// on the link a group would be a wrong merger.
    fn group(&self, entry: &Entry, address: IpAddr, at: Timestamp) -> Option<HostKey> {
        let forwarded = entry.forwarded?;
        let network = slash_64(address)?;
        let is_behind = forwarded <= at && !self.attached.contains(address, at);
        is_behind.then(|| HostKey::from_network(network))
    }
}
