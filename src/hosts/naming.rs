//! Names of addresses: announced by their device, or given by a server that does not say which interface it is.

use std::net::IpAddr;

use hashbrown::HashMap;

use super::Hosts;
use crate::model::{Announcement, DomainName, Mac, Timestamp};

/// Addresses with a name kept at once, about 150 bytes each, so 5 MiB.
const MAX_NAMED: usize = 28_672;

/// Names by address.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: HashMap<IpAddr, Named>,
    left_out: u64,
}

#[derive(Clone, Debug, Default)]
struct Named {
    name: Option<DomainName>,
    device: Option<String>,
}

/// What is known of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The name of its device, or the one that was announced for it.
    pub name: Option<String>,
    /// What the device says it is.
    pub device: Option<String>,
    /// Its hardware address, unless that is one that fronts others.
    pub mac: Option<Mac>,
}

impl Names {
    /// A device names its own addresses.
    pub(super) fn announced(&mut self, said: &Announcement) {
        let model = said.model.as_ref().map(ToString::to_string);
        for address in std::iter::once(&said.address).chain(&said.others) {
            self.given(*address, Some(&said.name), model.clone());
        }
    }

    /// An address has a name.
    pub(super) fn given(
        &mut self,
        address: IpAddr,
        name: Option<&DomainName>,
        device: Option<String>,
    ) {
        if self.names.len() >= MAX_NAMED && !self.names.contains_key(&address) {
            self.left_out += 1;
            return;
        }
        let named = self.names.entry(address).or_default();
        named.name = name.cloned().or_else(|| named.name.take());
        named.device = device.or_else(|| named.device.take());
    }

    /// What an address was called goes with the device that had it.
    pub(super) fn take(&mut self, address: IpAddr) -> (Option<DomainName>, Option<String>) {
        let named = self.names.remove(&address).unwrap_or_default();
        (named.name, named.device)
    }

    /// Addresses now, and those that found no place.
    pub(super) fn stats(&self) -> (u64, u64) {
        (self.names.len() as u64, self.left_out)
    }
}

impl Hosts {
    /// What a device says of itself, unless it fronts others.
    pub(super) fn said_by(&self, mac: Mac) -> Known {
        let device = self.devices.get(mac).filter(|device| !device.fronts_others);
        let name = device.and_then(|device| device.name.as_ref());
        Known {
            name: name.map(ToString::to_string),
            device: device.and_then(|device| device.vendor_class.clone()),
            mac: device.map(|_| mac),
        }
    }

    /// What is known of an address.
    pub fn known(&self, address: IpAddr) -> Known {
        let mac = self.owner(address, Timestamp::MAX);
        let device = mac.and_then(|mac| self.devices.get(mac));
        let named = self.names.names.get(&address);
        let name = device.and_then(|device| device.name.as_ref());
        let name = name.or_else(|| named?.name.as_ref());
        let class = device.and_then(|device| device.vendor_class.clone());
        Known {
            name: name.map(ToString::to_string),
            device: class.or_else(|| named?.device.clone()),
            mac,
        }
    }
}
